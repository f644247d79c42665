/** Something that ends once. Thousands may pause until then, which is more than an AbortSignal likes to hear of. */
export class Ending {
  readonly #waking = new Set<() => void>()
  #isOver = false

  get isOver(): boolean {
    return this.#isOver
  }

  /** Wakes all that pause. */
  end(): void {
    this.#isOver = true
    for (const wake of [...this.#waking]) wake()
  }

  /** Resolves after that time, or at the end; only at the end if there is no time. */
  pause(delayMs?: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) return resolve()
      const wake = (): void => {
        clearTimeout(timer)
        this.#waking.delete(wake)
        resolve()
      }
      const timer = delayMs === undefined ? undefined : setTimeout(wake, delayMs)
      this.#waking.add(wake)
    })
  }
}
