/**
 * What is to be settled in a queue and is not yet on its way to the store. Acknowledgements gather here while the store is
 * busy; those that go there together share one promise. Knows nothing of the store.
 */

/** Entries that are settled at once, and who waits for it. */
export class Settlement {
  readonly ids: string[] = []
  #done: Promise<void> | undefined
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined

  /** Settles as this does. */
  get done(): Promise<void> {
    return (this.#done ??= new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    }))
  }

  resolve(): void {
    this.#resolve?.()
  }

  reject(error: Error): void {
    this.#reject?.(error)
  }
}

export class Settlements {
  readonly #max: number
  /** Oldest first; the last one may get more. */
  #waiting: Settlement[] = []

  /** `max`: entries from which on the next ones are settled another time. */
  constructor(max: number) {
    this.#max = max
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  get ids(): readonly string[] {
    return this.#waiting.flatMap(({ ids }) => ids)
  }

  /** Returns what they are settled with. */
  add(ids: readonly string[]): Settlement {
    const settlement = this.#open()
    for (const id of ids) settlement.ids.push(id)
    return settlement
  }

  /** Returns what is to be settled next; undefined if nothing is. */
  take(): Settlement | undefined {
    return this.#waiting.shift()
  }

  /** It could not be settled now. */
  putBack(settlement: Settlement): void {
    this.#waiting.unshift(settlement)
  }

  clear(): void {
    this.#waiting = []
  }

  #open(): Settlement {
    const last = this.#waiting.at(-1)
    if (last && last.ids.length < this.#max) return last
    const settlement = new Settlement()
    this.#waiting.push(settlement)
    return settlement
  }
}
