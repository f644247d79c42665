import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  configJsonSchema,
  describeSettings,
  parseConfig,
  redactConfig,
  redactUrl,
  secretSettings,
} from '../../src/config.ts'
import { linesOf } from './support.ts'

const fileInRoot = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

function leavesOf(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? leavesOf(child, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  )
}

describe('parseConfig', () => {
  it('gives every default when nothing is given', () => {
    expect(parseConfig()).toEqual({
      server: {
        host: '127.0.0.1',
        port: 8080,
        tls: {},
        workers: 1,
        path: '/stomp',
        allowedOrigins: [],
        allowedHosts: [],
        trustedProxies: [],
        forwardedHeader: 'X-Forwarded-For',
        joinFrames: false,
        compression: false,
        compressionMinBytes: 1024,
        pingIntervalMs: 25_000,
        keepAliveMs: 75_000,
        docs: true,
        metrics: true,
      },
      doors: { raw: true, sse: true, sockjs: false },
      endpoints: [],
      tcp: { enabled: false, host: '127.0.0.1', port: 61613, tls: {} },
      debugger: { enabled: true, path: '/debugger', api: 'off' },
      redis: {
        tls: { enabled: false, rejectUnauthorized: true },
        keyPrefix: '',
        connectTimeoutMs: 5000,
        commandTimeoutMs: 5000,
        probeIntervalMs: 5000,
        reconnectMaxDelayMs: 5000,
        sentinels: [],
        sentinelTls: false,
        cluster: [],
        shardedPubSub: false,
      },
      broker: {
        prefixes: ['/topic'],
        applicationPrefixes: ['/app'],
        broadcastChannel: 'BROADCAST-CHANNEL',
        distribution: 'shared',
        releaseDelayMs: 1000,
      },
      routes: {
        outbound: [{ destination: '/app/greet', channel: 'GREETING_CHANNEL_OUTBOUND', codec: 'json-string' }],
        inbound: [
          {
            channel: 'GREETING_CHANNEL_INBOUND',
            destination: '/topic/greetings',
            codec: 'json-string',
            subscribe: 'on-demand',
          },
        ],
        convention: true,
        conventionCodec: 'json-string',
      },
      presence: { destinations: [], ttlSeconds: 60 },
      history: [],
      snapshots: [],
      redisCommands: { allow: [], keyPrefix: '{user}:', maxBytes: 1000, maxAnswerBytes: 65_536, timeoutMs: 1000 },
      queues: [],
      fanout: [],
      slowClients: [],
      heartBeat: { outgoingMs: 10000, incomingMs: 10000, toleranceFactor: 2, pongCounts: false },
      limits: {
        maxFrameBytes: 65536,
        maxConnectFrameBytes: 16384,
        maxHeaders: 64,
        maxHeaderBytes: 8192,
        connectTimeoutMs: 10000,
        maxSubscriptions: 128,
        maxPatterns: 16,
        maxTransactions: 16,
        maxTransactionFrames: 100,
        maxTransactionBytes: 1048576,
        maxUnackedMessages: 10000,
        maxUnsentBytes: 1048576,
        maxUnsentMs: 10000,
        maxBodyBytes: 1048576,
        maxInFlight: 256,
        maxSessions: 100000,
        maxSessionsPerAddress: 0,
        maxSessionsPerUser: 0,
        connectsPerSecond: 0,
        connectBurst: 0,
        connectsPerSecondPerAddress: 0,
        connectBurstPerAddress: 0,
        maxFramesPerSecond: 0,
        maxBytesPerSecond: 0,
        rates: [],
      },
      shutdown: { deadlineMs: 10000, readyDelayMs: 0, drainMs: 5000, lingerMs: 2000 },
      log: { level: 'info', format: 'auto', access: false },
    })
  })

  it('freezes the result at every depth and leaves the input alone', () => {
    const input = { routes: { outbound: [{ destination: '/app/x', channel: 'x' }] } }
    const config = parseConfig(input)
    const all: unknown[] = [config]
    for (const value of all) {
      if (typeof value !== 'object' || value === null) continue
      expect(Object.isFrozen(value)).toBe(true)
      all.push(...Object.values(value))
    }
    expect(all).toContain('/app/x')
    expect(Object.isFrozen(input.routes.outbound[0])).toBe(false)
  })

  it('gives a config of its own to each caller, also of the defaults', () => {
    expect(parseConfig().broker.prefixes).not.toBe(parseConfig().broker.prefixes)
  })

  it('takes undefined and null for not given', () => {
    expect(parseConfig({ redis: { url: undefined, password: null }, log: null })).toEqual(parseConfig())
  })

  it('accepts its own result', () => {
    const config = parseConfig({ server: { port: 0 } })
    expect(parseConfig(config)).toEqual(config)
  })

  it('names no origin in problems', () => {
    expect(linesOf(() => parseConfig({ server: { port: -1 } }))).toEqual([
      'server.port: must be a whole number from 0 to 65535, not -1',
    ])
    expect(linesOf(() => parseConfig(3))).toEqual(['The configuration must be a group of settings'])
  })
})

