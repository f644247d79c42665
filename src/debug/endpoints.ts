/** Which operations the debug API has, and what each of them is handed. Called when the application is put together. */
import type { ChannelWatches } from '../broker/channel-watches.ts'
import type { Outbound } from '../broker/outbound.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { debugGuard, type DebugAccess } from './access.ts'
import { bridgeRoute, createBridgeHandler, type BridgeFacts } from './bridge-endpoint.ts'
import { createPublishHandler, publishRoute } from './channel-endpoint.ts'
import {
  closeSessionRoute,
  createCloseSessionHandler,
  createSessionsHandler,
  sessionsRoute,
} from './session-endpoints.ts'
import type { Inspect } from './inspection.ts'
import { createTailHandler, tailRoute, type TailOptions } from './tail-endpoint.ts'

/** The debug API: who may use it, and what it shows. */
export interface DebugApi {
  readonly access: DebugAccess
  readonly facts: BridgeFacts
  readonly inspect: Inspect
  readonly outbound: Pick<Outbound, 'publish'>
  readonly watches: Pick<ChannelWatches, 'add'>
  readonly maxBodyBytes: number
  /** Reasons why there should be no new clients; empty when ready. */
  notReadyReasons(): readonly string[] | Promise<readonly string[]>
  readonly tail?: TailOptions
}

/** Returns the operations. */
export function debugEndpoints(api: DebugApi): Endpoint[] {
  const { access, facts, inspect, outbound, watches, maxBodyBytes, tail } = api
  const guard = debugGuard(access)
  return [
    { route: bridgeRoute, handler: createBridgeHandler(facts, inspect, () => api.notReadyReasons()), guard },
    { route: sessionsRoute, handler: createSessionsHandler(inspect), guard },
    { route: closeSessionRoute, handler: createCloseSessionHandler(inspect), guard },
    { route: publishRoute, handler: createPublishHandler(outbound, maxBodyBytes), guard },
    { route: tailRoute, handler: createTailHandler(watches, tail), guard },
  ]
}
