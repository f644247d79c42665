/** The example as its README says it: two gateways, the web server, and its page in a real browser. */
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { openPlainWebSocket } from '../../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { untilReady } from '../../../support/world.ts'
import { hostRules, postJson, readExample, startNodes, startProgram } from './support.ts'

const SOCKETS = ['ws://localhost:7071/', 'ws://localhost:7072/']

describe('the example of direct messages', () => {
  let redis: RedisServer
  let site: string
  let nodes: BridgeProcess[]
  beforeAll(async () => {
    redis = await startRedis()
    site = await startProgram(process.execPath, 'direct-messages/web-server.mjs', { REDIS_URL: redis.url })
    nodes = await startNodes('direct-messages/bridge.yaml', redis.url, { '127.0.0.1:5000': new URL(site).host })
    return () => redis.stop()
  })
  const browser = browserSuite(() => [hostRules({ 7071: nodes[0], 7072: nodes[1] })])

  const getToken = async () => ((await (await fetch(`${site}/token`)).json()) as { token: string }).token
  const address = (node: number, token: string) => `ws://127.0.0.1:${nodes[node]!.port}/ws?token=${token}`
  const publish = (body: unknown) => postJson(`${site}/publish`, body)

  it('has the client of those who write none: an address and JSON', () => {
    const page = readExample('direct-messages/index.html')
    expect(page).toContain('new WebSocket(`ws://${gateway}/ws?token=${token}`)')
    expect(page).toContain('JSON.parse(data).message')
    expect(readExample('direct-messages/bridge.yaml')).toContain('server: { port: 7071 }')
  })

  describe('the web server', () => {
    it('knows the tokens that it has given out, and no others', async () => {
      const auth = async (token: string) => (await fetch(`${site}/auth/${token}`)).json()
      expect(await auth(await getToken())).toEqual({ auth: true })
      expect(await auth('made-up')).toEqual({ auth: false })
      expect(await auth('')).toEqual({ auth: false })
    })

    it.each([
      ['no JSON', 'uuid_remote', 400],
      ['no object', 'null', 400],
      ['no receiver', { uuid_local: 'x', message: 'hello' }, 400],
      ['a message that is no text', { uuid_remote: 'x', uuid_local: 'x', message: 7 }, 400],
      ['a sender that it does not know', { uuid_remote: 'x', uuid_local: 'made-up', message: 'hello' }, 403],
    ])('refuses to publish %s', async (_what, body, status) => {
      expect(await publish(body)).toEqual([status, expect.objectContaining({ status: false })])
    })
  })

  describe('a plain WebSocket', () => {
    it('gets what is published for its token on any gateway, and nobody else gets it', async () => {
      const [a, b] = [await getToken(), await getToken()]
      const one = await openPlainWebSocket(address(0, a))
      const two = await openPlainWebSocket(address(1, b))
      const again = await openPlainWebSocket(address(0, b))
      expect(await publish({ uuid_remote: b, uuid_local: a, message: 'Hello "B", žluť' })).toEqual([
        200,
        { status: true },
      ])
      expect(await two.messages.next()).toBe('{"message":"Hello \\"B\\", žluť"}')
      expect(await again.messages.next()).toBe('{"message":"Hello \\"B\\", žluť"}')
      // What comes to A afterwards is the first that comes.
      await publish({ uuid_remote: a, uuid_local: b, message: 'Hello A' })
      expect(await one.messages.next()).toBe('{"message":"Hello A"}')
    })

    it('is refused without a token, and with one that the web server has not given out', async () => {
      await expect(openPlainWebSocket(address(0, 'made-up'))).rejects.toThrow('401')
      await expect(openPlainWebSocket(address(1, ''))).rejects.toThrow('401')
      await expect(openPlainWebSocket(address(0, '').replace('?token=', ''))).rejects.toThrow('401')
    })

    it('goes on after what is on the channel and is no such message', async () => {
      const token = await getToken()
      const socket = await openPlainWebSocket(address(0, token))
      const backend = await redis.client()
      for (const payload of ['no JSON', '[]', '{"message":"for nobody"}', `{"uuid_remote":"${token}"}`]) {
        await backend.publish('article', payload)
      }
      await backend.publish('article', JSON.stringify({ uuid_remote: token, message: 'the next' }))
      expect(await socket.messages.next()).toBe('{"message":"the next"}')
    })
  })

  describe('the page', () => {
    const open = async (): Promise<Page> => {
      const page = await browser.open(site, { otherSockets: SOCKETS })
      for (const name of ['Alice', 'Bob']) await isConnected(page, name)
      return page
    }
    const person = (page: Page, name: string): Locator => page.getByRole('article', { name })
    const isConnected = (page: Page, name: string) =>
      person(page, name).getByRole('status').getByText('Connected', { exact: true }).waitFor()

    it('brings what one writes to the one it is for, on another gateway', async () => {
      const page = await open()
      await page.getByRole('button', { name: 'Add a person' }).click()
      await isConnected(page, 'Carol')
      const [alice, bob, carol] = ['Alice', 'Bob', 'Carol'].map((name) => person(page, name)) as [
        Locator,
        Locator,
        Locator,
      ]
      await alice.getByLabel('To', { exact: true }).selectOption('To Bob')
      await alice.getByRole('textbox').fill('Only for Bob')
      await alice.getByRole('button', { name: 'Send' }).click()
      await bob.getByText('Only for Bob', { exact: true }).waitFor()
      await bob.getByLabel('To', { exact: true }).selectOption('To Carol')
      await bob.getByRole('textbox').fill('Only for Carol')
      await bob.getByRole('button', { name: 'Send' }).click()
      await carol.getByText('Only for Carol', { exact: true }).waitFor()
      expect(await alice.locator('.received').count()).toBe(0)
      expect(await bob.locator('.received').allTextContents()).toEqual(['Only for Bob'])
      expect(await carol.locator('.received').allTextContents()).toEqual(['Only for Carol'])
      expect(await person(page, 'Bob').getByText('Gateway').textContent()).toContain('localhost:7072')
    })

    it('says that a wrong token is refused', async () => {
      const page = await open()
      await page.getByRole('button', { name: 'Try a wrong token' }).click()
      await person(page, 'Carol').getByRole('status').getByText('Refused', { exact: true }).waitFor()
    })

    it('comes back when Redis has gone', async () => {
      const page = await open()
      await redis.crash()
      await redis.restart()
      await Promise.all(nodes.map(untilReady))
      await person(page, 'Alice').getByRole('textbox').fill('Are you back?')
      await person(page, 'Alice').getByRole('button', { name: 'Send' }).click()
      await person(page, 'Bob').getByText('Are you back?', { exact: true }).waitFor()
    })
  })
})
