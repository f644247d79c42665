import { describe, expect, it } from 'vitest'
import { loadConfig, parseConfig, readOverrides } from '../../src/config.ts'
import { linesOf, load, problemsOf } from './support.ts'

describe('configuration file', () => {
  it('changes what it states and leaves every other default', () => {
    const defaults = parseConfig()
    expect(load('server:\n  port: 9000\nlog: { level: debug }\n')).toEqual({
      ...defaults,
      server: { ...defaults.server, port: 9000 },
      log: { ...defaults.log, level: 'debug' },
    })
  })

  it('may be JSON, indented by tabs, with $schema', () => {
    const text = '{\n\t"$schema": "./bridge.schema.json",\n\t"server": {\n\t\t"port": 9000\n\t}\n}\n'
    expect(load(text).server.port).toBe(9000)
  })

  it.each(['', '# nothing\n', 'redis:\n  # url: redis://host\nlimits:\n'])(
    'may be empty or have empty sections: %j',
    (text) => {
      expect(load(text)).toEqual(parseConfig())
    },
  )

  it('with a syntax error is reported with line and column', () => {
    const lines = linesOf(() => load('server:\n  port: 1\n port: 2\n'))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line).toMatch(/^bridge\.yaml: line 3, column \d+: /)
  })

  it('with a key given twice is reported', () => {
    expect(linesOf(() => load('tcp: {}\ntcp: {}\n'))).toEqual([
      'bridge.yaml: line 2, column 1: Map keys must be unique',
    ])
  })

  it('with a tag or an alias that means nothing is reported', () => {
    expect(linesOf(() => load('redis: { url: !env X }'))).toEqual([expect.stringContaining('Unresolved tag: !env')])
    expect(linesOf(() => load('redis: { url: *x }'))).toEqual([
      expect.stringMatching(/^bridge\.yaml: Unresolved alias/),
    ])
  })

  it('that is no group of settings is reported', () => {
    expect(linesOf(() => load('- 1'))).toEqual(['bridge.yaml: must be a group of settings'])
  })

  it('that cannot be read does not hide what is wrong elsewhere, and leads to no guesses', () => {
    const env = { PORT: 'x', STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES: '100' }
    expect(linesOf(() => load('a: [', env))).toEqual([
      expect.stringMatching(/^bridge\.yaml: line 1/),
      'PORT: must be a whole number from 0 to 65535, not "x"',
    ])
  })
})

