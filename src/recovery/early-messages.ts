/** What comes for a subscription before it is known which message was kept for it. Nothing is handed over until `open`. */
import { Buffer } from 'node:buffer'
import type { Backlog } from '../delivery/feed.ts'
import type { Message } from '../delivery/message.ts'

/** Messages that may wait; the oldest goes first. */
const MAX_MESSAGES = 1000

export class EarlyMessages implements Backlog {
  #messages: Message[] = []
  #dropped = 0
  #isOpen = false

  get isEmpty(): boolean {
    return this.#isOpen && this.#messages.length === 0
  }

  get dropped(): number {
    return this.#dropped
  }

  push(message: Message): number {
    this.#messages.push(message)
    if (this.#messages.length <= MAX_MESSAGES) return 0
    this.#messages.shift()
    this.#dropped++
    return 1
  }

  take(): { readonly message: Message; readonly dropped: number } | undefined {
    const message = this.#isOpen ? this.#messages.shift() : undefined
    if (!message) return undefined
    const dropped = this.#dropped
    this.#dropped = 0
    return { message, dropped }
  }

  /** From here on they are handed over: behind the one that was kept, those that are newer than it. */
  open(kept: Message | undefined): void {
    this.#isOpen = true
    if (!kept) return
    // It has come live too: what is before that is older, and it itself comes as the one that was kept.
    const own = this.#messages.findLastIndex((each) => isSame(each, kept))
    if (own >= 0) this.#dropped = 0
    this.#messages = [kept, ...this.#messages.slice(own + 1)]
  }
}

/** Were both made of the same payload? */
function isSame(live: Message, kept: Message): boolean {
  return textOf(live) === textOf(kept)
}

function textOf({ body, headers }: Message): string {
  const own = headers.filter(([name]) => name !== 'retained')
  return JSON.stringify([typeof body === 'string' ? body : Buffer.from(body).toString('base64'), own])
}
