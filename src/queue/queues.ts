/** All work queues that somebody on this node has subscribed: begins and ends them, and says now and then that it lives. */
import { BusRefusedError, NotStoredError } from '../bus/bus.ts'
import type { OwnChannels } from '../bus/shared-bus.ts'
import type { Clock } from '../clock.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { LocalQueue } from './local-queue.ts'
import { LEASE_MS, RENEW_MS, RETURNED_CHANNEL, type Queue, type QueueStore } from './queue.ts'
import type { QueueConsumer, QueueReceiver } from './queue-consumer.ts'

export interface QueuesDeps {
  readonly store: QueueStore
  readonly channels: OwnChannels
  readonly clock: Clock
  readonly metrics: Metrics
  /** Undefined where nobody wants spans. */
  readonly tracing?: Tracing | undefined
  readonly log: Log
}

export interface QueueSubscription {
  readonly consumer: QueueConsumer
  /** Resolves when messages come. Rejects with ProtocolError `bus-refused`, and `bus-unavailable` if Redis stores nothing now. */
  readonly live: Promise<void>
  /** Resolves when that is so, or cannot be now. */
  readonly liveOrLost: Promise<void>
}

/** A queue, and what its store is told of it. */
interface Local {
  readonly work: LocalQueue
  /** Who waits until the store knows how many subscriptions there are. */
  waiting: { resolve: () => void; reject: (error: Error) => void }[]
  isRenewing: boolean
  /** The number has changed since the store was told. */
  hasChanged: boolean
}

export class Queues {
  readonly #deps: QueuesDeps
  readonly #queues = new Map<string, Local>()
  /** Queues that nobody here has subscribed any more, and whose store does not know yet. */
  readonly #left = new Map<string, Queue>()
  #isAvailable = false
  /** Since when; what others were told meanwhile they had to be told anew. */
  #availableSinceMs = 0
  /** Did Redis store nothing when it was told last that this node lives? */
  #isNotStored = false
  #timer: unknown
  #isClosed = false
  /** Told when the availability changes. */
  readonly #onChange = new Set<() => void>()

  constructor(deps: QueuesDeps) {
    this.#deps = deps
    deps.store.listen({
      arrived: (stream, entries) => this.#queues.get(stream)?.work.arrived(entries),
      waitEnded: (stream, isUnsure) => this.#queues.get(stream)?.work.waitEnded(isUnsure),
    })
    deps.channels.listen({
      onMessage: (_channel, payload) => this.#queues.get(new TextDecoder().decode(payload))?.work.stir(),
      onAvailability: (reason) => this.#setAvailable(reason === undefined),
      onRefusal: (channel, refusal) => {
        if (refusal) deps.log.warn({ channel, error: refusal.message }, 'Redis refuses a channel that queues need')
      },
    })
  }

