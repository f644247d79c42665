/**
 * How quickly clients may come in: all together, and those of one address. A token bucket each, kept as one number, so
 * that who is refused costs next to nothing. Knows only the time and addresses.
 */
import { sourceOf } from '../access/peer-addresses.ts'

export interface ConnectLimits {
  /** Of all together; 0 is no limit. */
  readonly connectsPerSecond: number
  /** So many may come at once; 0 is as many as in a second. */
  readonly connectBurst: number
  /** The same for each address. */
  readonly connectsPerSecondPerAddress: number
  readonly connectBurstPerAddress: number
}

/** Addresses that are remembered. Beyond it those are forgotten that came longest ago. */
const MAX_ADDRESSES = 50_000

/** The times of a bucket, in milliseconds. */
interface Pace {
  /** Between two, once as many have come as may at once. */
  readonly everyMs: number
  /** How far ahead of its time one may come. */
  readonly aheadMs: number
}

export class ConnectRates {
  readonly #node: Pace | undefined
  readonly #perAddress: Pace | undefined
  readonly #now: () => number
  readonly #maxAddresses: number
  /** When the next one would come who keeps to the pace; the past is as good as nothing. */
  #nodeNext = 0
  /** The same by address; who came last is last. */
  readonly #next = new Map<string, number>()

  constructor(limits: ConnectLimits, now: () => number, { maxAddresses = MAX_ADDRESSES } = {}) {
    this.#node = paceOf(limits.connectsPerSecond, limits.connectBurst)
    this.#perAddress = paceOf(limits.connectsPerSecondPerAddress, limits.connectBurstPerAddress)
    this.#now = now
    this.#maxAddresses = maxAddresses
  }

  /** Addresses that are remembered now. */
  get addresses(): number {
    return this.#next.size
  }

  /**
   * Counts one who wants to come in; returns why it may not, undefined if it may. Who is refused is not counted, and takes
   * nothing from others. Asks for the address only where that matters.
   */
  take(from: { readonly remoteAddress: string }): 'rate' | 'address-rate' | undefined {
    if (!this.#node && !this.#perAddress) return undefined
    const now = this.#now()
    const source = this.#perAddress && sourceOf(from.remoteAddress)
    const next = source === undefined ? 0 : (this.#next.get(source) ?? 0)
    if (this.#perAddress && isEarly(this.#perAddress, next, now)) return 'address-rate'
    if (this.#node) {
      if (isEarly(this.#node, this.#nodeNext, now)) return 'rate'
      this.#nodeNext = Math.max(this.#nodeNext, now) + this.#node.everyMs
    }
    if (source !== undefined) this.#remember(source, Math.max(next, now) + this.#perAddress!.everyMs, now)
    return undefined
  }

  #remember(source: string, next: number, now: number): void {
    this.#next.delete(source)
    this.#next.set(source, next)
    // Two go for one that comes, where they are over: so it does not grow with time.
    let looked = 0
    for (const [oldest, at] of this.#next) {
      const isTooMany = this.#next.size > this.#maxAddresses
      if (!isTooMany && (at > now || ++looked > 2)) return
      this.#next.delete(oldest)
    }
  }
}

function paceOf(perSecond: number, burst: number): Pace | undefined {
  if (perSecond === 0) return undefined
  const everyMs = 1000 / perSecond
  return { everyMs, aheadMs: ((burst || perSecond) - 1) * everyMs }
}

/** A little is rounding. */
function isEarly({ aheadMs }: Pace, next: number, now: number): boolean {
  return next - now > aheadMs + 0.001
}
