/** One operation of the application: what it is, who answers it, and who may ask. Types only. */
import type { Handler, MiddlewareHandler } from 'hono'
import type { HttpEnv } from './json-error.ts'
import type { Route } from './openapi.ts'

export interface Endpoint {
  readonly route: Route
  readonly handler: Handler<HttpEnv>
  /** In Hono's words, where that is not the path of the route. */
  readonly path?: string
  /** Runs before the handler, and before `preflight`; not before an answer to OPTIONS that is like all others. */
  readonly guard?: MiddlewareHandler<HttpEnv>
  /** Answers OPTIONS, where that is in a way of its own. */
  readonly preflight?: Handler<HttpEnv>
}
