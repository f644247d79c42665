/**
 * Frames of one session whose effect is pending, in the order they came. Receipts and errors go out in that order
 * (STOMP 1.2 "RECEIPT": a receipt also says that the frames before were received), whatever finishes first.
 */
import type { Header } from '../../frames/index.ts'
import type { EndKind, PendingEffect } from './command.ts'
import { Ending } from './state.ts'

/** What has become of a frame. */
export interface Effect {
  /** Value of the frame's `receipt` header. */
  readonly receipt: string | undefined
  /** More headers of the RECEIPT. */
  receiptHeaders: readonly Header[] | undefined
  isDone: boolean
  readonly isAbandonable: PendingEffect['isAbandonable']
  /** Set if it failed: the session answers with ERROR when its turn comes. */
  error: unknown
}

/** Who has the effects. */
export interface EffectsOwner {
  /** Called for each effect in its turn. */
  settled(effect: Effect): void
  /** Called then, once for each that was pending. */
  progressed(): void
  /** Called as soon as one that was pending has failed: its turn may be a while off. */
  failed(): void
}

export class Effects {
  readonly #owner: EffectsOwner
  #queue: Effect[] = []
  /** Where the queue begins; shifting an array of thousands each time would be slow. */
  #head = 0
  #pendingBytes = 0

  constructor(owner: EffectsOwner) {
    this.#owner = owner
  }

  /** Weight of what is pending. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get size(): number {
    return this.#queue.length - this.#head
  }

  /** The first one that has failed, and ends the session with ERROR when its turn comes. */
  get failure(): Effect | undefined {
    return this.#queue.slice(this.#head).find(({ error }) => error !== undefined && !(error instanceof Ending))
  }

  /** The frame's effect has happened, or has failed; its turn comes when all before it have. */
  addDone(receipt: string | undefined, error?: unknown): void {
    const effect: Effect = { receipt, receiptHeaders: undefined, isDone: true, isAbandonable: undefined, error }
    if (error !== undefined) this.#abandon(error instanceof Ending ? error.kind : 'error')
    if (this.size === 0) this.#owner.settled(effect)
    else {
      this.#queue.push(effect)
      if (error !== undefined) this.#settleInOrder() // what was abandoned may have been all that the others waited for
    }
  }

  /** The frame's effect happens when the promise resolves; `bytes` is what it holds in memory until then. */
  addPending(
    receipt: string | undefined,
    done: Promise<readonly Header[] | void>,
    isAbandonable: PendingEffect['isAbandonable'],
    bytes: number,
  ): void {
    const effect: Effect = { receipt, receiptHeaders: undefined, isDone: false, isAbandonable, error: undefined }
    this.#queue.push(effect)
    this.#pendingBytes += bytes
    done.then(
      (headers) => {
        this.#pendingBytes -= bytes
        effect.isDone = true
        effect.receiptHeaders = headers ?? undefined
        this.#settleInOrder()
        this.#owner.progressed()
      },
      (error: unknown) => {
        this.#pendingBytes -= bytes
        effect.isDone = true
        effect.error = error ?? new Error('failed without a reason')
        this.#owner.failed()
        this.#abandon('error')
        this.#settleInOrder()
        this.#owner.progressed()
      },
    )
  }

  clear(): void {
    this.#queue = []
    this.#head = 0
  }

  /** Something ends the session: what may never happen must not keep that waiting. */
  #abandon(end: EndKind): void {
    this.#queue = this.#queue.slice(this.#head).filter(({ isDone, isAbandonable }) => isDone || !isAbandonable?.(end))
    this.#head = 0
  }

  #settleInOrder(): void {
    for (let effect = this.#queue[this.#head]; effect?.isDone; effect = this.#queue[this.#head]) {
      this.#head++
      this.#owner.settled(effect)
    }
    if (this.#head === this.#queue.length) this.clear()
    else if (this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }
}
