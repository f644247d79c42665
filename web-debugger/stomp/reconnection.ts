/**
 * Whether, and when, a connection that has ended is tried again. A server that accepts and closes at once is asked ever
 * more rarely, and one that says the same no twice is not asked a third time. Knows times and reasons, no sockets.
 */
import { Backoff } from '../../src/stomp-client/backoff.ts'

/** What passes by itself, by the code of the ERROR. */
const PASSING = ['bus-unavailable', 'connect-timeout', 'heart-beat-timeout', 'internal', 'slow-consumer']
/** Close codes with which a server means: come again. RFC 6455, 7.4.1, and the registry of WebSocket close codes. */
const PASSING_CLOSES = [1001, 1012, 1013]
/** Close codes for something that this side did. */
const REFUSING_CLOSES = [1002, 1003, 1007, 1008, 1009, 1010]

/** What tells one refusal from another; undefined if it was none, or one that passes. `code`: of the ERROR, if one came. */
export function refusalKey(code: string | undefined, closeCode: number): string | undefined {
  if (PASSING_CLOSES.includes(closeCode)) return undefined
  if (code !== undefined) return PASSING.includes(code) ? undefined : code
  return REFUSING_CLOSES.includes(closeCode) ? `code ${closeCode}` : undefined
}

export class Reconnection {
  /** As `stomp-bridge/client` has it. */
  readonly #backoff = new Backoff({}, Math.random)
  #connectedAtMs: number | undefined
  #refusal: string | undefined

  /** Somebody wants it tried: what was before does not count any more. */
  reset(): void {
    this.#backoff.reset()
    this.#connectedAtMs = undefined
    this.#refusal = undefined
  }

  connected(nowMs: number): void {
    this.#connectedAtMs = nowMs
  }

  /** An attempt or a session has ended. Returns whether it was refused as the one before: then it would be again. */
  ended(nowMs: number, refusal: string | undefined): boolean {
    const heldMs = this.#connectedAtMs === undefined ? 0 : nowMs - this.#connectedAtMs
    if (heldMs >= this.#backoff.stableMs) this.reset()
    this.#connectedAtMs = undefined
    const isRepeated = refusal !== undefined && refusal === this.#refusal
    this.#refusal = refusal
    return isRepeated
  }

  /** How long to wait before the next attempt; at least as long as the server asked for. */
  nextMs(leastMs: number): number {
    return this.#backoff.nextMs(leastMs)
  }
}
