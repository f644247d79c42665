/**
 * Keeps one subscription on its way through the history: what to ask for, which messages are new, and what the marker
 * says. Knows headers, and nothing of connections.
 */
import type { StompHeaders } from '@stomp/stompjs'
import { isLater, readPosition, type Position } from './position.ts'

/** What the server says about the time that a subscription was away. */
export interface Recovery {
  readonly destination: string
  /** Everything follows. False: something is missing; what the server still has follows. */
  readonly recovered: boolean
  /** How many messages are missing, where the server knows. */
  readonly missed: number | undefined
  /** How many messages follow that were published meanwhile; those that come after them are new. */
  readonly count: number
}

export interface TrackOptions {
  /** Misses nothing over reconnects. The destination must have a history, or the server ends the session. */
  readonly history?: boolean | undefined
  /** At first: so many of the newest messages. Implies `history`. */
  readonly last?: number | undefined
  /** At first: what is later than this moment, in milliseconds since 1970. Implies `history`. */
  readonly sinceTime?: number | undefined
  /** At first: what is later than this; `last` or `sinceTime` are for when there is none. Implies `history`, also then. */
  readonly position?: Position | null | undefined
}

export class Track {
  readonly #destination: string
  readonly #asks: boolean
  readonly #firstAsk: StompHeaders
  #position: Position | undefined
  /** The server's history ends before the position: it comes to these offsets a second time. */
  #isBeyond = false

  /** Errors: throws TypeError for options that the server would refuse. */
  constructor(destination: string, options: TrackOptions) {
    const { history, last, sinceTime, position } = options
    const numbers = [last, sinceTime].filter((value) => value !== undefined)
    const isWrong = numbers.length > 1 || numbers.some((value) => !(Number.isSafeInteger(value) && value >= 0))
    this.#position = position ? readPosition(position) : undefined
    if (isWrong || (position && !this.#position)) {
      throw new TypeError(`Cannot subscribe to "${destination}": "last", "sinceTime" or "position" is wrong`)
    }
    this.#destination = destination
    this.#asks = history === true || 'position' in options || numbers.length > 0
    this.#firstAsk = sinceTime === undefined ? { last: `${last ?? 0}` } : { 'since-time': `${sinceTime}` }
  }

  get position(): Position | undefined {
    return this.#position
  }

  /** Returns the headers of the next SUBSCRIBE. */
  ask(): StompHeaders {
    if (!this.#asks) return {}
    const { offset, epoch } = this.#position ?? {}
    return offset === undefined || epoch === undefined ? this.#firstAsk : { since: offset, epoch }
  }

  /** Takes a message. Returns false if it was there before. */
  accept(headers: StompHeaders): boolean {
    const at = readPosition(headers)
    // A pattern brings destinations with offsets of their own, and a queue what was given back.
    const isOfOthers = !this.#asks && headers['destination'] !== this.#destination
    if (!at || isOfOthers || headers['redelivered'] === 'true') return true
    const known = this.#isBeyond ? undefined : this.#position
    if (known?.epoch === at.epoch && !isLater(at, known)) return false
    this.#position = at
    this.#isBeyond = false
    return true
  }

  /** Takes a marker. Returns what it says about the time away. */
  mark(headers: StompHeaders): Recovery | undefined {
    const { count, recovered, missed } = headers
    const now = readPosition(headers)
    const before = this.#position
    this.#isBeyond = now !== undefined && recovered === 'false' && before?.epoch === now.epoch && isLater(before, now)
    if (now && count === '0') {
      this.#position = now
      this.#isBeyond = false
    } // else messages follow, and each has its own: after a cut among them the rest has to be asked for
    if (recovered === undefined) return undefined
    return {
      destination: this.#destination,
      recovered: recovered === 'true',
      missed: missed === undefined ? undefined : Number(missed),
      count: Number(count),
    }
  }
}

/** Is it the marker, which is for the client alone? A message of the application may have such a header too. */
export function isMarker({ headers, body }: { readonly headers: StompHeaders; readonly body: string }): boolean {
  return headers['event'] === 'position' && headers['count'] !== undefined && body === ''
}
