/** Long answers in parts, so that none is a message that holds up all others on its way through Redis. */
import type { RawAnswer } from './questions.ts'

/** A part is sent as soon as its items are this long, in characters. */
const PART_LENGTH = 32_768

/** Sends one part; resolves when it is on its way. */
type Send = (part: { part: number; isLast: boolean; head: unknown; items: unknown[] }) => Promise<unknown>

/** Sends the answer part by part: the next one when the bus has taken the one before. Rejects with what `send` rejects with. */
export async function sendInParts({ head, items }: RawAnswer, send: Send): Promise<void> {
  let part = 0
  let gathered: unknown[] = []
  let length = 0
  for (const item of items) {
    const itemLength = JSON.stringify(item).length
    if (length > 0 && length + itemLength > PART_LENGTH) {
      await send({ part: part++, isLast: false, head, items: gathered })
      gathered = []
      length = 0
    }
    gathered.push(item)
    length += itemLength
  }
  await send({ part, isLast: true, head, items: gathered })
}
