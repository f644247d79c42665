/** A log out of a file, a part at a time, so that the page stays awake over a long one. */
import { chooseFile } from '../connections/download.ts'
import { plainRecord, RecordKind, type NewRecord } from '../stomp/frame-record.ts'
import { readLogLine } from '../stomp/log-import.ts'
import type { Tab } from '../stomp/workspace.ts'
import { formatCount } from '../ui/format.ts'

const MAX_FILE_BYTES = 128 * 1024 * 1024
/** Lines read before the page gets a turn. */
const PART = 500
/** As many as a console holds. */
const MAX_LINES = 100_000

/** Lets somebody choose a log and adds it to the console. Returns what is wrong with it; undefined if nothing is. */
export async function importLog(tab: Tab): Promise<string | undefined> {
  const file = await chooseFile('.jsonl,.json,.txt')
  if (!file) return undefined
  if (file.size > MAX_FILE_BYTES) return `${file.name} is too large: at most 128 MiB`
  // Bytes that are no text give lines that cannot be read.
  const lines = (await file.text()).split('\n').filter((line) => line.trim() !== '')
  if (lines.length > MAX_LINES) return `${file.name} has ${formatCount(lines.length)} lines: at most 100,000`
  const records: NewRecord[] = []
  for (let from = 0; from < lines.length; from += PART) {
    for (const line of lines.slice(from, from + PART)) {
      const record = readLogLine(line)
      if (record) records.push(record)
    }
    await new Promise((resolve) => setTimeout(resolve))
  }
  if (records.length === 0) return `${file.name} has no lines of a log: choose a file that “Export” has written`
  add(tab, file.name, records, lines.length - records.length)
  return undefined
}

function add(tab: Tab, name: string, records: readonly NewRecord[], unread: number): void {
  const { connection, replay } = tab
  const note = (text: string) =>
    connection.log.append(plainRecord(connection.environment.now(), 'note', RecordKind.note, text, undefined))
  const rest = unread > 0 ? `, and ${formatCount(unread)} that cannot be read` : ''
  note(`Imported from ${name}: ${formatCount(records.length)} ${records.length === 1 ? 'line' : 'lines'}${rest}`)
  for (const record of records) connection.log.append({ ...record, importedFrom: name })
  note(`End of ${name}`)
  connection.pulse.mark()
  replay.offer(records)
}
