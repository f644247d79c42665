/** Puts together what keeps the history of destinations: the log of the bus that there is, and how nodes hear what becomes of it. */
import type { Broker } from './broker/broker.ts'
import { HistoryRules } from './broker/history-rules.ts'
import type { Keeping } from './broker/outbound.ts'
import type { Bus } from './bus/bus.ts'
import { MemoryBus } from './bus/memory.ts'
import type { OwnChannels } from './bus/shared-bus.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import type { Delivery } from './delivery/delivery.ts'
import { CLEARED_CHANNEL, RECORDED_CHANNEL } from './history/channels.ts'
import { MemoryLog } from './history/memory-log.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { History } from './recovery/history.ts'
import { RedisBus } from './redis/redis-bus.ts'

export interface BridgeHistoryOptions {
  readonly keeping: Keeping
  readonly nodeId: string
  readonly channels: OwnChannels
  readonly broadcastChannel: string
  readonly broker: Broker
  readonly delivery: Delivery
  readonly log: Log
  readonly metrics: Metrics
}

/** Returns where messages are kept, and which are. Errors: throws if a bus of the program's own is to keep some. */
export function keepingOf(config: Config, bus: Bus): Keeping {
  if (config.history.length > 0 && !(bus instanceof RedisBus) && !(bus instanceof MemoryBus)) {
    throw new Error('The setting history needs Redis or the embedded bus: a bus of your own keeps nothing')
  }
  const log = bus instanceof RedisBus ? bus.log : new MemoryLog(bus, systemClock)
  return { rules: new HistoryRules(config.history), log }
}

export class BridgeHistory {
  readonly history: History
  readonly #nodeId: string
  readonly #channels: OwnChannels
  readonly #log: Log

  constructor({ keeping, nodeId, channels, log, ...deps }: BridgeHistoryOptions) {
    this.history = new History({ ...deps, ...keeping, logger: log, clock: systemClock })
    this.#nodeId = nodeId
    this.#channels = channels
    this.#log = log
    channels.listen({
      onMessage: (channel, payload) => {
        const destination = new TextDecoder().decode(payload)
        if (channel === CLEARED_CHANNEL) this.history.cleared(destination)
        else this.history.caughtUp(destination)
      },
      onAvailability: () => {}, // the history is told with everybody else
      onRefusal: (channel, refusal) => {
        if (refusal) this.#log.warn({ channel, error: refusal.message }, 'Redis refuses a channel that history needs')
      },
    })
  }

  /** After the bus was started. */
  start(): void {
    for (const channel of [CLEARED_CHANNEL, `${RECORDED_CHANNEL}${this.#nodeId}`]) {
      this.#channels.subscribe(channel).catch(() => {}) // told by onRefusal; asked again with each reconnect
    }
  }
}
