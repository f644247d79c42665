/** Events a second, over the last few seconds, for a fixed cost however many there are. */

const SECONDS = 5

export class Rate {
  /** One count for each second, the newest at `#second % SECONDS`. */
  readonly #counts = new Array<number>(SECONDS + 1).fill(0)
  #second = 0
  #total = 0

  get total(): number {
    return this.#total
  }

  add(nowMs: number): void {
    this.#advance(nowMs)
    this.#counts[this.#second % this.#counts.length]!++
    this.#total++
  }

  /** Mean of the last full seconds. */
  perSecond(nowMs: number): number {
    this.#advance(nowMs)
    const running = this.#counts[this.#second % this.#counts.length]!
    const sum = this.#counts.reduce((total, count) => total + count, 0)
    return (sum - running) / SECONDS
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    const passed = Math.min(second - this.#second, this.#counts.length)
    for (let i = 1; i <= passed; i++) this.#counts[(this.#second + i) % this.#counts.length] = 0
    if (passed > 0) this.#second = second
  }
}
