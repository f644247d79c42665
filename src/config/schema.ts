/**
 * Owns every setting: its name, unit, default and range, as one zod schema. Everything else about settings (types,
 * environment variables, help, documentation, JSON Schema) is derived from it. Checks that need more than one setting
 * are in `rules.ts`.
 */
import * as z from 'zod'
import { readRedisUrl } from './redis-url.ts'
import { templateProblems } from './template-syntax.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const MEBIBYTE = 1_048_576

/** Paths that the HTTP application answers itself, so that nothing else can be there. */
export const OWN_PATHS = [
  '/health',
  '/ready',
  '/metrics',
  '/docs',
  '/openapi.json',
  '/api/notification',
  '/raw',
  '/sse',
]
/** Those of the debug API and of other doors, which may be off; one that ends in a slash stands for all below it. */
const OTHER_PATHS = ['/api/bridge', '/api/sessions', '/api/sessions/', '/api/channels/', '/raw/', '/sse/']

function count(value: number, max: number, text: string) {
  return z.int().min(1).max(max).default(value).describe(text)
}

function milliseconds(value: number, min: number, max: number, text: string) {
  return z.int().min(min).max(max).default(value).describe(text)
}

function flag(value: boolean, text: string) {
  return z.boolean().default(value).describe(text)
}

function text(describe: string) {
  return z.string().min(1).optional().describe(describe)
}

function port(value: number, describe: string) {
  return z.int().min(0).max(65_535).default(value).describe(describe)
}

const origin = z.string().superRefine((value, context) => {
  if (value === '*') return
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/.test(value)) {
    context.addIssue('must be "*" or an origin such as "https://app.example.com", without a path')
    return
  }
  if (!/^https?:/.test(value)) return
  const asBrowsersSendIt = URL.canParse(value) ? new URL(value).origin : undefined
  if (asBrowsersSendIt === undefined) context.addIssue('must be "*" or an origin such as "https://app.example.com"')
  else if (asBrowsersSendIt !== value) context.addIssue(`must be written as browsers send it: "${asBrowsersSendIt}"`)
})

/** Never quotes the value: it may hold a password. */
const redisUrl = z.string().superRefine((value, context) => {
  const address = readRedisUrl(value)
  if ('problem' in address) context.addIssue(address.problem)
})

const prefix = z.string().regex(/^(\/[^/\s{}*?]+)+$/, {
  error: 'must start with "/", not end with "/", and have no space, "{", "}", "*" or "?"',
})

const template = z.string().superRefine((value, context) => {
  for (const problem of templateProblems(value)) context.addIssue(problem)
})

const endpointTemplate = z.string().regex(/^(\/([^/\s{}*?]|\{(query\.)?[A-Za-z_]\w*\})+)+$/, {
  error: 'must be a destination such as "/topic/{room}", where {room} is from the path and {query.room} from the query',
})

const channelTemplate = template.describe('Redis channel, with the same variables as the destination')
const codec = z
  .enum(['json-string', 'raw', 'json', 'envelope'])
  .default('json-string')
  .describe('How a body is written in Redis: a JSON string, the bytes as they are, a JSON value, or a JSON envelope')

const outboundRoute = z.strictObject({
  destination: template.describe('Where clients SEND to; {name} stands for one segment, {*name} for the rest'),
  channel: channelTemplate,
  codec,
})

const inboundRoute = z.strictObject({
  channel: channelTemplate,
  destination: template.describe('Where it is delivered; {name} stands for one segment, {*name} for the rest'),
  codec,
  subscribe: z
    .enum(['on-demand', 'always'])
    .default('on-demand')
    .describe('Subscribe to the Redis channel only while a client needs it, or as long as the bridge runs'),
  contentType: z.string().min(1).optional().describe('The content-type header of the messages'),
})

