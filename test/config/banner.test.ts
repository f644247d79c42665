import { describe, expect, it } from 'vitest'
import { banner, startFailure } from '../../src/banner.ts'
import { parseConfig } from '../../src/config.ts'

const runtime = { name: 'bun', version: '1.4.5' }
const address = {
  http: { host: '127.0.0.1', port: 8080 },
  bus: 'embedded, in this process only',
  routes: ['/app/greet -> GREETING_CHANNEL_OUTBOUND', 'GREETING_CHANNEL_INBOUND -> /topic/greetings'],
  open: true,
}

describe('banner', () => {
  it('says what is served, on which bus, by which routes, to whom, and how to stop', () => {
    expect(banner(address, { version: '1.2.3', runtime, config: parseConfig() })).toBe(
      [
        'stomp-bridge 1.2.3 on Bun 1.4.5',
        '',
        '  WebSocket  ws://127.0.0.1:8080/stomp',
        '  HTTP       OPEN http://127.0.0.1:8080/debugger             in a browser: the web debugger',
        '             POST http://127.0.0.1:8080/api/notification     publish {"topic", "message"}',
        '             GET  http://127.0.0.1:8080/sse/topic/greetings  subscribe with curl -N',
        '             GET  http://127.0.0.1:8080/health               the process is alive',
        '             GET  http://127.0.0.1:8080/ready                the bus can be used too',
        '             GET  http://127.0.0.1:8080/docs                 describes this API',
        '             GET  http://127.0.0.1:8080/metrics              for Prometheus',
        '  Bus        Embedded: inside this process; other bridges and backends cannot see it.',
        '             Set REDIS_URL=redis://host:6379 to switch to Redis.',
        '  Routes     /app/greet -> GREETING_CHANNEL_OUTBOUND',
        '             GREETING_CHANNEL_INBOUND -> /topic/greetings',
        '  Access     Open: anyone who can reach this port may subscribe and send',
        '',
        'Stop with Ctrl+C.',
        '',
      ].join('\n'),
    )
  })

  it('names the work queues', () => {
    const lines = (queues: readonly { destination: string }[]) => {
      const text = banner(address, { version: '1.2.3', runtime, config: parseConfig({ queues }) })
      return /^ {2}Queues {5}([^]*?)\n {2}Access/m.exec(text)?.[1]
    }
    expect(lines([])).toBeUndefined()
    expect(lines([{ destination: '/queue/mails' }, { destination: '/queue/**' }])).toBe('/queue/mails, /queue/**')
    const many = Array.from({ length: 12 }, (_, i) => ({ destination: `/queue/${i}` }))
    expect(lines(many)).toMatch(/^\/queue\/0, [^]*\/queue\/9 and 2 more$/)
  })

  it('warns where whoever uses this machine may debug', () => {
    const warning = (settings: object) => {
      const text = banner(address, { version: '1.2.3', runtime, config: parseConfig({ debugger: settings }) })
      return text.slice(text.indexOf('  Access'))
    }
    expect(warning({ api: 'on' })).toBe(
      [
        '  Access     Open: anyone who can reach this port may subscribe and send',
        '             Warning: the debug API is open to every user and program of this machine.',
        '             Set STOMP_BRIDGE_DEBUGGER_TOKEN to a secret, or STOMP_BRIDGE_DEBUGGER_API=off.',
        '',
        'Stop with Ctrl+C.',
        '',
      ].join('\n'),
    )
    expect(warning({ api: 'on', token: 'hunter2-hunter2-' })).not.toMatch(/Warning|hunter2/)
    expect(warning({ api: 'off' })).not.toContain('Warning')
  })

  it('names wss://, https:// and stomp+ssl:// where a listener speaks TLS', () => {
    const tls = { certFile: 'tls.crt', keyFile: 'tls.key' }
    const config = parseConfig({ server: { tls }, tcp: { enabled: true, tls } })
    const tcp = { host: '127.0.0.1', port: 61613 }
    const text = banner({ ...address, tcp }, { version: '1.2.3', runtime, config })
    expect(text).toContain('  WebSocket  wss://127.0.0.1:8080/stomp\n  TCP        stomp+ssl://127.0.0.1:61613\n')
    expect(text).toContain('https://127.0.0.1:8080/health')
    expect(text).not.toMatch(/\b(http|ws|stomp):\/\//)
  })

  it('follows the configuration: Redis, TCP, another path, no docs, rules', () => {
    const config = parseConfig({
      server: { path: '/ws', docs: false, metrics: false },
      debugger: { enabled: false },
      tcp: { enabled: true },
      redis: { url: 'redis://user:hunter2@localhost:6379' },
    })
    const text = banner(
      { ...address, tcp: { host: '127.0.0.1', port: 61613 }, bus: 'Redis at localhost:6379', open: false },
      { version: '1.2.3', runtime, config },
    )
    expect(text).toContain('  WebSocket  ws://127.0.0.1:8080/ws\n  TCP        stomp://127.0.0.1:61613\n')
    expect(text).toContain('  Bus        Redis at localhost:6379\n  Routes')
    expect(text).toContain('  Access     By the configured rules\n')
    for (const word of ['/docs', '/metrics', 'debugger', 'Workers', 'Embedded', 'Open', 'hunter2'])
      expect(text).not.toContain(word)
  })

  it('says in one line who may come in, and how many rules and keys there are', () => {
    const accessOf = (access: object) => {
      const config = parseConfig({ access })
      const text = banner({ ...address, open: false }, { version: '1.2.3', runtime, config })
      return /^ {2}Access {5}(.*)$/m.exec(text)?.[1]
    }
    const rule = { allow: 'send', destination: '/app/x' }
    const keys = ['a', 'b'].map((name) => ({ name, key: `hunter2-${name}`, scopes: ['read'] }))
    const jwt = { type: 'jwt', algorithms: ['RS256'], jwksUrl: 'https://id.example/' }
    expect(
      accessOf({
        authenticators: [jwt, { type: 'ticket' }, { type: 'anonymous' }],
        rules: [rule, rule],
        apiKeys: keys,
      }),
    ).toBe('JWT (RS256), tickets, anonymous; 2 rules; 2 API keys')
    expect(
      accessOf({
        authenticators: [
          { type: 'callback', url: 'http://127.0.0.1:5000/auth/{token}' },
          { type: 'users', users: [] },
          { type: 'proxy', userHeader: 'X-User', trustedAddresses: ['127.0.0.1'] },
        ],
        rules: [rule],
      }),
    ).toBe('callback to 127.0.0.1:5000, no users, headers of a proxy; 1 rule')
    expect(accessOf({})).toBe('Nobody: there is no authenticator; no rules')
  })

  it.each([
    [
      'no connection to Redis at localhost:6379: connect ECONNREFUSED 127.0.0.1:6379',
      'Unreachable: connect ECONNREFUSED 127.0.0.1:6379. SEND and POST fail, /ready is 503.',
    ],
    [
      'no connection to Redis at localhost:6379: ERR max number of clients reached',
      'Unreachable: ERR max number of clients reached. SEND and POST fail, /ready is 503.',
    ],
    ['connecting to Redis at localhost:6379', 'Unreachable: no answer yet. SEND and POST fail, /ready is 503.'],
    [
      'Redis refuses the channel "X": NOPERM',
      'Not usable: Redis refuses the channel "X": NOPERM. SEND and POST fail, /ready is 503.',
    ],
  ])('says in one line that Redis cannot be used, why, and what fails: %s', (busUnavailable, line) => {
    const config = parseConfig({ redis: { url: 'redis://localhost:6379' } })
    const text = banner(
      { ...address, bus: 'Redis at localhost:6379', busUnavailable },
      { version: '1.2.3', runtime, config },
    )
    expect(text).toContain(`  Bus        Redis at localhost:6379\n             ${line}\n  Routes`)
  })

  it('names the port once for several workers, and how many they are', () => {
    const config = parseConfig({ server: { workers: 4 }, redis: { url: 'redis://localhost:6379' } })
    const text = banner({ ...address, bus: 'Redis at localhost:6379' }, { version: '1.2.3', runtime, config })
    expect(text).toContain('  Workers    4\n  Bus        Redis at localhost:6379\n')
    expect(text.match(/WebSocket/g)).toHaveLength(1)
  })

  it('gives addresses that can be opened from this machine', () => {
    const facts = { version: '1.2.3', runtime, config: parseConfig() }
    const at = (host: string) => banner({ ...address, http: { host, port: 8080 } }, facts)
    expect(at('0.0.0.0')).toContain('ws://localhost:8080/stomp  (0.0.0.0: on every address of this machine)\n')
    expect(at('::')).toContain('GET  http://localhost:8080/health')
    expect(at('::1')).toContain('ws://[::1]:8080/stomp\n')
  })

  it('is at most 100 wide, and short with many routes', () => {
    const word = 'x'.repeat(150)
    const routes = [
      `/app/${word} -> ${word}`,
      ...Array.from({ length: 98 }, (_, index) => `/app/${index} -> c${index}`),
    ]
    const text = banner(
      { ...address, routes, bus: `${word} ${word}` },
      {
        version: '1.2.3',
        runtime,
        config: parseConfig({ redis: { url: 'redis://host' } }),
      },
    )
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
    expect(text).toContain('             and 80 more; print-config shows them all\n')
    expect(text.split('\n').length).toBeLessThan(45)
  })

  it('has a line when there is no route', () => {
    expect(banner({ ...address, routes: [] }, { version: '1.2.3', runtime, config: parseConfig() })).toContain(
      '  Routes     none\n',
    )
  })
})

describe('startFailure', () => {
  const config = parseConfig({ tcp: { enabled: true, host: '10.0.0.1' } })
  const failure = (fields: object, message = 'failed') =>
    startFailure(Object.assign(new Error(message), fields), config)

  it.each([
    [{ code: 'EADDRINUSE' }, 'Port 8080 on 127.0.0.1 is in use: stop the other program or set PORT'],
    [{ code: 'EADDRINUSE', port: 8080 }, 'Port 8080 on 127.0.0.1 is in use: stop the other program or set PORT'],
    [
      { code: 'EADDRINUSE', port: 61613 },
      'Port 61613 on 10.0.0.1 is in use: stop the other program or set STOMP_BRIDGE_TCP_PORT',
    ],
    [{ code: 'EACCES' }, 'Port 8080 on 127.0.0.1 is not allowed for this user: set PORT to a number above 1023'],
    [
      { code: 'EADDRNOTAVAIL', port: 61613 },
      'Host 10.0.0.1 is not an address of this machine: set STOMP_BRIDGE_TCP_HOST',
    ],
    [{}, 'Cannot start: failed'],
  ])('%j', (fields, line) => {
    expect(failure(fields)).toBe(line)
  })

  it('is one line, whatever was thrown', () => {
    expect(failure({}, 'first\nsecond')).toBe('Cannot start: first')
    expect(startFailure('text', config)).toBe('Cannot start: text')
  })
})
