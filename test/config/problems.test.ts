import { describe, expect, it } from 'vitest'
import { ConfigError, describeRedis, nearest, parseConfig } from '../../src/config.ts'
import { linesOf, load } from './support.ts'

describe('ConfigError', () => {
  it('carries the problems of all sources and sections at once', () => {
    const text = [
      'port: 80',
      'server: { path: stomp, host: 3 }',
      'tcp: yes',
      'limits: { maxFrameBytes: 100.5, maxHeaders: 0, max-in-flight: 3 }',
      'log: { level: loud }',
      'routes: { outbound: [{ destination: /app/x }, 3] }',
    ].join('\n')
    const lines = linesOf(() => load(text, { STOMP_BRIDGE_TCP_PORT: '-1', STOMP_BRIDGE_X: 'y' }))
    expect(lines).toEqual([
      'STOMP_BRIDGE_X: is not a setting',
      'bridge.yaml: server.host: must be text that is not empty: put it in quotes',
      'bridge.yaml: server.path: must start with "/" and be a plain path such as "/stomp"',
      'bridge.yaml: tcp: must be a group of settings',
      'bridge.yaml: routes.outbound[0].channel: is missing and must be text',
      'bridge.yaml: routes.outbound[1]: must be a group of settings',
      'bridge.yaml: limits.maxFrameBytes: must be a whole number from 1 to 67108864, not 100.5',
      'bridge.yaml: limits.maxHeaders: must be a whole number from 1 to 10000, not 0',
      'bridge.yaml: limits.max-in-flight: is not a setting; did you mean maxInFlight?',
      'bridge.yaml: log.level: must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
      'bridge.yaml: port: is not a setting; did you mean server.port?',
    ])
  })

  it('says all of it in its message', () => {
    expect(() => parseConfig({ tcp: { port: -1 }, log: 3 })).toThrow(
      new ConfigError([
        {
          path: 'tcp.port',
          origin: undefined,
          line: 'tcp.port: must be a whole number from 0 to 65535, not -1',
        },
        { path: 'log', origin: undefined, line: 'log: must be a group of settings' },
      ]),
    )
    expect(() => parseConfig({ tcp: { port: -1 }, log: 3 })).toThrow(
      'The configuration has 2 problems:\n  tcp.port: must be a whole number from 0 to 65535, not -1\n  log: must be',
    )
    expect(() => parseConfig({ log: 3 })).toThrow('The configuration has a problem:\n')
  })

  it.each([
    ['a password that is a number', 'redis: { password: 31337 }'],
    ['a URL of another kind', 'redis: { url: "http://user:31337@host" }'],
    ['a URL with a stray character', 'redis: { url: "redis://:31337/x@host" }'],
    ['a URL where the section is', 'redis: redis://user:31337@host'],
    ['a URL in another setting', 'log: { level: redis://user:31337@host }'],
    ['a mistyped key', 'redis: { passwort: 31337 }'],
    ['a Sentinel with a password', 'redis: { masterName: x, sentinels: ["bridge:31337@host:26379"] }'],
  ])('never shows credentials: %s', (_, text) => {
    const lines = linesOf(() => load(text))
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain('31337')
  })

  it('takes a key such as __proto__ for an unknown one', () => {
    expect(linesOf(() => load('__proto__: { x: 1 }\nconstructor: 1'))).toEqual([
      'bridge.yaml: __proto__: is not a setting',
      'bridge.yaml: constructor: is not a setting',
    ])
  })
})

