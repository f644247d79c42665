/** Puts together what the nodes of one bridge tell and ask each other: who is connected, who is where, what is revoked. */
import * as z from 'zod'
import { MemoryTicketStore, type TicketStore } from './access/ticket-store.ts'
import type { Revocable, Revocations } from './access/revocations.ts'
import { SharedRevocations } from './access/shared-revocations.ts'
import type { SharedBus } from './bus/shared-bus.ts'
import { systemClock } from './clock.ts'
import { Cluster } from './cluster/cluster.ts'
import { ClusterSessions } from './cluster/sessions.ts'
import type { LocalSessions } from './cluster/local-sessions.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { leaseMs } from './presence/grace.ts'
import { Presence } from './presence/presence.ts'
import type { RedisCommands } from './redis/commands.ts'
import { RedisRevocationStore } from './redis/revocation-store.ts'
import { RedisTicketStore } from './redis/ticket-store.ts'

const REVOCATION = 'revocation'
const revocationSchema = z.object({ subject: z.string().max(2048), until: z.number() })
/** How often a node looks at most whether the store has what it knows to be revoked, in milliseconds. */
const CHECK_REVOCATIONS_MS = 5_000

/** What is asked of this node. */
export interface NodeSessions extends LocalSessions {
  endRevoked(what: Revocable): number
}

export interface BridgeNodesOptions {
  readonly config: Config
  readonly nodeId: string
  readonly bus: SharedBus
  /** Undefined on a bus that is not Redis. */
  readonly commands: RedisCommands | undefined
  readonly log: Log
  readonly metrics: Metrics
  /** Without it nobody has a credential that could be revoked. */
  readonly hasAccess: boolean
}

export class BridgeNodes {
  readonly ticketStore: TicketStore
  readonly revocations: Revocations
  /** Undefined if no attendance is kept. */
  readonly presence: Presence | undefined
  readonly #cluster: Cluster
  readonly #revocations: SharedRevocations
  #sessions: NodeSessions | undefined

  constructor({ config, nodeId, bus, commands, log, metrics, hasAccess }: BridgeNodesOptions) {
    const { destinations, ttlSeconds } = config.presence
    const clock = systemClock
    this.ticketStore = commands ? new RedisTicketStore(commands) : new MemoryTicketStore(clock)
    const cluster = new Cluster({ nodeId, channels: bus.own, clock, leaseMs: leaseMs(ttlSeconds), log, metrics })
    this.#cluster = cluster
    this.presence = destinations.length > 0 ? new Presence({ destinations, cluster, clock }) : undefined
    this.#revocations = new SharedRevocations({
      store: commands && hasAccess ? new RedisRevocationStore(commands) : undefined,
      clock,
      checkEveryMs: CHECK_REVOCATIONS_MS,
      log,
      tell: (revocation) => cluster.tell(REVOCATION, revocation),
      onRevoked: (what) => {
        metrics.count.revocations++
        this.#sessions?.endRevoked(what)
      },
    })
    this.revocations = this.#revocations
    cluster.hear(REVOCATION, revocationSchema, (revocation) => this.#revocations.heard(revocation))
  }

  /** Before the start. Returns the sessions of all nodes. */
  serve(sessions: NodeSessions): ClusterSessions {
    this.#sessions = sessions
    return new ClusterSessions(this.#cluster, sessions)
  }

  /** After the bus was started. */
  start(): void {
    this.#cluster.start()
  }

  setUnavailableReason(reason: string | undefined): void {
    this.#revocations.setUnavailableReason(reason)
  }

  /** Before the bus is closed. */
  async close(): Promise<void> {
    this.presence?.close()
    this.#revocations.close()
    await this.#cluster.close()
  }
}