describe('redactConfig', () => {
  it('hides the password, the token and the credentials of the URL, and nothing else', () => {
    const config = parseConfig({
      redis: { url: 'redis://user:hunter2@host:6379/1', password: 'hunter3' },
      debugger: { token: 'hunter4-hunter4-hunter4' },
    })
    const redacted = redactConfig(config)
    expect(redacted.redis).toEqual({ ...config.redis, url: 'redis://***@host:6379/1', password: '***' })
    expect(redacted.debugger).toEqual({ ...config.debugger, token: '***' })
    expect({ ...redacted, redis: 0, debugger: 0 }).toEqual({ ...config, redis: 0, debugger: 0 })
    expect(redactConfig(parseConfig())).toEqual(parseConfig())
  })

  it('hides what may be a key in the URLs of services, which is to be filled in before it is used', () => {
    const sections = (query: string) => ({
      access: {
        authenticators: [
          { type: 'callback', url: `http://auth/{token}${query}` },
          { type: 'jwt', algorithms: ['RS256'], jwksUrl: `https://keys/${query}` },
        ],
      },
      snapshots: [{ destination: '/app/orders/{id}', source: { type: 'http', url: `http://shop/{id}${query}` } }],
    })
    const config = parseConfig(sections('?key=hunter2'))
    const shown = redactConfig(config)
    expect(JSON.stringify(shown)).not.toContain('hunter2')
    expect(shown).toEqual(JSON.parse(JSON.stringify(config).replaceAll('hunter2', '***')))
    const places = ['access.authenticators[0].url', 'access.authenticators[1].jwksUrl', 'snapshots[0].source.url']
    expect(secretSettings(config)).toEqual(places)
    expect(linesOf(() => parseConfig(sections('?key=***')))).toEqual(
      places.map((place) => `${place}: must be filled in: *** is what print-config shows in place of a secret`),
    )
    const plain = parseConfig(sections(''))
    expect(redactConfig(plain)).toEqual(plain)
    expect(secretSettings(plain)).toEqual([])
  })

  it.each([
    ['redis://host:6379', 'redis://host:6379'],
    ['redis://:a@b@host', 'redis://***@host'],
    ['rediss://host/0?password=hunter2&db=1', 'rediss://host/0?password=***&db=1'],
    ['/var/run/redis.sock', '/var/run/redis.sock'],
    ['http://auth/who?k=hunter2&t={token}&empty=', 'http://auth/who?k=***&t={token}&empty='],
    ['https://keys/{id}?hunter2#top', 'https://keys/{id}?***#top'],
    ['http://user:hunter2@host/a@b?{id}', 'http://***@host/a@b?{id}'],
    ['http://host/orders/{id}', 'http://host/orders/{id}'],
  ])('redactUrl gives %s as %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })
})

describe('describeSettings', () => {
  const rows = describeSettings()
  const valueAt = (path: string) =>
    path
      .split('.')
      .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], parseConfig({ access: {} }))

  it('has one row per setting, each with its own variable, a type and a description', () => {
    expect(rows.map((row) => row.path)).toEqual(expect.arrayContaining(leavesOf(parseConfig({ access: {} }))))
    expect(new Set(rows.map((row) => row.path)).size).toBe(rows.length)
    expect(new Set(rows.map((row) => row.env)).size).toBe(rows.length)
    for (const row of rows) {
      expect(row.type, row.path).not.toBe('')
      expect(row.description, row.path).toMatch(/^[A-Z]|^redis:\/\//)
      // What auto comes to depends on where the configuration comes from.
      if (row.path === 'debugger.api') expect(row.default).toBe('auto')
      else expect(row.default, row.path).toEqual(valueAt(row.path))
    }
  })

  it('says the unit of every time and size', () => {
    for (const row of rows.filter((each) => each.path.endsWith('Ms'))) {
      expect(row.description, row.path).toContain('in milliseconds')
    }
    for (const row of rows.filter((each) => each.path.endsWith('Bytes'))) {
      expect(row.description, row.path).toContain('bytes')
    }
  })

  it('derives names from paths', () => {
    const row = (path: string) => rows.find((each) => each.path === path)
    expect(row('limits.maxFrameBytes')?.env).toBe('STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES')
    expect(row('redis.tls.caFile')?.env).toBe('STOMP_BRIDGE_REDIS_TLS_CA_FILE')
    expect(row('server.port')).toEqual({
      path: 'server.port',
      env: 'STOMP_BRIDGE_SERVER_PORT',
      alias: 'PORT',
      type: 'a whole number from 0 to 65535',
      default: 8080,
      description: 'Port for WebSocket and HTTP; 0 is any free port',
    })
    expect(rows.flatMap((each) => each.alias ?? []).sort()).toEqual(['HOST', 'LOG_LEVEL', 'PORT', 'REDIS_URL'])
  })
})

describe('bridge.schema.json', () => {
  it('is up to date (bun src/main.ts config-schema > bridge.schema.json)', () => {
    expect(fileInRoot('bridge.schema.json')).toBe(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
  })

  it('tells editors what is required, allowed and secret', () => {
    expect(configJsonSchema()).not.toHaveProperty('required')
    expect(configJsonSchema()).toMatchObject({
      title: 'stomp-bridge configuration',
      additionalProperties: false,
      properties: {
        $schema: { type: 'string' },
        debugger: { properties: { token: { writeOnly: true } } },
        redis: { properties: { url: { writeOnly: true }, password: { writeOnly: true } } },
        routes: {
          properties: {
            outbound: {
              items: { anyOf: [{ required: ['destination', 'channel'] }, { required: ['destination', 'stream'] }] },
            },
          },
        },
        access: { properties: { apiKeys: { items: { properties: { key: { writeOnly: true } } } } } },
        log: { properties: { format: { enum: ['auto', 'json', 'pretty'] } } },
      },
    })
  })
})
