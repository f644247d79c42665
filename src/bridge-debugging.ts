/**
 * Puts together what the web debugger is shown of a bridge: one process as plain data, all of them through their
 * supervisor, and what does not change. Called by the composition root; serves nothing itself.
 */
import type { Authenticator } from './auth/authenticator.ts'
import type { Broker } from './broker/broker.ts'
import type { Bus } from './bus/bus.ts'
import type { Config } from './config.ts'
import type { BridgeFacts } from './http/debug-bridge.ts'
import type { DebugApi } from './http/debug-endpoints.ts'
import {
  MAX_DESTINATIONS,
  MERGE,
  mostSubscribed,
  type Answer,
  type Inspect,
  type InspectAll,
  type InspectionName,
  type ProcessView,
  type Question,
} from './inspection.ts'
import type { Metrics } from './metrics.ts'
import type { RouteTable } from './routes/table.ts'
import type { OutputWatch } from './session/output-watch.ts'
import { viewSessions } from './session/session-views.ts'
import type { Sessions } from './session/sessions.ts'

/** What of a bridge is looked at. */
export interface DebuggedParts {
  readonly config: Config
  readonly version: string
  /** Name and version. */
  readonly runtime: string
  readonly nodeId: string
  readonly bus: Bus
  /** Was the bus handed in by the program that embeds the bridge? */
  readonly isOwnBus: boolean
  readonly table: RouteTable
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  readonly broker: Broker
  readonly outputs: OutputWatch
  readonly metrics: Metrics
  /** Where STOMP over TCP is spoken. */
  tcp(): { readonly host: string; readonly port: number } | undefined
}

/** Makes the function that answers for this process, which is taken to have started now. */
export function createInspect(parts: DebuggedParts): Inspect {
  const startedAt = Date.now()
  const answers: { readonly [Name in InspectionName]: (question: Question<Name>) => Promise<Answer<Name>> } = {
    process: async () => viewProcess(parts, startedAt),
    sessions: (query) => viewSessions(parts.sessions, query),
    closeSession: async (id) => parts.sessions.close(id),
  }
  return (name, question) => answers[name](question)
}

/** Makes the debug API where it is switched on. `inspectAll`: this process is one of several. */
export function createDebugApi(
  parts: DebuggedParts,
  inspect: Inspect,
  inspectAll: InspectAll | undefined,
): DebugApi | undefined {
  const { debugger: settings, server } = parts.config
  if (settings.api !== 'on') return undefined
  return {
    access: { token: settings.token, host: server.host, allowedOrigins: server.allowedOrigins },
    facts: factsOf(parts),
    inspect: inspectAll ? inspectTogether(inspectAll, inspect) : inspect,
    broker: parts.broker,
  }
}

/** This process answers alone when the supervisor does not. */
function inspectTogether(inspectAll: InspectAll, inspectThis: Inspect): Inspect {
  return async (name, question) => {
    const answers = await inspectAll(name, question)
    return answers.length === 0 ? inspectThis(name, question) : MERGE[name](answers, question)
  }
}

function viewProcess({ sessions, broker, table, outputs, metrics }: DebuggedParts, startedAt: number): ProcessView {
  const { count } = metrics
  return {
    workers: 1,
    startedAt,
    totals: {
      sessions: sessions.size,
      subscriptions: broker.subscriptionCount,
      unsentBytes: outputs.unsentBytes,
      framesReceived: count.framesReceived,
      messagesReceived: count.messagesReceived,
      messagesPublished: count.messagesPublished,
      messagesDelivered: count.messagesDelivered,
      sessionsOpened: count.sessionsOpened,
      errors: count.errorsSent,
    },
    routeMessages: table.messageCounts(),
    destinations: mostSubscribed(broker.subscriptionCounts(), MAX_DESTINATIONS),
  }
}

function factsOf(parts: DebuggedParts): BridgeFacts {
  const { config, version, runtime, nodeId, bus, isOwnBus, table, authenticator } = parts
  const kind = isOwnBus ? 'custom' : config.redis.url === undefined ? 'embedded' : 'redis'
  const startedMs = performance.now()
  return {
    version,
    runtime,
    node: nodeId,
    isOpen: authenticator.isOpen,
    stompPath: config.server.path,
    prefixes: {
      broker: [...config.broker.prefixes],
      application: [...config.broker.applicationPrefixes],
      broadcastChannel: config.broker.broadcastChannel,
    },
    limits: config.limits,
    routes: table.views(),
    tcp: () => parts.tcp() ?? null,
    bus: () => ({ kind, description: bus.description, unavailableReason: bus.unavailableReason ?? null }),
    async nodes() {
      if (kind === 'embedded') {
        const ageSeconds = Math.floor((performance.now() - startedMs) / 1000)
        return [{ id: nodeId, isThis: true, address: null, ageSeconds }]
      }
      const nodes = await bus.nodes?.()
      return nodes?.map((node) => ({ ...node, isThis: node.id === nodeId })) ?? null
    },
  }
}
