/**
 * The backlog of a feed whose destination lets messages go rather than the client: the newest of them, within a bound on
 * bytes and on age.
 */
import { headerOf } from '../headers.ts'
import type { Backlog } from './feed.ts'
import type { Encoding, Message } from './message.ts'
import type { SlowPolicy } from './slow-policy.ts'

interface HeldMessage {
  readonly message: Message
  /** Encoded, without the stamp. */
  readonly length: number
  /** When it came. */
  readonly atMs: number
}

export class HeldMessages implements Backlog {
  readonly #policy: SlowPolicy
  readonly #encoding: Encoding
  /** In order of arrival. The key is what `latest` goes by; with `drop-oldest` every message has its own. */
  readonly #messages = new Map<unknown, HeldMessage>()
  #length = 0
  #dropped = 0

  constructor(policy: SlowPolicy, encoding: Encoding) {
    this.#policy = policy
    this.#encoding = encoding
  }

  get isEmpty(): boolean {
    return this.#messages.size === 0
  }

  get dropped(): number {
    return this.#dropped
  }

  push(message: Message, nowMs: number): number {
    const before = this.#dropped
    const held: HeldMessage = { message, length: message.as(this.#encoding).length, atMs: nowMs }
    const slot = this.#slotOf(message)
    const replaced = this.#messages.get(slot)
    if (replaced) this.#drop(slot, replaced)
    this.#messages.set(slot, held)
    this.#length += held.length
    for (const [oldest, other] of this.#messages) {
      const isTooMuch = this.#length > this.#policy.maxBytes && other !== held
      if (!isTooMuch && !this.#isTooOld(other, nowMs)) break
      this.#drop(oldest, other)
    }
    return this.#dropped - before
  }

  take(nowMs: number): { readonly message: Message; readonly dropped: number } | undefined {
    for (const [slot, held] of this.#messages) {
      if (this.#isTooOld(held, nowMs)) {
        this.#drop(slot, held)
        continue
      }
      this.#messages.delete(slot)
      this.#length -= held.length
      const dropped = this.#dropped
      this.#dropped = 0
      return { message: held.message, dropped }
    }
    return undefined
  }

  #slotOf(message: Message): unknown {
    const { policy, key } = this.#policy
    if (policy !== 'latest') return message
    return key === undefined ? undefined : headerOf(message.headers, key)
  }

  #isTooOld({ atMs }: HeldMessage, nowMs: number): boolean {
    return nowMs - atMs > this.#policy.maxAgeMs
  }

  #drop(slot: unknown, held: HeldMessage): void {
    this.#messages.delete(slot)
    this.#length -= held.length
    this.#dropped++
  }
}
