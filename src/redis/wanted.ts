/**
 * What is to be subscribed, of one kind: channels or patterns. What is wanted stays wanted until it is given up: it is
 * asked again after each reconnect and, where Redis has refused it, with each probe. The bus on Redis has two of these.
 */
import { BusRefusedError } from '../bus/bus.ts'
import { isPassing, isReply } from './replies.ts'

/** Names in one command when many are asked for. */
const BATCH = 500

export interface WantedEvents {
  /** Sends SUBSCRIBE or PSUBSCRIBE. */
  send(names: readonly string[]): Promise<unknown>
  isConnected(): boolean
  /** Redis refuses this name, or (undefined) takes it again. Called on each change. */
  onRefusal(name: string, refusal: BusRefusedError | undefined): void
  /** Redis can do nothing now: `askAgain` is to be called later. */
  onPassing(text: string): void
}

interface Interest {
  readonly name: string
  /** Redis has confirmed it; it is then restored after an outage, so it counts as live through one. */
  isLive: boolean
  refusal: BusRefusedError | undefined
  /** For who waits for the first answer, or for the next one after a refusal. */
  pending: PromiseWithResolve | undefined
}

interface PromiseWithResolve {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Wanted {
  readonly #events: WantedEvents
  readonly #interests = new Map<string, Interest>()

  constructor(events: WantedEvents) {
    this.#events = events
  }

  /** Resolves when Redis has confirmed it, rejects with BusRefusedError when it refuses; either way it stays wanted. */
  add(name: string): Promise<void> {
    let interest = this.#interests.get(name)
    if (interest?.isLive) return Promise.resolve()
    if (interest?.pending) return interest.pending.promise
    const pending = newPending()
    if (interest) interest.pending = pending
    else this.#interests.set(name, (interest = { name, isLive: false, refusal: undefined, pending }))
    // While the connection is away, `restore` asks.
    if (this.#events.isConnected()) this.#askNow(interest)
    return pending.promise
  }

  delete(name: string): void {
    this.#interests.delete(name)
  }

  /** Ask for everything. Resolves to what Redis said if it takes something only later. Rejects when the connection went. */
  restore(): Promise<string | undefined> {
    return this.#askAll([...this.#interests.values()])
  }

  /** Ask for what Redis has not taken. Resolves and rejects as `restore`. */
  askAgain(): Promise<string | undefined> {
    return this.#askAll([...this.#interests.values()].filter(({ isLive }) => !isLive))
  }

  /** Nobody gets anything any more. */
  close(error: Error): void {
    for (const { pending } of this.#interests.values()) pending?.reject(error)
  }

  #askNow(interest: Interest): void {
    this.#ask([interest]).then(
      (passing) => {
        if (passing !== undefined) this.#events.onPassing(passing)
      },
      () => {}, // the connection went: everything is asked for again
    )
  }

  async #askAll(interests: readonly Interest[]): Promise<string | undefined> {
    let passing: string | undefined
    for (let i = 0; i < interests.length; i += BATCH)
      passing = (await this.#ask(interests.slice(i, i + BATCH))) ?? passing
    return passing
  }

  async #ask(interests: readonly Interest[]): Promise<string | undefined> {
    // Not what has been given up since: its UNSUBSCRIBE is out already.
    const left = interests.filter((interest) => this.#interests.get(interest.name) === interest)
    if (left.length === 0) return undefined
    try {
      await this.#events.send(left.map(({ name }) => name))
      for (const interest of left) this.#taken(interest)
      return undefined
    } catch (error) {
      if (!isReply(error)) throw error
      if (isPassing(error)) {
        for (const interest of left) interest.isLive = false
        return error.message
      }
      // Redis refuses the whole command for one name that its access rules forbid: the others go by themselves.
      if (left.length === 1) this.#refused(left[0]!, new BusRefusedError(error.message, { cause: error }))
      else return (await Promise.all(left.map((one) => this.#ask([one])))).find((passing) => passing !== undefined)
      return undefined
    }
  }

  #taken(interest: Interest): void {
    const wasRefused = interest.refusal !== undefined
    interest.isLive = true
    interest.refusal = undefined
    interest.pending?.resolve()
    interest.pending = undefined
    if (wasRefused && this.#isWanted(interest)) this.#events.onRefusal(interest.name, undefined)
  }

  #refused(interest: Interest, refusal: BusRefusedError): void {
    const isNew = interest.refusal === undefined
    interest.isLive = false
    interest.refusal = refusal
    if (isNew && this.#isWanted(interest)) this.#events.onRefusal(interest.name, refusal)
    interest.pending?.reject(refusal)
    interest.pending = undefined
  }

  #isWanted(interest: Interest): boolean {
    return this.#interests.get(interest.name) === interest
  }
}

function newPending(): PromiseWithResolve {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((onLive, onRefused) => {
    resolve = onLive
    reject = onRefused
  })
  promise.catch(() => {}) // a rejection at close needs no listener
  return { promise, resolve, reject }
}
