/**
 * Owns the rules between settings: route templates and prefixes, limits that depend on each other. Each rule looks at
 * the values that are valid by themselves, so that one mistake does not hide another.
 */
import type * as z from 'zod'
import { accessFindings } from './access.ts'
import { debuggerFindings } from './debugger.ts'
import { endpointFindings, type EndpointSettings } from './endpoints.ts'
import { pathText, type Finding, type SettingPath } from './problems.ts'
import { isOwnAddress, isReceiver, reservedPrefix } from './reserved.ts'
import { giveSameDestination, takesAll, type RouteTemplates } from './route-conflicts.ts'
import { ws4redisRoutes } from './route-presets.ts'
import { configSchema } from './schema.ts'
import { facility } from './schema/routes.ts'
import { hasPayloadVariables, templateProblems, templateVariables } from './template-syntax.ts'

type Input = Readonly<Record<string, unknown>>

const shapes = {
  server: configSchema.shape.server.unwrap().shape,
  tcp: configSchema.shape.tcp.unwrap().shape,
  debugger: configSchema.shape.debugger.unwrap().shape,
  broker: configSchema.shape.broker.unwrap().shape,
  routes: configSchema.shape.routes.unwrap().shape,
  limits: configSchema.shape.limits.unwrap().shape,
  facility,
  endpoint: configSchema.shape.endpoints.unwrap().element.shape,
}

/** Returns what is wrong between the settings of an input that has no nulls. */
export function findingsBetween(input: Input): Finding[] {
  return [
    ...portFindings(input),
    ...workerFindings(input),
    ...debuggerFindings(debuggerSettings(input)),
    ...tlsFindings(input),
    ...prefixFindings(input),
    ...routeFindings(input),
    ...limitFindings(input),
    ...accessFindings(input['access']),
    ...endpointFindings(endpointsOf(input), endpointContext(input)),
  ]
}

/** Says whether a destination (or template of one) lies below one of the prefixes. */
export function isBelow(destination: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => destination.startsWith(`${prefix}/`) && destination.length > prefix.length + 1)
}

function portFindings(input: Input): Finding[] {
  const server = group(input['server'])
  const tcp = group(input['tcp'])
  const port = valid(shapes.server.port, server['port'])
  const clashes =
    tcp['enabled'] === true &&
    port !== 0 &&
    port === valid(shapes.tcp.port, tcp['port']) &&
    valid(shapes.server.host, server['host']) === valid(shapes.tcp.host, tcp['host'])
  return clashes ? [{ path: ['tcp', 'port'], text: `must not be server.port too, which is ${port}` }] : []
}

function workerFindings(input: Input): Finding[] {
  const workers = valid(shapes.server.workers, group(input['server'])['workers'])
  if (workers === undefined || workers === 1 || group(input['redis'])['url'] !== undefined) return []
  const text = `is missing, and ${workers} workers need it: the embedded bus is in one process only; set REDIS_URL`
  return [{ path: ['redis', 'url'], text }]
}

function debuggerSettings(input: Input) {
  const server = group(input['server'])
  const { path, api, token } = group(input['debugger'])
  return {
    path: valid(shapes.debugger.path, path),
    stompPath: valid(shapes.server.path, server['path']),
    host: valid(shapes.server.host, server['host']),
    api,
    hasToken: token !== undefined,
  }
}

function endpointsOf(input: Input): EndpointSettings[] {
  const list = input['endpoints']
  if (!Array.isArray(list)) return []
  return list.map((item: unknown) => {
    const { path, protocol, preset, subscribe, send, frame, wrap, echo } = group(item)
    return {
      protocol,
      preset,
      path: valid(shapes.endpoint.path, path),
      subscribe: valid(shapes.endpoint.subscribe, subscribe),
      send: valid(shapes.endpoint.send, send),
      frame: valid(shapes.endpoint.frame, frame),
      wrap: valid(shapes.endpoint.wrap, wrap),
      echo,
    }
  })
}

function endpointContext(input: Input) {
  const { prefixes = [], applicationPrefixes = [] } = prefixesOf(input)
  const { path: debuggerPath, enabled } = group(input['debugger'])
  return {
    stompPath: valid(shapes.server.path, group(input['server'])['path']),
    maxSubscriptions: valid(shapes.limits.maxSubscriptions, group(input['limits'])['maxSubscriptions']),
    debuggerPath: enabled === false ? undefined : valid(shapes.debugger.path, debuggerPath),
    isSubscribable: (destination: string) => isBelow(destination, prefixes) || isOwnAddress(destination),
    isSendable: (destination: string) =>
      isBelow(destination, [...prefixes, ...applicationPrefixes]) || isReceiver(destination),
  }
}

