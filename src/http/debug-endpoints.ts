/** Which operations the debug API has, and what each of them is handed. Called when the application is put together. */
import type { Handler, MiddlewareHandler } from 'hono'
import type { Broker } from '../broker/broker.ts'
import type { Inspect } from '../inspection.ts'
import { debugGuard, type DebugAccess } from './debug-access.ts'
import { bridgeRoute, createBridgeHandler, type BridgeFacts } from './debug-bridge.ts'
import { createPublishHandler, publishRoute } from './debug-channel.ts'
import { closeSessionRoute, createCloseSessionHandler, createSessionsHandler, sessionsRoute } from './debug-sessions.ts'
import { createTailHandler, tailRoute, type TailOptions } from './debug-tail.ts'
import type { HttpEnv } from './json-error.ts'
import type { Route } from './openapi.ts'

export interface Endpoint {
  readonly route: Route
  readonly handler: Handler<HttpEnv>
  /** Runs before the handler, not before an answer to OPTIONS. */
  readonly guard?: MiddlewareHandler<HttpEnv>
}

/** The debug API: who may use it, and what it shows. */
export interface DebugApi {
  readonly access: DebugAccess
  readonly facts: BridgeFacts
  readonly inspect: Inspect
  readonly broker: Pick<Broker, 'publish' | 'watches'>
  readonly tail?: TailOptions
}

/** Gives the operations. */
export function debugEndpoints(
  { access, facts, inspect, broker, tail }: DebugApi,
  maxBodyBytes: number,
  notReadyReasons: () => readonly string[] | Promise<readonly string[]>,
): Endpoint[] {
  const guard = debugGuard(access)
  return [
    { route: bridgeRoute, handler: createBridgeHandler(facts, inspect, notReadyReasons), guard },
    { route: sessionsRoute, handler: createSessionsHandler(inspect), guard },
    { route: closeSessionRoute, handler: createCloseSessionHandler(inspect), guard },
    { route: publishRoute, handler: createPublishHandler(broker, maxBodyBytes), guard },
    { route: tailRoute, handler: createTailHandler(broker.watches, tail), guard },
  ]
}
