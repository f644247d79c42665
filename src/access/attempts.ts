/**
 * Slows guessing down: an address whose last ten failed logins all lie within a minute has to wait. One object for all
 * doors and for HTTP; it keeps a few times per address, never a credential.
 */
import type { Clock } from '../clock.ts'
import { ProtocolError } from '../errors.ts'
import { sourceOf } from './peer-addresses.ts'

const MAX_FAILURES = 10
const WINDOW_MS = 60_000
const MAX_ADDRESSES = 10_000

export class Attempts {
  readonly #clock: Pick<Clock, 'now'>
  readonly #maxAddresses: number
  /** When the last ten failed, the oldest first; who failed last is last. */
  readonly #failures = new Map<string, number[]>()

  constructor(clock: Pick<Clock, 'now'>, { maxAddresses = MAX_ADDRESSES } = {}) {
    this.#clock = clock
    this.#maxAddresses = maxAddresses
  }

  /** Addresses that failed lately. */
  get count(): number {
    return this.#failures.size
  }

  /** Errors: throws ProtocolError `too-many-attempts` with `retry-after`. */
  check(address: string): void {
    if (this.#failures.size === 0) return
    const times = this.#failures.get(sourceOf(address))
    if (!times || times.length < MAX_FAILURES) return
    const waitMs = times[0]! + WINDOW_MS - this.#clock.now()
    if (waitMs <= 0) return
    const seconds = String(Math.ceil(waitMs / 1000))
    const text = `Too many failed logins from this address; try again in ${seconds} s`
    throw new ProtocolError('too-many-attempts', text, { 'retry-after': seconds })
  }

  /** A credential from there was refused. */
  failed(address: string): void {
    const source = sourceOf(address)
    const now = this.#clock.now()
    const recent = (this.#failures.get(source) ?? []).filter((time) => time > now - WINDOW_MS)
    this.#failures.delete(source)
    this.#failures.set(source, [...recent, now].slice(-MAX_FAILURES))
    this.#forget(now)
  }

  /** In the order of the last failure: the first ones are over, or the oldest. */
  #forget(now: number): void {
    for (const [source, times] of this.#failures) {
      const isOver = times.at(-1)! <= now - WINDOW_MS
      if (!isOver && this.#failures.size <= this.#maxAddresses) return
      this.#failures.delete(source)
    }
  }
}
