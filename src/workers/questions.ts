/** Questions that travel as messages: each has a number, and its answer comes back with it, in time or not at all. */
import type { Clock } from '../clock.ts'

export class Questions<Answer> {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #open = new Map<number, (answer: Answer | undefined) => void>()
  #lastId = 0

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Sends a question; resolves with the answer, or with undefined when none comes in time. */
  ask(send: (id: number) => void): Promise<Answer | undefined> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => this.answer(id, undefined), this.#timeoutMs)
      this.#open.set(id, (answer) => {
        this.#clock.clearTimeout(timer)
        resolve(answer)
      })
      send(id)
    })
  }

  /** One that is not open (any more) is ignored. */
  answer(id: number, answer: Answer | undefined): void {
    const settle = this.#open.get(id)
    this.#open.delete(id)
    settle?.(answer)
  }

  /** Nobody will answer what is still open. */
  abandon(): void {
    for (const id of [...this.#open.keys()]) this.answer(id, undefined)
  }
}

/** Makes a function that joins the call that is under way, so that who asks often costs no more than who asks once. */
export function joining<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let underWay: Promise<Result> | undefined
  return () => {
    underWay ??= work().finally(() => (underWay = undefined))
    return underWay
  }
}