function limitFindings(input: Input): Finding[] {
  const limits = group(input['limits'])
  const frame = valid(shapes.limits.maxFrameBytes, limits['maxFrameBytes'])
  const connect = valid(shapes.limits.maxConnectFrameBytes, limits['maxConnectFrameBytes'])
  if (frame === undefined || connect === undefined || connect <= frame) return []
  const given = limits['maxConnectFrameBytes'] === undefined ? `is ${connect} by default` : `is ${connect}`
  return [
    {
      path: ['limits', 'maxConnectFrameBytes'],
      text: `must be at most limits.maxFrameBytes, which is ${frame}, but ${given}`,
    },
  ]
}

function tlsFindings(input: Input): Finding[] {
  const tls = group(group(input['redis'])['tls'])
  const missing = (wanted: string, other: string): Finding[] =>
    tls[wanted] === undefined && tls[other] !== undefined
      ? [{ path: ['redis', 'tls', wanted], text: `is missing, and redis.tls.${other} needs it` }]
      : []
  return [...missing('certFile', 'keyFile'), ...missing('keyFile', 'certFile')]
}

function prefixFindings(input: Input): Finding[] {
  const { prefixes, applicationPrefixes } = prefixesOf(input)
  return [
    ...reservedFindings('prefixes', prefixes),
    ...reservedFindings('applicationPrefixes', applicationPrefixes),
    ...(applicationPrefixes ?? []).flatMap((prefix, index) =>
      prefixes?.includes(prefix)
        ? [{ path: ['broker', 'applicationPrefixes', index], text: `must not be in broker.prefixes too: "${prefix}"` }]
        : [],
    ),
  ]
}

function reservedFindings(key: string, prefixes: readonly string[] = []): Finding[] {
  return prefixes.flatMap((prefix, index) => {
    const reserved = reservedPrefix(prefix)
    const text = `must be another prefix than "${prefix}": "${reserved}" is reserved for the bridge itself`
    return reserved === undefined ? [] : [{ path: ['broker', key, index], text }]
  })
}

function routeFindings(input: Input): Finding[] {
  const { prefixes, applicationPrefixes } = prefixesOf(input)
  const broadcastChannel = valid(shapes.broker.broadcastChannel, group(input['broker'])['broadcastChannel'])
  const outbound = routesOf(input, 'outbound')
  const inbound = routesOf(input, 'inbound')
  return [
    ...outbound.flatMap((route) => destinationFindings(route, applicationPrefixes, 'an application prefix')),
    ...outbound.flatMap(variableFindings),
    ...unreachableFindings(outbound),
    ...inbound
      .filter(({ destination }) => destination === undefined || !isReceiver(destination))
      .flatMap((route) => destinationFindings(route, prefixes, 'a broker prefix')),
    ...inbound.flatMap(variableFindings),
    ...payloadFindings(input),
    ...twiceFindings(inbound, broadcastChannel),
    ...conventionFindings(input),
  ]
}

interface RouteAt {
  readonly path: SettingPath
  /** Undefined where it is missing or not well formed. */
  readonly destination: string | undefined
  readonly channel: string | undefined
  readonly isPreset: boolean
}

function destinationFindings(route: RouteAt, prefixes: readonly string[] | undefined, kind: string): Finding[] {
  const { path, destination, isPreset } = route
  if (destination === undefined || !prefixes || isBelow(destination, prefixes)) return []
  const choice = prefixes.length === 0 ? 'and there is none' : prefixes.map((prefix) => `"${prefix}/"`).join(' or ')
  const text = `must start with ${kind}, ${choice}`
  return [
    isPreset
      ? { path: [...path, 'preset'], text: `brings messages to "${destination}", which ${text}` }
      : { path: [...path, 'destination'], text: `${text}, not "${destination}"` },
  ]
}

function variableFindings({ path, destination, channel }: RouteAt): Finding[] {
  if (destination === undefined || channel === undefined) return []
  return [
    ...lackFindings([...path, 'channel'], channel, destination, 'destination'),
    ...lackFindings([...path, 'destination'], destination, channel, 'channel'),
  ]
}

/** Both directions must be computable, so both sides have the same variables. */
function lackFindings(path: SettingPath, template: string, other: string, otherName: string): Finding[] {
  const written = (each: { name: string; rest: boolean }) => `{${each.rest ? '*' : ''}${each.name}}`
  const own = new Set(templateVariables(template).map(written))
  return templateVariables(other)
    .map(written)
    .filter((variable) => !own.has(variable))
    .map((variable) => ({ path, text: `must have the variable ${variable} of its ${otherName} "${other}"` }))
}

