/**
 * What the log says of sessions: one line for each, when it is over. When thousands end at once the log gets the first
 * ones, and then one line with how many more there were and why; at `debug` it gets all.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Client } from './client.ts'
import type { SessionEnd } from './session-end.ts'

const WINDOW_MS = 10_000
const LINES_PER_WINDOW = 100

export class SessionLog {
  readonly #log: Log
  readonly #clock: Clock
  #windowEndMs = -Infinity
  #lines = 0
  /** How many ended without a line in this window, by why. */
  #leftOut = new Map<string, number>()
  /** When the window is over; undefined if nothing was left out. */
  #timer: unknown

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  opened({ id, transport, door }: Client): void {
    this.#log.debug({ session: id, protocol: door.protocol, transport }, 'A session has begun')
  }

  /** `seconds`: how long it was open. */
  ended(client: Client, { code, closeCode, reason }: SessionEnd, seconds: number): void {
    const now = this.#clock.now()
    if (now >= this.#windowEndMs) {
      this.#windowEndMs = now + WINDOW_MS
      this.#lines = 0
    }
    const { id, door, transport, identity, remoteAddress, requestId, received, totalBytes } = client
    const fields = {
      session: id,
      protocol: door.protocol,
      version: door.version,
      transport,
      user: identity.user,
      address: remoteAddress,
      request: requestId,
      seconds: Math.round(seconds * 1000) / 1000,
      received,
      sentBytes: totalBytes,
      code,
      closeCode,
      reason: reason === '' ? undefined : reason,
    }
    if (this.#lines < LINES_PER_WINDOW) {
      this.#lines++
      this.#log.info(fields, 'A session has ended')
      return
    }
    this.#timer ??= this.#clock.setTimeout(() => this.#tellLeftOut(), this.#windowEndMs - now)
    this.#leftOut.set(code, (this.#leftOut.get(code) ?? 0) + 1)
    this.#log.debug(fields, 'A session has ended')
  }

  /** Says what is still to be said. */
  close(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#tellLeftOut()
  }

  #tellLeftOut(): void {
    this.#timer = undefined
    if (this.#leftOut.size === 0) return
    const codes = Object.fromEntries(this.#leftOut)
    let sessions = 0
    for (const count of this.#leftOut.values()) sessions += count
    this.#leftOut = new Map()
    this.#log.info({ sessions, codes }, 'More sessions have ended; at debug each has a line')
  }
}
