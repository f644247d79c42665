/**
 * A work queue as far as this node is concerned: takes messages for the subscriptions that have room, hands them out in
 * turn, settles what they have acknowledged, and gives back what they have not. One thing is done at a time, so that messages are
 * handed out in the order of the queue; while that is done the next acknowledgements gather.
 */
import { BusRefusedError } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import { deliverSpan } from '../delivery/deliver-span.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { Failure, Queue, QueueStore, TakenEntry } from './queue.ts'
import { QueueConsumer, type ConsumerOwner, type QueueReceiver, type Settling } from './queue-consumer.ts'
import { takenMessage } from './queue-messages.ts'
import { Settlements } from './settlements.ts'

export interface LocalQueueDeps {
  readonly store: QueueStore
  readonly clock: Clock
  readonly metrics: Metrics
  /** Undefined where nobody wants spans. */
  readonly tracing?: Tracing | undefined
  readonly log: Log
  /** Nobody here is subscribed any more, and nothing is left to do. */
  readonly onIdle: (queue: LocalQueue) => void
}

/** Messages that are taken or settled at once: more would keep other nodes and other commands waiting. */
const MAX_BATCH = 128
/** Messages that are taken at first, before it is known how long they are; and what those of one time should have at most, in bytes. */
const FIRST_BATCH = 16
const MAX_BYTES = 4 * 1024 * 1024
/** How often it is looked whether a client that did not read can take more, in milliseconds. */
const LOOK_MS = 50
/** After a failure until the next attempt, in milliseconds, unless the store is there again before. */
const RETRY_MS = 500

/** A message that a subscription has, or that it had until it was settled. */
interface Given {
  readonly consumer: QueueConsumer
  readonly atMs: number
}

/** What comes back, and who waits for it. */
interface Return {
  readonly ids: readonly string[]
  readonly failure: Failure | undefined
  readonly resolve?: () => void
  readonly reject?: (error: Error) => void
}

export class LocalQueue implements ConsumerOwner {
  readonly queue: Queue
  readonly #deps: LocalQueueDeps
  #consumers: QueueConsumer[] = []
  /** Who comes next. */
  #turn = 0
  /** What subscriptions have, oldest first. */
  readonly #given = new Map<string, Given>()
  readonly #settlements = new Settlements(MAX_BATCH)
  /** What is settled together with something else. */
  readonly #settling = new Set<string>()
  #returning: Return[] = []
  #isBusy = false
  /** The store says when there is something; until then nothing is taken. */
  #isWaiting = false
  /** Something has come meanwhile that could be taken. */
  #isStirred = false
  /** Maybe this node holds something that never came here. */
  #isUnsure = false
  #most = FIRST_BATCH
  #hasFailed = false
  #isRefused = false
  #retry: unknown
  #expiry: unknown
  #look: unknown

  constructor(queue: Queue, deps: LocalQueueDeps) {
    this.queue = queue
    this.#deps = deps
  }

  /** Subscriptions on this node. */
  get size(): number {
    return this.#consumers.length
  }

  get isIdle(): boolean {
    const isDone = this.#settlements.isEmpty && this.#settling.size === 0 && this.#returning.length === 0
    return this.size === 0 && isDone && !this.#isBusy && !this.#isWaiting
  }

  /** From here on it is given messages, once `stir` is called. */
  join(receiver: QueueReceiver, prefetch: number): QueueConsumer {
    const consumer = new QueueConsumer(this, receiver, prefetch)
    this.#consumers.push(consumer)
    return consumer
  }

