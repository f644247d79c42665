/** How the headers of a frame differ from those of the frame of its kind before it. */
import type { Header } from '../../frames/index.ts'
import type { FrameLog } from './frame-log.ts'
import { partsOf, RecordKind, type FrameRecord } from './frame-record.ts'

export interface HeaderChanges {
  /** By name: the value before, or undefined where there was none. Of a repeated header the first counts. */
  readonly changed: ReadonlyMap<string, string | undefined>
  /** Those that are not there any more. */
  readonly gone: readonly Header[]
}

/** Different each time, and nobody wonders why. */
const OWN_TO_EACH = ['message-id', 'ack', 'receipt', 'receipt-id', 'offset', 'content-length', 'timestamp']

/** How far back the frame before is looked for. */
const MAX_BACK = 20_000

/** Undefined if there is no such frame. */
export function headerChanges(
  record: FrameRecord,
  headers: readonly Header[],
  log: FrameLog,
): HeaderChanges | undefined {
  const before = frameBefore(record, log)
  if (!before) return undefined
  const [old, now] = [firstOf(partsOf(before).headers), firstOf(headers)]
  const changed = new Map<string, string | undefined>()
  for (const [name, value] of now) if (old.get(name) !== value) changed.set(name, old.get(name))
  return { changed, gone: [...old].filter(([name]) => !now.has(name)) }
}

/** By name, without those that are own to each frame. */
function firstOf(headers: readonly Header[]): Map<string, string> {
  const first = new Map<string, string>()
  for (const [name, value] of headers) if (!first.has(name) && !OWN_TO_EACH.includes(name)) first.set(name, value)
  return first
}

/** The same command the same way, of the same subscription or else destination. */
function frameBefore({ seq, kind, ...record }: FrameRecord, log: FrameLog): FrameRecord | undefined {
  if (kind !== RecordKind.frame) return undefined
  const end = Math.max(log.firstSeq, seq - MAX_BACK)
  for (let at = seq - 1; at >= end; at--) {
    const other = log.at(at)
    if (!other || other.kind !== kind || other.command !== record.command) continue
    const isSame = record.subscription === undefined ? other.destination === record.destination : true
    if (isSame && other.direction === record.direction && other.subscription === record.subscription) return other
  }
  return undefined
}
