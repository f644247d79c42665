/** What has come in, in order, for a test that waits for the next. */
import { inspect } from 'node:util'

const TIMEOUT_MS = 10_000

export class Inbox<T> {
  /** All so far, taken or not. */
  readonly all: T[] = []
  readonly #what: string
  #taken = 0
  #onMore: (() => void) | undefined

  /** `what` names it in the error of a wait that was in vain. */
  constructor(what: string) {
    this.#what = what
  }

  readonly put = (item: T): void => {
    this.all.push(item)
    this.#onMore?.()
  }

  /** The oldest that was not taken yet; waits for it. One caller at a time. */
  async next(timeoutMs = TIMEOUT_MS): Promise<T> {
    const [item] = await this.take(1, timeoutMs)
    return item as T
  }

  /** The next so many, in order. */
  async take(count: number, timeoutMs = TIMEOUT_MS): Promise<T[]> {
    const end = this.#taken + count
    if (this.all.length < end) await this.#waitForLength(end, timeoutMs)
    const items = this.all.slice(this.#taken, end)
    this.#taken = end
    return items
  }

  /** Takes until one fits, which is the last of the result. */
  async takeUntil(isLast: (item: T) => boolean, timeoutMs = TIMEOUT_MS): Promise<T[]> {
    const deadline = performance.now() + timeoutMs
    for (let end = this.#taken; ; end++) {
      if (end === this.all.length) await this.#waitForLength(end + 1, deadline - performance.now())
      if (isLast(this.all[end] as T)) return this.take(end + 1 - this.#taken)
    }
  }

  #waitForLength(length: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        this.#onMore = undefined
        settle()
      }
      const timer = setTimeout(() => finish(() => reject(this.#late(length, timeoutMs))), timeoutMs)
      this.#onMore = () => {
        if (this.all.length >= length) finish(resolve)
      }
    })
  }

  #late(length: number, timeoutMs: number): Error {
    const last = inspect(this.all.slice(-3), { depth: 3 })
    const wait = `Waited ${Math.round(timeoutMs)} ms in vain for ${this.#what} number ${length}`
    return new Error(`${wait}; there are ${this.all.length}, the last of them: ${last}`)
  }
}