describe('rules of one setting', () => {
  it.each([
    [{ server: { path: '/health' } }, 'server.path: must be another path: the bridge answers this one itself'],
    [{ server: { path: '/a/:b' } }, 'server.path: must start with "/" and be a plain path such as "/stomp"'],
    [
      { server: { allowedOrigins: ['https://a.example/'] } },
      'server.allowedOrigins[0]: must be "*" or an origin such as "https://app.example.com", without a path',
    ],
    [
      { server: { allowedOrigins: ['*', 'https://a.example:443'] } },
      'server.allowedOrigins[1]: must be written as browsers send it: "https://a.example"',
    ],
    [
      { redis: { url: 'localhost:6379' } },
      'redis.url: must be a redis:// or rediss:// URL, or a Unix socket as unix:///path or its path; a password in it must be percent-encoded, and a port is a number from 1 to 65535',
    ],
    [{ broker: { prefixes: [] } }, 'broker.prefixes: must be a list of text, at least 1'],
    [
      { broker: { prefixes: ['/topic/'] } },
      'broker.prefixes[0]: must start with "/", not end with "/", and have no space, "{", "}", "*" or "?"',
    ],
    [{ heartBeat: { toleranceFactor: 0.5 } }, 'heartBeat.toleranceFactor: must be a number from 1 to 100, not 0.5'],
    [
      { limits: { maxBodyBytes: 1e12 } },
      'limits.maxBodyBytes: must be a whole number from 1 to 268435456, not 1000000000000',
    ],
    [{ redis: { db: -1 } }, 'redis.db: must be a whole number from 0 to 65535, not -1'],
    [
      { routes: { outbound: [{ destination: '/app/{id', channel: 'x' }] } },
      'routes.outbound[0].destination: has "{" without "}"',
    ],
  ])('%j', (input, line) => {
    expect(linesOf(() => parseConfig(input))).toEqual([line])
  })

  it.each([
    { server: { allowedOrigins: ['https://a.example', 'http://10.0.0.1:3000', 'capacitor://localhost', '*'] } },
    { server: { port: 0, path: '/' } },
    { redis: { url: '/var/run/redis.sock' } },
    { redis: { url: 'rediss://user:p%40ss@host:6380/2' } },
    { heartBeat: { outgoingMs: 0, incomingMs: 0 } },
  ])('accepts %j', (input) => {
    expect(parseConfig(input)).toMatchObject(input)
  })
})

