/** The bridge inside another program: two side by side, with an authenticator and a bus of the program's own. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  BusUnavailableError,
  createBridge,
  openAuthenticator,
  parseConfig,
  type Authenticator,
  type Bridge,
  type BridgeAddress,
  type BridgeOptions,
  type Bus,
  type BusListener,
  type BusMessage,
  type ConfigInput,
  type Credentials,
  type Log,
  type Runtime,
} from '../../../src/index.ts'
import { createRuntime } from '../../../src/runtime/node.ts'
import type { OpenSocket } from '../../../src/socket.ts'
import { metric, notify } from '../../support/clients/backend.ts'
import { Inbox } from '../../support/clients/inbox.ts'
import { adopt, type RuntimeName } from '../../support/process.ts'
import { startRedis, type RedisServer } from '../../support/redis.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { TailReader } from '../../support/tail-reader.ts'
import { eventually } from '../../support/wait.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const execute = promisify(execFile)

interface Embedded {
  readonly bridge: Bridge
  readonly address: BridgeAddress
  readonly url: string
  readonly wsUrl: string
}

/** Starts a bridge on a free port; it is closed when the test ends. */
async function embed(input: ConfigInput = {}, options: Partial<BridgeOptions> = {}): Promise<Embedded> {
  const config = parseConfig({ ...input, server: { port: 0, ...input.server } })
  const bridge = createBridge({ config, runtime: createRuntime(), version: '1.2.3', ...options })
  const address = await bridge.start()
  onTestFinished(() => bridge.close())
  const place = `127.0.0.1:${address.http.port}`
  return { bridge, address, url: `http://${place}`, wsUrl: `ws://${place}${config.server.path}` }
}

async function open(url: string): Promise<StompPeer> {
  const peer = await connectPeer({ url })
  onTestFinished(() => peer.terminate())
  return peer
}

async function connected(url: string, headers: Record<string, string> = {}): Promise<StompPeer> {
  const peer = await open(url)
  await peer.stompConnect({ 'accept-version': '1.2', ...headers })
  return peer
}

async function subscribe(peer: StompPeer, destination: string): Promise<void> {
  peer.send(frameText('SUBSCRIBE', { destination, id: destination, receipt: destination }))
  await peer.receipt(destination)
}

function isServing(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  )
}

describe('two bridges in one process', () => {
  it('have nothing in common but the process', async () => {
    const one = await embed({ server: { path: '/one' }, limits: { maxSubscriptions: 1 } })
    const two = await embed({ broker: { prefixes: ['/queue'] }, server: { docs: false } })
    expect(one.address.http.port).not.toBe(two.address.http.port)
    const [onOne, onTwo] = [await connected(one.wsUrl), await connected(two.wsUrl)]
    const [idOne, idTwo] = [onOne, onTwo].map((peer) => peer.frames[0]!.headers.get('session')!)
    expect(idOne).not.toBe(idTwo)

    await subscribe(onOne, '/topic/x')
    for (const destination of ['/queue/x', '/queue/y']) await subscribe(onTwo, destination)
    expect([await metric(one, 'stomp_bridge_subscriptions'), await metric(two, 'stomp_bridge_subscriptions')]).toEqual([
      1, 2,
    ])
    await notify(one, '/topic/x', 'to one')
    await notify(two, '/queue/x', 'to two')
    expect(bodyText(await onOne.expect('MESSAGE'))).toBe('to one')
    expect(bodyText(await onTwo.expect('MESSAGE'))).toBe('to two')
    expect((await notify(one, '/queue/x', 'x')).status).toBe(400)
    expect((await notify(two, '/topic/x', 'x')).status).toBe(400)
    expect((await fetch(`${one.url}/docs`)).status).toBe(200)
    expect((await fetch(`${two.url}/docs`)).status).toBe(404)
    onOne.send(frameText('SUBSCRIBE', { destination: '/topic/y', id: '2' }))
    await onOne.expect('ERROR', { code: 'too-many-subscriptions' })

    await one.bridge.close()
    expect(await isServing(one.url)).toBe(false)
    await notify(two, '/queue/y', 'still here')
    expect(bodyText(await onTwo.expect('MESSAGE'))).toBe('still here')
    expect(await metric(two, 'stomp_bridge_messages_received_total')).toBe(2)
  })

  it('on one Redis find each other, or not, by their prefix', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const [one, two, other] = await Promise.all(
      ['a:', 'a:', 'b:'].map((keyPrefix) => embed({ redis: { url: redis.url, keyPrefix } })),
    )
    const peers = await Promise.all([one!, two!, other!].map(({ wsUrl }) => connected(wsUrl)))
    for (const peer of peers) await subscribe(peer, '/topic/x')
    await notify(one!, '/topic/x', 'to a')
    await notify(other!, '/topic/x', 'to b')
    const bodies = await Promise.all(peers.map(async (peer) => bodyText(await peer.expect('MESSAGE'))))
    expect(bodies).toEqual(['to a', 'to a', 'to b'])
  })
})

