/** The example as its README says it: two nodes, the web server, and its page in real browsers. */
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { eventually } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import { postJson, startNodes, startProgram } from './support.ts'

const KEY = 'only-for-trying-0123456789abcdef0123456789'
/** Of the page. */
const FIRST_MESSAGES = 20
/** A connection comes back within the longest wait, and a little. */
const RECONNECT_MS = 8_000

describe('the example of a chat', () => {
  let redis: RedisServer
  let nodes: BridgeProcess[]
  let site: string
  const start = async () => {
    redis = await startRedis()
    nodes = await startNodes('chat/bridge.yaml', redis.url)
    const env = { BRIDGES: nodes.map(({ url }) => url).join(',') }
    site = await startProgram(process.execPath, 'chat/web-server.mjs', env)
    return () => redis.stop()
  }
  const browser = browserSuite()

  // --- The page

  let rooms = 0
  const newRoom = () => `room-${++rooms}`

  const join = async (name: string, room: string, isPhone = false): Promise<Page> => {
    const otherSockets = nodes.map(({ port }) => `ws://127.0.0.1:${port}/`)
    const page = await browser.open(site, { otherSockets, isPhone })
    await page.getByLabel('Your name').fill(name)
    await page.getByLabel('Room').fill(room)
    await page.getByRole('button', { name: 'Join' }).click()
    await isConnected(page)
    return page
  }
  const isConnected = (page: Page) =>
    page.getByRole('status').getByText('Connected to').waitFor({ timeout: RECONNECT_MS })
  /** The node that the page is connected to. */
  const nodeOf = async (page: Page): Promise<BridgeProcess> => {
    const text = await page.getByRole('status').textContent()
    return nodes.find(({ port }) => text!.endsWith(`:${port}`))!
  }
  const write = async (page: Page, text: string): Promise<void> => {
    await page.getByRole('textbox', { name: 'Message' }).fill(text)
    await page.getByRole('button', { name: 'Send' }).click()
  }
  const log = (page: Page): Locator => page.getByRole('log')
  /** What has arrived, without names and times, and with the page's own lines. */
  const lines = (page: Page): Promise<string[]> =>
    log(page)
      .locator('li:not(.waiting)')
      .evaluateAll((items) => {
        // To the compiler there is no page on this side.
        const elements = items as unknown as { lastChild: { textContent: string } }[]
        return elements.map(({ lastChild }) => lastChild.textContent)
      })
  const shows = (page: Page, expected: readonly string[]) =>
    eventually(async () => expect(await lines(page)).toEqual(expected), { timeoutMs: RECONNECT_MS })
  const people = (page: Page) => page.getByRole('complementary').getByRole('listitem').allTextContents()
  const sees = (page: Page, expected: readonly string[]) =>
    eventually(async () => expect(await people(page)).toEqual(expected))
  const intoTunnel = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'Into a tunnel' }).click()
    await page.getByRole('status').getByText('In a tunnel').waitFor()
  }
  const outOfTunnel = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'Out of the tunnel' }).click()
    await isConnected(page)
  }

  // --- A backend

  const publish = async (node: BridgeProcess, room: string, texts: readonly string[]): Promise<void> => {
    const messages = texts.map((text) => ({ topic: `/topic/rooms/${room}`, message: { user: 'backend', text } }))
    const response = await fetch(`${node.url}/api/notifications`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(messages),
    })
    expect(response.status, await response.text()).toBe(200)
  }
  const numbered = (count: number) => Array.from({ length: count }, (_, i) => `number ${i + 1}`)

  describe('the web server', () => {
    beforeAll(start)
    const getToken = async (name: string) => {
      const [, body] = await postJson(`${site}/join`, { name })
      return (body as { token: string }).token
    }
    const send = (body: unknown, token: string) =>
      postJson(`${site}/message`, body, { authorization: `Bearer ${token}` })

    it('lets people in, each at another node first', async () => {
      const [a, b] = nodes.map(({ wsUrl }) => wsUrl)
      const answers = [
        await postJson(`${site}/join`, { name: ' Alice ' }),
        await postJson(`${site}/join`, { name: 'B' }),
      ]
      expect(answers).toEqual([
        [200, { user: 'Alice', token: expect.any(String), sockets: [a, b] }],
        [200, { user: 'B', token: expect.any(String), sockets: [b, a] }],
      ])
    })

    it.each([[{}], [{ name: 7 }], [{ name: ' ' }], [{ name: 'x'.repeat(33) }], ['no JSON'], ['null']])(
      'lets nobody in with %j',
      async (body) => {
        expect(await postJson(`${site}/join`, body)).toEqual([400, { error: 'Send JSON with a name' }])
      },
    )

    it.each([
      ['room', { room: 'a/b', text: 'hello', key: 'k' }],
      ['room', { text: 'hello', key: 'k' }],
      ['text', { room: 'a', text: '  ', key: 'k' }],
      ['text', { room: 'a', text: 'x'.repeat(2001), key: 'k' }],
      ['key', { room: 'a', text: 'hello', key: '' }],
      ['key', { room: 'a', text: 'hello' }],
    ])('publishes nothing without a right %s: %j', async (field, body) => {
      expect(await send(body, await getToken('Alice'))).toEqual([400, { error: `Send JSON with a ${field}` }])
    })

    it('publishes nothing for whoever has not joined', async () => {
      const message = { room: 'a', text: 'hello', key: 'k' }
      expect(await send(message, '')).toEqual([401, { error: 'Join first' }])
      expect(await send(message, `${await getToken('Alice')}x`)).toEqual([401, { error: 'Join first' }])
    })
  })

  describe('the page', () => {
    beforeAll(start)

    it('brings what one writes to the others in order, whichever node they are at', async () => {
      const room = newRoom()
      const [alice, bob] = [await join('Alice', room), await join('Bob', room)]
      expect(await nodeOf(alice)).not.toBe(await nodeOf(bob))
      const texts = ['Hello Bob', '<b>žluť 😀</b>', 'third', 'fourth']
      for (const text of texts) await write(alice, text)
      await shows(bob, texts)
      await shows(alice, texts)
      await write(bob, 'Hello Alice')
      await shows(alice, [...texts, 'Hello Alice'])
      expect(await log(alice).locator('.mine').count()).toBe(4)
      expect(await log(bob).locator('b').allTextContents()).toEqual(['Alice', 'Alice', 'Alice', 'Alice', 'Bob'])
    })

    it('shows a message once that its sender has sent again', async () => {
      const room = newRoom()
      const page = await join('Alice', room)
      const [, { token }] = (await postJson(`${site}/join`, { name: 'Bob' })) as [number, { token: string }]
      const send = (text: string, key: string) =>
        postJson(`${site}/message`, { room, text, key }, { authorization: `Bearer ${token}` })
      for (const key of ['a', 'a', 'b', 'a']) expect(await send(`with ${key}`, key)).toEqual([200, { status: 'ok' }])
      await send('last', 'c')
      await shows(page, ['with a', 'with b', 'last'])
    })

    it('shows what a program publishes in Redis, and knows nothing of other rooms', async () => {
      const room = newRoom()
      const [here, elsewhere] = [await join('Alice', room), await join('Bob', newRoom())]
      const backend = await redis.client()
      await backend.publish(`topic:rooms/${room}`, '"Closing in five minutes"')
      await shows(here, ['Closing in five minutes'])
      expect(await lines(elsewhere)).toEqual([])
    })

    it('shows a late joiner the newest messages, and what is said from then on', async () => {
      const room = newRoom()
      await publish(nodes[0]!, room, numbered(30))
      const late = await join('Late', room)
      const newest = numbered(30).slice(-FIRST_MESSAGES)
      await shows(late, newest)
      await publish(nodes[1]!, room, ['later'])
      await shows(late, [...newest, 'later'])
    })

    it('shows who is here', async () => {
      const room = newRoom()
      const alice = await join('Alice', room)
      await sees(alice, ['Alice (you)'])
      const bob = await join('Bob', room)
      for (const page of [alice, bob]) await page.getByText('Here: 2').waitFor()
      await sees(bob, ['Alice', 'Bob (you)'])
      await alice.getByRole('button', { name: 'Leave' }).click()
      await sees(bob, ['Bob (you)'])
      await alice.getByRole('button', { name: 'Join' }).waitFor()
    })

    it('shows who is typing, until they send or stop', async () => {
      const room = newRoom()
      const [alice, bob] = [await join('Alice', room), await join('Bob', room)]
      const typing = bob.getByText('Alice is typing')
      await alice.getByRole('textbox', { name: 'Message' }).pressSequentially('Hel')
      await typing.waitFor()
      expect(await alice.getByText('typing').count()).toBe(0)
      await alice.getByRole('button', { name: 'Send' }).click()
      await shows(bob, ['Hel'])
      await typing.waitFor({ state: 'detached' })
      await alice.getByRole('textbox', { name: 'Message' }).pressSequentially('and')
      await typing.waitFor()
      await typing.waitFor({ state: 'detached' })
    })

    it('misses nothing in a tunnel, whichever node it was sent to, and then sends what was written there', async () => {
      const room = newRoom()
      const [alice, bob] = [await join('Alice', room), await join('Bob', room)]
      await write(bob, 'before')
      await shows(alice, ['before'])
      await intoTunnel(alice)
      await sees(bob, ['Bob (you)'])
      await write(bob, 'from Bob')
      await shows(bob, ['before', 'from Bob'])
      for (const node of nodes) await publish(node, room, [`from ${node.port}`])
      await write(alice, 'from the tunnel')
      await log(alice).locator('.waiting').getByText('from the tunnel').waitFor()
      const missed = ['from Bob', ...nodes.map(({ port }) => `from ${port}`)]
      await shows(bob, ['before', ...missed])
      expect(await lines(alice)).toEqual(['before'])
      await outOfTunnel(alice)
      // What she has written herself may be in before she has caught up, and is then part of it.
      const caughtUp = expect.stringMatching(/^Caught up: [34] messages$/) as string
      await shows(alice, ['before', caughtUp, ...missed, 'from the tunnel'])
      await shows(bob, ['before', ...missed, 'from the tunnel'])
      await sees(alice, ['Alice (you)', 'Bob'])
      expect(await log(alice).locator('.waiting').count()).toBe(0)
    })

    it('says plainly what it has missed for good when it was away for too long', async () => {
      const room = newRoom()
      const page = await join('Alice', room)
      await intoTunnel(page)
      await publish(nodes[0]!, room, numbered(500))
      await outOfTunnel(page)
      const note = log(page).locator('.note')
      await note.getByText('Caught up').waitFor()
      const [, lost, following] = /^Lost: (\d+) messages \(no longer kept\)\. Caught up: (\d+) messages$/
        .exec((await note.textContent())!)!
        .map(Number)
      expect(lost! + following!).toBe(500)
      // As `size` in its configuration.
      expect(following).toBeGreaterThanOrEqual(100)
      await shows(page, [(await note.textContent())!, ...numbered(500).slice(lost)])
    })

    it('goes on when Redis has gone with all that it knew, and says so', async () => {
      const room = newRoom()
      const page = await join('Alice', room)
      await write(page, 'before')
      await shows(page, ['before'])
      await redis.crash()
      await redis.restart()
      await Promise.all(nodes.map(untilReady))
      await write(page, 'after')
      await shows(page, ['before', 'Lost: some messages (no longer kept). Caught up: 0 messages', 'after'])
    })
  })

  describe('the page, when a node dies', () => {
    beforeAll(start)

    it('goes on at another one without a gap', async () => {
      const room = newRoom()
      const [alice, bob, carol] = [await join('Alice', room), await join('Bob', room), await join('Carol', room, true)]
      const [dying, other] = [await nodeOf(alice), await nodeOf(bob)]
      expect(await nodeOf(carol)).toBe(dying)
      await publish(dying, room, ['before'])
      for (const page of [alice, bob, carol]) await shows(page, ['before'])
      await intoTunnel(alice)
      await publish(dying, room, ['while Alice is away'])
      await shows(carol, ['before', 'while Alice is away'])
      await dying.stop('SIGKILL')
      await publish(other, room, ['while there is one node'])
      // The web server asks the other one too.
      await write(bob, 'from Bob')
      const all = ['before', 'while Alice is away', 'while there is one node', 'from Bob']
      await shows(bob, all)
      await isConnected(carol)
      await outOfTunnel(alice)
      for (const page of [alice, carol]) expect(await nodeOf(page)).toBe(other)
      await shows(alice, ['before', 'Caught up: 3 messages', ...all.slice(1)])
      await eventually(async () => {
        expect((await lines(carol)).filter((line) => !line.startsWith('Caught up'))).toEqual(all)
      })
      await write(carol, 'from Carol')
      for (const page of [alice, bob]) await log(page).getByText('from Carol').waitFor()
      await sees(bob, ['Alice', 'Bob (you)', 'Carol'])
    })
  })
})
