/**
 * Owns what a person reads on the terminal at start: the banner once all is listening, or the one line that says why
 * not. Called by main; pure functions of what they are told.
 */
import type { BridgeAddress } from './bridge-api.ts'
import { hasRedis, type AccessConfig, type AuthenticatorConfig, type Config } from './config.ts'

/** Columns that everything printed for a person keeps to. */
export const WIDTH = 100

const INDENT = 2
const LABEL_WIDTH = 11
const MAX_ROUTES = 20
const MAX_QUEUES = 10

export interface BannerFacts {
  readonly version: string
  readonly runtime: { readonly name: string; readonly version: string }
  readonly config: Config
}

/** Returns the banner: what is served where, on which bus, by which routes, and how to stop. At most 100 wide. */
export function banner(address: BridgeAddress, { version, runtime, config }: BannerFacts): string {
  const sections: [label: string, lines: string[]][] = [
    [
      'WebSocket',
      [
        `${isTls(config.server) ? 'wss' : 'ws'}://${authority(address.http)}${config.server.path}${reach(address.http.host)}`,
      ],
    ],
    [
      'TCP',
      address.tcp
        ? [`stomp${isTls(config.tcp) ? '+ssl' : ''}://${authority(address.tcp)}${reach(address.tcp.host)}`]
        : [],
    ],
    ['HTTP', httpLines(address, config)],
    ['Workers', config.server.workers > 1 ? [String(config.server.workers)] : []],
    ['Bus', busLines(address, config)],
    ['Routes', routeLines(address.routes)],
    ['Queues', queueLines(config)],
    ['Access', accessLines(address, config)],
  ]
  return [
    `stomp-bridge ${version} on ${runtime.name.charAt(0).toUpperCase()}${runtime.name.slice(1)} ${runtime.version}`,
    '',
    ...sections.flatMap(([label, lines]) => section(label, lines)),
    '',
    'Stop with Ctrl+C.',
    '',
  ].join('\n')
}

function httpLines(address: BridgeAddress, { server, doors, redis, debugger: debug }: Config): string[] {
  const base = `${isTls(server) ? 'https' : 'http'}://${authority(address.http)}`
  const rows: [request: string, text: string][] = [
    ...(debug.enabled ? [[`OPEN ${base}${debug.path}`, 'in a browser: the web debugger'] as [string, string]] : []),
    [`POST ${base}/api/notification`, 'publish {"topic", "message"}'],
    ...(doors.sse ? [[`GET  ${base}/sse/topic/greetings`, 'subscribe with curl -N'] as [string, string]] : []),
    [`GET  ${base}/health`, 'the process is alive'],
    [`GET  ${base}/ready`, hasRedis(redis) ? 'Redis can be used too' : 'the bus can be used too'],
  ]
  if (server.docs) rows.push([`GET  ${base}/docs`, 'describes this API'])
  if (server.metrics) rows.push([`GET  ${base}/metrics`, 'for Prometheus'])
  const width = Math.max(...rows.map(([request]) => request.length))
  return rows.map(([request, text]) => `${request.padEnd(width)}  ${text}`)
}

function busLines(address: BridgeAddress, { redis }: Config): string[] {
  if (hasRedis(redis)) {
    const { bus, busUnavailable } = address
    return busUnavailable === undefined ? [bus] : [bus, unavailableLine(bus, busUnavailable)]
  }
  return [
    'Embedded: inside this process; other bridges and backends cannot see it.',
    'Set REDIS_URL=redis://host:6379 to switch to Redis.',
  ]
}

/** The place is in the line before. */
function unavailableLine(bus: string, reason: string): string {
  const away = `no connection to ${bus}: `
  const why = reason.startsWith(away)
    ? `Unreachable: ${reason.slice(away.length)}`
    : reason === `connecting to ${bus}`
      ? 'Unreachable: no answer yet'
      : `Not usable: ${reason}`
  return `${why}. SEND and POST fail, /ready is 503.`
}

function accessLines(address: BridgeAddress, { access, debugger: debug }: Config): string[] {
  const isApiOpen = debug.api === 'on' && debug.token === undefined
  return [
    address.open
      ? 'Open: anyone who can reach this port may subscribe and send'
      : access
        ? accessText(access)
        : 'By the configured rules',
    ...(isApiOpen
      ? [
          'Warning: the debug API is open to every user and program of this machine.',
          'Set STOMP_BRIDGE_DEBUGGER_TOKEN to a secret, or STOMP_BRIDGE_DEBUGGER_API=off.',
        ]
      : []),
  ]
}