describe('an authenticator of the program', () => {
  const rules: Authenticator = {
    isOpen: false,
    authenticate: ({ login, passcode }) =>
      Promise.resolve(login !== undefined && passcode === 'right' ? { user: login } : undefined),
    maySubscribe: ({ user }, destination) => destination === `/topic/${user}`,
    maySend: ({ user }, destination) => destination.startsWith('/app/') && user === 'ann',
  }
  const ann = { login: 'ann', passcode: 'right' }

  it('is told who comes, and its user is in CONNECTED', async () => {
    const seen = new Inbox<Credentials>('credentials')
    const { wsUrl, address } = await embed(
      { tcp: { enabled: true, port: 0 } },
      { authenticator: { ...rules, authenticate: (who) => (seen.put(who), rules.authenticate(who)) } },
    )
    expect(address.open).toBe(false)
    for (const url of [wsUrl, `tcp://127.0.0.1:${address.tcp!.port}`]) {
      const peer = await connected(url, { ...ann, 'x-token': 't' })
      expect(peer.frames[0]!.headers.get('user-name')).toBe('ann')
      const who = await seen.next()
      expect([who.login, who.passcode, who.header('x-token'), who.header('none')]).toEqual([
        'ann',
        'right',
        't',
        undefined,
      ])
      expect(who.remoteAddress).toMatch(/127\.0\.0\.1$/)
    }
  })

  it.each([
    ['a connection', 'not-authenticated', { login: 'ann', passcode: 'wrong' }, undefined],
    ['a connection without credentials', 'not-authenticated', {}, undefined],
    ['SUBSCRIBE', 'not-authorized', ann, frameText('SUBSCRIBE', { destination: '/topic/bob', id: '1', receipt: 'r' })],
    [
      'SUBSCRIBE to a pattern',
      'not-authorized',
      ann,
      frameText('SUBSCRIBE', { destination: '/topic/*', id: '1', receipt: 'r' }),
    ],
    ['SEND', 'not-authorized', ann, frameText('SEND', { destination: '/topic/ann', receipt: 'r' }, 'x')],
    [
      'SEND in a transaction',
      'not-authorized',
      ann,
      frameText('BEGIN', { transaction: 't' }) +
        frameText('SEND', { destination: '/topic/ann', transaction: 't', receipt: 'r' }, 'x'),
    ],
  ] as const)('refuses %s with %s and 1008', async (_what, code, credentials, frames) => {
    const logged = new Inbox<string>('log record')
    const { wsUrl } = await embed({}, { authenticator: rules, log: logInto(logged) })
    const peer = await open(wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...credentials }))
    if (frames !== undefined) {
      await peer.expect('CONNECTED')
      peer.send(frames)
    }
    const { headers } = await peer.expect('ERROR', { code })
    expect(headers.get('receipt-id')).toBe(frames === undefined ? undefined : 'r')
    expect((await peer.closed).code).toBe(1008)
    expect(peer.frames.filter(({ command }) => command === 'RECEIPT')).toEqual([])
    expect(logged.all.join()).not.toContain('wrong')
  })

  it('lets through what it allows', async () => {
    const bus = new FakeBus()
    const { wsUrl } = await embed({ routes: { conventionCodec: 'envelope' } }, { authenticator: rules, bus })
    const peer = await connected(wsUrl, ann)
    await subscribe(peer, '/topic/ann')
    peer.send(frameText('SEND', { destination: '/app/orders', receipt: 'r' }, 'x'))
    await peer.receipt('r')
    const { channel, payload } = await bus.published.next()
    expect(channel).toBe('app:orders')
    expect(JSON.parse(String(payload))).toMatchObject({ body: 'x', user: 'ann', destination: '/app/orders' })
  })

  it.each(['throws', 'rejects'])('that %s is a fault of ours: logged, and nothing of it told', async (how) => {
    const logged = new Inbox<string>('log record')
    const fault = new Error('LDAP at 10.0.0.1 is down')
    const authenticate = () => {
      if (how === 'throws') throw fault
      return Promise.reject(fault)
    }
    const { wsUrl, url } = await embed({}, { authenticator: { ...rules, authenticate }, log: logInto(logged) })
    const peer = await open(wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...ann }))
    await peer.expect('ERROR', { code: 'internal', message: 'Internal error' })
    expect((await peer.closed).code).toBe(1011)
    expect(peer.text).not.toContain('LDAP')
    expect(logged.all.join()).toContain('LDAP')
    expect(logged.all.join()).not.toContain('right')
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  it('that answers after the client has gone changes nothing', async () => {
    const asked = new Inbox<(identity: { user: string }) => void>('question')
    const authenticate: Authenticator['authenticate'] = () => new Promise((answer) => asked.put(answer))
    const gone = new Inbox<number>('closed connection')
    const runtime = reporting(createRuntime(), gone)
    const place = await embed({}, { authenticator: { ...rules, authenticate }, runtime })
    const peer = await open(place.wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...ann }))
    const answer = await asked.next()
    peer.terminate()
    await gone.next()
    answer({ user: 'ann' })
    await eventually(async () => expect(await metric(place, 'stomp_bridge_sessions')).toBe(0))
    expect(await metric(place, 'stomp_bridge_sessions_opened_total')).toBe(0)
  })

  it('that never answers costs its client the connection, and the bridge nothing', async () => {
    const authenticate = () => new Promise<undefined>(() => {})
    const place = await embed({ limits: { connectTimeoutMs: 100 } }, { authenticator: { ...rules, authenticate } })
    const peer = await open(place.wsUrl)
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', ...ann }))
    await peer.expect('ERROR', { code: 'connect-timeout' })
    expect((await peer.closed).code).toBe(1002)
    await eventually(async () => expect(await metric(place, 'stomp_bridge_sessions')).toBe(0))
  })
})

