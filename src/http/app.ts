/**
 * The HTTP application of a bridge: which path is answered by what, and what every request passes through. Everything
 * else is in the file of its concern. Knows the way out by two functions and STOMP only as something to open.
 */
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import { every } from 'hono/combine'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { FetchHandler } from '../socket.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { answerOptions, corsHeaders, isFromAllowedOrigin, originGuard, requireAllowedOrigin } from './cors.ts'
import { createDocsHandler, docsRoute } from './docs-page.ts'
import {
  createHealthHandler,
  createMetricsHandler,
  createReadyHandler,
  healthRoute,
  metricsRoute,
  readyRoute,
} from './health.ts'
import type { Endpoint } from './endpoint.ts'
import type { KeyGuard } from './key-guard.ts'
import { createNotificationsHandler, notificationsRoute } from './notifications.ts'
import type { Entrance } from './entrance.ts'
import { createErrorHandler, HttpError, type HttpEnv } from './json-error.ts'
import { createNotificationHandler, notificationRoute, type Notifier } from './notification.ts'
import { createDocument, openApiRoute, type Route } from './openapi.ts'
import { createOriginPolicy } from './origins.ts'
import {
  createEndpointHandler,
  createRawHandler,
  rawRoute,
  wantsHandshake,
  type OpenRaw,
  type RawEndpoint,
} from './raw.ts'
import { behindProxies, type ProxyOptions } from './client-address.ts'
import { createHostPolicy, hostPolicyGuard, requireAllowedHost } from './hosts.ts'
import { RefusalLog } from './refusal-log.ts'
import { REQUEST_ID, requestIdOf } from './request-id.ts'
import { RequestLog } from './request-log.ts'
import { sockJsEndpoints, type SockJs } from './sockjs.ts'
import { createStreamHandler, streamRoute, streamsRoute, type OpenStream } from './sse.ts'
import { traced } from './traced.ts'
import {
  createUpgradeHandler,
  isHandshake,
  upgrade,
  upgradeRoute,
  type OpenStomp,
  type PickSubProtocol,
} from './upgrade.ts'

/** What is served, and to whom. */
export interface AppOptions extends ProxyOptions {
  /** Path of the STOMP endpoint, for example `/stomp`. */
  readonly path: string
  /** See `createOriginPolicy`. */
  readonly allowedOrigins: readonly string[]
  /** See `createHostPolicy`. */
  readonly allowedHosts: readonly string[]
  readonly maxBodyBytes: number
  /** Which doors beside STOMP are open. */
  readonly doors: { readonly raw: boolean; readonly sse: boolean }
  /** Plain WebSockets at paths of their own. */
  readonly endpoints: readonly RawEndpoint[]
  /** Serve `/docs` and `/openapi.json`. */
  readonly docs: boolean
  /** Serve `/metrics`. */
  readonly metrics: boolean
  /** Log every request at `info`? */
  readonly accessLog: boolean
  readonly version: string
  /** Name and version, for `/health`. */
  readonly runtime: string
}

/** What the app uses of the bridge. */
export interface AppDeps {
  readonly outbound: Notifier
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>
  /** Where requests are counted: those of this process. */
  readonly counted: Pick<Metrics, 'httpAnswered'>
  readonly log: Log
  /** Undefined where nobody wants spans. */
  readonly tracing?: Tracing | undefined
  /** Reasons why this node should get no new clients; empty when ready. */
  notReadyReasons(): readonly string[] | Promise<readonly string[]>
  readonly entrance: Entrance
  /** Of the operations by which backends send. */
  readonly keyGuard: KeyGuard
  readonly openStomp: OpenStomp
  readonly pickSubProtocol: PickSubProtocol
  readonly openRaw: OpenRaw
  readonly openStream: OpenStream
  /** Undefined if that door is closed. */
  readonly sockJs?: SockJs | undefined
  /** Operations that others bring, behind those of this app. */
  readonly moreEndpoints?: readonly Endpoint[] | undefined
  /** A page to which `/` leads. */
  readonly page?: Page | undefined
}

