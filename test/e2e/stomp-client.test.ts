/** The client that comes with the bridge, on real bridges: it loses its node, its session and its rights. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createClient, type ClientError, type ClientOptions, type Credentials } from '../../src/stomp-client/index.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { adopt, type BridgeProcess } from '../support/process.ts'
import { programCommand } from '../support/program.ts'
import { runtime } from '../support/runtime.ts'
import { api, API_KEYS, HS256, post, startNodes, token, untilUser, type Nodes } from './access/stage.ts'

const CHILD = fileURLToPath(new URL('stomp-client-child.ts', import.meta.url))
const ROOM = '/topic/rooms/1'

describe(`the client on ${runtime}`, () => {
  let nodes: Nodes
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-client-'))
    nodes = await startNodes(
      `
access:
  authenticators: [${HS256}, { type: ticket }]
  rules: [{ allow: [subscribe, send], destination: '/topic/rooms/*' }]
  ${API_KEYS}
`,
      { nodes: 1 },
    )
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  async function newTicket(user: string): Promise<Credentials> {
    const { json } = await api(nodes.a, 'POST', '/api/tickets', { body: { user, groups: [], sessionSeconds: 3600 } })
    return json as { ticket: string }
  }

  /** A client of this node, or of whichever is in `at` by then. */
  function start(options: Partial<ClientOptions> = {}) {
    const told = { connected: new Inbox<string>('connection'), errors: new Inbox<ClientError>('error') }
    const at: { node: BridgeProcess; readonly urls: string[] } = { node: nodes.a, urls: [] }
    const client = createClient({
      brokerURL: 'ws://bridge.example/stomp',
      webSocketFactory: (url, protocols) => {
        at.urls.push(url)
        return new WebSocket(url.replace('ws://bridge.example/stomp', at.node.wsUrl), protocols)
      },
      backoff: { firstMs: 20, maxMs: 100 },
      onConnected: ({ headers }) => told.connected.put(headers['user-name']!),
      onError: told.errors.put,
      ...options,
    })
    onTestFinished(() => client.deactivate())
    return { client, at, ...told }
  }

  it('goes to another node when its own is killed, with a new ticket, and is subscribed again', async () => {
    const doomed = await nodes.startAnother()
    const { client, at, connected } = start({ credentials: () => newTicket('ann') })
    at.node = doomed
    const got = new Inbox<string>('message')
    const live = new Inbox<void>('subscription')
    client.subscribe(ROOM, ({ body }) => got.put(body), { onLive: () => live.put() })
    client.activate()
    await live.next()
    await post(nodes.a, ROOM, 'before')
    expect(await got.next()).toBe('before')

    at.node = nodes.a
    await doomed.stop('SIGKILL')
    await live.next()
    await post(nodes.a, ROOM, 'after')
    expect(await got.next()).toBe('after')
    expect(await client.publish({ destination: ROOM, body: 'own', receipt: true })).toHaveProperty('receipt-id')
    expect(await got.next()).toBe('own')
    expect(connected.all).toEqual(['ann', 'ann'])
    expect(new Set(at.urls).size).toBe(at.urls.length)
    expect(at.urls.every((url) => /\?ticket=tkt_/.test(url))).toBe(true)

    await client.deactivate()
    await untilUser(nodes.a, 'ann', 0)
  })

  it('comes again when its session was closed', async () => {
    const { client, connected, errors } = start({ credentials: async () => ({ token: await token('bob') }) })
    client.activate()
    expect(await connected.next()).toBe('bob')
    await untilUser(nodes.a, 'bob', 1)
    expect((await api(nodes.a, 'DELETE', '/api/users/bob/sessions')).json).toEqual({ closed: 1 })
    expect(await connected.next()).toBe('bob')
    expect(errors.all).toMatchObject([{ code: 'closed-by-operator', isFatal: false }])
  })

  it('goes on trying with a ticket that was used, until it gets a new one', async () => {
    const used = await newTicket('cleo')
    let asked = 0
    const { client, connected, errors } = start({
      credentials: () => (++asked < 4 ? used : newTicket('cleo')),
    })
    client.activate()
    await connected.next()
    client.stomp!.forceDisconnect()
    await connected.next()
    expect(errors.all.map(({ code }) => code)).toEqual(['unreachable', 'unreachable'])
    expect(asked).toBe(4)
  })

  it('stops when it is refused twice: its login, and a subscription', async () => {
    const stranger = start({ credentials: () => ({ token: 'no' }) })
    stranger.client.activate()
    const told = await stranger.errors.take(2)
    expect(told).toMatchObject([
      { code: 'not-authenticated', isFatal: false },
      { code: 'not-authenticated', isFatal: true },
    ])
    expect([stranger.client.state, stranger.at.urls.length]).toEqual(['inactive', 2])

    const dan = start({ credentials: () => newTicket('dan') })
    dan.client.subscribe(ROOM, () => {})
    dan.client.subscribe('/topic/secret', () => {})
    dan.client.activate()
    const refusals = await dan.errors.take(2)
    const refusal = { code: 'not-authorized', destination: '/topic/secret' }
    expect(refusals).toMatchObject([
      { ...refusal, isFatal: false },
      { ...refusal, isFatal: true },
    ])
    expect(dan.client.state).toBe('inactive')
  })

  it('works inside a program, which ends by itself when the client has left', async () => {
    const { ticket } = await newTicket('eve')
    const [command, ...args] = await programCommand(runtime, CHILD, directory)
    const child = spawn(command!, [...args, nodes.a.wsUrl, ticket!], { stdio: ['ignore', 'pipe', 'pipe'] })
    adopt(child)
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    }
    const exit = await once(child, 'close')
    expect(output).toBe('connecting\nconnected\neve\nGrüße 😀\nclosing\ninactive\nleft\n')
    expect(exit).toEqual([0, null])
  })
})