describe('a bus of the program', () => {
  it('carries everything, and is closed once', async () => {
    const bus = new FakeBus()
    const { bridge, address, url, wsUrl } = await embed({}, { bus })
    expect(address.bus).toBe('a fake')
    const peer = await connected(wsUrl)
    await subscribe(peer, '/topic/greetings')
    expect(bus.channels).toEqual(new Set(['BROADCAST-CHANNEL', 'GREETING_CHANNEL_INBOUND']))
    bus.deliver('GREETING_CHANNEL_INBOUND', '"Test"')
    expect(bodyText(await peer.expect('MESSAGE'))).toBe('Test')
    await notify({ url }, '/topic/greetings', 'posted')
    expect(await bus.published.next()).toEqual({
      channel: 'BROADCAST-CHANNEL',
      payload: '{"topic":"/topic/greetings","message":"posted"}',
    })
    peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'hi'))
    await peer.receipt('r')
    expect(await bus.published.next()).toEqual({ channel: 'GREETING_CHANNEL_OUTBOUND', payload: '"hi"' })
    peer.send(
      frameText('BEGIN', { transaction: 't' }) +
        frameText('SEND', { destination: '/app/a', transaction: 't' }, '1') +
        frameText('SEND', { destination: '/app/b', transaction: 't' }, '2') +
        frameText('COMMIT', { transaction: 't', receipt: 'c' }),
    )
    await peer.receipt('c')
    expect(await bus.published.take(2)).toEqual([
      { channel: 'app:a', payload: '"1"' },
      { channel: 'app:b', payload: '"2"' },
    ])
    expect(bus.transactions).toBe(1)
    await bridge.close()
    await bridge.close()
    expect(bus.closed).toBe(1)
  })

  it('that is away makes the bridge not ready and refuses messages, until it is back', async () => {
    const bus = new FakeBus()
    const { url, wsUrl } = await embed({}, { bus })
    bus.become('out to lunch')
    const ready = await fetch(`${url}/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not-ready', reasons: ['out to lunch'] }])
    expect((await notify({ url }, '/topic/x', 'x')).status).toBe(503)
    const sender = await connected(wsUrl)
    sender.send(frameText('SEND', { destination: '/app/x', receipt: 'r' }, 'x'))
    await sender.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'r' })
    expect((await sender.closed).code).toBe(1002)

    const subscriber = await connected(wsUrl)
    subscriber.send(frameText('SUBSCRIBE', { destination: '/topic/x', id: '1', receipt: 'live' }))
    subscriber.send(frameText('UNSUBSCRIBE', { id: 'none', receipt: 'behind' }))
    await eventually(() => expect(bus.channels).toContain('topic:x'))
    expect(subscriber.frames).toHaveLength(1)
    bus.become(undefined)
    await subscriber.receipt('live')
    await subscriber.receipt('behind')
    expect((await fetch(`${url}/ready`)).status).toBe(200)
  })

  it('that fails in its own way is a fault of ours, and its words are for the log', async () => {
    const logged = new Inbox<string>('log record')
    const bus = new FakeBus()
    bus.fault = new Error('disk 7 is on fire')
    const { url, wsUrl } = await embed({}, { bus, log: logInto(logged) })
    const posted = await notify({ url }, '/topic/x', 'x')
    expect(posted.status).toBe(500)
    const peer = await connected(wsUrl)
    peer.send(frameText('SEND', { destination: '/app/x', receipt: 'r' }, 'x'))
    await peer.expect('ERROR', { code: 'internal', 'receipt-id': 'r' })
    expect((await peer.closed).code).toBe(1011)
    expect(posted.body + peer.text).not.toContain('fire')
    expect(logged.all.join()).toContain('fire')
  })
})

describe('the web debugger of an embedded bridge', () => {
  const files = {
    '': { type: 'text/html', body: gzipSync('<p>hello</p>').toString('base64'), etag: '"1"', isImmutable: false },
  }
  const view = async ({ url }: { url: string }) =>
    (await (await fetch(`${url}/api/bridge`)).json()) as { nodes: { id: string }[] }

  it('is not there unless the program hands in the page, and switches on the API', async () => {
    const bare = await embed()
    for (const path of ['/', '/debugger', '/debugger/about.json', '/api/bridge']) {
      expect((await fetch(`${bare.url}${path}`)).status).toBe(404)
    }
    const page = await embed({}, { debuggerFiles: files })
    expect(await (await fetch(page.url)).text()).toBe('<p>hello</p>')
    expect((await fetch(`${page.url}/api/bridge`)).status).toBe(404)
    const api = await embed({ debugger: { api: 'on' } })
    expect((await fetch(`${api.url}/debugger`)).status).toBe(404)
    expect((await fetch(`${api.url}/api/bridge`)).status).toBe(200)
    const off = await embed({ debugger: { enabled: false } }, { debuggerFiles: files })
    expect((await fetch(`${off.url}/debugger`)).status).toBe(404)
  })

  it('shows an embedded bus, and tails it', async () => {
    const place = await embed({ debugger: { api: 'on' }, tcp: { enabled: true, port: 0 } })
    const { tcp } = place.address
    const { id } = (await view(place)).nodes[0]!
    expect(await view(place)).toMatchObject({
      version: '1.2.3',
      bus: { kind: 'embedded', unavailableReason: null },
      nodes: [{ id, isThis: true, address: null, ageSeconds: expect.any(Number) }],
      workers: 1,
      endpoints: { stomp: '/stomp', tcp },
      limits: { maxFrameBytes: 65_536 },
    })
    const tail = new TailReader(await fetch(`${place.url}/api/channels/GREETING_CHANNEL_INBOUND/tail`))
    expect(await tail.words(1)).toEqual(['live'])
    const peer = await connected(place.wsUrl)
    await subscribe(peer, '/topic/**')
    await fetch(`${place.url}/api/channels/GREETING_CHANNEL_INBOUND`, { method: 'POST', body: '"once"' })
    await fetch(`${place.url}/api/channels/GREETING_CHANNEL_INBOUND`, { method: 'POST', body: '"twice"' })
    expect(await tail.words(2)).toEqual(['message "once"', 'message "twice"'])
    expect([bodyText(await peer.expect('MESSAGE')), bodyText(await peer.expect('MESSAGE'))]).toEqual(['once', 'twice'])
    await place.bridge.close()
    expect(await tail.next()).toBeUndefined()
  })

  it('shows a bus of the program, which does not know of others', async () => {
    const bus = new FakeBus()
    const authenticator = { ...openAuthenticator, isOpen: false }
    const place = await embed({ debugger: { api: 'on' } }, { bus, authenticator })
    bus.become('out to lunch')
    expect(await view(place)).toMatchObject({
      isOpen: false,
      ready: { isReady: false, reasons: ['out to lunch'] },
      bus: { kind: 'custom', description: 'a fake', unavailableReason: 'out to lunch' },
      nodes: null,
    })
  })
})

describe('close', () => {
  it('gives the same end to everybody who asks, however often', async () => {
    const { bridge, url, wsUrl } = await embed()
    const peer = await connected(wsUrl)
    await Promise.all([bridge.close(), bridge.close()])
    await bridge.close()
    expect((await peer.closed).code).toBe(1001)
    expect(await isServing(url)).toBe(false)
  })

  it('comes before a start, or in the middle of it, and leaves no listener', async () => {
    const config = parseConfig({ server: { port: 0 } })
    const never = createBridge({ config, runtime: createRuntime(), version: '0' })
    await never.close()

    const early = createBridge({ config, runtime: createRuntime(), version: '0' })
    const starting = early.start()
    await early.close()
    const address = await starting.catch(() => undefined)
    if (address) expect(await isServing(`http://127.0.0.1:${address.http.port}`)).toBe(false)
  })

  it('happens by itself when a port is in use, and frees the other', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const probe = await embed()
    const free = probe.address.http.port
    await probe.bridge.close()
    const bus = new FakeBus()
    const config = parseConfig({ server: { port: free }, tcp: { enabled: true, port } })
    const unlucky = createBridge({ config, runtime: createRuntime(), version: '0', bus })
    await expect(unlucky.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(bus.closed).toBe(1)
    await expect(embed({ server: { port: free } })).resolves.toBeDefined()
  })
})

