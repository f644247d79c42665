/** An entry of a stream as handlers get it, and how it is read out of the replies of Redis. */

export interface Entry {
  /** Id in the stream, `1700000000000-0`. */
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
  /** How often it has been handed out, this time included. */
  readonly deliveryCount: number
  /** Has it been handed out before? Then it may have been handled before, in part or as a whole. */
  readonly redelivered: boolean
}

/** Does the work of one entry. When it has returned or resolved, the entry is acknowledged. */
export type Handler = (entry: Entry) => unknown

/** Returns the entries in a reply of XREADGROUP that has asked for one stream. */
export function readEntries(reply: unknown): Entry[] {
  return (entriesOfStream(reply) as [id: string, fields: string[]][]).map(([id, fields]) => makeEntry(id, fields, 1))
}

/** `[[name, entries]]` with RESP2, a map with RESP3, which comes as `[name, entries]`, an object or a Map; null for nothing. */
function entriesOfStream(reply: unknown): unknown[] {
  if (reply === null || reply === undefined) return []
  if (Array.isArray(reply)) return (Array.isArray(reply[0]) ? reply[0][1] : reply[1]) as unknown[]
  return [...(reply instanceof Map ? (reply as Map<string, unknown[]>).values() : Object.values(reply))][0] as unknown[]
}

/** `fields`: names and values in turn, as Redis has them. Of a name that comes twice the last value counts. */
export function makeEntry(id: string, fields: readonly string[], deliveryCount: number): Entry {
  const pairs: [string, string][] = []
  for (let i = 0; i < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!])
  return { id, fields: Object.fromEntries(pairs), deliveryCount, redelivered: deliveryCount > 1 }
}
