/** Which operations a bridge has over HTTP beside those that every one has: for backends, for operators, for the web debugger. */
import type { BridgeAccess } from './bridge-access.ts'
import type { BridgeNodes } from './bridge-nodes.ts'
import { closeAnywhere, endingOf, peopleOf } from './bridge-people.ts'
import type { ClusterSessions } from './cluster/sessions.ts'
import type { Config } from './config.ts'
import { debugGuard } from './debug/access.ts'
import { debugEndpoints, sessionEndpoints, type DebugApi } from './debug/endpoints.ts'
import { guardsOf } from './debug/guards.ts'
import { accessEndpoints } from './http/access-endpoints.ts'
import type { Endpoint } from './http/endpoint.ts'
import type { Entrance } from './http/entrance.ts'
import { handshakeOf } from './http/handshake.ts'
import { historyEndpoints, type HistoryReader } from './http/history.ts'
import type { KeyGuard } from './http/key-guard.ts'
import { queueEndpoints, type QueueOperator } from './http/queues.ts'

export interface EndpointSources extends Pick<
  DebugApi,
  'facts' | 'inspect' | 'explain' | 'outbound' | 'watches' | 'notReadyReasons'
> {
  readonly config: Config
  readonly entrance: Entrance
  readonly backends: BridgeAccess['backends']
  readonly keyGuard: KeyGuard
  /** Undefined where nodes tell each other nothing but messages. */
  readonly nodes: BridgeNodes | undefined
  readonly sessions: ClusterSessions | undefined
  /** Undefined if no destination has history. */
  readonly history: HistoryReader | undefined
  /** Undefined if no destination is a work queue. */
  readonly queues: QueueOperator | undefined
}

/** Returns the operations. */
export function bridgeEndpoints(sources: EndpointSources): Endpoint[] {
  const { history, queues, keyGuard } = sources
  const kept = history ? historyEndpoints(history, keyGuard) : []
  const queued = queues ? queueEndpoints(queues, keyGuard) : []
  return [...debugApi(sources), ...backendApi(sources), ...kept, ...queued]
}

function debugApi(sources: EndpointSources): Endpoint[] {
  const { config, backends, sessions, inspect } = sources
  const { host, allowedOrigins } = config.server
  const { api, token } = config.debugger
  const hasDebugApi = api === 'on'
  const guardFor = guardsOf(hasDebugApi ? debugGuard({ token, host, allowedOrigins }) : undefined, backends)
  const closeSession = sessions ? closeAnywhere(sessions) : (id: string) => inspect('closeSession', id)
  if (!hasDebugApi) return backends ? sessionEndpoints({ guardFor, inspect, closeSession, isOff: true }) : []
  return debugEndpoints({ ...sources, guardFor, closeSession, maxBodyBytes: config.limits.maxBodyBytes })
}

function backendApi({ config, entrance, backends, keyGuard, nodes, sessions }: EndpointSources): Endpoint[] {
  if (!nodes || !sessions) return []
  const { maxBodyBytes } = config.limits
  const tickets = backends?.tickets
  return accessEndpoints({
    guard: keyGuard,
    people: peopleOf(sessions),
    ending: backends && endingOf(sessions, nodes.revocations),
    tickets: tickets && {
      keys: backends.keys,
      attempts: backends.attempts,
      identify: async (c) => entrance.identify(c.req.raw, handshakeOf(c)),
      showsTicket(c) {
        const token = entrance.tokenOf(handshakeOf(c))
        return token !== undefined && tickets.isTicket(token)
      },
      issue: (identity, sessionSeconds) =>
        backends.tickets!.issue(identity, sessionSeconds === undefined ? {} : { sessionSeconds }),
      maxBodyBytes,
    },
    maxBodyBytes,
  })
}