/** Only of JSON are there fields. */
function payloadFindings(input: Input): Finding[] {
  const list = group(input['routes'])['inbound']
  if (!Array.isArray(list)) return []
  return list.flatMap((item: unknown, index) => {
    const { destination, body, codec } = group(item)
    const isOfFields = body !== undefined || (typeof destination === 'string' && hasPayloadVariables(destination))
    const path = ['routes', 'inbound', index, 'codec']
    if (!isOfFields || codec === 'json') return []
    return [
      {
        path,
        text: `must be json, because ${body === undefined ? 'the destination' : 'the body'} is taken from a field`,
      },
    ]
  })
}

/** An outbound route that nothing can reach: the first that takes a destination has it. */
function unreachableFindings(routes: readonly RouteAt[]): Finding[] {
  const whole = routes.flatMap(wholeRoute)
  return whole.flatMap((route, index) => {
    const before = whole.slice(0, index).find((earlier) => takesAll(earlier, route))
    if (!before) return []
    const text = `can never be used: "${before.destination}" of ${pathText(before.path)} comes first and takes all of "${route.destination}"`
    return [{ path: [...route.path, 'destination'], text }]
  })
}

/** Two inbound routes by which each message of some channel comes twice. */
function twiceFindings(routes: readonly RouteAt[], broadcastChannel: string | undefined): Finding[] {
  const whole = routes.flatMap(wholeRoute)
  // A route for every channel does not mean this one; one that names it does.
  const meansBroadcast = ({ channel }: WholeRoute) => channel === broadcastChannel
  return whole.flatMap((route, index) => {
    const before = whole
      .slice(0, index)
      .find((earlier) => meansBroadcast(earlier) === meansBroadcast(route) && giveSameDestination(earlier, route))
    if (!before) return []
    const way = `"${before.channel}" to "${before.destination}"`
    const text = `brings "${route.channel}" to "${route.destination}", and ${pathText(before.path)} brings ${way}: messages would come twice`
    return [{ path: route.path, text }]
  })
}

/** The convention makes a route of each prefix. */
function conventionFindings(input: Input): Finding[] {
  if (valid(shapes.routes.convention, group(input['routes'])['convention']) !== true) return []
  const { prefixes = [], applicationPrefixes = [] } = prefixesOf(input)
  return [
    ...prefixes.flatMap((prefix, index): Finding[] => {
      const first = prefixes.indexOf(prefix)
      const text = `is in the list twice, as broker.prefixes[${first}] too: messages would come twice by the convention: "${prefix}"`
      return first < index ? [{ path: ['broker', 'prefixes', index], text }] : []
    }),
    ...applicationPrefixes.flatMap((prefix, index): Finding[] => {
      const first = applicationPrefixes.findIndex((each) => each === prefix || prefix.startsWith(`${each}/`))
      const text = `can never be used by the convention: "${applicationPrefixes[first]}" of broker.applicationPrefixes[${first}] comes first and takes all of "${prefix}"`
      return first < index ? [{ path: ['broker', 'applicationPrefixes', index], text }] : []
    }),
  ]
}

interface WholeRoute extends RouteTemplates {
  readonly path: SettingPath
}

/** A route whose mistakes are not reported otherwise. */
function wholeRoute({ path, destination, channel }: RouteAt): WholeRoute[] {
  if (destination === undefined || channel === undefined) return []
  const hasSameVariables = lackFindings([], channel, destination, '').concat(lackFindings([], destination, channel, ''))
  return hasSameVariables.length === 0 ? [{ path, destination, channel }] : []
}

function routesOf(input: Input, direction: 'outbound' | 'inbound'): RouteAt[] {
  const list = group(input['routes'])[direction]
  if (!Array.isArray(list)) return []
  return list.flatMap((item: unknown, index): RouteAt[] => {
    const path = ['routes', direction, index]
    const { preset, facility, destination, channel } = group(item)
    const hasPayload = direction === 'inbound'
    if (!hasPayload || preset === undefined) {
      const isPreset = false
      return [{ path, isPreset, destination: wellFormed(destination, hasPayload), channel: wellFormed(channel) }]
    }
    const name = valid(shapes.facility, facility)
    return name === undefined ? [] : ws4redisRoutes(name).map((route) => ({ path, isPreset: true, ...route }))
  })
}

function wellFormed(template: unknown, hasPayload = false): string | undefined {
  return typeof template === 'string' && templateProblems(template, { hasPayload }).length === 0 ? template : undefined
}

function prefixesOf(input: Input) {
  const broker = group(input['broker'])
  return {
    prefixes: valid(shapes.broker.prefixes, broker['prefixes']),
    applicationPrefixes: valid(shapes.broker.applicationPrefixes, broker['applicationPrefixes']),
  }
}

function group(value: unknown): Input {
  return typeof value === 'object' && value !== null ? (value as Input) : {}
}

function valid<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> | undefined {
  const result = schema.safeParse(value)
  return result.success ? result.data : undefined
}
