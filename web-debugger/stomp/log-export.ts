/** Records as JSON lines, for files and other people. What the console masks stays masked. */
import { toBase64 } from './body.ts'
import { partsOf, RecordKind, toStrictText, type FrameRecord, type WireData } from './frame-record.ts'
import { hideSecretBody, isSecretName, MASK, maskRaw } from './secrets.ts'

export interface ExportOptions {
  readonly isShowingSecrets: boolean
  /** Names that are secret besides the usual ones. */
  readonly secretNames: readonly string[]
}

export function toJsonLine(record: FrameRecord, options: ExportOptions): string {
  const { atMs, direction, kind, command, bytes, problem, raw } = record
  const start = { time: new Date(atMs).toISOString(), direction, kind, command }
  if (kind === RecordKind.note) return JSON.stringify({ ...start, text: raw })
  if (kind !== RecordKind.frame) {
    const shown = options.isShowingSecrets ? raw : maskRaw(record, options.secretNames)
    return JSON.stringify({
      ...start,
      bytes,
      ...dataFields(shown, 'data'),
      ...(problem === undefined ? {} : { problem }),
    })
  }
  const all = partsOf(record)
  const parts = options.isShowingSecrets ? all : hideSecretBody(record, all)
  const headers = parts.headers.map(([name, value]) => [
    name,
    options.isShowingSecrets || !isSecretName(name, options.secretNames) ? value : MASK,
  ])
  return JSON.stringify({ ...start, bytes, headers, ...dataFields(parts.text ?? parts.body, 'body') })
}

function dataFields(data: WireData, name: string): Record<string, string> {
  const text = typeof data === 'string' ? data : toStrictText(data)
  return text === undefined ? { [`${name}Base64`]: toBase64(data as Uint8Array) } : { [name]: text }
}

/** Lines of one part, so that a page can do something else in between. */
const PART = 1000

/** The lines in parts of some records each, the last line ended too. */
export function* toJsonLines(records: readonly FrameRecord[], options: ExportOptions): Generator<string> {
  for (let from = 0; from < records.length; from += PART) {
    yield records
      .slice(from, from + PART)
      .map((record) => `${toJsonLine(record, options)}\n`)
      .join('')
  }
}
