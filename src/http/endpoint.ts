/** One operation of the application: what it is, who answers it, and who may ask. Types only. */
import type { Handler, MiddlewareHandler } from 'hono'
import type { HttpEnv } from './json-error.ts'
import type { Route } from './openapi.ts'

export interface Endpoint {
  readonly route: Route
  readonly handler: Handler<HttpEnv>
  /** In Hono's words, where that is not the path of the route. */
  readonly path?: string
  /** Runs before the handler, not before an answer to OPTIONS. */
  readonly guard?: MiddlewareHandler<HttpEnv>
}
