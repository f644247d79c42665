/** What operators see of work queues, and do to them. */
import { BusRefusedError, BusUnavailableError } from '../bus/bus.ts'
import type { Message } from '../delivery/message.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { DEAD_SUFFIX, destinationOf, type Queue, type QueueCounts, type QueueStore } from './queue.ts'
import { peekedMessage } from './queue-messages.ts'
import type { QueueRules } from './queue-rules.ts'

export interface QueueView extends QueueCounts {
  /** Destination. */
  readonly queue: string
}

export interface QueueMessages {
  /** Oldest first. */
  readonly messages: readonly Message[]
  /** There are others behind them. */
  readonly hasMore: boolean
}

/** Queues that are counted at once: each is a command. */
const MAX_AT_ONCE = 50

/** All reject with ProtocolError `bus-unavailable` and `bus-refused`, and where one queue is named with `no-queue`. */
export class QueueAdmin {
  readonly #rules: QueueRules
  readonly #store: QueueStore
  readonly #subscribed: () => readonly Queue[]

  /** `subscribed`: queues that this node knows without being told. */
  constructor(rules: QueueRules, store: QueueStore, subscribed: () => readonly Queue[]) {
    this.#rules = rules
    this.#store = store
    this.#subscribed = subscribed
  }

  /** Resolves to all queues that there are or that have a rule of their own, by destination. */
  async list(): Promise<readonly QueueView[]> {
    const known = [...this.#rules.named, ...this.#subscribed()]
    const queues = new Map(known.map((queue) => [queue.stream, queue]))
    for (const stream of await this.#found()) {
      const name = stream.endsWith(DEAD_SUFFIX) ? stream.slice(0, -DEAD_SUFFIX.length) : stream
      if (name.endsWith(DEAD_SUFFIX)) continue // somebody else's
      const queue = this.#rules.of(destinationOf(name))
      if (queue) queues.set(queue.stream, queue)
    }
    const sorted = [...queues.values()].sort((a, b) => (a.destination < b.destination ? -1 : 1))
    const views: QueueView[] = []
    for (let i = 0; i < sorted.length; i += MAX_AT_ONCE) {
      const some = sorted.slice(i, i + MAX_AT_ONCE).map((queue) => this.#view(queue))
      views.push(...(await Promise.all(some)))
    }
    const names = new Set(known.map(({ destination }) => destination))
    const isThere = ({ queue, ready, pending, consumers, dead }: QueueView): boolean =>
      names.has(queue) || ready + pending + consumers + dead > 0
    await this.#tidy(views.filter((view) => !isThere(view)).map(({ queue }) => queue))
    return views.filter(isThere)
  }

  /** A node that was killed has left the keys of its queues. Those that hold nothing nobody would ever look at again. */
  async #tidy(destinations: readonly string[]): Promise<void> {
    for (const destination of destinations) {
      const queue = this.#rules.of(destination)
      if (!queue || this.#subscribed().some(({ stream }) => stream === queue.stream)) continue
      await this.#store.leave(queue).catch(() => {}) // the next one who asks tries again
    }
  }

  /** Resolves to the oldest that nobody works on, or to the oldest dead ones. */
  async messages(destination: string, isDead: boolean, limit: number): Promise<QueueMessages> {
    const queue = this.#require(destination)
    const { entries, hasMore } = await asked(this.#store.peek(queue, isDead, limit))
    return { messages: entries.map((entry) => peekedMessage(queue, entry)), hasMore }
  }

  /** Dead messages go back into their queue. Resolves to how many. */
  redrive(destination: string): Promise<number> {
    return asked(this.#store.redrive(this.#require(destination)))
  }

  /** Deletes what nobody works on, or what is dead. Resolves to how many. */
  purge(destination: string, isDead: boolean): Promise<number> {
    return asked(this.#store.purge(this.#require(destination), isDead))
  }

  async #view(queue: Queue): Promise<QueueView> {
    return { queue: queue.destination, ...(await asked(this.#store.counts(queue))) }
  }

  /** Redis may not let us look for streams: then those that are known have to do. */
  async #found(): Promise<readonly string[]> {
    try {
      return await this.#store.streams()
    } catch (error) {
      if (error instanceof BusRefusedError) return []
      return asked(Promise.reject(error as Error))
    }
  }

  #require(destination: string): Queue {
    const queue = this.#rules.of(destination)
    if (queue) return queue
    throw new ProtocolError('no-queue', `${quoted(destination)} is no work queue`)
  }
}

/** As whoever asks is told. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof BusUnavailableError) {
      throw new ProtocolError('bus-unavailable', 'The queues cannot be reached: the bus is unavailable', {}, { cause })
    }
    if (cause instanceof BusRefusedError) {
      throw new ProtocolError('bus-refused', 'The queues cannot be reached: Redis refuses their streams', {}, { cause })
    }
    throw cause
  }
}