const endpoint = z.strictObject({
  path: z
    .string()
    .regex(/^\/(?:(?:[A-Za-z0-9._~-]+|\{[A-Za-z_]\w*\})(?:\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z_]\w*\}))*)?$/, {
      error: 'must be a plain path such as "/ws/{room}", where {room} stands for one segment',
    })
    .refine((value) => !isOwnPath(value), { error: 'must be another path: the bridge answers this one itself' })
    .describe('Path of the WebSocket; {name} stands for one segment'),
  protocol: z.enum(['raw']).describe('raw: each WebSocket message is the body of one message'),
  subscribe: z
    .array(endpointTemplate)
    .default([])
    .describe(
      'Destinations that each client is subscribed to; {name} is taken from the path, {query.name} from the query',
    ),
  send: endpointTemplate.optional().describe('Where messages from clients go; without it they are ignored'),
  credential: z.string().min(1).optional().describe('Query parameter that holds the token of the client'),
  frame: z
    .enum(['body', 'json'])
    .default('body')
    .describe('What clients get: the body, or {"destination", "headers", "body"}'),
  wrap: z.string().min(1).optional().describe('Clients get {"NAME": body}, where NAME is this text'),
  echo: z
    .boolean()
    .default(false)
    .describe(
      'Without send: a client gets back what it sends. With send: a client also gets the messages that it has sent itself',
    ),
})

const tls = z
  .strictObject({
    enabled: flag(
      false,
      'Use TLS; rediss:// in redis.url does the same. The other settings of redis.tls apply to both',
    ),
    rejectUnauthorized: flag(true, 'Refuse a server whose certificate cannot be verified'),
    caFile: text('PEM file with the certificate authorities to trust'),
    certFile: text('PEM file with the client certificate'),
    keyFile: text('PEM file with the key of the client certificate'),
    serverName: text('Name that the certificate of the server must have, if it is not the host of redis.url'),
  })
  .prefault({})
  .describe('TLS to Redis')

function isOwnPath(path: string): boolean {
  return (
    OWN_PATHS.includes(path) || OTHER_PATHS.some((own) => (own.endsWith('/') ? path.startsWith(own) : path === own))
  )
}

