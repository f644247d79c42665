/** Puts together the work queues: the store of the bus that there is, and what this node takes from it. */
import type { Bus } from './bus/bus.ts'
import { MemoryBus } from './bus/memory.ts'
import type { QueueAdder } from './bus/queue-adder.ts'
import type { SharedBus } from './bus/shared-bus.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { MemoryQueues } from './queue/memory-queues.ts'
import type { QueueStore } from './queue/queue.ts'
import { QueueAdmin } from './queue/queue-admin.ts'
import { QueueRules } from './queue/queue-rules.ts'
import { Queues, type QueuesDeps } from './queue/queues.ts'
import { RedisBus } from './redis/redis-bus.ts'

export class BridgeQueues {
  readonly rules: QueueRules
  /** Undefined where Redis does it. */
  readonly adder: QueueAdder | undefined
  readonly #store: QueueStore | undefined
  #queues: Queues | undefined

  /** Errors: throws if a bus of the program's own is to have some. */
  constructor(config: Config, bus: Bus) {
    this.rules = new QueueRules(config.queues)
    if (this.rules.isEmpty) return
    if (bus instanceof RedisBus) this.#store = bus.queues
    else if (bus instanceof MemoryBus) {
      const store = new MemoryQueues(() => bus.unavailableReason)
      this.#store = store
      this.adder = store
    } else throw new Error('The setting queues needs Redis or the embedded bus: a bus of your own has none')
  }

  /** Undefined if no destination is a work queue. `bus`: shared if one is. */
  begin(bus: SharedBus | undefined, deps: Pick<QueuesDeps, 'metrics' | 'tracing' | 'log'>): Queues | undefined {
    if (!this.#store || !bus) return undefined
    this.#queues = new Queues({ ...deps, store: this.#store, channels: bus.queues, clock: systemClock })
    return this.#queues
  }

  /** Undefined if no destination is a work queue. */
  get admin(): QueueAdmin | undefined {
    const queues = this.#queues
    return queues && new QueueAdmin(this.rules, this.#store!, () => queues.subscribed)
  }
}
