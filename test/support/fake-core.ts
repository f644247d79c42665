/** All that lies between the bus and the doors, wired as a bridge wires it, on a bus that the test plays. */
import { ADDRESSES } from '../../src/access/delivered-addresses.ts'
import { Broker } from '../../src/broker/broker.ts'
import { ChannelInterests } from '../../src/broker/channel-interests.ts'
import { ChannelWatches } from '../../src/broker/channel-watches.ts'
import { DestinationRules, type Prefixes } from '../../src/broker/destination-rules.ts'
import { Distribution, type DistributionKind } from '../../src/broker/distribution.ts'
import { HistoryRules, type HistoryRule } from '../../src/broker/history-rules.ts'
import { Inbound } from '../../src/broker/inbound.ts'
import { Outbound } from '../../src/broker/outbound.ts'
import { Replies } from '../../src/client/replies.ts'
import { systemClock, type Clock } from '../../src/clock.ts'
import { Delivery } from '../../src/delivery/delivery.ts'
import { Groups } from '../../src/delivery/groups.ts'
import type { SlowClientRule } from '../../src/delivery/slow-policy.ts'
import type { OutputMeter } from '../../src/delivery/tally.ts'
import { MemoryLog } from '../../src/history/memory-log.ts'
import { Metrics } from '../../src/metrics.ts'
import type { QueueRule } from '../../src/queue/queue.ts'
import { QueueRules } from '../../src/queue/queue-rules.ts'
import { RouteTable, type RouteOptions } from '../../src/routes/table.ts'
import { FakeBus, type FakeBusOptions } from './fake-bus.ts'
import { FakeLog } from './fake-log.ts'

export interface CoreOptions {
  readonly prefixes?: Partial<Prefixes>
  readonly broadcastChannel?: string
  readonly distribution?: DistributionKind
  readonly releaseDelayMs?: number
  readonly joinFrames?: boolean
  readonly slowClients?: readonly SlowClientRule[]
  /** By default the convention alone, with the codec `raw`. */
  readonly routes?: Partial<RouteOptions>
  readonly bus?: FakeBusOptions
  readonly clock?: Clock
  readonly history?: readonly HistoryRule[]
  readonly queues?: readonly QueueRule[]
}

/** Answers to requests, as a bridge has them. */
export function repliesOf({ watches, metrics, log }: FakeCore): Replies {
  return new Replies({ watches, maxQueues: 3, metrics, log })
}

export class FakeCore {
  readonly bus: FakeBus
  readonly log = new FakeLog()
  readonly metrics = new Metrics()
  readonly table: RouteTable
  readonly interests: ChannelInterests
  readonly watches: ChannelWatches
  readonly delivery: Delivery
  readonly broker: Broker
  readonly inbound: Inbound
  readonly outbound: Outbound
  readonly #broadcastChannel: string

  constructor(meter: OutputMeter, options: CoreOptions = {}) {
    const { log, metrics } = this
    const { broadcastChannel = 'BROADCAST', releaseDelayMs = 1000, joinFrames = true, slowClients = [] } = options
    const prefixes: Prefixes = { prefixes: ['/topic'], applicationPrefixes: ['/app'], ...options.prefixes }
    const routes = { outbound: [], inbound: [], convention: true, conventionCodec: 'raw', ...options.routes } as const
    const queues = new QueueRules(options.queues ?? [])
    const destinations = new DestinationRules(
      prefixes,
      ADDRESSES,
      (destination) => queues.of(destination) !== undefined,
    )
    this.#broadcastChannel = broadcastChannel
    const distribution = new Distribution({ distribution: options.distribution ?? 'shared', broadcastChannel })
    this.bus = new FakeBus(options.bus)
    this.table = new RouteTable(routes, prefixes.applicationPrefixes, prefixes.prefixes)
    this.interests = new ChannelInterests(this.bus, releaseDelayMs)
    this.watches = new ChannelWatches(this.interests)
    const groups = new Groups({ joinFrames, gather: [] }, options.clock ?? systemClock, meter, log, metrics)
    this.delivery = new Delivery(groups, options.clock ?? systemClock, metrics)
    this.broker = new Broker(destinations, slowClients, this.table, this.interests, this.delivery, distribution)
    const { broker, interests, watches, table, bus } = this
    this.inbound = new Inbound('node', broadcastChannel, table, broker, interests, watches, log, metrics)
    const keeping = {
      rules: new HistoryRules(options.history ?? []),
      log: new MemoryLog(bus, options.clock ?? systemClock),
      queues,
    }
    this.outbound = new Outbound(distribution, destinations, table, bus, log, metrics, keeping)
    this.#start()
  }

  close(): void {
    this.watches.close()
    this.interests.close()
    this.metrics.close()
  }

  #start(): void {
    this.bus.start({
      onMessage: (channel, payload, pattern) => this.inbound.receive(channel, payload, pattern),
      onAvailability: (reason) => {
        this.interests.setBusAvailable(reason === undefined)
        this.watches.setUnavailableReason(reason)
      },
      onRefusal: (kind, name, refusal) => this.interests.setRefusal(kind, name, refusal),
    })
    this.interests.keep(this.#broadcastChannel)
    this.interests.keepRoutes(this.table.permanentInterests())
    this.broker.begin()
  }
}
