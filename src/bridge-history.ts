/**
 * Puts together what keeps messages: the log of the bus that there is, and how nodes hear what becomes of it; the history
 * of destinations, and the keys that hold the newest payload of a channel.
 */
import type { BridgeQueues } from './bridge-queues.ts'
import type { Broker } from './broker/broker.ts'
import { HistoryRules } from './broker/history-rules.ts'
import type { Keeping } from './broker/outbound.ts'
import type { Bus } from './bus/bus.ts'
import { MemoryBus } from './bus/memory.ts'
import type { OwnChannels } from './bus/shared-bus.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import type { Delivery } from './delivery/delivery.ts'
import { BARRIER_CHANNEL, CLEARED_CHANNEL, KEPT_CHANNEL, RECORDED_CHANNEL } from './history/channels.ts'
import { MemoryLog } from './history/memory-log.ts'
import { PageGarbage } from './history/page-garbage.ts'
import { timedLog } from './history/timed-log.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { Archive } from './recovery/archive.ts'
import { Barrier } from './recovery/barrier.ts'
import { History } from './recovery/history.ts'
import { KeptValues } from './recovery/kept-values.ts'
import { LogSizes } from './recovery/log-sizes.ts'
import { RedisBus } from './redis/redis-bus.ts'
import type { RouteTable } from './routes/table.ts'
import type { Runtime } from './socket.ts'

export interface BridgeHistoryOptions {
  readonly keeping: Keeping
  /** Streams that are read, as {@link streamsOf} returns them. */
  readonly streams: ReturnType<typeof streamsOf>
  readonly nodeId: string
  readonly channels: OwnChannels
  readonly table: RouteTable
  readonly broker: Broker
  readonly delivery: Delivery
  readonly log: Log
  readonly metrics: Metrics
  readonly collectGarbage: Runtime['collectGarbage']
}

/** Returns where messages are kept, and which are. Errors: throws if a bus of the program's own is to keep some, or to have a stream. */
export function keepingOf(
  config: Config,
  bus: Bus,
  queues: Pick<BridgeQueues, 'rules' | 'adder'>,
  metrics: Metrics,
): Keeping {
  if (config.history.length > 0 && !(bus instanceof RedisBus) && !(bus instanceof MemoryBus)) {
    throw new Error('The setting history needs Redis or the embedded bus: a bus of your own keeps nothing')
  }
  if (config.routes.outbound.some((route) => 'stream' in route) && !(bus instanceof RedisBus)) {
    throw new Error('A route to a stream needs Redis: a bus of your own has none')
  }
  const log = bus instanceof RedisBus ? bus.log : new MemoryLog(bus, systemClock, queues.adder)
  return { rules: new HistoryRules(config.history), log: timedLog(log, metrics), queues: queues.rules }
}

/** Is there anything to keep, for which nodes have to hear of each other? */
export function keepsSomething(config: Config, table: RouteTable): boolean {
  return config.history.length > 0 || table.keepsValues || table.readStreams.length > 0
}

/** Returns the streams that are read; undefined if none is. Errors: throws if the bus is not Redis. */
export function streamsOf({ readStreams }: RouteTable, bus: Bus) {
  if (readStreams.length === 0) return undefined
  if (!(bus instanceof RedisBus)) throw new Error('A stream in routes.inbound needs Redis: another bus has none')
  return { routes: readStreams, source: bus.streams }
}

export class BridgeHistory {
  /** Undefined if no destination has history. */
  readonly history: History | undefined
  /** Undefined if no route keeps its newest payload. */
  readonly keptValues: KeptValues | undefined
  readonly archive: Archive
  readonly #streams: ReturnType<typeof streamsOf>
  readonly #nodeId: string
  readonly #channels: OwnChannels
  readonly #barrier: Barrier
  readonly #garbage: PageGarbage | undefined
  readonly #log: Log

  constructor({ keeping, streams, nodeId, channels, table, log, collectGarbage, ...deps }: BridgeHistoryOptions) {
    this.#streams = streams
    this.#nodeId = nodeId
    this.#channels = channels
    this.#log = log
    this.#barrier = new Barrier(channels, `${BARRIER_CHANNEL}${nodeId}`, systemClock)
    const garbage = collectGarbage && new PageGarbage(collectGarbage, systemClock)
    this.#garbage = garbage
    const shared = { ...keeping, log: garbage ? garbage.counted(keeping.log) : keeping.log, logger: log }
    this.history =
      keeping.rules.isEmpty && !streams
        ? undefined
        : new History({ ...deps, ...shared, garbage, streams, clock: systemClock })
    const { history } = this
    if (history && !keeping.rules.isEmpty) {
      const sizes = new LogSizes({
        log: keeping.log,
        rules: keeping.rules.all,
        inUse: () => history.inUse,
        clock: systemClock,
        dateNow: Date.now,
        logger: log,
      })
      deps.metrics.observeHistories(() => sizes.byRule())
    }
    this.keptValues = table.keepsValues
      ? new KeptValues({ ...shared, table, delivery: deps.delivery, barrier: this.#barrier })
      : undefined
    this.archive = new Archive({ ...shared, keptValues: this.keptValues, streams: this.history?.streams })
    channels.listen({
      onMessage: (channel, payload) => this.#heard(channel, payload),
      onAvailability: () => {}, // the history is told with everybody else
      onRefusal: (channel, refusal) => {
        if (refusal) this.#log.warn({ channel, error: refusal.message }, 'Redis refuses a channel that history needs')
      },
    })
  }

  /** After the bus was started. */
  start(): void {
    this.#streams?.source.start()
    const own = [RECORDED_CHANNEL, BARRIER_CHANNEL].map((name) => `${name}${this.#nodeId}`)
    for (const channel of [CLEARED_CHANNEL, KEPT_CHANNEL, ...own]) {
      this.#channels.subscribe(channel).catch(() => {}) // told by onRefusal; asked again with each reconnect
    }
  }

  close(): void {
    this.history?.close()
    this.#garbage?.close()
    this.#barrier.close()
  }

  #heard(channel: string, payload: Uint8Array): void {
    if (channel === KEPT_CHANNEL) {
      this.history?.recorded(payload)
      return
    }
    const text = new TextDecoder().decode(payload)
    const space = text.indexOf(' ')
    if (channel === CLEARED_CHANNEL) this.history?.cleared(text)
    else if (channel.startsWith(BARRIER_CHANNEL)) this.#barrier.received(text)
    else this.history?.caughtUp(text.slice(space + 1), Number(text.slice(0, space)))
  }
}