/** The zod schema of a whole configuration. Sections may be left out; keys that it does not know are problems. */
export const configSchema = z.strictObject({
  server: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 is every IPv4 address'),
      port: port(8080, 'Port for WebSocket and HTTP; 0 is any free port'),
      workers: count(1, 64, 'Processes that share the ports, about one per core; more than one needs Redis'),
      path: z
        .string()
        .regex(/^\/[A-Za-z0-9._~/-]*$/, { error: 'must start with "/" and be a plain path such as "/stomp"' })
        .refine((value) => !isOwnPath(value), { error: 'must be another path: the bridge answers this one itself' })
        .default('/stomp')
        .describe('Path of the WebSocket'),
      allowedOrigins: z
        .array(origin)
        .default([])
        .describe(
          'Other origins whose pages may connect, such as https://app.example.com, or * for all; ' +
            'pages of the same origin and from localhost always may',
        ),
      joinFrames: flag(
        false,
        'Put several MESSAGE frames of one subscription into one WebSocket message. Many client libraries read only the first: switch it on only if you know that yours reads all',
      ),
      compression: flag(
        false,
        'Compress WebSocket messages (permessage-deflate) for clients that offer it: fewer bytes, more CPU. Unsafe where a ' +
          'message holds a secret next to text that an attacker can choose; see docs/configuration.md',
      ),
      compressionMinBytes: z
        .int()
        .min(0)
        .max(64 * MEBIBYTE)
        .default(1024)
        .describe('Shorter messages are not compressed, in bytes'),
      pingIntervalMs: milliseconds(
        25_000,
        0,
        HOUR_MS,
        'How often WebSockets are pinged, in milliseconds; 0 is never. Pings keep them open in proxies that close idle ' +
          'connections. A client that is silent for 2.4 times as long is dropped',
      ),
      keepAliveMs: milliseconds(
        75_000,
        1000,
        4 * MINUTE_MS,
        'How long an idle HTTP connection stays open, in milliseconds; set it longer than the load balancer in front does',
      ),
      docs: flag(true, 'Serve /docs and /openapi.json'),
      metrics: flag(true, 'Serve /metrics for Prometheus'),
    })
    .prefault({})
    .describe('WebSocket and HTTP'),

  doors: z
    .strictObject({
      raw: flag(true, 'Serve plain WebSockets at /raw/…'),
      sse: flag(true, 'Serve Server-Sent Events at /sse/… and /sse?destination=…'),
    })
    .prefault({})
    .describe('Ways to the same destinations without STOMP'),

  endpoints: z
    .array(endpoint)
    .default([])
    .describe('Plain WebSockets at paths of your own, to replace another server without changing its clients'),

  tcp: z
    .strictObject({
      enabled: flag(false, 'Also speak STOMP over plain TCP'),
      host: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
      port: port(61_613, 'Port for STOMP over TCP; 0 is any free port'),
    })
    .prefault({})
    .describe('STOMP over plain TCP'),

  debugger: z
    .strictObject({
      enabled: flag(true, 'Serve the page of the web debugger; / redirects to it'),
      path: z
        .string()
        .regex(/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/, {
          error: 'must start with "/", not end with "/", and be a plain path such as "/debugger"',
        })
        .default('/debugger')
        .describe('Path of the page'),
      api: z
        .enum(['auto', 'on', 'off'])
        .default('auto')
        .describe(
          'Serve the debug API, with which the page sees and closes sessions, and reads and writes channels; ' +
            'auto is on if there is no configuration file and server.host is only this machine, else off',
        ),
      token: z
        .string()
        .regex(/^[\x21-\x7e]{16,}$/, { error: 'must be at least 16 printable ASCII characters, without spaces' })
        .optional()
        .meta({
          description:
            'Secret that requests to the debug API must send as "Authorization: Bearer …", at least 16 characters',
          writeOnly: true,
        }),
    })
    .prefault({})
    .describe('The web debugger'),

  redis: z
    .strictObject({
      url: redisUrl.optional().meta({
        description:
          'redis://host:6379, rediss://host:6380 (TLS), or unix:///path (a Unix socket); ' +
          'without it the bridge uses an embedded bus, and nothing leaves this process',
        writeOnly: true,
      }),
      username: text('User name; beats the one in redis.url'),
      password: text('Password; beats the one in redis.url').meta({ writeOnly: true }),
      db: z.int().min(0).max(65_535).optional().describe('Database number; beats the one in redis.url'),
      tls,
      keyPrefix: z.string().default('').describe('Text that every channel name begins with'),
      connectTimeoutMs: milliseconds(5000, 1, 10 * MINUTE_MS, 'Longest time to connect, in milliseconds'),
      commandTimeoutMs: milliseconds(5000, 1, 10 * MINUTE_MS, 'Longest time to wait for an answer, in milliseconds'),
      probeIntervalMs: milliseconds(
        5000,
        1,
        HOUR_MS,
        'How often to check that both connections are alive, in milliseconds',
      ),
      reconnectMaxDelayMs: milliseconds(
        5000,
        1,
        10 * MINUTE_MS,
        'Longest pause between attempts to reconnect, in milliseconds',
      ),
    })
    .prefault({})
    .describe('Redis or Valkey'),

  broker: z
    .strictObject({
      prefixes: z.array(prefix).min(1).default(['/topic']).describe('Destinations below these go to subscribers'),
      applicationPrefixes: z
        .array(prefix)
        .default(['/app'])
        .describe('Destinations below these go to backends, by a route'),
      broadcastChannel: z
        .string()
        .min(1)
        .default('BROADCAST-CHANNEL')
        .describe('Redis channel that carries messages for topics to every bridge'),
      releaseDelayMs: milliseconds(
        1000,
        0,
        HOUR_MS,
        'How long a channel stays subscribed after its last subscriber, in milliseconds',
      ),
    })
    .prefault({})
    .describe('Destinations'),

  routes: z
    .strictObject({
      outbound: z
        .array(outboundRoute)
        .default([{ destination: '/app/greet', channel: 'GREETING_CHANNEL_OUTBOUND', codec: 'json-string' }])
        .describe('From clients to Redis; empty by default when routes.inbound is given'),
      inbound: z
        .array(inboundRoute)
        .default([
          {
            channel: 'GREETING_CHANNEL_INBOUND',
            destination: '/topic/greetings',
            codec: 'json-string',
            subscribe: 'on-demand',
          },
        ])
        .describe('From Redis to clients; empty by default when routes.outbound is given'),
      convention: flag(
        true,
        'For everything that no route names: /app/{name} goes to channel app:{name}, and channel topic:{name} to /topic/{name}',
      ),
      conventionCodec: codec.describe('Codec of the routes by convention'),
    })
    .prefault({})
    .describe('Which destination is which Redis channel'),

  slowClients: z
    .array(
      z.strictObject({
        destination: z.string().min(1).describe('Destination or pattern with *, ** or ?'),
        policy: z.enum(['disconnect', 'drop-oldest', 'latest']),
        key: z
          .string()
          .min(1)
          .optional()
          .describe('With latest: the header whose values each keep their newest message'),
        maxBytes: count(262_144, 1024 * MEBIBYTE, 'Most bytes held per subscription'),
        maxAgeMs: milliseconds(10_000, 1, HOUR_MS, 'What has been held longer is dropped, in milliseconds'),
      }),
    )
    .default([])
    .describe(
      'What to do when a client does not read fast enough, by destination; the first match counts, and without one the client is closed',
    ),

  heartBeat: z
    .strictObject({
      outgoingMs: milliseconds(
        10_000,
        0,
        HOUR_MS,
        'How often the bridge offers to send a heart-beat, in milliseconds; 0 is never',
      ),
      incomingMs: milliseconds(
        10_000,
        0,
        HOUR_MS,
        'How often the bridge asks clients for a heart-beat, in milliseconds; 0 is never',
      ),
      toleranceFactor: z
        .number()
        .min(1)
        .max(100)
        .default(2)
        .describe('A client is closed when it is silent for this many times the agreed interval'),
      pongCounts: flag(
        false,
        'Ping a WebSocket client whose heart-beat is overdue, and count its pong as one. For web pages: while their tab is ' +
          'hidden, they can send only once a minute',
      ),
    })
    .prefault({})
    .describe('STOMP heart-beats'),

  limits: z
    .strictObject({
      maxFrameBytes: count(65_536, 64 * MEBIBYTE, 'Largest frame from a client, in bytes'),
      maxConnectFrameBytes: count(16_384, 64 * MEBIBYTE, 'Largest frame before CONNECTED, in bytes'),
      maxHeaders: count(64, 10_000, 'Most headers in a frame'),
      maxHeaderBytes: count(8192, MEBIBYTE, 'Largest header line, in bytes'),
      connectTimeoutMs: milliseconds(
        10_000,
        1,
        10 * MINUTE_MS,
        'Longest time until CONNECT, or until a login is checked, in milliseconds',
      ),
      maxSubscriptions: count(128, 100_000, 'Most subscriptions of a session'),
      maxPatterns: count(16, 100_000, 'Most subscriptions of a session with * or ? in their destination'),
      maxTransactions: count(16, 10_000, 'Most open transactions of a session'),
      maxTransactionFrames: count(100, 100_000, 'Most frames in a transaction'),
      maxTransactionBytes: count(MEBIBYTE, 1024 * MEBIBYTE, 'Most bytes in the open transactions of a session'),
      maxUnackedMessages: count(10_000, 10_000_000, 'Most messages of a session that wait for ACK or NACK'),
      maxUnsentBytes: count(
        MEBIBYTE,
        1024 * MEBIBYTE,
        'Most bytes that may wait for a client to read them; one message of more than half of that does not count',
      ),
      maxUnsentMs: milliseconds(
        10_000,
        1,
        HOUR_MS,
        'How long a client may read nothing although output waits for it, in milliseconds. All that waits must be read within ' +
          'six times as long; one large message has more time, in proportion',
      ),
      maxBodyBytes: count(MEBIBYTE, 256 * MEBIBYTE, 'Largest HTTP request body, in bytes'),
      maxInFlight: count(
        256,
        100_000,
        'Most frames of a session that wait for Redis; beyond that nothing more is read from it',
      ),
      maxSessions: count(100_000, 10_000_000, 'Most sessions at a time'),
    })
    .prefault({})
    .describe('What one client may use; a client that exceeds a limit is refused or closed'),

  shutdown: z
    .strictObject({
      deadlineMs: milliseconds(10_000, 0, 10 * MINUTE_MS, 'Longest time that a shutdown takes, in milliseconds'),
      lingerMs: milliseconds(
        2000,
        0,
        10 * MINUTE_MS,
        'How long a client may take to close after DISCONNECT or ERROR, in milliseconds',
      ),
    })
    .prefault({})
    .describe('Shutting down'),

  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
        .default('info')
        .describe('Lowest severity that is logged'),
      format: z
        .enum(['auto', 'json', 'pretty'])
        .default('auto')
        .describe('JSON lines, or readable text; auto is text on a terminal and JSON elsewhere'),
    })
    .prefault({})
    .describe('Log, on standard error'),
})

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** A whole configuration: every default applied, every value checked, deep-frozen. */
export type Config = DeepReadonly<z.output<typeof configSchema>>

/** What may be given: any part of a configuration. */
export type ConfigInput = DeepReadonly<z.input<typeof configSchema>>

export type OutboundRoute = Config['routes']['outbound'][number]
export type InboundRoute = Config['routes']['inbound'][number]
export type Codec = OutboundRoute['codec']
