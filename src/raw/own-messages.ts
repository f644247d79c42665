/**
 * What a client has sent and has not come back yet: on a channel that other programs publish on too, a message does not
 * say who sent it. What comes back is known by what it is.
 */
import { createHash } from 'node:crypto'

/** As many are known at a time, and for so long, in milliseconds: one that never comes back must not hide another's. */
const MAX_KEPT = 256
const KEPT_MS = 10_000

interface Sent {
  /** How many times it is still to come. */
  left: number
  readonly at: number
}

export class OwnMessages {
  readonly #now: () => number
  /** By digest, the oldest first. */
  readonly #sent = new Map<string, Sent>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** It was sent, and comes back so many times. */
  add(body: string | Uint8Array, times: number): void {
    if (times === 0) return
    const digest = digestOf(body)
    const left = times + (this.#known(digest)?.left ?? 0)
    this.#sent.delete(digest)
    this.#sent.set(digest, { left, at: this.#now() })
    if (this.#sent.size > MAX_KEPT) this.#sent.delete(this.#sent.keys().next().value!)
  }

  /** Is this one that was sent? It is then taken for come back. */
  take(body: string | Uint8Array): boolean {
    if (this.#sent.size === 0) return false
    const digest = digestOf(body)
    const sent = this.#known(digest)
    if (!sent) return false
    if (--sent.left === 0) this.#sent.delete(digest)
    return true
  }

  #known(digest: string): Sent | undefined {
    const sent = this.#sent.get(digest)
    if (sent && this.#now() - sent.at > KEPT_MS) {
      this.#sent.delete(digest)
      return undefined
    }
    return sent
  }
}

function digestOf(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('base64')
}
