/**
 * Frames of one session whose effect is pending, in the order they came. Receipts and errors go out in that order
 * (STOMP 1.2 "RECEIPT": a receipt also says that the frames before were received), whatever finishes first.
 */
import type { Header } from '../../frames/index.ts'

/** What has become of a frame. */
export interface Effect {
  /** Value of the frame's `receipt` header. */
  readonly receipt: string | undefined
  /** More headers of the RECEIPT. */
  receiptHeaders: readonly Header[] | undefined
  isDone: boolean
  readonly isAbandonable: boolean
  /** Set if it failed: the session answers with ERROR when its turn comes. */
  error: unknown
}

export class Effects {
  readonly #onSettled: (effect: Effect) => void
  readonly #onProgress: () => void
  #queue: Effect[] = []
  /** Where the queue begins; shifting an array of thousands each time would be slow. */
  #head = 0
  #pendingBytes = 0

  /** `onSettled` is called for each effect in its turn; `onProgress` then, once for each that was pending. */
  constructor(onSettled: (effect: Effect) => void, onProgress: () => void) {
    this.#onSettled = onSettled
    this.#onProgress = onProgress
  }

  /** Weight of what is pending. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get size(): number {
    return this.#queue.length - this.#head
  }

  /** The frame's effect has happened, or has failed; its turn comes when all before it have. */
  addDone(receipt: string | undefined, error?: unknown): void {
    const effect: Effect = { receipt, receiptHeaders: undefined, isDone: true, isAbandonable: false, error }
    if (error !== undefined) this.#abandon()
    if (this.size === 0) this.#onSettled(effect)
    else {
      this.#queue.push(effect)
      if (error !== undefined) this.#settleInOrder() // what was abandoned may have been all that the others waited for
    }
  }

  /** The frame's effect happens when the promise resolves; `bytes` is what it holds in memory until then. */
  addPending(
    receipt: string | undefined,
    done: Promise<readonly Header[] | void>,
    isAbandonable: boolean,
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
        this.#onProgress()
      },
      (error: unknown) => {
        this.#pendingBytes -= bytes
        effect.isDone = true
        effect.error = error ?? new Error('failed without a reason')
        this.#abandon()
        this.#settleInOrder()
        this.#onProgress()
      },
    )
  }

  clear(): void {
    this.#queue = []
    this.#head = 0
  }

  /** Something ends the session: what may never happen must not keep that waiting. */
  #abandon(): void {
    this.#queue = this.#queue.slice(this.#head).filter((effect) => effect.isDone || !effect.isAbandonable)
    this.#head = 0
  }

  #settleInOrder(): void {
    for (let effect = this.#queue[this.#head]; effect?.isDone; effect = this.#queue[this.#head]) {
      this.#head++
      this.#onSettled(effect)
    }
    if (this.#head === this.#queue.length) this.clear()
    else if (this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }
}