describe.each<RuntimeName>(['bun', 'deno', 'node'])('a program on %s', (runtime) => {
  let redis: RedisServer
  let directory: string

  beforeAll(async () => {
    redis = await startRedis()
    directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-child-'))
  })
  afterAll(async () => {
    await redis?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  it('ends by itself when its bridges are closed, and has printed nothing of theirs', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const [command, ...args] = await commandFor(runtime, join(ROOT, 'test/e2e/once/embedding-child.ts'), directory)
    const child = spawn(command!, [...args, runtime, redis.url, String(port)], { stdio: ['ignore', 'pipe', 'pipe'] })
    adopt(child)
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    const closed = new Promise<number>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        if (output.includes('closed\n')) resolve(performance.now())
      })
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    const exited = once(child, 'close')
    const closedMs = await Promise.race([closed, exited])
    expect(output).toBe('used the embedded bus\nused Redis\nEADDRINUSE\nclosed\n')
    expect(await exited).toEqual([0, null])
    expect(performance.now() - Number(closedMs)).toBeLessThan(1500)
  })
})

/** How to run a TypeScript program there. */
async function commandFor(runtime: RuntimeName, path: string, directory: string): Promise<string[]> {
  const bun = join(ROOT, 'node_modules/.bin/bun')
  if (runtime === 'bun') return [bun, path]
  if (runtime === 'deno') {
    return [process.env.DENO || join(ROOT, 'node_modules/.bin/deno'), 'run', '-A', '--no-lock', path]
  }
  // Node 20 runs no TypeScript.
  const bundle = join(directory, 'child.mjs')
  await execute(bun, ['build', path, '--target=node', `--outfile=${bundle}`])
  return [process.execPath, bundle]
}

