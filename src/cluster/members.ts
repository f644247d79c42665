/**
 * Who else is alive: each node that was heard within the lease. Owned by the cluster, which tells it what it hears; it
 * knows no messages.
 */
import type { Clock } from '../clock.ts'

/** More nodes than this are not believed. */
const MAX_MEMBERS = 1024
/** Nodes that said goodbye, of which a late message is no sign of life. */
const MAX_GONE = 1024

interface Member {
  heardAt: number
  /** It owes an answer: nobody waits for it until it is heard again. */
  isSuspect: boolean
  /** It was not heard since it was given a new lease. */
  isAwaited: boolean
}

export interface MembersEvents {
  joined(node: string): void
  /** It said goodbye, or its lease is over. */
  left(node: string): void
}

export class Members {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #events: MembersEvents
  readonly #members = new Map<string, Member>()
  readonly #gone = new Set<string>()
  /** Are leases running? Not while we ourselves hear nothing. */
  #isRunning = false
  #pausedAt = 0
  #timer: unknown
  /** When the timer is due. */
  #timerAt = 0

  constructor(clock: Clock, leaseMs: number, events: MembersEvents) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#events = events
  }

  get size(): number {
    return this.#members.size
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#members.keys()
  }

  has(node: string): boolean {
    return this.#members.has(node)
  }

  isSuspect(node: string): boolean {
    return this.#members.get(node)?.isSuspect ?? false
  }

  /** It was asked at that moment and has not answered. If it was heard since, only the question is lost. */
  suspect(node: string, askedAt: number): void {
    const member = this.#members.get(node)
    if (member && member.heardAt <= askedAt) member.isSuspect = true
  }

  /** A sign of life. False if it is not believed. */
  heard(node: string): boolean {
    const member = this.#members.get(node)
    if (member) {
      member.heardAt = this.#clock.now()
      member.isSuspect = false
      member.isAwaited = false
      return true
    }
    if (this.#gone.has(node) || this.#members.size >= MAX_MEMBERS) return false
    this.#members.set(node, { heardAt: this.#clock.now(), isSuspect: false, isAwaited: false })
    if (this.#timer === undefined) this.#arm()
    this.#events.joined(node)
    return true
  }

  /** It said goodbye. */
  left(node: string): void {
    this.#gone.add(node)
    for (const oldest of this.#gone) {
      if (this.#gone.size <= MAX_GONE) break
      this.#gone.delete(oldest)
    }
    this.#remove(node)
  }

  /** We hear nothing: silence of the others means nothing. */
  pause(): void {
    if (this.#isRunning) this.#pausedAt = this.#clock.now()
    this.#isRunning = false
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** We hear again. */
  resume(): void {
    const missedMs = this.#isRunning ? 0 : this.#clock.now() - this.#pausedAt
    this.#isRunning = true
    this.#extend(missedMs)
  }

  /**
   * For so long we did not hear: each has a full lease from now, because it may take longer to be back than we did. Only
   * once, until it is heard: or else, where we come and go all the time, the dead would stay for ever.
   */
  #extend(missedMs: number): void {
    for (const member of this.#members.values()) {
      member.heardAt = member.isAwaited ? member.heardAt + missedMs : this.#clock.now()
      member.isAwaited = true
    }
    this.#arm()
  }

  #remove(node: string): void {
    if (this.#members.delete(node)) this.#events.left(node)
  }

  /** For the end of the first lease that ends. */
  #arm(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#isRunning || this.#members.size === 0) return
    let first = Infinity
    for (const { heardAt } of this.#members.values()) first = Math.min(first, heardAt)
    this.#timerAt = first + this.#leaseMs
    this.#timer = this.#clock.setTimeout(() => this.#expire(), this.#timerAt - this.#clock.now())
  }

  #expire(): void {
    const now = this.#clock.now()
    // This process stood still, and what the others said meanwhile is still to be read.
    if (now - this.#timerAt > this.#leaseMs / 3) return this.#extend(now - this.#timerAt)
    for (const [node, { heardAt }] of [...this.#members]) if (now - heardAt >= this.#leaseMs) this.#remove(node)
    this.#arm()
  }
}