/** A page with its files, below a path of its own. */
export interface Page {
  /** Without a slash at its end. */
  readonly path: string
  /** Leads to the page. */
  redirect(c: Context<HttpEnv>): Response
  /** Answers whatever lies below the path. */
  serve(c: Context<HttpEnv>): Response
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
  const isAllowedHost = createHostPolicy(options.allowedHosts)
  const guard = every(hostPolicyGuard(isAllowedHost), originGuard(isAllowedOrigin))
  const endpoints = endpointsOf(options, deps, guard)

  const { path: stompPath, accessLog: isAccessLog } = options
  const requests = new RequestLog({ isAccessLog, stompPath }, deps.log, deps.counted)
  app.use(async (c, next) => {
    const begunMs = performance.now()
    const requestId = requestIdOf(c.req.raw.headers)
    c.set('requestId', requestId)
    c.header(REQUEST_ID, requestId)
    secureHeaders(c)
    await next().catch(throwError)
    requests.answered(c, begunMs)
  })
  const { tracing } = deps
  if (tracing) app.on('POST', [notificationRoute.path, notificationsRoute.path], traced(tracing))
  app.use('/api/*', hostGuard, guard, corsHeaders())
  app.use(options.path, guard)
  app.use('/raw/*', guard)
  app.use('/sse/*', guard, corsHeaders()) // Hono takes /sse for it too
  const base = options.path.replace(/\/$/, '')
  // The raw path of a Spring endpoint with SockJS.
  app.get(`${base}/websocket`, guard, createUpgradeHandler(deps.entrance, deps.openStomp, deps.pickSubProtocol))
  // Before the bridge's own paths, with which they may share one: / leads browsers to the page, /{room} is /health too.
  const ownBelow = ['/raw/', ...(deps.sockJs && base !== '' ? [`${base}/`] : [])]
  const isOwn = (path: string): boolean => path === options.path || ownBelow.some((below) => path.startsWith(below))
  for (const endpoint of options.endpoints) {
    const handler = createEndpointHandler(endpoint, deps.entrance, deps.openRaw)
    app.get(honoPath(endpoint.path), (c, next) => {
      if (!isHandshake(c) || isOwn(c.req.path)) return next()
      requireAllowedHost(c, isAllowedHost)
      requireAllowedOrigin(c, isAllowedOrigin)
      return handler(c)
    })
  }
  for (const { route, handler, guard: ownGuard = unguarded, preflight, ...place } of endpoints) {
    app.on(route.method, pathOf({ route, ...place }), ownGuard, handler)
    if (preflight) app.options(pathOf({ route, ...place }), ownGuard, preflight)
  }
  for (const [path, routes] of routesByPath(endpoints)) {
    const [route] = routes
    const allow = allowedMethods(routes)
    if (isCalledByPages(path)) app.options(path, (c) => answerOptions(c, allow))
    app.all(path, (c) => {
      throw new HttpError('method-not-allowed', `Cannot ${c.req.method} ${route.path}: use ${allow}`, {
        headers: { Allow: allow },
      })
    })
  }
  const served = endpoints.map(({ route }) => `${route.method.toUpperCase()} ${route.path}`)
  const { page } = deps
  if (page) {
    served.unshift(`GET ${page.path}`)
    app.all('/', (c) => page.redirect(c))
    app.all(page.path, (c) => page.redirect(c))
    app.all(`${page.path}/*`, (c) => page.serve(c))
  }

  for (const { path } of options.endpoints) app.all(honoPath(path), wantsHandshake)
  // Not app.notFound: what that throws ends the middleware before it has logged.
  app.all('*', () => {
    throw new HttpError('not-found', `Nothing is served at this path: use one of ${served.join(', ')}`)
  })
  const refusals = new RefusalLog(deps.log)
  const onError = createErrorHandler(deps.log, (c, error) => refusals.note(c, error))
  app.onError(onError)

