/**
 * The server's side of the web debugger on real listeners and a real Redis: what it shows is what happens, a tail gets
 * every payload once and disturbs nobody, and who may not use it gets nothing.
 */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Redis } from 'ioredis'
import { listen, notify } from '../support/clients/backend.ts'
import { connectPeer, bodyText, frameText, type StompPeer } from '../support/stomp-peer.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { TailReader } from '../support/tail-reader.ts'
import { eventually } from '../support/wait.ts'
import { startWorld, untilReady } from '../support/world.ts'
import { configFile } from './access/stage.ts'

const SETTINGS = { STOMP_BRIDGE_BROKER_RELEASE_DELAY_MS: '20' }
const TOKEN = 'a-secret-of-enough-letters'

interface BridgeView {
  readonly node: string
  readonly isOpen: boolean
  readonly runtime: string
  readonly nodes: readonly { id: string; isThis: boolean; address: string }[] | null
  readonly routes: readonly { destination: string; messages: number }[]
  readonly totals: Readonly<Record<string, number>>
  readonly errors: readonly { code: string; count: number }[]
  readonly bus: { readonly unavailableReason: string | null; readonly unavailableSince: number | null }
  readonly destinations: readonly { destination: string; subscriptions: number }[]
}

interface SessionsView {
  readonly total: number
  readonly sessions: readonly { id: string; version: string; subscriptions: readonly { destination: string }[] }[]
}

