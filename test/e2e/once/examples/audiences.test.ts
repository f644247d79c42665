/** The example as its README says it: two nodes, the backend in Python, and its page in a real browser. */
import type { Locator, Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { openEventStream } from '../../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../../support/clients/plain-websocket.ts'
import { connectStompjs7, type Stompjs7Client } from '../../../support/clients/stompjs7.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { untilReady } from '../../../support/world.ts'
import { preparePython, PYTHON, runPython } from './python.ts'
import { examplePath, hostRules, postJson, startNodes, startProgram } from './support.ts'

const SOCKETS = ['ws://localhost:8080/', 'ws://localhost:8081/']
const OWN = ['/topic/news', '/user/queue/news', '/session/queue/news']
/** Maybe redis-py is to be downloaded first. */
const START_TIMEOUT_MS = 90_000

describe('the example of audiences', () => {
  let redis: RedisServer
  let site: string
  let nodes: BridgeProcess[]
  let python: Record<string, string>
  beforeAll(async () => {
    redis = await startRedis()
    python = { ...(await preparePython('redis')), REDIS_URL: redis.url }
    site = await startProgram(PYTHON, 'audiences/server.py', python)
    nodes = await startNodes('audiences/bridge.yaml', redis.url, { '127.0.0.1:8000': new URL(site).host })
    return () => redis.stop()
  }, START_TIMEOUT_MS)
  const browser = browserSuite(() => [hostRules({ 8080: nodes[0], 8081: nodes[1] })])

  const login = async (user: string) => (await postJson(`${site}/login`, { user }))[1] as { token: string }
  /** With publish.py, in a terminal. */
  const publish = (audience: string, message: string) =>
    runPython(examplePath('audiences/publish.py'), [audience, 'news', message], python)

  describe('with STOMP', () => {
    const connect = async (node: number, user: string, headers = {}): Promise<Stompjs7Client> => {
      const { token } = await login(user)
      const connectHeaders = { Authorization: `Bearer ${token}`, ...headers }
      const client = await connectStompjs7(nodes[node]!, { connectHeaders })
      onTestFinished(() => client.own.deactivate())
      return client
    }
    /** Subscribes everything that a client may have; gives a function that resolves with what has come before the end. */
    const listen = async (client: Stompjs7Client, group: string) => {
      const destinations = [...OWN, `/group/${group}/news`]
      const subscriptions = await Promise.all(destinations.map((destination) => client.subscribe(destination)))
      return async () => {
        await subscriptions[0]!.takeUntil(({ body }) => body === 'the end')
        return subscriptions.flatMap(({ all }) => all.map(({ headers, body }) => [headers['destination'], body]))
      }
    }

    it('reaches everybody, a user, a group and a session, and nobody else', async () => {
      const alice = [await connect(0, 'alice'), await connect(1, 'alice')]
      const bob = await connect(1, 'bob')
      const [one, two] = [await listen(alice[0]!, 'staff'), await listen(alice[1]!, 'staff')]
      const three = await listen(bob, 'customers')
      await publish('broadcast', 'for all, žluť')
      await publish('user:alice', 'for Alice')
      await publish('user:bob', 'for Bob')
      await publish('group:staff', 'for staff')
      await publish(`session:${alice[1]!.connected['session']}`, 'for one window')
      // A node hears in this order, so that nothing comes after it.
      await publish('broadcast', 'the end')
      const all = ['for all, žluť', 'the end'].map((body) => ['/topic/news', body])
      const forAlice = ['/user/queue/news', 'for Alice']
      const forStaff = ['/group/staff/news', 'for staff']
      expect(await one()).toEqual([...all, forAlice, forStaff])
      expect(await two()).toEqual([...all, forAlice, ['/session/queue/news', 'for one window'], forStaff])
      expect(await three()).toEqual([...all, ['/user/queue/news', 'for Bob']])
    })

    it('refuses a group that the user is not in', async () => {
      const bob = await connect(0, 'bob')
      await expect(bob.subscribe('/group/staff/news')).rejects.toThrow('You may not subscribe to "/group/staff/news"')
      await bob.closed
    })

    it('refuses a destination that no rule names, and goes on where errors are soft', async () => {
      const bob = await connect(0, 'bob', { errors: 'soft' })
      const errors = await bob.subscribe('/user/queue/errors')
      bob.own.subscribe('/topic/internal', () => {})
      const { headers, body } = await errors.next()
      expect(headers).toMatchObject({ code: 'not-authorized', 'refused-destination': '/topic/internal' })
      expect(body).toBe('You may not subscribe to "/topic/internal"')
      const news = await bob.subscribe('/topic/news')
      await publish('broadcast', 'still here')
      expect((await news.next()).body).toBe('still here')
    })
  })

  describe('without STOMP', () => {
    it('brings the same to a plain WebSocket and to a stream of events', async () => {
      const { token } = await login('alice')
      const query = `access_token=${token}`
      const socket = await openPlainWebSocket(`ws://127.0.0.1:${nodes[0]!.port}/raw/group/staff/news?${query}`)
      const events = await openEventStream(`${nodes[1]!.url}/sse/user/queue/news?${query}`)
      await publish('group:staff', 'for staff')
      await publish('user:alice', 'for Alice')
      expect(await socket.messages.next()).toBe('for staff')
      expect((await events.events.next()).data).toBe('for Alice')
    })

    it('answers 403 for a group that somebody is not in', async () => {
      const { token } = await login('bob')
      for (const query of ['', `?access_token=${token}`]) {
        const response = await fetch(`${nodes[0]!.url}/sse/group/staff/news${query}`)
        expect(response.status).toBe(403)
        expect(await response.json()).toMatchObject({ error: { code: 'not-authorized' } })
        const address = `ws://127.0.0.1:${nodes[1]!.port}/raw/group/staff/news${query}`
        await expect(openPlainWebSocket(address)).rejects.toThrow('403')
      }
    })

    it('lets nobody in with a token that the web server does not know', async () => {
      const response = await fetch(`${nodes[0]!.url}/sse/topic/news?access_token=made-up`)
      expect(response.status).toBe(401)
    })
  })

  describe('with the URLs of ws4redis', () => {
    const open = async (node: number, user: string, flags: string) => {
      const { token } = await login(user)
      return openPlainWebSocket(`ws://127.0.0.1:${nodes[node]!.port}/ws/news?${flags}&token=${token}`)
    }

    it('brings what the flags ask for, and nothing else', async () => {
      const alice = await open(0, 'alice', 'subscribe-broadcast&subscribe-user&subscribe-group')
      const alone = await open(1, 'alice', 'subscribe-group')
      const bob = await open(1, 'bob', 'subscribe-broadcast&subscribe-user&subscribe-group')
      const audiences = ['user:alice', 'user:bob', 'group:staff', 'group:customers', 'broadcast']
      for (const audience of audiences) await publish(audience, audience)
      await publish('group:staff', 'the end')
      expect(await alice.messages.take(4)).toEqual(['user:alice', 'group:staff', 'broadcast', 'the end'])
      expect(await bob.messages.take(3)).toEqual(['user:bob', 'group:customers', 'broadcast'])
      expect(await alone.messages.take(2)).toEqual(['group:staff', 'the end'])
    })

    it('publishes on the channel that a backend reads, and echoes only if asked', async () => {
      const backend = await redis.client()
      const published = new Promise((resolve) => backend.once('message', (_channel, text) => resolve(text)))
      await backend.subscribe('broadcast:news')
      const other = await open(1, 'bob', 'subscribe-broadcast')
      const echoing = await open(0, 'alice', 'subscribe-broadcast&publish-broadcast&echo')
      const silent = await open(0, 'alice', 'subscribe-broadcast&publish-broadcast')
      silent.send('from the silent one')
      expect(await published).toBe('from the silent one')
      expect(await other.messages.next()).toBe('from the silent one')
      expect(await echoing.messages.next()).toBe('from the silent one')
      echoing.send('from the echoing one')
      for (const socket of [other, echoing, silent]) expect(await socket.messages.next()).toBe('from the echoing one')
    })
  })

  describe('the page', () => {
    // The values that were kept for the facility before come to whoever subscribes.
    beforeEach(async () => {
      const client = await redis.client()
      await client.flushall()
    })
    const open = async (): Promise<Page> => {
      const page = await browser.open(site, { otherSockets: SOCKETS })
      for (const name of ['Alice', 'Bob', 'Alice, ws4redis']) {
        await card(page, name).getByRole('status').getByText('Connected', { exact: true }).waitFor()
      }
      return page
    }
    const card = (page: Page, name: string): Locator => page.getByRole('article', { name, exact: true })
    const write = async (page: Page, audience: string, message: string): Promise<void> => {
      await page.getByLabel('For').selectOption(audience)
      await page.getByLabel('Message').fill(message)
      await page.getByRole('button', { name: 'Publish' }).click()
      await page.getByText(`news", "${message}")`).waitFor()
    }
    const texts = (page: Page, name: string) => card(page, name).getByRole('listitem').allTextContents()

    it('shows who gets what', async () => {
      const page = await open()
      await write(page, 'User alice', 'one')
      await write(page, 'Group staff', 'two')
      await write(page, 'Group customers', 'three')
      await write(page, 'Session of Bob', 'four')
      await write(page, 'Everybody', 'five')
      for (const name of ['Alice', 'Bob', 'Alice, ws4redis']) await card(page, name).getByText('five').waitFor()
      expect((await texts(page, 'Alice')).sort()).toEqual(['Everybodyfive', 'Group stafftwo', 'Userone'])
      expect((await texts(page, 'Bob')).sort()).toEqual(['Everybodyfive', 'Group customersthree', 'Sessionfour'])
      expect((await texts(page, 'Alice, ws4redis')).sort()).toEqual(['Textfive', 'Textone', 'Texttwo'])
    })

    it('shows that a group is refused, and what the client of ws4redis publishes', async () => {
      const page = await open()
      await card(page, 'Bob').getByRole('button', { name: 'Try group staff' }).click()
      await card(page, 'Bob').getByText('You may not subscribe to "/group/staff/news"').waitFor()
      await card(page, 'Alice, ws4redis').getByRole('button').click()
      for (const name of ['Alice', 'Bob']) await card(page, name).getByText('Hello from a plain WebSocket').waitFor()
      expect(await texts(page, 'Alice, ws4redis')).toEqual([])
    })

    it('goes on when Redis comes back', async () => {
      const page = await open()
      await redis.crash()
      await redis.restart()
      await Promise.all(nodes.map(untilReady))
      await write(page, 'Everybody', 'back again')
      for (const name of ['Alice', 'Bob', 'Alice, ws4redis']) await card(page, name).getByText('back again').waitFor()
    })
  })
})