describe('rules between settings', () => {
  it('wants one place where Redis is, and all that belongs to it', () => {
    const sentinels = ['a:26379']
    expect(linesOf(() => parseConfig({ redis: { url: 'redis://host', sentinels, masterName: 'm' } }))).toEqual([
      'redis.sentinels: must not be set beside redis.url: each of them says where Redis is',
    ])
    expect(linesOf(() => parseConfig({ redis: { sentinels } }))).toEqual([
      'redis.masterName: is missing, and redis.sentinels needs it',
    ])
    expect(linesOf(() => parseConfig({ redis: { masterName: 'm', sentinelPassword: 'secret-word' } }))).toEqual([
      'redis.masterName: needs redis.sentinels',
      'redis.sentinelPassword: needs redis.sentinels',
    ])
    for (const wrong of ['http://a:1', 'a:b@c:1', 'a:0', 'a:70000', '', 'a b']) {
      expect(linesOf(() => parseConfig({ redis: { sentinels: [wrong], masterName: 'm' } }))).toEqual([
        expect.stringMatching(/^redis\.sentinels\[0\]: must be host:port, without anything else/),
      ])
    }
    const cluster = ['a', '[::1]:7000']
    const allow = ['GET']
    expect(
      linesOf(() =>
        parseConfig({ redis: { cluster, db: 1, keyPrefix: 'a{}' }, redisCommands: { allow, keyPrefix: '{user}:' } }),
      ),
    ).toEqual([
      'redis.db: must be 0 or left out: a Redis Cluster has one database',
      'redis.keyPrefix: must not have "{}" in it: keys that belong together would be on different nodes',
      'redisCommands.allow: must be empty with redis.cluster: commands of clients do not work on a Redis Cluster',
    ])
    expect(describeRedis(parseConfig({ redis: { cluster } }).redis)).toBe('Redis Cluster at a:6379, [::1]:7000')
    const { redis } = parseConfig({ redis: { sentinels: ['a', 'redis://b:1', '[::1]:2'], masterName: 'm' } })
    expect(describeRedis(redis)).toBe('Redis "m" by the Sentinels a:26379, b:1, [::1]:2')
  })

  it('wants for sharded Pub/Sub a Cluster, and channels of destinations', () => {
    const redis = { cluster: ['a'], shardedPubSub: true }
    const broker = { distribution: 'by-interest' }
    expect(linesOf(() => parseConfig({ redis: { url: 'redis://a', shardedPubSub: true }, broker }))).toEqual([
      'redis.shardedPubSub: needs redis.cluster',
    ])
    expect(linesOf(() => parseConfig({ redis }))).toEqual([
      'redis.shardedPubSub: needs broker.distribution: by-interest (or both): with shared, destinations have no channels of their own',
    ])
    expect(parseConfig({ redis, broker }).redis.shardedPubSub).toBe(true)
  })

  const outbound = (...routes: unknown[]) => linesOf(() => parseConfig({ routes: { outbound: routes } }))
  const inbound = (...routes: unknown[]) => linesOf(() => parseConfig({ routes: { inbound: routes } }))

  it('an outbound destination is below an application prefix, an inbound one below a broker prefix', () => {
    expect(outbound({ destination: '/topic/x', channel: 'x' })).toEqual([
      'routes.outbound[0].destination: must start with an application prefix, "/app/", not "/topic/x"',
    ])
    expect(inbound({ destination: '/topicality', channel: 'x' })).toEqual([
      'routes.inbound[0].destination: must start with a broker prefix, "/topic/", not "/topicality"',
    ])
    expect(inbound({ destination: '/topic/', channel: 'x' })).toHaveLength(1)
    expect(() =>
      parseConfig({
        broker: { prefixes: ['/topic', '/queue'] },
        routes: { inbound: [{ destination: '/queue/x', channel: 'x' }] },
      }),
    ).not.toThrow()
  })

  it('both sides of a route have the same variables, of the same kind', () => {
    expect(inbound({ channel: 'p:{x}', destination: '/topic/p' })).toEqual([
      'routes.inbound[0].destination: must have the variable {x} of its channel "p:{x}"',
    ])
    expect(inbound({ channel: 'p', destination: '/topic/{x}' })).toEqual([
      'routes.inbound[0].channel: must have the variable {x} of its destination "/topic/{x}"',
    ])
    expect(outbound({ destination: '/app/{*x}', channel: 'p:{x}' })).toEqual([
      'routes.outbound[0].channel: must have the variable {*x} of its destination "/app/{*x}"',
      'routes.outbound[0].destination: must have the variable {x} of its channel "p:{x}"',
    ])
  })

  it('an outbound route that an earlier one leaves nothing for is refused, and both are named', () => {
    expect(
      outbound(
        { destination: '/app/a', channel: 'a' },
        { destination: '/app/{x}', channel: '{x}' },
        { destination: '/app/{y}', channel: 'b:{y}' },
        { destination: '/app/a', channel: 'c' },
        { destination: '/app/b{z}', channel: 'd:{z}' },
        { destination: '/app/{a}/{b}', channel: 'e:{a}:{b}' },
        { destination: '/app/{*rest}', channel: 'f:{*rest}' },
      ),
    ).toEqual([
      'routes.outbound[2].destination: can never be used: "/app/{x}" of routes.outbound[1] comes first and takes all of "/app/{y}"',
      'routes.outbound[3].destination: can never be used: "/app/a" of routes.outbound[0] comes first and takes all of "/app/a"',
      'routes.outbound[4].destination: can never be used: "/app/{x}" of routes.outbound[1] comes first and takes all of "/app/b{z}"',
    ])
  })

  it('two inbound routes that give one channel the same destination are refused, and both are named', () => {
    expect(
      inbound(
        { channel: 'a', destination: '/topic/a' },
        { channel: 'topic:{a}', destination: '/topic/{a}' },
        { channel: 'a', destination: '/topic/a', codec: 'raw' },
        { channel: 'topic:{b}', destination: '/topic/{b}', subscribe: 'always' },
        { channel: 'topic:x', destination: '/topic/x' },
      ),
    ).toEqual([
      'routes.inbound[2]: brings "a" to "/topic/a", and routes.inbound[0] brings "a" to "/topic/a": messages would come twice',
      'routes.inbound[3]: brings "topic:{b}" to "/topic/{b}", and routes.inbound[1] brings "topic:{a}" to "/topic/{a}": messages would come twice',
      'routes.inbound[4]: brings "topic:x" to "/topic/x", and routes.inbound[1] brings "topic:{a}" to "/topic/{a}": messages would come twice',
    ])
  })

  it('one channel may go to several destinations, one destination come from several channels, one pattern hold another', () => {
    expect(() =>
      parseConfig({
        routes: {
          outbound: [
            { destination: '/app/x', channel: 'same' },
            { destination: '/app/{name}', channel: 'other:{name}' },
            { destination: '/app/{*rest}', channel: 'rest:{*rest}' },
          ],
          inbound: [
            { channel: 'a', destination: '/topic/a' },
            { channel: 'a', destination: '/topic/b' },
            { channel: 'b', destination: '/topic/a' },
            { channel: 'topic:{name}', destination: '/topic/{name}' },
            { channel: 'topic:{name}', destination: '/topic/copy/{name}' },
            { channel: 'topic:{*name}', destination: '/topic/all/{*name}' },
            { channel: 'BROADCAST-CHANNEL', destination: '/topic/in/BROADCAST-CHANNEL' },
            { channel: '{name}', destination: '/topic/in/{name}' },
          ],
        },
      }),
    ).not.toThrow()
  })

  it('by the convention no prefix has two routes, and none is left without one', () => {
    const lines = (broker: object, routes = {}) => linesOf(() => parseConfig({ broker, routes }))
    expect(lines({ prefixes: ['/topic', '/queue', '/topic'] })).toEqual([
      'broker.prefixes[2]: is in the list twice, as broker.prefixes[0] too: messages would come twice by the convention: "/topic"',
    ])
    expect(lines({ applicationPrefixes: ['/app', '/app/orders', '/app'] })).toEqual([
      'broker.applicationPrefixes[1]: can never be used by the convention: "/app" of broker.applicationPrefixes[0] comes first and takes all of "/app/orders"',
      'broker.applicationPrefixes[2]: can never be used by the convention: "/app" of broker.applicationPrefixes[0] comes first and takes all of "/app"',
    ])
    for (const [broker, routes] of [
      [{ prefixes: ['/topic', '/topic'], applicationPrefixes: ['/app', '/app'] }, { convention: false }],
      [{ prefixes: ['/topic', '/topic/a'], applicationPrefixes: ['/app/orders', '/app', '/apps'] }, {}],
    ]) {
      expect(() => parseConfig({ broker, routes })).not.toThrow()
    }
  })

  it('routes are compared only where they are right by themselves', () => {
    expect(
      inbound({ channel: 'p:{x}', destination: '/topic/p' }, { channel: 'p:{x}', destination: '/topic/p' }),
    ).toEqual([0, 1].map((i) => `routes.inbound[${i}].destination: must have the variable {x} of its channel "p:{x}"`))
  })

  it('a prefix is for the broker or for applications', () => {
    expect(linesOf(() => parseConfig({ broker: { prefixes: ['/a'], applicationPrefixes: ['/a'] } }))).toEqual([
      'broker.applicationPrefixes[0]: must not be in broker.prefixes too: "/a"',
    ])
  })

  it('a frame before CONNECTED is no larger than any other', () => {
    expect(linesOf(() => parseConfig({ limits: { maxFrameBytes: 1000 } }))).toEqual([
      'limits.maxConnectFrameBytes: must be at most limits.maxFrameBytes, which is 1000, but is 16384 by default',
    ])
    expect(linesOf(() => parseConfig({ limits: { maxConnectFrameBytes: 70000 } }))).toEqual([
      'limits.maxConnectFrameBytes: must be at most limits.maxFrameBytes, which is 65536, but is 70000',
    ])
    expect(() => parseConfig({ limits: { maxFrameBytes: 1000, maxConnectFrameBytes: 1000 } })).not.toThrow()
  })

  it('a shutdown that waits first has time left for the sessions', () => {
    expect(linesOf(() => parseConfig({ shutdown: { readyDelayMs: 5001 } }))).toEqual([
      'shutdown.readyDelayMs: must be at most half of shutdown.deadlineMs, which is 10000 by default: the sessions need the rest',
    ])
    expect(linesOf(() => parseConfig({ shutdown: { deadlineMs: 1500, readyDelayMs: 751 } }))).toEqual([
      'shutdown.readyDelayMs: must be at most half of shutdown.deadlineMs, which is 1500: the sessions need the rest',
    ])
    // A time to drain is shortened where there is less: the default is no mistake.
    expect(() => parseConfig({ shutdown: { deadlineMs: 1500, readyDelayMs: 750, drainMs: 5000 } })).not.toThrow()
  })

  it('the two listeners have an address each', () => {
    expect(linesOf(() => parseConfig({ tcp: { enabled: true, port: 8080 } }))).toEqual([
      'tcp.port: must not be server.port too, which is 8080',
    ])
    expect(() => parseConfig({ tcp: { enabled: false, port: 8080 } })).not.toThrow()
    expect(() => parseConfig({ server: { port: 0 }, tcp: { enabled: true, port: 0 } })).not.toThrow()
  })

  it('a certificate and its key come together', () => {
    const tls = { certFile: 'cert.pem' }
    expect(linesOf(() => parseConfig({ server: { tls }, tcp: { tls } }))).toEqual([
      'server.tls.keyFile: is missing, and server.tls.certFile needs it',
      'tcp.tls.keyFile: is missing, and tcp.tls.certFile needs it',
    ])
    expect(linesOf(() => parseConfig({ redis: { tls: { keyFile: 'key.pem' } } }))).toEqual([
      'redis.tls.certFile: is missing, and redis.tls.keyFile needs it',
    ])
  })

  it('SockJS needs one worker, and says what to do instead', () => {
    const input = { doors: { sockjs: true }, redis: { url: 'redis://localhost' } }
    const line =
      'doors.sockjs: must be false with 2 workers: the requests of a session could reach any of them; run bridges on ports ' +
      'of their own behind sticky sessions'
    expect(linesOf(() => parseConfig({ ...input, server: { workers: 2 } }))).toEqual([line])
    expect(() => parseConfig(input)).not.toThrow()
    expect(() => parseConfig({ ...input, doors: {}, server: { workers: 2 } })).not.toThrow()
  })

  it('several workers need Redis, and say how to name it', () => {
    const line = 'redis.url: is missing, and 3 workers need it: the embedded bus is in one process only; set REDIS_URL'
    expect(linesOf(() => parseConfig({ server: { workers: 3 } }))).toEqual([line])
    expect(linesOf(() => load('server: { workers: 3 }'))).toEqual([line])
    expect(linesOf(() => load('redis: { db: 1 }', { STOMP_BRIDGE_SERVER_WORKERS: '3' }))).toEqual([
      `bridge.yaml: ${line}`,
    ])
    expect(() => load('server: { workers: 3 }', { REDIS_URL: 'redis://localhost' })).not.toThrow()
    expect(() => parseConfig({ server: { workers: 1 } })).not.toThrow()
    expect(linesOf(() => parseConfig({ server: { workers: 65 } }))).toEqual([
      'server.workers: must be a whole number from 1 to 64, not 65',
    ])
  })

  it('are checked also when another setting is wrong', () => {
    expect(
      linesOf(() =>
        parseConfig({ server: { port: -1 }, routes: { outbound: [{ destination: '/x', channel: 'x', codec: 'no' }] } }),
      ),
    ).toEqual([
      'server.port: must be a whole number from 0 to 65535, not -1',
      'routes.outbound[0].codec: must be one of json-string, raw, json, envelope, not "no"',
      'routes.outbound[0].destination: must start with an application prefix, "/app/", not "/x"',
    ])
  })
})

describe('built-in routes', () => {
  it('give way when either list is given, and the convention stays', () => {
    const route = { channel: 'p', destination: '/topic/p' }
    expect(parseConfig({ routes: { inbound: [route] } }).routes).toMatchObject({ outbound: [], convention: true })
    expect(parseConfig({ routes: { outbound: [] } }).routes).toMatchObject({ outbound: [], inbound: [] })
    expect(parseConfig({ routes: { convention: false } }).routes.outbound).toHaveLength(1)
  })

  it('are not there when their prefix is not', () => {
    const { routes } = parseConfig({ broker: { prefixes: ['/queue'], applicationPrefixes: ['/app', '/x'] } })
    expect(routes.inbound).toEqual([])
    expect(routes.outbound).toHaveLength(1)
  })
})

describe('nearest', () => {
  it.each([
    ['maxFrameByte', 'maxFrameBytes'],
    ['heart-beat', 'heartBeat'],
    ['HEARTBEAT', 'heartBeat'],
    ['prot', 'port'],
    ['colour', undefined],
  ])('%s gives %s', (word, meant) => {
    expect(nearest(word, ['maxFrameBytes', 'heartBeat', 'port'])).toBe(meant)
  })
})
