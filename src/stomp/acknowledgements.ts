/**
 * Deliveries of one session that wait for ACK or NACK. On a topic a NACKed message, and one whose subscription ends
 * first, is discarded: the others have had it, and nobody redelivers it.
 */
import { Version, type Frame } from '../../frames/index.ts'
import { AckMode, type Subscription } from '../client/subscription.ts'
import type { Subscriptions } from '../client/subscriptions.ts'
import { ProtocolError } from '../errors.ts'
import { requireHeader } from './headers.ts'

/** A delivery that an ACK or NACK names; undefined subscription if it has been settled or released before. */
export interface AckTarget {
  readonly subscription: Subscription | undefined
  readonly messageId: string
}

/** Nodes and epochs whose deliveries of one session are remembered. */
const MAX_SOURCES = 1000

export class Acknowledgements {
  readonly #subscriptions: Subscriptions
  readonly #max: number
  /** By serial of the subscription; message ids in order of delivery. */
  readonly #pending = new Map<number, Set<string>>()
  #size = 0
  /** The highest number of a delivery, by what stands before it in the id; those that were used lately. */
  readonly #last = new Map<string, number>()

  constructor(subscriptions: Subscriptions, maxUnacked: number) {
    this.#subscriptions = subscriptions
    this.#max = maxUnacked
  }

  /** Note a delivery. Returns the value of its `ack` header (STOMP 1.2), unique in the session. */
  add(subscription: Subscription, messageId: string): string {
    let pending = this.#pending.get(subscription.serial)
    if (!pending) this.#pending.set(subscription.serial, (pending = new Set()))
    pending.add(messageId)
    this.#note(messageId)
    // A client that never acknowledges costs no more than this: the oldest delivery is forgotten, as if acknowledged.
    if (++this.#size > this.#max) this.#forgetOldest(pending)
    return `${subscription.serial}.${messageId}`
  }

  /**
   * What an ACK or NACK frame names. STOMP 1.2: `id`; 1.1: `message-id` and `subscription`; 1.0: `message-id`.
   * Errors: ProtocolError `missing-header`; `unknown-ack` for what was never delivered to be acknowledged. Naming a
   * delivery twice, or one whose subscription has ended meanwhile, is no error: the client cannot always know.
   */
  find(frame: Frame, version: Version): AckTarget {
    const target = this.#parse(frame, version)
    if (target.subscription && this.#pending.get(target.subscription.serial)?.has(target.messageId)) return target
    if (!this.#wasDelivered(target.messageId)) {
      throw new ProtocolError('unknown-ack', `${frame.command} names no message that was delivered to be acknowledged`)
    }
    return { subscription: undefined, messageId: target.messageId }
  }

  /** Settle it, and in `client` mode everything delivered before it to that subscription. Returns how many. */
  settle({ subscription, messageId }: AckTarget): number {
    const pending = subscription && this.#pending.get(subscription.serial)
    if (!pending?.has(messageId)) return 0
    let settled = 0
    if (subscription!.ackMode === AckMode.individual) {
      pending.delete(messageId)
      settled = 1
    } else {
      for (const id of pending) {
        pending.delete(id)
        settled++
        if (id === messageId) break
      }
    }
    this.#size -= settled
    return settled
  }

  release(subscription: Subscription): void {
    this.#size -= this.#pending.get(subscription.serial)?.size ?? 0
    this.#pending.delete(subscription.serial)
  }

  clear(): void {
    this.#pending.clear()
    this.#size = 0
  }

  #parse(frame: Frame, version: Version): AckTarget {
    if (version === Version.V1_2) {
      const id = requireHeader(frame, 'id')
      const dot = id.indexOf('.')
      const serial = Number(id.slice(0, dot))
      const isOurs = dot > 0 && id.startsWith(`${serial}.`) && this.#subscriptions.knows(serial)
      if (!isOurs) return { subscription: undefined, messageId: '' }
      return { subscription: this.#subscriptions.bySerial(serial), messageId: id.slice(dot + 1) }
    }
    const messageId = requireHeader(frame, 'message-id')
    if (version === Version.V1_1) {
      return { subscription: this.#subscriptions.get(requireHeader(frame, 'subscription')), messageId }
    }
    for (const subscription of this.#subscriptions) {
      if (this.#pending.get(subscription.serial)?.has(messageId)) return { subscription, messageId }
    }
    return { subscription: undefined, messageId }
  }

  #note(messageId: string): void {
    const { source, number } = splitMessageId(messageId)
    const last = this.#last.get(source)
    if (last !== undefined && last > number) return
    this.#last.delete(source)
    this.#last.set(source, number)
    if (this.#last.size <= MAX_SOURCES) return
    for (const oldest of this.#last.keys()) {
      this.#last.delete(oldest)
      break
    }
  }

  #wasDelivered(messageId: string): boolean {
    const { source, number } = splitMessageId(messageId)
    return number <= (this.#last.get(source) ?? -1)
  }

  #forgetOldest(preferred: Set<string>): void {
    // What was delivered just now is the only one that must not go.
    const others = () => [...this.#pending.values()].find((ids) => ids !== preferred && ids.size > 0)
    const pending = preferred.size > 1 ? preferred : (others() ?? preferred)
    const oldest = pending?.values().next().value
    if (oldest === undefined) return
    pending.delete(oldest)
    this.#size--
  }
}

/**
 * Message ids are `<node>-<number>`, or `<epoch>-<time>-<number>` where there is history: the numbers of a node, and those of
 * an epoch, rise. The bridge's own messages have other ids.
 */
function splitMessageId(messageId: string): { source: string; number: number } {
  const match = /^(.+?)(?:-\d{1,16})?-(\d{1,16})$/.exec(messageId)
  return match ? { source: match[1]!, number: Number(match[2]) } : { source: messageId, number: 0 }
}
