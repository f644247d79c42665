/**
 * What waits for a subscription whose client is behind, where the destination's policy lets messages go rather than the
 * client: the newest of them, within a bound on bytes and on age.
 */
import type { MessageTemplate } from '../../frames/index.ts'
import type { SlowPolicy } from '../broker/broker.ts'

export interface HeldMessage {
  readonly template: MessageTemplate
  readonly messageId: string
  /** When it came. */
  readonly atMs: number
}

export class HeldMessages {
  readonly #policy: SlowPolicy
  /** In order of arrival. The key is what `latest` goes by; with `drop-oldest` every message has its own. */
  readonly #messages = new Map<unknown, HeldMessage>()
  #length = 0
  #dropped = 0

  constructor(policy: SlowPolicy) {
    this.#policy = policy
  }

  get isEmpty(): boolean {
    return this.#messages.size === 0
  }

  /** Dropped since the last one was taken, or since ever. */
  get dropped(): number {
    return this.#dropped
  }

  /** `key`: the value of the policy's key header; undefined if the message has none. Returns how many were dropped for it. */
  push(message: HeldMessage, key: string | undefined): number {
    const before = this.#dropped
    const slot = this.#policy.policy === 'latest' ? key : message
    const replaced = this.#messages.get(slot)
    if (replaced) this.#drop(slot, replaced)
    this.#messages.set(slot, message)
    this.#length += message.template.length
    for (const [oldest, held] of this.#messages) {
      const isTooMuch = this.#length > this.#policy.maxBytes && held !== message
      if (!isTooMuch && !this.#isTooOld(held, message.atMs)) break
      this.#drop(oldest, held)
    }
    return this.#dropped - before
  }

  /** The oldest that is not too old, with the number of those dropped before it; undefined if there is none. */
  take(nowMs: number): { readonly message: HeldMessage; readonly dropped: number } | undefined {
    for (const [slot, message] of this.#messages) {
      if (this.#isTooOld(message, nowMs)) {
        this.#drop(slot, message)
        continue
      }
      this.#messages.delete(slot)
      this.#length -= message.template.length
      const dropped = this.#dropped
      this.#dropped = 0
      return { message, dropped }
    }
    return undefined
  }

  #isTooOld(message: HeldMessage, nowMs: number): boolean {
    return nowMs - message.atMs > this.#policy.maxAgeMs
  }

  #drop(slot: unknown, message: HeldMessage): void {
    this.#messages.delete(slot)
    this.#length -= message.template.length
    this.#dropped++
  }
}
