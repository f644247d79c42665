/** What Redis does to a bridge without going away: rights, roles, certificates, limits. The process, its clients, and what it writes. */
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificates, startTlsFront, type Certificates } from '../redis/tls.ts'
import { openEventStream } from '../support/clients/event-stream.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../support/stomp-peer.ts'
import { eventually, waitFor } from '../support/wait.ts'

const BROADCAST = 'BROADCAST-CHANNEL'
/** Every channel. Not as `allchannels`: Redis 6.2 leaves the subscriptions of a user who loses that. */
const ALL_CHANNELS = '&?*'
const OWN_RIGHTS = ['on', '>pw', '+@all', '~*', 'resetchannels', '&stomp-bridge:*']

describe(`a Redis that makes trouble, on ${runtime}`, () => {
  let redis: RedisServer
  let outside: Redis
  let bridge: BridgeProcess | undefined
  let certificates: Certificates
  const peers: StompPeer[] = []

  beforeAll(() => {
    certificates = makeCertificates()
  })
  afterAll(() => certificates.remove())

  async function startServer(options?: RedisServerOptions): Promise<void> {
    redis = await startRedis(options)
    outside = await redis.client()
  }

  beforeEach(() => startServer())
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.terminate()
    if (bridge) {
      expect(await bridge.stop()).toBe(0)
      expectOnlyLogLines(bridge)
    }
    bridge = undefined
    await redis.stop()
  })

  async function start(url: string, env: Readonly<Record<string, string>> = {}): Promise<BridgeProcess> {
    bridge = await spawnBridge({
      runtime,
      env: {
        REDIS_URL: url,
        STOMP_BRIDGE_REDIS_PROBE_INTERVAL_MS: '200',
        STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '100',
        STOMP_BRIDGE_BROKER_RELEASE_DELAY_MS: '50',
        ...env,
      },
    })
    return bridge
  }

  const allow = (...channels: string[]) => outside.acl('SETUSER', 'bridge', ...OWN_RIGHTS, ...channels)
  const asUser = () => `redis://bridge:pw@127.0.0.1:${redis.port}`

  async function enter(): Promise<StompPeer> {
    const peer = await connectPeer({ url: bridge!.wsUrl })
    peers.push(peer)
    await peer.stompConnect()
    return peer
  }

  async function subscribe(destination: string): Promise<StompPeer> {
    const peer = await enter()
    peer.send(frameText('SUBSCRIBE', { id: 'sub-0', destination, receipt: 'subscribed' }))
    return peer
  }

  /** Resolves to the reasons, once there are some that match. */
  const untilNotReady = (reason: RegExp) =>
    waitFor(async () => {
      const { status, reasons } = await ready()
      return status === 503 && reason.test(reasons.join()) && reasons
    })
  const untilReady = () => waitFor(async () => (await ready()).status === 200, { timeoutMs: 10_000 })

  async function ready(): Promise<{ status: number; reasons: readonly string[] }> {
    const response = await fetch(`${bridge!.url}/ready`)
    const { reasons = [] } = (await response.json()) as { reasons?: string[] }
    return { status: response.status, reasons }
  }

  async function post(topic: string, message: string): Promise<number> {
    const response = await fetch(`${bridge!.url}/api/notification`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic, message }),
    })
    await response.arrayBuffer()
    return response.status
  }

  async function expectDelivery(): Promise<void> {
    const peer = await subscribe('/topic/again')
    await peer.receipt('subscribed')
    expect(await post('/topic/again', 'hello')).toBe(200)
    expect(bodyText(await peer.expect('MESSAGE'))).toBe('hello')
  }

  it('the right to the broadcast channel goes and comes back: clients are told, not left deaf, and all heals', async () => {
    await allow(ALL_CHANNELS)
    await start(asUser())
    await untilReady()
    const live = await subscribe('/topic/x')
    await live.receipt('subscribed')
    await allow('&topic:*')
    await live.expect('ERROR', { code: 'bus-refused' })
    expect((await live.closed).code).toBe(1002)
    expect(await untilNotReady(/BROADCAST-CHANNEL/)).toEqual([
      expect.stringMatching(/^Redis refuses the channel "BROADCAST-CHANNEL": NOPERM /),
    ])
    const late = await subscribe('/topic/x')
    await late.expect('ERROR', { code: 'bus-refused', 'receipt-id': 'subscribed' })
    expect(await post('/topic/x', 'refused')).toBe(502)
    expect((await fetch(`${bridge!.url}/health`)).status).toBe(200)
    await allow(ALL_CHANNELS)
    await untilReady()
    await expectDelivery()
  })

  it('it starts without the right to the broadcast channel: not ready, and says so, until it has it', async () => {
    await allow('&topic:*')
    await start(asUser())
    expect(bridge!.stdout()).toContain('Redis refuses the channel')
    await untilNotReady(/BROADCAST-CHANNEL/)
    await allow(ALL_CHANNELS)
    await untilReady()
    await expectDelivery()
  })

  it('the right to one channel goes: only its subscribers are told', async () => {
    await allow(ALL_CHANNELS)
    await start(asUser())
    await untilReady()
    const [greetings, other] = [await subscribe('/topic/greetings'), await subscribe('/topic/other')]
    await Promise.all([greetings.receipt('subscribed'), other.receipt('subscribed')])
    await allow(`&${BROADCAST}`, '&topic:*')
    await greetings.expect('ERROR', { code: 'bus-refused', message: /greetings.*Redis refuses its channel/ })
    await untilReady()
    await eventually(async () => expect(await post('/topic/other', 'still there')).toBe(200))
    expect(bodyText(await other.expect('MESSAGE'))).toBe('still there')
    await allow(ALL_CHANNELS)
    const again = await subscribe('/topic/greetings')
    await again.receipt('subscribed')
    await outside.publish('GREETING_CHANNEL_INBOUND', '"back"')
    expect(bodyText(await again.expect('MESSAGE'))).toBe('back')
  })

  it('the right to a channel that is always subscribed goes: not ready until it is back', async () => {
    const inbound = [{ channel: 'always', destination: '/topic/always', codec: 'raw', subscribe: 'always' }]
    await allow(`&${BROADCAST}`, '&always')
    await start(asUser(), {
      STOMP_BRIDGE_ROUTES_INBOUND: JSON.stringify(inbound),
      STOMP_BRIDGE_ROUTES_CONVENTION: 'false',
    })
    await untilReady()
    await allow(`&${BROADCAST}`)
    await untilNotReady(/^Redis refuses the channel "always": NOPERM /)
    await allow(`&${BROADCAST}`, '&always')
    await untilReady()
    const peer = await subscribe('/topic/always')
    await peer.receipt('subscribed')
    await outside.publish('always', 'there')
    expect(bodyText(await peer.expect('MESSAGE'))).toBe('there')
  })

  it('its server becomes a replica: not ready, nothing is accepted that reaches nobody, and clients stay', async () => {
    const primary = await startRedis()
    try {
      await start(redis.url)
      await untilReady()
      const reader = await subscribe('/topic/x')
      await reader.receipt('subscribed')
      await outside.replicaof('127.0.0.1', primary.port)
      await untilNotReady(/this server is a replica/)
      expect(await post('/topic/x', 'lost')).toBe(503)
      const sender = await connectPeer({ url: bridge!.wsUrl })
      peers.push(sender)
      await sender.stompConnect()
      sender.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'hello'))
      await sender.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'r' })
      await outside.replicaof('NO', 'ONE')
      await untilReady()
      expect(await post('/topic/x', 'kept')).toBe(200)
      expect(bodyText(await reader.expect('MESSAGE'))).toBe('kept')
    } finally {
      await primary.stop()
    }
  })

  it('Redis asks for a client certificate that the bridge has not: it stays up, says why, and has one line of it', async () => {
    const front = await startTlsFront(redis.port, certificates, true)
    const url = `rediss://127.0.0.1:${front.port}`
    const { cert, key } = certificates.stranger
    try {
      await start(url, {
        STOMP_BRIDGE_REDIS_TLS_CA_FILE: certificates.ca,
        STOMP_BRIDGE_REDIS_TLS_CERT_FILE: cert,
        STOMP_BRIDGE_REDIS_TLS_KEY_FILE: key,
      })
      const attemptsBefore = front.attempts()
      await waitFor(() => front.attempts() > attemptsBefore + 20, { timeoutMs: 15_000 })
      expect((await fetch(`${bridge!.url}/health`)).status).toBe(200)
      expect((await ready()).reasons).toEqual([expect.stringMatching(/^no connection to Redis at .*: ./)])
      expect(bridge!.logs().filter(({ msg }) => msg === 'Redis is away')).toHaveLength(1)
      expect(bridge!.logs().length).toBeLessThan(6)
    } finally {
      await front.close()
    }
  })

  it('TLS by rediss:// counts every setting of redis.tls', async () => {
    const front = await startTlsFront(redis.port, certificates, true)
    const { cert, key } = certificates.client
    try {
      await start(`rediss://127.0.0.1:${front.port}`, {
        STOMP_BRIDGE_REDIS_TLS_CA_FILE: certificates.ca,
        STOMP_BRIDGE_REDIS_TLS_CERT_FILE: cert,
        STOMP_BRIDGE_REDIS_TLS_KEY_FILE: key,
        STOMP_BRIDGE_REDIS_TLS_SERVER_NAME: 'redis.example',
      })
      await untilReady()
      await expectDelivery()
      expect(front.names).toContain('redis.example')
    } finally {
      await front.close()
    }
  })

  it('Redis has too many clients: the reason is what Redis says, in one line of the log', async () => {
    await redis.stop()
    await startServer({ args: ['--maxclients', '3'] })
    const fillers = [await redis.client(), await redis.client()]
    await start(redis.url)
    await untilNotReady(/ERR max number of clients reached/)
    expect(bridge!.stdout()).toMatch(/ERR max number of clients reached/)
    const rejected = async () =>
      Number(/rejected_connections:(\d+)/.exec(String(await outside.call('INFO', 'stats')))?.[1])
    const before = await rejected()
    await waitFor(async () => (await rejected()) > before + 20, { timeoutMs: 15_000 })
    expect((await ready()).reasons).toEqual([expect.stringMatching(/ERR max number of clients reached$/)])
    expect(bridge!.logs().map(({ msg, reason }) => [msg, reason])).toEqual([
      ['Redis is away', 'ERR max number of clients reached'],
    ])
    for (const filler of fillers) filler.disconnect()
    await untilReady()
    await bridge!.waitForLog(({ msg }) => msg === 'Redis is connected and subscribed')
    await expectDelivery()
  })

  it('Redis has no INFO, CLIENT, CONFIG and PUBSUB: it works, and writes nothing but its log', async () => {
    await redis.stop()
    await startServer({
      args: ['INFO', 'CLIENT', 'CONFIG', 'PUBSUB'].flatMap((name) => ['--rename-command', name, '']),
    })
    await outside.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', '-@dangerous', '&*')
    await start(asUser())
    await untilReady()
    await expectDelivery()
  })

  it('Redis hangs: whoever waits has an answer in time, however seldom it is probed, and all goes on when it does', async () => {
    await start(redis.url, {
      STOMP_BRIDGE_REDIS_COMMAND_TIMEOUT_MS: '700',
      STOMP_BRIDGE_REDIS_PROBE_INTERVAL_MS: '60000',
      STOMP_BRIDGE_HISTORY: JSON.stringify([{ destination: '/topic/kept', size: 100 }]),
      STOMP_BRIDGE_QUEUES: JSON.stringify([{ destination: '/queue/jobs' }]),
    })
    await untilReady()
    const [worker, sender, asker] = await Promise.all([enter(), enter(), enter()])
    worker.send(frameText('SUBSCRIBE', { id: '1', destination: '/queue/jobs', ack: 'client', receipt: 'r' }))
    await worker.receipt('r')
    expect(await post('/queue/jobs', 'job')).toBe(200)
    const job = await worker.expect('MESSAGE')
    expect(await post('/topic/kept', 'before')).toBe(200)
    redis.pause()
    try {
      sender.send(frameText('SEND', { destination: '/topic/kept', receipt: 'r' }, 'hanging'))
      worker.send(frameText('ACK', { id: job.headers.get('ack')!, receipt: 'acknowledged' }))
      asker.send(frameText('SUBSCRIBE', { id: '1', destination: '/topic/kept', last: '1', receipt: 'asked' }))
      const page = fetch(`${bridge!.url}/api/history?destination=/topic/kept`)
      expect(await post('/topic/kept', 'hanging')).toBe(503)
      await sender.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'r' })
      expect((await page).status).toBe(503)
      expect((await ready()).reasons).toEqual([expect.stringMatching(/: no answer within 700 ms$/)])
    } finally {
      redis.resume()
    }
    await Promise.all([untilReady(), worker.receipt('acknowledged')])
    expect((await asker.expect('MESSAGE')).headers.get('event')).toBe('position')
    await asker.receipt('asked')
    await expectDelivery()
    const troubles = bridge!.logs().filter(({ level }) => level !== 'info')
    expect(troubles.map(({ msg }) => msg)).toEqual(['Redis is away'])
  })

  it('Redis has no memory left: who needs it to store something is refused, others go on, and all is well when it has', async () => {
    await start(redis.url, {
      STOMP_BRIDGE_HISTORY: JSON.stringify([{ destination: '/topic/kept/*', size: 100 }]),
      STOMP_BRIDGE_QUEUES: JSON.stringify([{ destination: '/queue/**' }]),
    })
    await untilReady()
    const [worker, reader] = [await subscribe('/queue/early'), await subscribe('/topic/kept/new')]
    await Promise.all([worker.receipt('subscribed'), reader.receipt('subscribed')])
    await outside.config('SET', 'maxmemory', '1')
    const refused: [string, Record<string, string>][] = [
      ['/queue/late', {}],
      ['/queue/early', {}],
      ['/topic/kept/new', { last: '3' }],
    ]
    for (const [destination, headers] of refused) {
      const peer = await enter()
      peer.send(frameText('SUBSCRIBE', { id: '1', destination, receipt: 'r', ...headers }))
      await peer.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'r' })
    }
    const stream = await openEventStream(`${bridge!.url}/sse/topic/kept/other?last=3`)
    expect(JSON.parse((await stream.events.next()).data)).toMatchObject({ code: 'bus-unavailable' })
    await expectDelivery()
    expect((await ready()).status).toBe(200)
    const troubles = bridge!.logs().filter(({ level }) => level !== 'info')
    expect(troubles.map(({ msg }) => String(msg)).filter((msg) => msg.includes('queues'))).toEqual([
      'Redis stores nothing now: nobody can subscribe to work queues',
    ])
    await outside.config('SET', 'maxmemory', '0')
    expect(await post('/queue/early', 'job')).toBe(200)
    expect(bodyText(await worker.expect('MESSAGE'))).toBe('job')
    expect(await post('/topic/kept/new', 'kept')).toBe(200)
    expect(bodyText(await reader.expect('MESSAGE'))).toBe('kept')
    const late = await subscribe('/queue/late')
    await late.receipt('subscribed')
  })

  it('Redis is not there at the start: the banner says so, why, and what fails meanwhile', async () => {
    await redis.stop()
    await start(redis.url)
    expect(bridge!.stdout()).toMatch(
      /^ +Unreachable: .*(ECONNREFUSED|refused|connect).*\. SEND and POST fail, \/ready is 503\.$/im,
    )
    await redis.restart()
    await untilReady()
  })
})

function expectOnlyLogLines(bridge: BridgeProcess): void {
  const lines = bridge
    .stderr()
    .split('\n')
    .filter((line) => line !== '')
  for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.toThrow()
}
