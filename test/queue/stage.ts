/** Nodes that work on one simulated queue, on a fake clock: everything between the store and the subscriptions is real. */
import type { OwnChannelsListener } from '../../src/bus/shared-bus.ts'
import type { Message } from '../../src/delivery/message.ts'
import { Metrics } from '../../src/metrics.ts'
import { RETURNED_CHANNEL, type Queue, type QueueRule } from '../../src/queue/queue.ts'
import { Queues, type QueueSubscription } from '../../src/queue/queues.ts'
import type { QueueReceiver } from '../../src/queue/queue-consumer.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { turn } from '../support/fake-turn.ts'
import { SimulatedQueue, SimulatedStore } from './simulated-queue.ts'

export const VISIBLE_SECONDS = 10

/** A subscription, and what it has. */
export class FakeWorker implements QueueReceiver {
  readonly isAuto: boolean
  room: number
  subscription!: QueueSubscription
  /** Ids of messages that it has and has not settled, oldest first. */
  readonly has = new Set<string>()
  /** All that it was ever given. */
  readonly given: Message[] = []
  /** Called with each message. */
  onMessage: ((message: Message) => void) | undefined

  constructor(isAuto: boolean, room = Infinity) {
    this.isAuto = isAuto
    this.room = room
  }

  get bodies(): string[] {
    return this.given.map(({ body }) => String(body))
  }

  deliver(message: Message): void {
    this.given.push(message)
    if (!this.isAuto) this.has.add(message.id)
    this.onMessage?.(message)
  }

  gather(): void {}

  flush(): void {}

  forget(messageId: string): void {
    this.has.delete(messageId)
  }

  /** Settles these, or all that it has. */
  ack(...ids: readonly string[]): Promise<void> {
    return this.subscription.consumer.settle(this.#released(ids))
  }

  nack(...ids: readonly string[]): Promise<void> {
    return this.subscription.consumer.reject(this.#released(ids))
  }

  #released(named: readonly string[]): readonly string[] {
    const ids = named.length > 0 ? named : [...this.has]
    for (const id of ids) this.has.delete(id)
    return ids
  }
}

export class QueueNode {
  readonly store: SimulatedStore
  readonly queues: Queues
  readonly metrics = new Metrics()
  readonly log = new FakeLog()
  readonly workers: FakeWorker[] = []
  readonly #queue: Queue
  #listener!: OwnChannelsListener

  constructor(name: string, simulated: SimulatedQueue, queue: Queue) {
    this.store = new SimulatedStore(simulated, name)
    this.#queue = queue
    this.queues = new Queues({
      store: this.store,
      channels: {
        unavailableReason: undefined,
        listen: (listener) => (this.#listener = listener),
        publish: async () => {},
        publishEverywhere: async () => 1,
        subscribe: async () => {},
      },
      clock: simulated.clock,
      metrics: this.metrics,
      log: this.log,
    })
    this.queues.start()
  }

  setAvailable(isAvailable: boolean): void {
    this.#listener.onAvailability(isAvailable ? undefined : 'away')
  }

  /** What others have given back is told. */
  hear(): void {
    const payload = new TextEncoder().encode(this.#queue.stream)
    for (; this.store.returned > 0; this.store.returned--) this.#listener.onMessage(RETURNED_CHANNEL, payload)
  }

  subscribe(prefetch = 16, worker = new FakeWorker(false)): FakeWorker {
    worker.subscription = this.queues.subscribe(this.#queue, worker, prefetch)
    worker.subscription.live.catch(() => {})
    this.workers.push(worker)
    return worker
  }

  unsubscribe(worker: FakeWorker): void {
    this.workers.splice(this.workers.indexOf(worker), 1)
    this.queues.unsubscribe(worker.subscription.consumer)
    worker.has.clear()
  }
}

export class QueueStage {
  readonly clock = new FakeClock()
  readonly simulated = new SimulatedQueue(this.clock)
  readonly queue: Queue
  readonly nodes: QueueNode[] = []
  #names = 0

  constructor(rule: Partial<QueueRule> = {}) {
    this.queue = {
      destination: '/queue/q',
      stream: 'queue:q',
      rule: {
        destination: '/queue/**',
        maxDeliveries: 3,
        visibilitySeconds: VISIBLE_SECONDS,
        maxLength: 1000,
        ...rule,
      },
    }
  }

  /** One that is available. */
  node(): QueueNode {
    const node = new QueueNode(`n${++this.#names}`, this.simulated, this.queue)
    this.nodes.push(node)
    node.setAvailable(true)
    return node
  }

  /** As kill -9: nothing comes from it any more. */
  kill(node: QueueNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    node.store.isPrompt = false
    this.simulated.stores.delete(node.store)
  }

  add(...bodies: readonly (string | undefined)[]): void {
    for (const body of bodies) this.simulated.add(body)
  }

  /** Everything that is ready happens, of nodes whose commands are answered; no time passes. */
  async settle(): Promise<void> {
    for (let isMore = true; isMore;) {
      await turn()
      isMore = false
      for (const { store } of this.nodes) isMore ||= store.isPrompt && (store.returned > 0 || store.hasNews)
      for (const node of this.nodes) {
        if (!node.store.isPrompt) continue
        node.hear()
        node.store.bring()
      }
    }
    await turn()
  }

  /** Time passes, in short steps. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      this.clock.advance(Math.min(500, left))
      await this.settle()
    }
  }
}

/** Returns the message id of the entry that was added as the n-th. */
export function messageId(n: number): string {
  return `queue:q-1000-${n}`
}