  // Half of what it costs to come in would be middleware. A handshake that nothing stands against matches one handler
  // alone, which Hono then calls straight away; every other request, a refused handshake too, goes through all above.
  const edge = new Hono<HttpEnv>()
  const passOn = (c: Context<HttpEnv>): Response | Promise<Response> => app.fetch(c.req.raw, c.env)
  // Neither: when many come at once, those who are refused must cost less than those who are let in.
  const refuse = async (c: Context<HttpEnv>, error: Error, begunMs: number): Promise<Response> => {
    const requestId = requestIdOf(c.req.raw.headers)
    c.set('requestId', requestId)
    c.header(REQUEST_ID, requestId)
    secureHeaders(c)
    const response = await onError(error, c)
    requests.note(c, options.path, response.status, begunMs)
    return response
  }
  edge.get(options.path, (c) => {
    const isAllowed = isAllowedHost(c) && isFromAllowedOrigin(c, isAllowedOrigin)
    if (!isHandshake(c) || !isAllowed || !deps.entrance.isOpenToAll) return passOn(c)
    const begunMs = performance.now()
    try {
      deps.entrance.admit(c.env)
    } catch (error) {
      return refuse(c, error as Error, begunMs)
    }
    const response = upgrade(c, deps.openStomp, deps.pickSubProtocol)
    // What stands for an upgrade has no status of its own; a handshake that the runtime cannot read has 426.
    requests.note(c, options.path, response.ok ? 101 : response.status, begunMs)
    return response
  })
  edge.notFound(passOn)
  edge.onError(onError)
  const serve: FetchHandler = (request, env) =>
    request.method === 'GET' ? edge.fetch(request, env) : app.fetch(request, env)
  return behindProxies(serve, options, deps.log)
}

/** Hono answers only what is an `Error`; authenticators are written by others, who may throw anything. */
function throwError(thrown: unknown): never {
  throw thrown instanceof Error ? thrown : new Error('What was thrown is no error', { cause: thrown })
}

/** `/ws/{room}` in Hono's words. */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}

function endpointsOf(options: AppOptions, deps: AppDeps, guard: MiddlewareHandler<HttpEnv>): Endpoint[] {
  const { metrics, version, runtime } = options
  const publish = deps.keyGuard.require('publish')
  const endpoints: Endpoint[] = [
    {
      route: upgradeRoute(options.path),
      handler: createUpgradeHandler(deps.entrance, deps.openStomp, deps.pickSubProtocol),
    },
    {
      route: notificationRoute,
      handler: createNotificationHandler(deps.outbound, options.maxBodyBytes),
      guard: publish,
    },
    {
      route: notificationsRoute,
      handler: createNotificationsHandler(deps.outbound, options.maxBodyBytes),
      guard: publish,
    },
    { route: healthRoute, handler: createHealthHandler(version, runtime) },
    { route: readyRoute, handler: createReadyHandler(() => deps.notReadyReasons()) },
  ]
  if (options.doors.raw) {
    endpoints.push({ route: rawRoute, path: '/raw/*', handler: createRawHandler(deps.entrance, deps.openRaw) })
  }
  if (options.doors.sse) {
    const handler = createStreamHandler(deps.entrance, deps.openStream)
    endpoints.push({ route: streamRoute, path: '/sse/*', handler }, { route: streamsRoute, handler })
  }
  if (deps.sockJs) endpoints.push(...sockJsEndpoints(options.path, deps.sockJs, deps.entrance, guard))
  endpoints.push(...(deps.moreEndpoints ?? []))
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

/** In Hono's words. */
function pathOf({ route, path = route.getRoutingPath() }: Pick<Endpoint, 'route' | 'path'>): string {
  return path
}

function routesByPath(endpoints: readonly Endpoint[]): Map<string, [Route, ...Route[]]> {
  const byPath = new Map<string, [Route, ...Route[]]>()
  for (const endpoint of endpoints) {
    const known = byPath.get(pathOf(endpoint))
    if (known) known.push(endpoint.route)
    else byPath.set(pathOf(endpoint), [endpoint.route])
  }
  return byPath
}

/** Of routes that share a path. */
function allowedMethods(routes: readonly [Route, ...Route[]]): string {
  const methods = routes.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
  if (isCalledByPages(routes[0].path)) methods.push('OPTIONS')
  return methods.join(', ')
}

/** Browsers ask with OPTIONS before a page of another origin calls with headers of its own. */
function isCalledByPages(path: string): boolean {
  return path.startsWith('/api/') || path === '/sse' || path.startsWith('/sse/')
}