  /** Queues that somebody on this node has subscribed. */
  get subscribed(): readonly Queue[] {
    return [...this.#queues.values()].map(({ work }) => work.queue)
  }

  /** After the bus was started. */
  start(): void {
    this.#deps.store.start()
    this.#deps.channels.subscribe(RETURNED_CHANNEL).catch(() => {}) // told by onRefusal; asked again with each reconnect
    this.#renewLater()
  }

  /** `prefetch`: messages that the receiver may have and not have settled. */
  subscribe(queue: Queue, receiver: QueueReceiver, prefetch: number): QueueSubscription {
    const local = this.#obtain(queue)
    const consumer = local.work.join(receiver, prefetch)
    const live = new Promise<void>((resolve, reject) => local.waiting.push({ resolve, reject }))
    const liveOrLost = new Promise<void>((resolve) => {
      const settled = (): void => {
        this.#onChange.delete(settled)
        resolve()
      }
      if (this.#isAvailable) this.#onChange.add(settled)
      else resolve()
      live.then(settled, settled)
    })
    this.#changed(local)
    return { consumer, live, liveOrLost }
  }

  /** What it has not settled goes to others. */
  unsubscribe(consumer: QueueConsumer): void {
    consumer.leave()
    const local = this.#queues.get(consumer.queue.stream)
    if (local) this.#changed(local)
  }

  /** Sees to it that what is settled or given back gets to the store, as long as that does not take too long. */
  async close(deadlineMs: number): Promise<void> {
    const { clock, store } = this.#deps
    clock.clearTimeout(this.#timer)
    const isDone = (): boolean => [...this.#queues.values()].every(({ work, isRenewing }) => work.isIdle && !isRenewing)
    const end = clock.now() + deadlineMs
    while (this.#isAvailable && !isDone() && clock.now() < end) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 5))
    }
    this.#isClosed = true
    const leaving = [...this.#queues.values()].map(({ work }) => work)
    for (const work of leaving) work.close()
    this.#queues.clear()
    if (this.#isAvailable) await Promise.all(leaving.map(({ queue }) => store.leave(queue).catch(() => {})))
  }

  #obtain(queue: Queue): Local {
    const known = this.#queues.get(queue.stream)
    if (known) return known
    const work = new LocalQueue(queue, { ...this.#deps, onIdle: () => this.#idle(local) })
    const local: Local = { work, waiting: [], isRenewing: false, hasChanged: false }
    this.#queues.set(queue.stream, local)
    return local
  }

  #idle(local: Local): void {
    const { work } = local
    if (local.isRenewing || this.#queues.get(work.queue.stream) !== local || !work.isIdle) return
    this.#queues.delete(work.queue.stream)
    work.close()
    void this.#leave(work.queue)
  }

  /** Tried again until the store knows: what it keeps for the queue would stay for good. */
  async #leave(queue: Queue): Promise<void> {
    this.#left.set(queue.stream, queue)
    try {
      await this.#deps.store.leave(queue)
      this.#left.delete(queue.stream)
    } catch (error) {
      if (error instanceof BusRefusedError) this.#left.delete(queue.stream)
    }
  }

  // --- The lease

  #changed(local: Local): void {
    local.hasChanged = true
    if (!local.isRenewing && this.#isAvailable) void this.#renew(local)
  }

  async #renew(local: Local): Promise<void> {
    const { work } = local
    local.isRenewing = true
    try {
      do {
        local.hasChanged = false
        const waiting = local.waiting.splice(0)
        try {
          const isReturned = await this.#deps.store.renew(work.queue, work.size, this.#mayReclaim)
          this.#isNotStored = false
          for (const { resolve } of waiting) resolve()
          if (isReturned || waiting.length > 0) work.stir()
          else work.look()
        } catch (error) {
          this.#notRenewed(local, waiting, error)
        }
      } while (local.hasChanged && this.#isAvailable && !this.#isClosed)
    } finally {
      local.isRenewing = false
    }
    if (work.isIdle) this.#idle(local)
  }

  #notRenewed(local: Local, waiting: Local['waiting'], error: unknown): void {
    const { log, clock } = this.#deps
    const { destination } = local.work.queue
    const reject = (code: 'bus-refused' | 'bus-unavailable', why: string): void => {
      const text = `Cannot subscribe to ${quoted(destination)}: ${why}`
      for (const each of waiting) each.reject(new ProtocolError(code, text, {}, { cause: error }))
    }
    if (error instanceof BusRefusedError) return reject('bus-refused', 'Redis refuses its stream')
    this.#availableSinceMs = clock.now() // others may not have been able to say that they live
    log.debug({ queue: destination, error }, 'A work queue could not be renewed')
    if (!(error instanceof NotStoredError)) {
      local.waiting.unshift(...waiting) // until the store is there again
      return
    }
    if (!this.#isNotStored)
      log.warn({ reason: error.message }, 'Redis stores nothing now: nobody can subscribe to work queues')
    this.#isNotStored = true
    reject('bus-unavailable', 'Redis stores nothing now')
  }

  /** Others could not say that they live while Redis was away. */
  get #mayReclaim(): boolean {
    return this.#deps.clock.now() - this.#availableSinceMs > LEASE_MS
  }

  #renewLater(): void {
    this.#timer = this.#deps.clock.setTimeout(() => {
      if (this.#isAvailable) this.#renewAll()
      this.#renewLater()
    }, RENEW_MS)
  }

  #renewAll(): void {
    for (const [stream, queue] of this.#left) {
      if (this.#queues.has(stream)) this.#left.delete(stream)
      else void this.#leave(queue)
    }
    for (const local of this.#queues.values()) if (!local.isRenewing) void this.#renew(local)
  }

  #setAvailable(isAvailable: boolean): void {
    if (isAvailable === this.#isAvailable) return
    this.#isAvailable = isAvailable
    for (const tell of [...this.#onChange]) tell()
    if (!isAvailable) return
    this.#availableSinceMs = this.#deps.clock.now()
    this.#renewAll()
    for (const { work } of this.#queues.values()) work.restart()
  }
}
