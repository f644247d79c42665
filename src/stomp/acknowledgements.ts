/**
 * Deliveries of one session that wait for ACK or NACK. On a topic a NACKed message, and one whose subscription ends
 * first, is discarded: the others have had it, and nobody redelivers it. Those of a work queue are never forgotten: the
 * session is given no more instead.
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
  /** Which delivery of it; undefined where the version of STOMP cannot say. */
  readonly delivery: number | undefined
}

/** Nodes and epochs whose deliveries of one session are remembered. */
const MAX_SOURCES = 1000

/** The value of an `ack` header: serial of the subscription, which delivery if of a work queue, id of the message. */
const ACK_ID = /^(0|[1-9]\d{0,14})(?:-([1-9]\d{0,14}))?\.(.*)$/s

export class Acknowledgements {
  readonly #subscriptions: Subscriptions
  readonly #max: number
  /** By serial of the subscription; message ids in order of delivery, and which delivery it was: 0 on a topic. */
  readonly #pending = new Map<number, Map<string, number>>()
  #size = 0
  /** Those of work queues, which do not count as the others. */
  #queued = 0
  /** Deliveries of work queues so far: the same message may come to the same subscription again. */
  #deliveries = 0
  /** The highest number of a delivery, by what stands before it in the id; those that were used lately. */
  readonly #last = new Map<string, number>()
  /** The last of them. */
  #newest: string | undefined

  constructor(subscriptions: Subscriptions, maxUnacked: number) {
    this.#subscriptions = subscriptions
    this.#max = maxUnacked
  }

  /** How many more of work queues it may have. */
  get room(): number {
    return Math.max(0, this.#max - this.#queued)
  }

  /** Note a delivery. Returns the value of its `ack` header (STOMP 1.2), unique in the session. */
  add(subscription: Subscription, messageId: string): string {
    let pending = this.#pending.get(subscription.serial)
    if (!pending) this.#pending.set(subscription.serial, (pending = new Map<string, number>()))
    this.#note(messageId)
    if (subscription.work) {
      this.#queued++
      pending.set(messageId, ++this.#deliveries)
      return `${subscription.serial}-${this.#deliveries}.${messageId}`
    }
    pending.set(messageId, 0)
    // A client that never acknowledges costs no more than this: the oldest delivery is forgotten, as if acknowledged.
    if (++this.#size > this.#max) this.#forgetOldest(subscription.serial, pending)
    return `${subscription.serial}.${messageId}`
  }

  /**
   * What an ACK or NACK frame names. STOMP 1.2: `id`; 1.1: `message-id` and `subscription`; 1.0: `message-id`.
   * Errors: ProtocolError `missing-header`; `unknown-ack` for what was never delivered to be acknowledged. Naming a
   * delivery twice, or one whose subscription has ended meanwhile, is no error: the client cannot always know.
   */
  find(frame: Frame, version: Version): AckTarget {
    const target = this.#parse(frame, version)
    if (this.#isPending(target)) return target
    if (!this.#wasDelivered(target.messageId)) {
      throw new ProtocolError('unknown-ack', `${frame.command} names no message that was delivered to be acknowledged`)
    }
    return { ...target, subscription: undefined }
  }

  /** Settle it, and in `client` mode everything delivered before it to that subscription. Returns their ids. */
  settle(target: AckTarget): readonly string[] {
    if (!this.#isPending(target)) return []
    const { subscription, messageId } = target
    const pending = this.#pending.get(subscription!.serial)!
    const settled: string[] = []
    if (subscription!.ackMode === AckMode.individual) {
      pending.delete(messageId)
      settled.push(messageId)
    } else {
      for (const id of pending.keys()) {
        pending.delete(id)
        settled.push(id)
        if (id === messageId) break
      }
    }
    this.#count(subscription!, -settled.length)
    return settled
  }

  /** This one is somebody else's now. */
  forget(subscription: Subscription, messageId: string): void {
    if (this.#pending.get(subscription.serial)?.delete(messageId)) this.#count(subscription, -1)
  }

  release(subscription: Subscription): void {
    this.#count(subscription, -(this.#pending.get(subscription.serial)?.size ?? 0))
    this.#pending.delete(subscription.serial)
  }

  clear(): void {
    this.#pending.clear()
    this.#size = 0
    this.#queued = 0
  }

  #isPending({ subscription, messageId, delivery }: AckTarget): boolean {
    const pending = subscription && this.#pending.get(subscription.serial)?.get(messageId)
    return pending !== undefined && (delivery === undefined || delivery === pending)
  }

  #count({ work }: Subscription, more: number): void {
    if (work) this.#queued += more
    else this.#size += more
  }

  #parse(frame: Frame, version: Version): AckTarget {
    if (version === Version.V1_2) {
      const [, serial, delivery = '0', messageId] = ACK_ID.exec(requireHeader(frame, 'id')) ?? []
      if (messageId === undefined || !this.#subscriptions.knows(Number(serial))) {
        return { subscription: undefined, messageId: '', delivery: undefined }
      }
      return { subscription: this.#subscriptions.bySerial(Number(serial)), messageId, delivery: Number(delivery) }
    }
    const messageId = requireHeader(frame, 'message-id')
    if (version === Version.V1_1) {
      const subscription = this.#subscriptions.get(requireHeader(frame, 'subscription'))
      return { subscription, messageId, delivery: undefined }
    }
    for (const subscription of this.#subscriptions) {
      if (this.#pending.get(subscription.serial)?.has(messageId))
        return { subscription, messageId, delivery: undefined }
    }
    return { subscription: undefined, messageId, delivery: undefined }
  }

  #note(messageId: string): void {
    const { source, number } = splitMessageId(messageId)
    const last = this.#last.get(source)
    if (last !== undefined && last > number) return
    if (source !== this.#newest) this.#last.delete(source)
    this.#newest = source
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

  #forgetOldest(serial: number, own: Map<string, number>): void {
    // What was delivered just now is the only one that must not go.
    const isOther = ([each, ids]: [number, Map<string, number>]): boolean =>
      each !== serial && ids.size > 0 && !this.#subscriptions.bySerial(each)?.work
    const other = () => [...this.#pending].find(isOther)?.[1]
    const pending = own.size > 1 ? own : (other() ?? own)
    const oldest = pending?.keys().next().value
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
  const dash = dashBefore(messageId, messageId.length)
  if (dash < 1) return { source: messageId, number: 0 }
  const timeDash = dashBefore(messageId, dash)
  return { source: messageId.slice(0, timeDash < 1 ? dash : timeDash), number: Number(messageId.slice(dash + 1)) }
}

const DASH = 45
const MAX_DIGITS = 16

/** Where the dash is whose number ends there; -1 if there is none. A regular expression takes three times as long. */
function dashBefore(text: string, end: number): number {
  let at = end - 1
  for (; at >= 0 && end - at <= MAX_DIGITS; at--) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) break
  }
  return at < end - 1 && text.charCodeAt(at) === DASH ? at : -1
}
