/**
 * Owns the rules between settings: routes and prefixes, limits that depend on each other. Each rule looks at
 * the values that are valid by themselves, so that one mistake does not hide another.
 */
import type * as z from 'zod'
import { accessFindings } from './access.ts'
import { debuggerFindings } from './debugger.ts'
import { endpointFindings, type EndpointSettings } from './endpoints.ts'
import { isBelow, isOwnAddress, isReceiver, reservedPrefix } from './prefixes.ts'
import type { Finding } from './problems.ts'
import { isOfQueue, queueFindings } from './queue-rules.ts'
import { hasRedis, redisFindings } from './redis-rules.ts'
import { routeFindings } from './route-rules.ts'
import { configSchema } from './schema.ts'
import { snapshotFindings } from './snapshot-rules.ts'
import { streamFindings } from './stream-rules.ts'

type Input = Readonly<Record<string, unknown>>

const shapes = {
  server: configSchema.shape.server.unwrap().shape,
  doors: configSchema.shape.doors.unwrap().shape,
  tcp: configSchema.shape.tcp.unwrap().shape,
  debugger: configSchema.shape.debugger.unwrap().shape,
  broker: configSchema.shape.broker.unwrap().shape,
  routes: configSchema.shape.routes.unwrap().shape,
  limits: configSchema.shape.limits.unwrap().shape,
  shutdown: configSchema.shape.shutdown.unwrap().shape,
  endpoint: configSchema.shape.endpoints.unwrap().element.shape,
}

/** Returns what is wrong between the settings of an input that has no nulls. */
export function findingsBetween(input: Input): Finding[] {
  return [
    ...portFindings(input),
    ...workerFindings(input),
    ...sockJsFindings(input),
    ...streamTargetFindings(input),
    ...shutdownFindings(input),
    ...debuggerFindings(debuggerSettings(input)),
    ...tlsFindings(input),
    ...redisFindings(input),
    ...prefixFindings(input),
    ...routeFindings(routeSettings(input)),
    ...streamFindings(streamSettings(input)),
    ...snapshotFindings(snapshotSettings(input)),
    ...queueFindings(queueSettings(input)),
    ...commandFindings(input),
    ...limitFindings(input),
    ...accessFindings(input['access']),
    ...endpointFindings(endpointsOf(input), endpointContext(input)),
  ]
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
  if (workers === undefined || workers === 1 || hasRedis(input['redis'])) return []
  const text = `is missing, and ${workers} workers need it: the embedded bus is in one process only; set REDIS_URL`
  return [{ path: ['redis', 'url'], text }]
}

function sockJsFindings(input: Input): Finding[] {
  const workers = valid(shapes.server.workers, group(input['server'])['workers'])
  if (!hasSockJs(input) || workers === undefined || workers === 1) return []
  const text = `must be false with ${workers} workers: the requests of a session could reach any of them; run bridges on ports of their own behind sticky sessions`
  return [{ path: ['doors', 'sockjs'], text }]
}

function hasSockJs(input: Input): boolean {
  return valid(shapes.doors.sockjs, group(input['doors'])['sockjs']) === true
}