describe(`the debug API on ${runtime}`, () => {
  let redis: RedisServer
  let backend: Redis
  let bridge: BridgeProcess

  const start = async (env: Record<string, string> = {}): Promise<BridgeProcess> => {
    const started = await spawnBridge({
      runtime,
      env: { REDIS_URL: redis.url, ...SETTINGS, ...env },
    })
    await untilReady(started)
    return started
  }

  beforeAll(async () => {
    ;({ redis, backend, bridge } = await startWorld({ runtime, env: SETTINGS }))
  })

  const json = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await fetch(`${bridge.url}${path}`, init)
    expect([path, response.status]).toEqual([path, 200])
    return (await response.json()) as T
  }
  const connect = async (): Promise<{ peer: StompPeer; id: string }> => {
    const peer = await connectPeer({ url: bridge.wsUrl })
    onTestFinished(() => peer.terminate())
    const { headers } = await peer.stompConnect()
    return { peer, id: headers.get('session')! }
  }
  const subscribe = async (peer: StompPeer, destination: string, id = '1'): Promise<void> => {
    peer.send(frameText('SUBSCRIBE', { destination, id, receipt: `live ${id}` }))
    await peer.receipt(`live ${id}`)
  }
  /** A tail that is live. */
  const tail = async (channel: string, at = bridge): Promise<TailReader> => {
    const client = new AbortController()
    onTestFinished(() => client.abort())
    const url = `${at.url}/api/channels/${encodeURIComponent(channel)}/tail`
    const reader = new TailReader(await fetch(url, { signal: client.signal }))
    expect(await reader.words(1)).toEqual(['live'])
    return reader
  }
  const subscribersOf = async (channel: string) =>
    Number(((await backend.call('PUBSUB', 'NUMSUB', channel)) as unknown[])[1])

  it('shows the bridge as it is: nodes, clients, routes and what went over them', async () => {
    const other = await start()
    const { peer } = await connect()
    await subscribe(peer, '/topic/greetings')
    const before = await json<BridgeView>('/api/bridge')
    peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'sent' }, 'hi'))
    await peer.receipt('sent')
    await backend.publish('GREETING_CHANNEL_INBOUND', '"hello"')
    await peer.expect('MESSAGE')
    const after = await json<BridgeView>('/api/bridge')
    const carried = (destination: string) => {
      const [was, is] = [before, after].map(
        ({ routes }) => routes.find((route) => route.destination === destination)!.messages,
      ) as [number, number]
      return is - was
    }
    expect([carried('/app/greet'), carried('/topic/greetings'), carried('/app/{*name}')]).toEqual([1, 1, 0])
    expect(after).toMatchObject({ isOpen: true, bus: { kind: 'redis', unavailableReason: null }, workers: 1 })
    expect(after.runtime).toMatch(new RegExp(`^${runtime} `))
    expect(after.totals['messagesDelivered']! - before.totals['messagesDelivered']!).toBe(1)
    expect(after.destinations).toContainEqual({ destination: '/topic/greetings', subscriptions: 1 })
    const otherView = (await (await fetch(`${other.url}/api/bridge`)).json()) as BridgeView
    expect(after.nodes!.map(({ id, isThis }) => ({ id, isThis }))).toEqual(
      expect.arrayContaining([
        { id: after.node, isThis: true },
        { id: otherView.node, isThis: false },
      ]),
    )
    expect(await other.stop()).toBe(0)
    await eventually(async () => {
      const { nodes } = await json<BridgeView>('/api/bridge')
      expect(nodes!.map(({ id }) => id)).toEqual([after.node])
    })
  })

  it('counts what goes from node to node, and what clients were refused', async () => {
    const { peer } = await connect()
    await subscribe(peer, '/topic/counted')
    const before = await json<BridgeView>('/api/bridge')
    peer.send(frameText('SEND', { destination: '/topic/counted' }, 'hi'))
    await peer.expect('MESSAGE')
    peer.send(frameText('SEND', { destination: '/nowhere' }))
    await peer.expect('ERROR', { code: 'no-route' })
    const after = await json<BridgeView>('/api/bridge')
    const grown = (name: string) => after.totals[name]! - before.totals[name]!
    expect([grown('broadcastPublished'), grown('broadcastReceived')]).toEqual([1, 1])
    const refused = ({ errors }: BridgeView) => errors.find(({ code }) => code === 'no-route')?.count ?? 0
    expect(refused(after) - refused(before)).toBe(1)
  })

  async function explainAt({ url }: { readonly url: string }, wish: object): Promise<{ problem?: string | null }> {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/api/explain`, { method: 'POST', headers, body: JSON.stringify(wish) })
    return (await answer.json()) as { problem?: string | null }
  }

  it.each([
    ['subscribe', '/topic/a/**', null],
    ['subscribe', '/user/queue/a', null],
    ['subscribe', '/nowhere/a', 'must start with "/topic/"'],
    ['subscribe', `/topic${'/a'.repeat(200)}`, 'at most'],
    ['subscribe', '/user/bob/queue/a', 'only /user/queue/'],
    ['subscribe', '/group/staff/a', 'You may not subscribe'],
    ['subscribe', '/presence/topic/a', 'presence.destinations'],
    ['send', '/topic/a', null],
    ['send', '/app/greet', null],
    ['send', '/bridge/renew', null],
    ['send', '/app', 'no route takes it'],
    ['send', '/user/bob/a', 'must have the form'],
  ])('explains that a client is refused all the same, or not: %s %s', async (action, destination, text) => {
    const { problem } = await explainAt(bridge, { action, destination })
    if (text === null) expect(problem).toBeNull()
    else expect(problem).toContain(text)
  })

  it('explains who may do what', async () => {
    const explain = (wish: object): Promise<unknown> => explainAt(guarded, wish)
    const config = `
server: { host: 127.0.0.1 }
debugger: { api: on }
access:
  authenticators: [{ type: anonymous }]
  rules:
    - { deny: subscribe, destination: '/topic/secret/**' }
    - { allow: subscribe, destination: '/topic/**', groups: [staff] }
`
    const guarded = await spawnBridge({
      runtime,
      args: ['--config', configFile(config)],
      env: { REDIS_URL: redis.url },
    })
    const wish = { action: 'subscribe', destination: '/topic/a' }
    expect(await explain({ ...wish, user: 'alice', groups: ['staff'] })).toMatchObject({ allowed: true, rule: 1 })
    expect(await explain(wish)).toMatchObject({ allowed: false, rule: null })
    expect(await explain({ ...wish, user: 'bob', destination: '/topic/secret/1' })).toMatchObject({
      allowed: false,
      rule: 0,
    })
    expect(await explain({ ...wish, destination: '/nowhere/a' })).toMatchObject({
      allowed: false,
      problem: 'Cannot subscribe to "/nowhere/a": it must start with "/topic/"',
    })
    expect(await explain({ ...wish, action: 'dance' })).toMatchObject({ error: { code: 'bad-field' } })
  })

  it('lists sessions, and closes one with an ERROR that says why', async () => {
    const [one, other] = [await connect(), await connect()]
    await subscribe(one.peer, '/topic/unique/1')
    await subscribe(other.peer, '/topic/elsewhere')
    const found = await json<SessionsView>(`/api/sessions?search=${encodeURIComponent('/topic/unique')}`)
    expect(found.sessions.map(({ id }) => id)).toEqual([one.id])
    expect(found.sessions[0]).toMatchObject({ version: '1.2', subscriptions: [{ destination: '/topic/unique/1' }] })
    const all = await json<SessionsView>('/api/sessions?limit=1')
    expect(all.sessions.map(({ id }) => id)).toEqual([other.id])
    expect(all.total).toBeGreaterThanOrEqual(2)

    const close = () => fetch(`${bridge.url}/api/sessions/${one.id}`, { method: 'DELETE' })
    const response = await close()
    expect([response.status, await response.text()]).toEqual([204, ''])
    await one.peer.expect('ERROR', {
      code: 'closed-by-operator',
      message: 'The session was closed by an operator',
    })
    expect((await one.peer.closed).code).toBe(1008)
    await eventually(async () => expect((await close()).status).toBe(404))
    expect(other.peer.isClosed).toBe(false)
  })

  it('publishes bytes as they are, for backends and for subscribers', async () => {
    const { peer } = await connect()
    await subscribe(peer, '/topic/greetings')
    const raw = await listen(redis, 'any/Kanal ü')
    const bytes = Buffer.from([0, 0xff, 10, 0])
    const path = `/api/channels/${encodeURIComponent('any/Kanal ü')}`
    expect(await json(path, { method: 'POST', body: bytes })).toEqual({ channel: 'any/Kanal ü', bytes: 4 })
    expect((await raw.next()).equals(bytes)).toBe(true)
    await json('/api/channels/GREETING_CHANNEL_INBOUND', { method: 'POST', body: '"from a person"' })
    expect(bodyText(await peer.expect('MESSAGE'))).toBe('from a person')
  })

  it('has a key prefix as everything else has', async () => {
    const own = await start({ STOMP_BRIDGE_REDIS_KEY_PREFIX: 'own:' })
    const raw = await listen(redis, 'own:x')
    const reader = await tail('x', own)
    await fetch(`${own.url}/api/channels/x`, { method: 'POST', body: '1' })
    expect(String(await raw.next())).toBe('1')
    expect(await reader.words(1)).toEqual(['message 1'])
    await backend.publish('x', 'other')
    await backend.publish('own:x', '2')
    expect(await reader.words(1)).toEqual(['message 2'])
  })

  describe('a tail', () => {
    it('gets every payload once, of every kind of channel, and subscribers get what they got', async () => {
      const { peer } = await connect()
      await subscribe(peer, '/topic/greetings', '1')
      await subscribe(peer, '/topic/a/*', '2')
      const [inbound, covered, outbound, broadcast] = [
        await tail('GREETING_CHANNEL_INBOUND'),
        await tail('topic:a/b'),
        await tail('GREETING_CHANNEL_OUTBOUND'),
        await tail('BROADCAST-CHANNEL'),
      ]
      await backend.publish('GREETING_CHANNEL_INBOUND', '"1"')
      await backend.publish('topic:a/b', '"2"')
      await notify(bridge, '/topic/a/c', '3')
      peer.send(frameText('SEND', { destination: '/app/greet' }, '4'))
      await backend.publish('GREETING_CHANNEL_INBOUND', '"5"')
      const bodies: string[] = []
      for (let i = 0; i < 4; i++) bodies.push(bodyText(await peer.expect('MESSAGE')))
      expect(bodies).toEqual(['1', '2', '3', '5'])
      expect(await inbound.words(2)).toEqual(['message "1"', 'message "5"'])
      expect(await outbound.words(1)).toEqual(['message "4"'])
      expect(await broadcast.words(1)).toEqual(['message {"topic":"/topic/a/c","message":"3"}'])
      await backend.publish('topic:a/b', '"end"')
      expect(await covered.words(2)).toEqual(['message "2"', 'message "end"'])
    })

    it('keeps a channel that nobody else wants, and gives it back when its reader goes', async () => {
      const client = new AbortController()
      const response = await fetch(`${bridge.url}/api/channels/lonely/tail`, { signal: client.signal })
      const reader = new TailReader(response)
      expect(await reader.words(1)).toEqual(['live'])
      expect(await subscribersOf('lonely')).toBe(1)
      client.abort()
      await eventually(async () => expect(await subscribersOf('lonely')).toBe(0))
    })

    it('leaves a channel to a subscriber, and takes nothing from it when it ends', async () => {
      const { peer } = await connect()
      const client = new AbortController()
      const url = `${bridge.url}/api/channels/topic:shared/tail`
      await new TailReader(await fetch(url, { signal: client.signal })).words(1)
      await subscribe(peer, '/topic/shared')
      client.abort()
      const { sessions } = await json<SessionsView>('/api/sessions?search=shared')
      expect(sessions).toHaveLength(1)
      const again = await tail('topic:shared')
      await backend.publish('topic:shared', '"x"')
      expect(bodyText(await peer.expect('MESSAGE'))).toBe('x')
      expect(await again.words(1)).toEqual(['message "x"'])
      peer.send(frameText('UNSUBSCRIBE', { id: '1', receipt: 'u' }))
      await peer.receipt('u')
      await backend.publish('topic:shared', '"y"')
      expect(await again.words(1)).toEqual(['message "y"'])
    })

    it('tells a reader that does not read how many it has missed, and keeps no more than it can hold', async () => {
      const { response } = await ask(`${bridge.url}/api/channels/busy/tail`)
      const slow = new TailReader(new Response(Readable.toWeb(response) as ReadableStream))
      expect(await slow.words(1)).toEqual(['live'])
      const end = await tail('end')
      const sent = 3000
      const payload = (i: number) => `${i} ${'x'.repeat(32_000)}`
      for (let i = 0; i < sent; i += 100) {
        for (let j = 0; j < 100; j++) void backend.publish('busy', payload(i + j))
        // Comes on the same connection, behind all that; Redis would drop a bridge that is far behind.
        await backend.publish('end', String(i))
        expect(await end.words(1)).toEqual([`message ${i}`])
      }
      let received = 0
      let dropped = 0
      while (received + dropped < sent) {
        const { event, data } = (await slow.next())!
        if (event === 'dropped') dropped += Number(data['count'])
        else expect(String(data['payload']).split(' ')[0]).toBe(String(dropped + received++))
      }
      expect(dropped).toBeGreaterThan(sent / 2)
      await backend.publish('busy', 'after')
      expect(await slow.words(1)).toEqual(['message after'])
    })

    it('is told when Redis goes, and when it is back', async () => {
      const own = await startRedis()
      onTestFinished(() => own.stop())
      const at = await start({ REDIS_URL: own.url, STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '50' })
      const reader = await tail('x', at)
      await own.crash()
      const gone = (await reader.next())!
      expect(gone.event).toBe('unavailable')
      expect(gone.data['reason']).toContain('Redis')
      const { bus } = (await (await fetch(`${at.url}/api/bridge`)).json()) as BridgeView
      expect(bus.unavailableReason).toContain(new URL(own.url).host)
      expect(Math.abs(Date.now() - bus.unavailableSince!)).toBeLessThan(60_000)
      const publish = () => fetch(`${at.url}/api/channels/x`, { method: 'POST', body: 'back' })
      const refused = await publish()
      expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true])
      expect((await refused.json()) as object).toMatchObject({ error: { code: 'bus-unavailable' } })
      await own.restart()
      // The reason may become another meanwhile.
      let next = (await reader.next())!
      while (next.event === 'unavailable') next = (await reader.next())!
      expect(next.event).toBe('live')
      expect((await publish()).status).toBe(200)
      expect(await reader.words(1)).toEqual(['message back'])
    })

    it('ends in order when the bridge does', async () => {
      const at = await start()
      const readers = [await tail('x', at), await tail('y', at)]
      expect(await at.stop()).toBe(0)
      for (const reader of readers) expect(await reader.next()).toBeUndefined()
      expect(at.logs().filter(({ level }) => level !== 'info')).toEqual([])
    })

    it('is refused to a page from elsewhere, and to one that has pointed its own name to this machine', async () => {
      const path = `${bridge.url}/api/channels/forbidden/tail`
      for (const [headers, code] of [
        [{ Origin: 'https://evil.example' }, 'forbidden-origin'],
        [{ Host: `evil.example:${bridge.port}` }, 'forbidden-host'],
        [{ Host: 'evil.example', Origin: 'http://evil.example' }, 'forbidden-host'],
        [{ 'Sec-Fetch-Site': 'cross-site' }, 'forbidden-origin'],
      ] as const) {
        const { response, text } = await ask(path, headers)
        expect([response.statusCode, JSON.parse(await text())]).toMatchObject([403, { error: { code } }])
      }
      expect(await subscribersOf('forbidden')).toBe(0)
      const { response } = await ask(path, { Host: `localhost:${bridge.port}`, Origin: 'http://localhost:5173' })
      expect([response.statusCode, response.headers['access-control-allow-origin']]).toEqual([
        200,
        'http://localhost:5173',
      ])
      response.destroy()
    })
  })

  it('wants its token where there is one, under whatever name it is reached', async () => {
    const at = await start({ STOMP_BRIDGE_DEBUGGER_TOKEN: TOKEN })
    const about = {
      version: expect.any(String),
      path: '/debugger',
      stompPath: '/stomp',
      api: true,
      tokenNeeded: true,
    }
    expect(await (await fetch(`${at.url}/debugger/about.json`)).json()).toEqual(about)
    for (const path of ['/api/bridge', '/api/sessions', '/api/channels/x/tail']) {
      const refused = await ask(`${at.url}${path}`, { Authorization: 'Bearer wrong' })
      expect([refused.response.statusCode, refused.response.headers['www-authenticate']]).toEqual([401, 'Bearer'])
      const { response } = await ask(`${at.url}${path}`, { Host: 'bridge.example', Authorization: `Bearer ${TOKEN}` })
      expect(response.statusCode).toBe(200)
      response.destroy()
    }
    expect(at.stdout() + at.stderr()).not.toContain(TOKEN)
  })

  it('is off with a configuration file, and when it is switched off; then so says the page', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-debugger-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const file = join(directory, 'any.yaml')
    await writeFile(file, 'server: { docs: false }\n')
    for (const env of [{ STOMP_BRIDGE_CONFIG: file }, { STOMP_BRIDGE_DEBUGGER_API: 'off' }]) {
      const at = await start(env)
      expect(at.stdout()).not.toContain('Warning')
      for (const path of ['/api/bridge', '/api/sessions', '/api/channels/x/tail']) {
        expect((await fetch(`${at.url}${path}`)).status).toBe(404)
      }
      expect(await (await fetch(`${at.url}/debugger/about.json`)).json()).toMatchObject({ api: false })
    }
  })
})

describe(`the page of the debugger on ${runtime}`, () => {
  it('is where / leads, at the configured path', async () => {
    const bridge = await spawnBridge({ runtime, env: { STOMP_BRIDGE_DEBUGGER_PATH: '/tools/stomp' } })
    const { response } = await ask(`${bridge.url}/`)
    expect([response.statusCode, response.headers.location]).toEqual([302, './tools/stomp/'])
    expect((await fetch(`${bridge.url}/tools/stomp/about.json`)).status).toBe(200)
    expect((await fetch(`${bridge.url}/debugger/`)).status).toBe(404)
    expect(bridge.stdout()).toContain(`OPEN ${bridge.url}/tools/stomp `)
  })

  it('is nowhere when it is switched off', async () => {
    const bridge = await spawnBridge({ runtime, env: { STOMP_BRIDGE_DEBUGGER_ENABLED: 'false' } })
    for (const path of ['/', '/debugger', '/debugger/', '/debugger/about.json', '/api/bridge']) {
      expect([path, (await fetch(`${bridge.url}${path}`)).status]).toEqual([path, 404])
    }
    expect(bridge.stdout()).not.toContain('/debugger')
  })
})

/** A request with any headers, Host too; the body is read when `text` is called. */
async function ask(url: string, headers: OutgoingHttpHeaders = {}) {
  const asking = request(url, { headers, agent: false })
  onTestFinished(() => void asking.destroy())
  asking.end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  const text = async () => {
    let body = ''
    for await (const chunk of response.setEncoding('utf8')) body += String(chunk)
    return body
  }
  return { response, text }
}