describe('environment', () => {
  const env = (variables: Record<string, string | undefined>) => loadConfig({ env: variables })
  const defaults = () => parseConfig({ debugger: { api: 'on' } })

  it('has short names for four settings', () => {
    const config = env({ PORT: '9000', HOST: '0.0.0.0', REDIS_URL: 'redis://host', LOG_LEVEL: 'DEBUG' })
    expect(config.server).toMatchObject({ port: 9000, host: '0.0.0.0' })
    expect(config.redis.url).toBe('redis://host')
    expect(config.log.level).toBe('debug')
  })

  it('has a name for every setting, of each kind', () => {
    const config = env({
      STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES: ' 20000 ',
      STOMP_BRIDGE_HEART_BEAT_TOLERANCE_FACTOR: '1.5',
      STOMP_BRIDGE_TCP_ENABLED: 'TRUE',
      STOMP_BRIDGE_SERVER_DOCS: '0',
      STOMP_BRIDGE_REDIS_TLS_SERVER_NAME: 'redis.example.com',
      STOMP_BRIDGE_REDIS_PASSWORD: ' 0123 ',
      STOMP_BRIDGE_BROKER_PREFIXES: '/topic, /queue,',
      STOMP_BRIDGE_SERVER_ALLOWED_ORIGINS: '["https://a.example","*"]',
      STOMP_BRIDGE_ROUTES_INBOUND: '[{"channel":"p:{x}","destination":"/topic/p/{x}"}]',
      STOMP_BRIDGE_LOG_FORMAT: 'json',
    })
    expect(config.limits.maxFrameBytes).toBe(20000)
    expect(config.heartBeat.toleranceFactor).toBe(1.5)
    expect(config.tcp.enabled).toBe(true)
    expect(config.server.docs).toBe(false)
    expect(config.redis).toMatchObject({ tls: { serverName: 'redis.example.com' }, password: ' 0123 ' })
    expect(config.broker.prefixes).toEqual(['/topic', '/queue'])
    expect(config.server.allowedOrigins).toEqual(['https://a.example', '*'])
    expect(config.routes.inbound).toEqual([
      { channel: 'p:{x}', destination: '/topic/p/{x}', codec: 'json-string', subscribe: 'on-demand' },
    ])
    expect(config.routes.outbound).toEqual([])
    expect(config.log.format).toBe('json')
  })

  it('option beats STOMP_BRIDGE_ name beats short name beats file beats default', () => {
    const file = { path: 'bridge.yaml', text: 'server: { port: 1 }' }
    const short = { PORT: '2' }
    const long = { ...short, STOMP_BRIDGE_SERVER_PORT: '3' }
    expect(loadConfig({ file, env: {} }).server.port).toBe(1)
    expect(loadConfig({ file, env: short }).server.port).toBe(2)
    expect(loadConfig({ file, env: long }).server.port).toBe(3)
    expect(loadConfig({ file, env: long, options: { port: '4' } }).server.port).toBe(4)
    expect(loadConfig({ env: {}, options: { host: '::1' } }).server.host).toBe('::1')
  })

  it('that is empty is not set', () => {
    expect(env({ PORT: '', REDIS_URL: '', STOMP_BRIDGE_TCP_ENABLED: '', STOMP_BRIDGE_NOTHING: '' })).toEqual(defaults())
  })

  it('of other programs, and the name of the file, are left alone', () => {
    expect(env({ PATH: '/bin', STOMP_BRIDGE_CONFIG: 'x.yaml', HOSTNAME: 'h' })).toEqual(defaults())
  })

  it('that Kubernetes sets for a Service of this name is left alone', () => {
    const links = {
      STOMP_BRIDGE_SERVICE_HOST: '10.0.0.1',
      STOMP_BRIDGE_SERVICE_PORT: '8080',
      STOMP_BRIDGE_SERVICE_PORT_HTTP: '8080',
      STOMP_BRIDGE_PORT: 'tcp://10.0.0.1:8080',
      STOMP_BRIDGE_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      STOMP_BRIDGE_PORT_8080_TCP_ADDR: '10.0.0.1',
      STOMP_BRIDGE_TCP_PORT: 'tcp://10.0.0.2:61613',
      STOMP_BRIDGE_TCP_SERVICE_HOST: '10.0.0.2',
    }
    expect(env(links)).toEqual(defaults())
  })

  it('that is unknown is a problem, with what was probably meant', () => {
    expect(
      linesOf(() =>
        env({ STOMP_BRIDGE_LIMIT_MAX_FRAME_BYTES: '1', STOMP_BRIDGE_PORT: '1', STOMP_BRIDGE_COLOUR: 'red' }),
      ),
    ).toEqual([
      'STOMP_BRIDGE_LIMIT_MAX_FRAME_BYTES: is not a setting; did you mean STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES?',
      'STOMP_BRIDGE_PORT: is not a setting; did you mean PORT?',
      'STOMP_BRIDGE_COLOUR: is not a setting',
    ])
  })

  it('that is wrong is reported by the name that was used', () => {
    const problems = problemsOf(() =>
      env({
        PORT: '80x',
        STOMP_BRIDGE_TCP_ENABLED: 'maybe',
        STOMP_BRIDGE_LIMITS_MAX_HEADERS: '1e3',
        STOMP_BRIDGE_ROUTES_INBOUND: '[{"channel":"x","destination":"/topic/x","codec":"xml"}]',
      }),
    )
    expect(problems).toEqual([
      {
        path: 'server.port',
        origin: 'PORT',
        line: 'PORT: must be a whole number from 0 to 65535, not "80x"',
      },
      {
        path: 'tcp.enabled',
        origin: 'STOMP_BRIDGE_TCP_ENABLED',
        line: 'STOMP_BRIDGE_TCP_ENABLED: must be true or false, not "maybe"',
      },
      {
        path: 'routes.inbound[0].codec',
        origin: 'STOMP_BRIDGE_ROUTES_INBOUND',
        line: 'STOMP_BRIDGE_ROUTES_INBOUND[0].codec: must be one of json-string, raw, json, envelope, not "xml"',
      },
      {
        path: 'limits.maxHeaders',
        origin: 'STOMP_BRIDGE_LIMITS_MAX_HEADERS',
        line: 'STOMP_BRIDGE_LIMITS_MAX_HEADERS: must be a whole number from 1 to 10000, not "1e3"',
      },
    ])
    expect(linesOf(() => loadConfig({ env: {}, options: { port: 'x' } }))).toEqual([
      '--port: must be a whole number from 0 to 65535, not "x"',
    ])
  })

  it('with a list that is no JSON is a problem', () => {
    expect(linesOf(() => env({ STOMP_BRIDGE_ROUTES_OUTBOUND: '/app/x' }))).toEqual([
      expect.stringMatching(/^STOMP_BRIDGE_ROUTES_OUTBOUND: must be a list in JSON: /),
    ])
  })

  it('does not hide a section that is no group', () => {
    expect(linesOf(() => load('server: 8080', { PORT: '1' }))).toEqual([
      'bridge.yaml: server: must be a group of settings',
    ])
  })
})

describe('readOverrides', () => {
  it('gives what wins, one per setting', () => {
    const { overrides } = readOverrides({ PORT: '1', STOMP_BRIDGE_SERVER_PORT: '2', LOG_LEVEL: 'warn' }, { port: '3' })
    expect(overrides).toEqual([
      { path: ['server', 'port'], name: '--port', value: 3 },
      { path: ['log', 'level'], name: 'LOG_LEVEL', value: 'warn' },
    ])
  })
})
