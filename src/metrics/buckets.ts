/**
 * How large many things were, as the counts of a histogram. To add one is a few comparisons and two additions, so that
 * the way of every message can afford it.
 */

export class Buckets {
  /** Upper ends, ascending; what is above the last one is only in the count of all. */
  readonly bounds: readonly number[]
  sum = 0
  /** Of each bucket alone; the last one is above all bounds. */
  readonly #counts: number[]

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  add(value: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    this.#counts[at]!++
    this.sum += value
  }

  /** Returns how many were at most as large as each bound, and then how many there were. */
  cumulative(): number[] {
    let total = 0
    return this.#counts.map((count) => (total += count))
  }
}
