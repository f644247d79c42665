/** Which messages want an ACK, and what became of them. */
import { Command, Version, type FrameToEncode, type Header } from '../../frames/index.ts'
import { headerOf, partsOf, type FrameRecord } from './frame-record.ts'
import type { SubscriptionEntry } from './subscriptions.ts'

export type AckState = 'waiting' | 'acked' | 'nacked' | 'lost'

export class Acknowledgements {
  readonly #transmit: (frame: FrameToEncode) => boolean
  /** By number of the record, oldest first. */
  readonly #states = new Map<number, { state: AckState; readonly subscription: SubscriptionEntry }>()

  constructor(transmit: (frame: FrameToEncode) => boolean) {
    this.#transmit = transmit
  }

  /** Undefined if the message wants none. */
  stateOf(record: FrameRecord): AckState | undefined {
    return this.#states.get(record.seq)?.state
  }

  expect(record: FrameRecord, subscription: SubscriptionEntry): void {
    if (subscription.ack !== 'auto') this.#states.set(record.seq, { state: 'waiting', subscription })
  }

  /** False if there is nothing to acknowledge, or no session. */
  acknowledge(
    record: FrameRecord,
    isAccepted: boolean,
    version: Version | undefined,
    transaction: string | undefined,
  ): boolean {
    const entry = this.#states.get(record.seq)
    if (entry?.state !== 'waiting' || version === undefined) return false
    const headers = ackHeaders(record, version)
    if (transaction !== undefined) headers.push(['transaction', transaction])
    const command = isAccepted ? Command.ACK : Command.NACK
    if (!this.#transmit({ command, headers })) return false
    const state = isAccepted ? 'acked' : 'nacked'
    entry.state = state
    // STOMP 1.2 "SUBSCRIBE ack Header": with `client` it is cumulative.
    if (entry.subscription.ack === 'client') {
      for (const [seq, other] of this.#states) {
        if (seq < record.seq && other.subscription === entry.subscription && other.state === 'waiting') {
          other.state = state
        }
      }
    }
    return true
  }

  /** The session is over: nothing that waits can be acknowledged any more. */
  lose(): void {
    for (const entry of this.#states.values()) if (entry.state === 'waiting') entry.state = 'lost'
  }

  /** Records before this number are gone. */
  forgetBefore(seq: number): void {
    for (const known of this.#states.keys()) {
      if (known >= seq) return
      this.#states.delete(known)
    }
  }
}

/** What names a message: `ack` in 1.2; `message-id`, with the subscription since 1.1, before. */
function ackHeaders(record: FrameRecord, version: Version): Header[] {
  const parts = partsOf(record)
  if (version === Version.V1_2) return [['id', headerOf(parts, 'ack') ?? headerOf(parts, 'message-id') ?? '']]
  const headers: Header[] = [['message-id', headerOf(parts, 'message-id') ?? '']]
  const subscription = headerOf(parts, 'subscription')
  if (subscription !== undefined) headers.push(['subscription', subscription])
  return headers
}