function streamTargetFindings(input: Input): Finding[] {
  const { outbound } = routeSettings(input)
  const index = outbound.findIndex((route) => group(route)['stream'] !== undefined)
  if (index < 0 || hasRedis(input['redis'])) return []
  const text = `is missing, and routes.outbound[${index}].stream needs it: the embedded bus has no streams; set REDIS_URL`
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
  // Which of them have one is known only when the variables have values.
  const snapshotPrefixes = snapshotSettings(input).snapshots.length > 0 ? applicationPrefixes : []
  const { path: debuggerPath, enabled } = group(input['debugger'])
  const { queues } = queueSettings(input)
  return {
    stompPath: valid(shapes.server.path, group(input['server'])['path']),
    hasSockJs: hasSockJs(input),
    maxSubscriptions: valid(shapes.limits.maxSubscriptions, group(input['limits'])['maxSubscriptions']),
    debuggerPath: enabled === false ? undefined : valid(shapes.debugger.path, debuggerPath),
    isSubscribable: (destination: string) =>
      isBelow(destination, prefixes) ||
      isOwnAddress(destination) ||
      isBelow(destination, snapshotPrefixes) ||
      isOfQueue(queues, destination),
    isSendable: (destination: string) =>
      isBelow(destination, [...prefixes, ...applicationPrefixes]) ||
      isReceiver(destination) ||
      (destination === '/bridge/redis' && hasCommands(input)) ||
      isOfQueue(queues, destination),
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

function shutdownFindings(input: Input): Finding[] {
  const shutdown = group(input['shutdown'])
  const deadline = valid(shapes.shutdown.deadlineMs, shutdown['deadlineMs'])
  const delay = valid(shapes.shutdown.readyDelayMs, shutdown['readyDelayMs'])
  if (deadline === undefined || delay === undefined || delay <= deadline / 2) return []
  const given = shutdown['deadlineMs'] === undefined ? `is ${deadline} by default` : `is ${deadline}`
  const text = `must be at most half of shutdown.deadlineMs, which ${given}: the sessions need the rest`
  return [{ path: ['shutdown', 'readyDelayMs'], text }]
}

function tlsFindings(input: Input): Finding[] {
  return ['redis', 'server', 'tcp'].flatMap((section) => {
    const tls = group(group(input[section])['tls'])
    const missing = (wanted: string, other: string): Finding[] =>
      tls[wanted] === undefined && tls[other] !== undefined
        ? [{ path: [section, 'tls', wanted], text: `is missing, and ${section}.tls.${other} needs it` }]
        : []
    return [...missing('certFile', 'keyFile'), ...missing('keyFile', 'certFile')]
  })
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

function routeSettings(input: Input) {
  const { outbound, inbound, convention } = group(input['routes'])
  return {
    outbound: listOf(outbound),
    inbound: listOf(inbound),
    hasConvention: valid(shapes.routes.convention, convention) === true,
    broadcastChannel: valid(shapes.broker.broadcastChannel, group(input['broker'])['broadcastChannel']),
    ...prefixesOf(input),
  }
}

function streamSettings(input: Input) {
  return {
    inbound: routeSettings(input).inbound,
    history: listOf(input['history']).map((item) => group(item)['destination']),
    prefixes: prefixesOf(input).prefixes,
    hasRedis: hasRedis(input['redis']),
  }
}

function commandFindings(input: Input): Finding[] {
  if (!hasCommands(input) || hasRedis(input['redis'])) return []
  const text = 'is missing, and redisCommands needs it: the embedded bus has no commands; set REDIS_URL'
  return [{ path: ['redis', 'url'], text }]
}

/** May clients send commands to Redis? */
function hasCommands(input: Input): boolean {
  const { allow } = group(input['redisCommands'])
  return Array.isArray(allow) && allow.length > 0
}

function snapshotSettings(input: Input) {
  const { snapshots } = input
  return {
    snapshots: listOf(snapshots),
    applicationPrefixes: prefixesOf(input).applicationPrefixes,
    hasRedis: hasRedis(input['redis']),
  }
}

function queueSettings(input: Input) {
  const { inbound } = routeSettings(input)
  return { queues: listOf(input['queues']), history: listOf(input['history']), inbound }
}

function prefixesOf(input: Input) {
  const broker = group(input['broker'])
  return {
    prefixes: valid(shapes.broker.prefixes, broker['prefixes']),
    applicationPrefixes: valid(shapes.broker.applicationPrefixes, broker['applicationPrefixes']),
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function group(value: unknown): Input {
  return typeof value === 'object' && value !== null ? (value as Input) : {}
}

function valid<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> | undefined {
  const result = schema.safeParse(value)
  return result.success ? result.data : undefined
}
