/** How Redis writes streams: entries, and what it says of a stream. It writes maps as lists, or as lists of pairs. */
import { NO_ENTRY, type StreamEntry, type StreamInfo } from '../history/stream.ts'

/** As it comes when octets are asked for. */
type Fields = readonly Uint8Array[]
type WrittenEntry = readonly [id: Uint8Array, fields: Fields | null]

/** Returns the entries of XRANGE and XREVRANGE, in their order. */
export function entriesIn(reply: unknown): StreamEntry[] {
  return (reply as readonly WrittenEntry[]).map(([id, fields]) => ({ id: String(id), fields: fieldsIn(fields ?? []) }))
}

/** Returns the entries of XREAD by the key of each stream. */
export function streamsIn(reply: unknown): [key: string, entries: StreamEntry[]][] {
  const list = (reply ?? []) as readonly unknown[]
  const pairs = Array.isArray(list[0]) ? (list as readonly (readonly unknown[])[]) : pairsOf(list)
  return pairs.map(([key, entries]) => [String(key), entriesIn(entries)])
}

/** What XINFO STREAM says, and its newest and oldest entry as one text each, to tell them from others. */
export interface WholeInfo extends StreamInfo {
  readonly newestEntry: Known | undefined
  readonly oldestEntry: Known | undefined
}

/** An entry that was seen. */
export interface Known {
  readonly id: string
  /** Begins what it holds. */
  readonly text: string
}

/** Where there is no such stream. */
export const NO_STREAM: WholeInfo = {
  newest: NO_ENTRY,
  oldest: undefined,
  length: 0,
  added: 0,
  deleted: NO_ENTRY,
  newestEntry: undefined,
  oldestEntry: undefined,
}

export function infoIn(reply: unknown): WholeInfo {
  const info = new Map(pairsOf(reply as readonly unknown[]).map(([name, value]) => [String(name), value]))
  const first = info.get('first-entry') as WrittenEntry | null
  const last = info.get('last-entry') as WrittenEntry | null
  const added = info.get('entries-added')
  const deleted = info.get('max-deleted-entry-id') as Uint8Array | undefined
  return {
    newest: String(info.get('last-generated-id')),
    oldest: first ? String(first[0]) : undefined,
    length: Number(info.get('length')),
    added: added === undefined ? undefined : Number(added),
    deleted: deleted === undefined ? undefined : String(deleted),
    newestEntry: last ? knownOf(entriesIn([last])[0]!) : undefined,
    oldestEntry: first ? knownOf(entriesIn([first])[0]!) : undefined,
  }
}

/** The same where only entries may be read: the first of each direction. */
export function infoOf(first: StreamEntry | undefined, last: StreamEntry | undefined): WholeInfo {
  return {
    newest: last?.id ?? NO_ENTRY,
    oldest: first?.id,
    length: first ? 1 : 0,
    added: undefined,
    deleted: undefined,
    newestEntry: last && knownOf(last),
    oldestEntry: first && knownOf(first),
  }
}

/** Characters of an entry by which it is known again. */
const KNOWN_LENGTH = 200

export function knownOf({ id, fields }: StreamEntry): Known {
  let text = ''
  for (const [name, value] of fields) {
    text += `${name}=${new TextDecoder().decode(value.subarray(0, KNOWN_LENGTH))};`
    if (text.length > KNOWN_LENGTH) break
  }
  return { id, text: text.slice(0, KNOWN_LENGTH) }
}

function fieldsIn(flat: Fields): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>()
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(String(flat[i]), flat[i + 1]!)
  return fields
}

function pairsOf(flat: readonly unknown[]): [unknown, unknown][] {
  const pairs: [unknown, unknown][] = []
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i], flat[i + 1]])
  return pairs
}