/** Who may come in, and by how much it is said what they may do. */
function accessText({ authenticators, rules, apiKeys }: AccessConfig): string {
  const ways = authenticators.map(wayText).join(', ')
  return [
    ways === '' ? 'Nobody: there is no authenticator' : ways,
    amount(rules.length, 'rule'),
    ...(apiKeys.length > 0 ? [amount(apiKeys.length, 'API key')] : []),
  ].join('; ')
}

function wayText(authenticator: AuthenticatorConfig): string {
  switch (authenticator.type) {
    case 'jwt':
      return `JWT (${authenticator.algorithms.join(', ')})`
    case 'ticket':
      return 'tickets'
    case 'callback':
      return `callback to ${new URL(authenticator.url).host}`
    case 'users':
      return amount(authenticator.users.length, 'user')
    case 'proxy':
      return 'headers of a proxy'
    case 'anonymous':
      return 'anonymous'
  }
}

function amount(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`
}

function routeLines(routes: readonly string[]): string[] {
  if (routes.length === 0) return ['none']
  if (routes.length <= MAX_ROUTES) return [...routes]
  return [...routes.slice(0, MAX_ROUTES - 1), `and ${routes.length - MAX_ROUTES + 1} more; print-config shows them all`]
}

function queueLines({ queues }: Config): string[] {
  if (queues.length === 0) return []
  const shown = queues.slice(0, MAX_QUEUES).map(({ destination }) => destination)
  const rest = queues.length - shown.length
  return [shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '')]
}

function section(label: string, lines: readonly string[]): string[] {
  return lines
    .flatMap((line) => wrapped(line, WIDTH - INDENT - LABEL_WIDTH))
    .map((line, index) => ' '.repeat(INDENT) + (index === 0 ? label : '').padEnd(LABEL_WIDTH) + line)
}

/** Returns a line cut at spaces into lines of at most `width`; a word that is longer is cut too. */
export function wrapped(line: string, width: number): string[] {
  if (line.length <= width) return [line]
  const space = line.lastIndexOf(' ', width)
  const cut = space > 0 ? space : width
  return [line.slice(0, cut).trimEnd(), ...wrapped(line.slice(cut).trimStart(), width)]
}

function isTls({ tls }: { readonly tls: Config['server']['tls'] }): boolean {
  return tls.certFile !== undefined
}

/** Where to reach a listener from this machine: nobody can connect to 0.0.0.0. */
function authority({ host, port }: { host: string; port: number }): string {
  if (isEveryAddress(host)) return `localhost:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function reach(host: string): string {
  return isEveryAddress(host) ? `  (${host}: on every address of this machine)` : ''
}

function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Returns the one line that says why the bridge could not start, and what to do. */
export function startFailure(error: unknown, { server, tcp }: Config): string {
  const { code, port, message } = failureOf(error)
  // All runtimes make the TCP listener with node:net, which names the port in its error; Bun and Deno name none for HTTP.
  const isTcp = tcp.enabled && port === tcp.port && port !== server.port
  const listener = isTcp ? tcp : server
  const names = isTcp
    ? { port: 'STOMP_BRIDGE_TCP_PORT', host: 'STOMP_BRIDGE_TCP_HOST' }
    : { port: 'PORT', host: 'HOST' }
  const place = `Port ${listener.port} on ${listener.host}`
  if (code === 'EADDRINUSE') return `${place} is in use: stop the other program or set ${names.port}`
  if (code === 'EACCES') return `${place} is not allowed for this user: set ${names.port} to a number above 1023`
  if (code === 'EADDRNOTAVAIL' || code === 'EINVAL') {
    return `Host ${listener.host} is not an address of this machine: set ${names.host}`
  }
  return `Cannot start: ${message.split('\n', 1)[0]}`
}

function failureOf(error: unknown): { code: unknown; port: unknown; message: string } {
  if (!(error instanceof Error)) return { code: undefined, port: undefined, message: String(error) }
  const { code, port } = error as Error & { code?: unknown; port?: unknown }
  return { code, port, message: error.message || error.name }
}
