/** SUBSCRIBE: its receipt means that the subscription is live, on the bus too. STOMP 1.2 "SUBSCRIBE". */
import { messageStamp, Version, type Frame } from '../../../frames/index.ts'
import { AckMode } from '../../client/subscription.ts'
import { ProtocolError, quoted } from '../../errors.ts'
import { parseAsk } from '../../recovery/ask.ts'
import type { CommandHandler } from '../command.ts'
import { stompEncoding } from '../encoding.ts'
import { requireHeader } from '../headers.ts'

export const handleSubscribe: CommandHandler = ({ client, stompVersion: version }, frame) => {
  const destination = requireHeader(frame, 'destination')
  const id = version === Version.V1_0 ? frame.headers.get('id') : requireHeader(frame, 'id')
  if (id !== undefined) checkId(id, version)
  // What is ignored would bring everything, also what the client asked not to get.
  if (frame.headers.has('selector')) throw new ProtocolError('bad-header', 'Header "selector" is not supported')
  const ackMode = parseAckMode(frame.headers.get('ack'), version)
  const stamp = messageStamp(id, undefined, version)
  const excludesOwn = parseFlag(frame, 'exclude-self')
  const encoding = stompEncoding(version, client.transport)
  const ask = parseAsk((name) => frame.headers.get(name))
  if (typeof ask === 'string') throw new ProtocolError('bad-header', ask)
  const prefetch = parsePrefetch(frame)
  const liveness = client.subscribe({ destination, id, ackMode, encoding, stamp, excludesOwn, ask, prefetch })
  if (!liveness) return undefined
  // What the client does next may make a backend answer on the channel, so it waits until that is subscribed. But while
  // the bus is away nobody can answer, and what has to be refused is not left hanging.
  return {
    done: liveness.live,
    heldBackUntil: liveness.liveOrLost,
    isAbandonable: (end) => end === 'shutdown' || client.isBusAway,
  }
}

/** Longest subscription id, in characters: it is repeated in every MESSAGE. */
const MAX_ID_LENGTH = 256

function checkId(id: string, version: Version): void {
  if (id.length > MAX_ID_LENGTH) {
    throw new ProtocolError('bad-header', `Header "id" may have at most ${MAX_ID_LENGTH} characters`)
  }
  // STOMP 1.1 has no escape for it, so no MESSAGE could carry this id.
  if (version === Version.V1_1 && id.includes('\r')) {
    throw new ProtocolError('bad-header', 'Header "id" cannot have a carriage return in STOMP 1.1')
  }
}

/** Most messages of a work queue that a subscription may ask to have and not have settled. */
const MAX_PREFETCH = 1000

/** Of a destination that is no work queue it means nothing: clients of other brokers send it everywhere. */
function parsePrefetch(frame: Frame): number | undefined {
  const value = frame.headers.get('prefetch-count')
  if (value === undefined) return undefined
  const count = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (count >= 1 && count <= MAX_PREFETCH) return count
  const text = `Header "prefetch-count" must be a whole number from 1 to ${MAX_PREFETCH}, not ${quoted(value)}`
  throw new ProtocolError('bad-header', text)
}

function parseFlag(frame: Frame, name: string): boolean {
  const value = frame.headers.get(name)
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw new ProtocolError('bad-header', `Header "${name}" must be true or false, not ${quoted(value)}`)
}

function parseAckMode(value: string | undefined, version: Version): AckMode {
  if (value === undefined || value === AckMode.auto) return AckMode.auto
  if (value === AckMode.client) return AckMode.client
  if (value === AckMode.individual && version !== Version.V1_0) return AckMode.individual
  throw new ProtocolError('bad-header', `Header "ack" cannot be ${quoted(value)} in STOMP ${version}`)
}
