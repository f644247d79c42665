/** Nodes on a network in memory, with a clock that all of them share. */
import type { BusListener } from '../../src/bus/bus.ts'
import { SharedBus } from '../../src/bus/shared-bus.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import type { Clock } from '../../src/clock.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { Network, type NetworkBus } from './network.ts'

export const LEASE_MS = 2500

export interface StagedNode {
  readonly id: string
  readonly bus: NetworkBus
  readonly shared: SharedBus
  readonly cluster: Cluster
  readonly log: FakeLog
  readonly metrics: { readonly count: { payloadsMalformed: number } }
  /** `joined b`, `left b`, `suspended`, `resumed`, in order. */
  readonly events: string[]
}

const NOBODY: BusListener = { onMessage() {}, onAvailability() {}, onRefusal() {} }

export class ClusterStage {
  readonly clock = new FakeClock()
  readonly network = new Network()

  /** A node that is not started: its subjects can be registered. */
  create(id: string): StagedNode {
    const bus = this.network.connect()
    const log = new FakeLog()
    const metrics = { count: { payloadsMalformed: 0 } }
    const shared = new SharedBus(bus)
    const { clock } = this
    const cluster = new Cluster({
      nodeId: id,
      channels: shared.own,
      clock: ownClock(clock, bus),
      leaseMs: LEASE_MS,
      log,
      metrics,
    })
    const events: string[] = []
    cluster.observe({
      joined: (node) => events.push(`joined ${node}`),
      left: (node) => events.push(`left ${node}`),
      suspended: () => events.push('suspended'),
      resumed: () => events.push('resumed'),
    })
    return { id, bus, shared, cluster, log, metrics, events }
  }

  start({ shared, cluster }: StagedNode): void {
    shared.start(NOBODY)
    cluster.start()
  }

  /** Started, and known to all others. */
  async started(...ids: string[]): Promise<StagedNode[]> {
    const nodes = ids.map((id) => this.create(id))
    for (const node of nodes) this.start(node)
    await this.pass(300)
    return nodes
  }

  /** Lets time pass in steps of 20 ms, with everything delivered in each. */
  async pass(ms: number): Promise<void> {
    await this.network.deliver()
    for (let left = ms; left > 0; left -= 20) {
      if (this.clock.advance(Math.min(20, left)) > 0) await this.network.deliver()
    }
  }
}

/** The clock of a process: it stops when the process is killed. */
export function ownClock(clock: Clock, bus: NetworkBus): Clock {
  return {
    now: () => clock.now(),
    setTimeout: (callback, delayMs) =>
      clock.setTimeout(() => {
        if (bus.unavailableReason !== 'killed') callback()
      }, delayMs),
    clearTimeout: (timer) => clock.clearTimeout(timer),
  }
}
