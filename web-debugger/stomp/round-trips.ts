/** How long the server takes: from a frame that wants a receipt to its RECEIPT, and from one sign of life to the next. */

/** What a chart shows. */
const KEPT_SAMPLES = 60
/** Receipts that never came must not be remembered for ever. */
const MAX_PENDING = 10_000

export class RoundTrips {
  readonly #pending = new Map<string, number>()
  readonly #receiptsMs: number[] = []
  readonly #heartBeatGapsMs: number[] = []
  #lastHeartBeatMs: number | undefined
  #lastReceivedMs: number | undefined

  /** Milliseconds from frame to RECEIPT, oldest first. */
  get receiptsMs(): readonly number[] {
    return this.#receiptsMs
  }

  /** Milliseconds between two heart-beats of the server, oldest first. */
  get heartBeatGapsMs(): readonly number[] {
    return this.#heartBeatGapsMs
  }

  /** When anything last came. */
  get lastReceivedMs(): number | undefined {
    return this.#lastReceivedMs
  }

  /** Frames whose RECEIPT has not come. */
  get waiting(): number {
    return this.#pending.size
  }

  asked(receipt: string, atMs: number): void {
    this.#pending.set(receipt, atMs)
    if (this.#pending.size <= MAX_PENDING) return
    for (const oldest of this.#pending.keys()) {
      this.#pending.delete(oldest)
      return
    }
  }

  /** How long it took; undefined if nobody asked for it. */
  answered(receipt: string, atMs: number): number | undefined {
    const askedMs = this.#pending.get(receipt)
    if (askedMs === undefined) return undefined
    this.#pending.delete(receipt)
    keep(this.#receiptsMs, atMs - askedMs)
    return atMs - askedMs
  }

  /** It will not be answered. */
  refused(receipt: string): void {
    this.#pending.delete(receipt)
  }

  received(atMs: number): void {
    this.#lastReceivedMs = atMs
  }

  heartBeat(atMs: number): void {
    if (this.#lastHeartBeatMs !== undefined) keep(this.#heartBeatGapsMs, atMs - this.#lastHeartBeatMs)
    this.#lastHeartBeatMs = atMs
  }

  /** The session is over; what was measured stays. */
  reset(): void {
    this.#pending.clear()
    this.#lastHeartBeatMs = undefined
    this.#lastReceivedMs = undefined
  }
}

function keep(samples: number[], ms: number): void {
  samples.push(ms)
  if (samples.length > KEPT_SAMPLES) samples.shift()
}
