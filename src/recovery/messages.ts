/** Messages of the history, as everybody gets them: their id is the same on every node. */
import { Message } from '../delivery/message.ts'
import { withoutReserved } from '../headers.ts'
import type { LogEntry } from '../history/log.ts'
import type { Log } from '../log.ts'
import type { Position } from '../position.ts'
import { decodeBroadcast, type InboundMessage } from '../routes/payload.ts'

/** Returns the message at this position. */
export function messageAt(
  destination: string,
  { headers, body }: InboundMessage,
  position: Position,
  sender: string | undefined,
): Message {
  const id = `${position.epoch}-${position.offset}`
  return new Message({ id, destination, headers: withoutReserved(headers), body, position, sender })
}

/** Returns the message of an entry. One that cannot be read is empty: its place must not be a gap. */
export function messageOfEntry(
  destination: string,
  { offset, payload }: LogEntry,
  epoch: string,
  logger: Log,
): Message {
  try {
    const { message, sender } = decodeBroadcast(payload)
    return messageAt(destination, message, { offset, epoch }, sender)
  } catch (error) {
    logger.warn({ destination, offset, error }, 'An entry of the history cannot be read')
    return messageAt(destination, { headers: [], body: '' }, { offset, epoch }, undefined)
  }
}
