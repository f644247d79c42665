/** How a STOMP client is told where it stands in the history of a destination: a MESSAGE that is none of those sent there. */
import { randomUUID } from 'node:crypto'
import { Message, type Marker } from '../delivery/message.ts'
import type { HeaderPair } from '../headers.ts'

/** `destination`: the internal one. */
export function markerMessage(destination: string, { position, count, recovered, missed }: Marker): Message {
  const headers: HeaderPair[] = [
    ['event', 'position'],
    ['count', String(count)],
  ]
  if (recovered !== undefined) headers.push(['recovered', String(recovered)])
  if (missed !== undefined) headers.push(['missed', String(missed)])
  return new Message({ id: randomUUID(), destination, headers, body: '', position })
}
