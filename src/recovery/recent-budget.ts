/** What the newest messages of all destinations together may take in the memory of this node. */
export class RecentBudget {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Is nothing left? */
  get isSpent(): boolean {
    return this.#bytes > this.#maxBytes
  }

  /** So much more is kept, or less, in bytes. */
  add(bytes: number): void {
    this.#bytes += bytes
  }
}