  leave(consumer: QueueConsumer, unsettled: readonly string[]): void {
    this.#consumers = this.#consumers.filter((each) => each !== consumer)
    this.#return({ ids: unsettled, failure: undefined })
    if (this.size === 0 && this.#isWaiting) this.#deps.store.endWait(this.queue)
    this.#pump()
  }

  /** Resolves when the store has it; what is no longer held here is ignored. Rejects with ProtocolError `bus-refused`. */
  settle(ids: readonly string[]): Promise<void> {
    const own = this.#release(ids)
    if (own.length === 0) return Promise.resolve()
    const { done } = this.#settlements.add(own)
    this.#pump()
    return done
  }

  beginSettling(ids: readonly string[]): Settling {
    const own = this.#release(ids)
    for (const id of own) this.#settling.add(id)
    const over = (): void => {
      for (const id of own) this.#settling.delete(id)
    }
    return {
      entries: { stream: this.queue.stream, ids: own },
      done: () => {
        over()
        this.#deps.metrics.count.queueSettled += own.length
        this.#pump()
      },
      failed: () => {
        over()
        this.#return({ ids: own, failure: undefined })
        this.#pump()
      },
    }
  }

  /** Resolves and rejects as `settle`. */
  giveBack(ids: readonly string[], failure: Failure): Promise<void> {
    const own = this.#release(ids)
    if (own.length === 0) return Promise.resolve()
    const done = new Promise<void>((resolve, reject) => this.#returning.push({ ids: own, failure, resolve, reject }))
    this.#pump()
    return done
  }

  /** There may be something to take. */
  stir(): void {
    this.#isStirred = true
    if (this.#isWaiting) this.#deps.store.endWait(this.queue)
    else this.#pump()
  }

  /** Nothing has happened that should make it go on; but a queue that has come to a stop stops for good. */
  look(): void {
    if (!this.#isBusy && this.#wanted > 0) this.#pump()
  }

  /** The store is there again: it may be another one, and what it was told last it may not know. */
  restart(): void {
    this.#isUnsure = true
    this.#recovered()
    this.stir()
  }

  arrived(entries: readonly TakenEntry[]): void {
    this.#isWaiting = false
    this.#isStirred = true
    this.#handOut(entries)
    this.#pump()
  }

  waitEnded(isUnsure: boolean): void {
    this.#isWaiting = false
    this.#isStirred = true
    this.#isUnsure ||= isUnsure
    this.#pump()
  }

  /** Ends: what was not settled stays with the store. */
  close(): void {
    const { clock } = this.#deps
    for (const timer of [this.#retry, this.#expiry, this.#look]) clock.clearTimeout(timer)
    this.#consumers = []
    this.#settlements.clear()
    this.#returning = []
    this.#hasFailed = true
  }

  // --- One thing at a time

  #pump(): void {
    if (this.#isBusy || this.#hasFailed) return
    this.#isBusy = true
    void this.#run().finally(() => {
      this.#isBusy = false
      if (this.#hasWork) this.#pump()
      else if (this.isIdle && !this.#hasFailed) this.#deps.onIdle(this)
    })
  }

  /** Is there something that `run` did not see? */
  get #hasWork(): boolean {
    if (this.#hasFailed) return false
    return !this.#settlements.isEmpty || this.#returning.length > 0 || (this.#isStirred && this.#wanted > 0)
  }

  async #run(): Promise<void> {
    try {
      while (await this.#step()) this.#isRefused = false
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Resolves to false when there is nothing to do. */
  async #step(): Promise<boolean> {
    const { store, metrics } = this.#deps
    if (this.#isUnsure && !this.#isWaiting) await this.#giveBackUnknown()
    if (this.#returning.length > 0) {
      await this.#returnFirst()
      return true
    }
    this.#isStirred = false
    const wanted = Math.min(this.#wanted, this.#most)
    const settlement = this.#settlements.take()
    if (!settlement && wanted === 0) return false
    const ids = settlement?.ids ?? []
    let entries: readonly TakenEntry[]
    try {
      entries = await store.work(this.queue, ids, wanted)
    } catch (error) {
      this.#isUnsure ||= wanted > 0
      if (error instanceof BusRefusedError) settlement?.reject(this.#refusal(error))
      else if (settlement) this.#settlements.putBack(settlement) // to settle something twice does no harm
      throw error
    }
    metrics.count.queueSettled += ids.length
    settlement?.resolve()
    this.#learn(entries)
    this.#handOut(entries)
    if (wanted > 0 && entries.length < wanted && !this.#isStirred && this.#wanted > 0) {
      this.#isWaiting = true
      store.wait(this.queue)
    }
    return true
  }

  /** A backend may add messages of any length. */
  #learn(entries: readonly TakenEntry[]): void {
    let bytes = 0
    for (const { fields } of entries) for (const value of fields.values()) bytes += value.length
    if (bytes > MAX_BYTES) this.#most = Math.max(1, Math.floor(entries.length / 4))
    else if (entries.length > 0) this.#most = Math.min(MAX_BATCH, this.#most * 2)
  }

  async #returnFirst(): Promise<void> {
    const { store, metrics } = this.#deps
    const work = this.#returning[0]!
    let dead: number
    try {
      dead = await store.giveBack(this.queue, work.ids, work.failure)
    } catch (error) {
      if (error instanceof BusRefusedError) {
        this.#returning.shift()
        work.reject?.(this.#refusal(error))
      }
      throw error
    }
    this.#returning.shift()
    metrics.count.queueReturned += work.ids.length - dead
    metrics.count.queueDead += dead
    work.resolve?.()
    this.#isStirred = true
  }

  /** What this node holds by the store's account, and nobody here has. */
  async #giveBackUnknown(): Promise<void> {
    const held = await this.#deps.store.held(this.queue)
    this.#isUnsure = false
    // Nothing else is under way: what is to be settled or given back waits here.
    const returning = this.#returning.flatMap(({ ids }) => ids)
    const leaving = new Set([...this.#settlements.ids, ...this.#settling, ...returning])
    this.#return({ ids: held.filter((id) => !this.#given.has(id) && !leaving.has(id)), failure: undefined })
  }

  #refusal(cause: Error): ProtocolError {
    return new ProtocolError(
      'bus-refused',
      `Redis refuses the stream of ${quoted(this.queue.destination)}`,
      {},
      { cause },
    )
  }

  /** Redis is away or busy, which passes, or refuses, which somebody may change. */
  #failed(error: unknown): void {
    const { clock, log } = this.#deps
    const fields = { queue: this.queue.destination, error }
    if (error instanceof BusRefusedError && !this.#isRefused) {
      this.#isRefused = true
      log.warn(fields, 'Redis refuses the stream of a work queue')
    } else log.debug(fields, 'A work queue cannot be worked on now')
    this.#hasFailed = true
    this.#retry = clock.setTimeout(() => {
      this.#recovered()
      this.#pump()
    }, RETRY_MS)
  }

  #recovered(): void {
    this.#hasFailed = false
    this.#deps.clock.clearTimeout(this.#retry)
  }

  // --- Handing out

  /** How many messages there is room for. */
  get #wanted(): number {
    if (this.#isWaiting) return 0
    let wanted = 0
    let isBlocked = false
    for (const consumer of this.#consumers) {
      const { free, room } = consumer
      wanted += room
      isBlocked ||= room < free
    }
    if (isBlocked && wanted === 0) this.#lookLater()
    return wanted
  }

  /** Nobody says when a client has read what it was sent. */
  #lookLater(): void {
    const { clock } = this.#deps
    this.#look ??= clock.setTimeout(() => {
      this.#look = undefined
      this.stir()
    }, LOOK_MS)
  }

  #handOut(entries: readonly TakenEntry[]): void {
    const { metrics } = this.#deps
    const gathering = new Set<QueueReceiver>()
    const unreadable: string[] = []
    const unwanted: string[] = []
    const atMs = this.#deps.clock.now()
    for (const entry of entries) {
      const { id } = entry
      // Redis has lost its last second: who has it still works on it.
      if (this.#given.has(id)) continue
      const message = takenMessage(this.queue, entry)
      const consumer = message && this.#next()
      if (!message) unreadable.push(id)
      else if (!consumer) unwanted.push(id)
      else {
        if (entry.deliveries > 1) metrics.count.queueRedelivered++
        if (entries.length > 1 && !gathering.has(consumer.receiver)) {
          gathering.add(consumer.receiver)
          consumer.receiver.gather()
        }
        const { tracing } = this.#deps
        const span = tracing && deliverSpan(tracing, message, 1)
        if (consumer.receiver.isAuto) {
          consumer.give(id, message)
          this.#settlements.add([id])
        } else {
          this.#given.set(id, { consumer, atMs })
          consumer.give(id, message)
        }
        span?.end()
      }
    }
    for (const receiver of gathering) receiver.flush()
    this.#return({ ids: unreadable, failure: 'unreadable' })
    this.#return({ ids: unwanted, failure: undefined })
    this.#armExpiry()
  }

  /** Each in turn, of those with room. */
  #next(): QueueConsumer | undefined {
    const { length } = this.#consumers
    for (let i = 0; i < length; i++) {
      const index = (this.#turn + i) % length
      const consumer = this.#consumers[index]!
      if (consumer.room === 0) continue
      this.#turn = index + 1
      return consumer
    }
    return undefined
  }

  // --- What comes back

  /** Returns those that somebody here has, and has no longer. */
  #release(ids: readonly string[]): readonly string[] {
    const own: string[] = []
    for (const id of ids) if (this.#given.delete(id)) own.push(id)
    return own
  }

  #return(work: Return): void {
    if (work.ids.length === 0) return
    for (const id of work.ids) this.#given.delete(id)
    this.#returning.push(work)
  }

  /** One timer for all: what was given first expires first. */
  #armExpiry(): void {
    const { clock } = this.#deps
    const oldest = this.#given.values().next().value
    if (!oldest || this.#expiry !== undefined) return
    this.#expiry = clock.setTimeout(
      () => {
        this.#expiry = undefined
        this.#expire()
        this.#armExpiry()
      },
      Math.max(0, oldest.atMs + this.#visibleMs - clock.now()),
    )
  }

  get #visibleMs(): number {
    return this.queue.rule.visibilitySeconds * 1000
  }

  #expire(): void {
    const until = this.#deps.clock.now() - this.#visibleMs
    const expired: string[] = []
    for (const [id, { consumer, atMs }] of this.#given) {
      if (atMs > until) break
      consumer.takeBack(id)
      expired.push(id)
    }
    this.#return({ ids: expired, failure: 'timeout' })
    this.#pump()
  }
}