/** The same runtime, which tells with which code each WebSocket was closed when its session knows. */
function reporting(runtime: Runtime, gone: Inbox<number>): Runtime {
  const report = (open: OpenSocket): OpenSocket => {
    return (socket) => {
      const handler = open(socket)
      return {
        receive: (data) => handler.receive(data),
        ended: () => handler.ended(),
        closed: (code, reason) => {
          handler.closed(code, reason)
          gone.put(code)
        },
      }
    }
  }
  const listen: Runtime['listen'] = (options) =>
    runtime.listen({
      ...options,
      fetch: (request, env) =>
        options.fetch(request, {
          ...env,
          upgrade: (request, { protocol, open }) => env.upgrade(request, { protocol, open: report(open) }),
        }),
    })
  return { ...runtime, listen }
}

/** Everything that is logged, as text. */
function logInto(inbox: Inbox<string>): Log {
  const put: Log['info'] = (fields, message) => {
    const texts = Object.values(fields).map((value) => (value instanceof Error ? value.stack : JSON.stringify(value)))
    inbox.put([message, ...texts].join(' '))
  }
  return { debug: put, info: put, warn: put, error: put }
}

/** A bus that does as the test says. */
class FakeBus implements Bus {
  readonly description = 'a fake'
  readonly published = new Inbox<BusMessage>('published message')
  readonly channels = new Set<string>()
  transactions = 0
  closed = 0
  /** What a message is refused with. */
  fault: Error | undefined
  unavailableReason: string | undefined
  #listener: BusListener | undefined
  #whenAvailable: (() => void)[] = []

