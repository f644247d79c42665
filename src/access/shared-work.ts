/** Lets those who want the same answer at the same time share the way to it. */

interface Work<V> {
  readonly answer: Promise<V>
  readonly controller: AbortController
  waiting: number
}

export class SharedWork<V> {
  readonly #works = new Map<string, Work<V>>()

  get count(): number {
    return this.#works.size
  }

  has(key: string): boolean {
    return this.#works.has(key)
  }

  /**
   * Returns what `start` comes to, or what somebody else's of this key does. It is aborted when all who wait have left, and
   * nobody joins it then. Errors: rejects with the work's error; and with `left()` for who leaves.
   */
  async run(
    key: string,
    signal: AbortSignal,
    left: () => Error,
    start: (signal: AbortSignal) => Promise<V>,
  ): Promise<V> {
    if (signal.aborted) throw left()
    const work = this.#works.get(key) ?? this.#begin(key, start)
    work.waiting++
    let leave: (() => void) | undefined
    const leaving = new Promise<never>((_resolve, reject) => {
      leave = () => reject(left())
      signal.addEventListener('abort', leave, { once: true })
    })
    try {
      return await Promise.race([work.answer, leaving])
    } finally {
      if (leave) signal.removeEventListener('abort', leave)
      if (--work.waiting === 0) this.#end(key, work)
    }
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<V>): Work<V> {
    const controller = new AbortController()
    const work: Work<V> = { answer: start(controller.signal), controller, waiting: 0 }
    this.#works.set(key, work)
    const forget = (): void => this.#forget(key, work)
    work.answer.then(forget, forget)
    return work
  }

  /** Aborting what has come to its end does nothing. */
  #end(key: string, work: Work<V>): void {
    this.#forget(key, work)
    work.controller.abort()
  }

  #forget(key: string, work: Work<V>): void {
    if (this.#works.get(key) === work) this.#works.delete(key)
  }
}
