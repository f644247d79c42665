/** Which operations the debug API has, and what each of them is handed. Called when the application is put together. */
import type { ChannelWatches } from '../broker/channel-watches.ts'
import type { Outbound } from '../broker/outbound.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { bridgeRoute, createBridgeHandler, type BridgeFacts } from './bridge-endpoint.ts'
import { createExplainHandler, explainRoute, type Explain } from './explain-endpoint.ts'
import { createPublishHandler, publishRoute } from './channel-endpoint.ts'
import type { GuardFor } from './guards.ts'
import {
  closeSessionRoute,
  createCloseSessionHandler,
  createSessionsHandler,
  sessionsRoute,
} from './session-endpoints.ts'
import type { Inspect } from './inspection.ts'
import { createSamplesHandler, samplesRoute } from './samples-endpoint.ts'
import { createTailHandler, tailRoute, type TailOptions } from './tail-endpoint.ts'

/** The debug API: what it shows. */
export interface DebugApi {
  readonly facts: BridgeFacts
  readonly inspect: Inspect
  readonly explain: Explain
  readonly outbound: Pick<Outbound, 'publishOn'>
  readonly watches: Pick<ChannelWatches, 'add'>
  readonly maxBodyBytes: number
  /** Reasons why there should be no new clients; empty when ready. */
  notReadyReasons(): readonly string[] | Promise<readonly string[]>
  readonly tail?: TailOptions
  readonly guardFor: GuardFor
  /** Closes a session, also of another node; false if there is none of this id. */
  closeSession(id: string): Promise<boolean>
}

/** Returns the operations. */
export function debugEndpoints(api: DebugApi): Endpoint[] {
  const { facts, inspect, outbound, watches, maxBodyBytes, tail, guardFor } = api
  const guard = guardFor('admin')
  const [sessions, closeSession] = sessionEndpoints({ ...api, guardFor, isOff: false })
  return [
    { route: bridgeRoute, handler: createBridgeHandler(facts, inspect, () => api.notReadyReasons()), guard },
    { route: samplesRoute, handler: createSamplesHandler(inspect), guard },
    { route: explainRoute, handler: createExplainHandler(api.explain, maxBodyBytes), guard },
    sessions,
    closeSession,
    { route: publishRoute, handler: createPublishHandler(outbound, maxBodyBytes), guard },
    { route: tailRoute, handler: createTailHandler(watches, tail), guard },
  ]
}

/** Returns those that are there without the debug API too, for API keys. `isOff`: it is off. */
export function sessionEndpoints({
  inspect,
  guardFor,
  closeSession,
  isOff,
}: Pick<DebugApi, 'inspect' | 'guardFor' | 'closeSession'> & { readonly isOff: boolean }): [Endpoint, Endpoint] {
  const mayRead = isOff ? guardFor('read') : guardFor('read', 'admin')
  return [
    { route: sessionsRoute, handler: createSessionsHandler(inspect), guard: mayRead },
    { route: closeSessionRoute, handler: createCloseSessionHandler(closeSession), guard: guardFor('admin') },
  ]
}
