/** The log as a file, a part at a time, so that the page stays awake over a long one. */
import { download } from '../connections/download.ts'
import type { FrameRecord } from '../stomp/frame-record.ts'
import { toJsonLines, type ExportOptions } from '../stomp/log-export.ts'

export async function saveLog(records: readonly FrameRecord[], options: ExportOptions): Promise<void> {
  const parts: string[] = []
  // A copy: the list goes on changing.
  for (const part of toJsonLines([...records], options)) {
    parts.push(part)
    await new Promise((resolve) => setTimeout(resolve))
  }
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')
  download(`stomp-log-${stamp}.jsonl`, parts, 'application/jsonl')
}