  start(listener: BusListener): void {
    this.#listener = listener
    listener.onAvailability(this.unavailableReason)
  }

  become(reason: string | undefined): void {
    this.unavailableReason = reason
    if (reason === undefined) for (const resolve of this.#whenAvailable.splice(0)) resolve()
    this.#listener?.onAvailability(reason)
  }

  deliver(channel: string, payload: string): void {
    this.#listener?.onMessage(channel, new TextEncoder().encode(payload), undefined)
  }

  async publish(channel: string, payload: string | Uint8Array): Promise<void> {
    if (this.fault) throw this.fault
    if (this.unavailableReason !== undefined) throw new BusUnavailableError(this.unavailableReason)
    this.published.put({ channel, payload })
  }

  async publishAll(messages: readonly BusMessage[]): Promise<void> {
    this.transactions++
    for (const message of messages) await this.publish(message.channel, message.payload)
  }

  subscribe(channel: string): Promise<void> {
    this.channels.add(channel)
    if (this.unavailableReason === undefined) return Promise.resolve()
    return new Promise((resolve) => this.#whenAvailable.push(resolve))
  }

  unsubscribe(channel: string): void {
    this.channels.delete(channel)
  }

  psubscribe(pattern: string): Promise<void> {
    return this.subscribe(pattern)
  }

  punsubscribe(pattern: string): void {
    this.unsubscribe(pattern)
  }

  async close(): Promise<void> {
    this.closed++
  }
}
