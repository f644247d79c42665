/**
 * The HTTP application of a bridge: which path is answered by what, and what every request passes through. Everything
 * else is in the file of its concern. Knows the broker by two functions and sessions only as something to open.
 */
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import type { Broker } from '../broker/broker.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { FetchHandler, OpenSocket } from '../socket.ts'
import { answerOptions, corsHeaders, isFromAllowedOrigin, originGuard } from './cors.ts'
import { debugEndpoints, type DebugApi, type Endpoint } from './debug-endpoints.ts'
import { DebuggerPage, type PageFiles } from './debugger-page.ts'
import { createDocsHandler, docsRoute } from './docs-page.ts'
import {
  createHealthHandler,
  createMetricsHandler,
  createReadyHandler,
  healthRoute,
  metricsRoute,
  readyRoute,
} from './health.ts'
import { createErrorHandler, HttpError, type HttpEnv } from './json-error.ts'
import { createNotificationHandler, notificationRoute } from './notification.ts'
import { createDocument, openApiRoute, type Route } from './openapi.ts'
import { createOriginPolicy } from './origins.ts'
import { createUpgradeHandler, isHandshake, upgrade, upgradeRoute } from './upgrade.ts'

/** What is served, and to whom. */
export interface AppOptions {
  /** Path of the STOMP endpoint, for example `/stomp`. */
  readonly path: string
  /** See `createOriginPolicy`. */
  readonly allowedOrigins: readonly string[]
  readonly maxBodyBytes: number
  /** Serve `/docs` and `/openapi.json`. */
  readonly docs: boolean
  /** Serve `/metrics`. */
  readonly metrics: boolean
  readonly version: string
  /** Name and version, for `/health`. */
  readonly runtime: string
  /** The page of the web debugger, to which `/` leads. */
  readonly page?: { readonly path: string; readonly files: PageFiles } | undefined
}

/** What the app uses of the bridge. */
export interface AppDeps {
  readonly broker: Pick<Broker, 'notify' | 'isBrokerDestination'>
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>
  readonly log: Log
  /** Reasons why this node should get no new clients; empty when ready. */
  notReadyReasons(): readonly string[] | Promise<readonly string[]>
  /** Undefined when a new session may be opened now, else why not. */
  admission(): 'draining' | 'full' | undefined
  readonly openSession: OpenSocket
  /** Undefined where the debug API is not served. */
  readonly debug?: DebugApi | undefined
}

const unguarded: MiddlewareHandler<HttpEnv> = (_c, next) => next()

/** A health check may leave out the host; who wants to do something says whom it means, as HTTP/1.1 asks anyway. */
const hostGuard: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.env.isHostMissing) throw new HttpError('missing-host', 'Send a Host header with the name of this server')
  await next()
}

/** Makes the application. It holds nothing that needs to be closed. */
export function createApp(options: AppOptions, deps: AppDeps): FetchHandler {
  const app = new Hono<HttpEnv>()
  const isAllowedOrigin = createOriginPolicy(options.allowedOrigins)
  const guard = originGuard(isAllowedOrigin)
  const endpoints = endpointsOf(options, deps)

  app.use(async (c, next) => {
    secureHeaders(c)
    await next()
    deps.log.debug({ method: c.req.method, path: c.req.path, status: c.res.status }, 'HTTP request')
  })
  app.use('/api/*', hostGuard, guard, corsHeaders())
  app.use(options.path, guard)
  for (const { route, handler, guard: ownGuard = unguarded } of endpoints) {
    const allow = allowedMethods(route)
    const path = route.getRoutingPath()
    app.on(route.method, path, ownGuard, handler)
    if (path.startsWith('/api/')) app.options(path, (c) => answerOptions(c, allow))
    app.all(path, (c) => {
      throw new HttpError('method-not-allowed', `Cannot ${c.req.method} ${route.path}: use ${allow}`, {
        headers: { Allow: allow },
      })
    })
  }
  const served = endpoints.map(({ route }) => `${route.method.toUpperCase()} ${route.path}`)
  if (options.page) {
    const { path, files } = options.page
    const page = new DebuggerPage(path, files, {
      version: options.version,
      path,
      stompPath: options.path,
      api: deps.debug !== undefined,
      tokenNeeded: deps.debug?.access.token !== undefined,
    })
    served.unshift(`GET ${path}`)
    app.all('/', (c) => page.redirect(c))
    app.all(path, (c) => page.redirect(c))
    app.all(`${path}/*`, (c) => page.serve(c))
  }

  // Not app.notFound: what that throws ends the middleware before it has logged.
  app.all('*', () => {
    throw new HttpError('not-found', `Nothing is served at this path: use one of ${served.join(', ')}`)
  })
  const onError = createErrorHandler(deps.log)
  app.onError(onError)

  // Half of what it costs to come in would be middleware. A handshake that nothing stands against matches one handler
  // alone, which Hono then calls straight away; every other request, a refused handshake too, goes through all above.
  const edge = new Hono<HttpEnv>()
  const passOn = (c: Context<HttpEnv>): Response | Promise<Response> => app.fetch(c.req.raw, c.env)
  edge.get(options.path, (c) => {
    const isAdmitted = isHandshake(c) && isFromAllowedOrigin(c, isAllowedOrigin) && deps.admission() === undefined
    if (!isAdmitted) return passOn(c)
    const response = upgrade(c, deps.openSession)
    // What stands for an upgrade has no status of its own; a handshake that the runtime cannot read has 426.
    const status = response.ok ? 101 : response.status
    deps.log.debug({ method: 'GET', path: options.path, status }, 'HTTP request')
    return response
  })
  edge.notFound(passOn)
  edge.onError(onError)
  return (request, env) => (request.method === 'GET' ? edge.fetch(request, env) : app.fetch(request, env))
}

function endpointsOf(options: AppOptions, deps: AppDeps): Endpoint[] {
  const { metrics, version, runtime } = options
  const endpoints: Endpoint[] = [
    {
      route: upgradeRoute(options.path),
      handler: createUpgradeHandler(() => deps.admission(), deps.openSession),
    },
    { route: notificationRoute, handler: createNotificationHandler(deps.broker, options.maxBodyBytes) },
    { route: healthRoute, handler: createHealthHandler(version, runtime) },
    { route: readyRoute, handler: createReadyHandler(() => deps.notReadyReasons()) },
  ]
  if (deps.debug) {
    endpoints.push(...debugEndpoints(deps.debug, options.maxBodyBytes, () => deps.notReadyReasons()))
  }
  if (metrics) endpoints.push({ route: metricsRoute, handler: createMetricsHandler(deps.metrics) })
  if (!options.docs) return endpoints
  const document = createDocument(version, [...endpoints.map(({ route }) => route), openApiRoute, docsRoute])
  return [
    ...endpoints,
    { route: openApiRoute, handler: (c) => c.json(document, 200, { 'Cache-Control': 'no-cache' }) },
    { route: docsRoute, handler: createDocsHandler(document, { path: options.path, runtime }) },
  ]
}

/**
 * Set before the handler runs, on what Hono will make a response from: a response that a handler brings itself, as an
 * upgrade does, stays the object that it is.
 */
function secureHeaders(c: Context<HttpEnv>): void {
  c.header('X-Content-Type-Options', 'nosniff')
  c.header('Referrer-Policy', 'no-referrer')
}

function allowedMethods({ method, path }: Route): string {
  const methods = [method.toUpperCase()]
  if (method === 'get') methods.push('HEAD')
  if (path.startsWith('/api/')) methods.push('OPTIONS')
  return methods.join(', ')
}
