/** The example as its README says it: two nodes, the web server, and its page in a real browser. */
import { SignJWT } from 'jose'
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { openPlainWebSocket } from '../../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { untilReady } from '../../../support/world.ts'
import { hostRules, postJson, startNodes, startProgram } from './support.ts'

const SOCKETS = ['ws://localhost:8080/', 'ws://localhost:8081/']

describe('the example of messages by user name', () => {
  let redis: RedisServer
  let nodes: BridgeProcess[]
  let site: string
  beforeAll(async () => {
    redis = await startRedis()
    nodes = await startNodes('user-messages/bridge.yaml', redis.url)
    const env = { REDIS_URL: redis.url, BRIDGE_URL: nodes[0]!.url }
    site = await startProgram(process.execPath, 'user-messages/web-server.mjs', env)
    return () => redis.stop()
  })
  const browser = browserSuite(() => [hostRules({ 8080: nodes[0], 8081: nodes[1] })])

  const post = (path: string, body: unknown, authorization?: string) =>
    postJson(`${site}${path}`, body, authorization === undefined ? {} : { authorization })
  const tokenIn = ([, body]: [number, unknown]) => (body as { token: string }).token
  const getAppToken = async (username: string) => tokenIn(await post('/token', { username }))
  const getTicket = async (username: string) =>
    tokenIn(await post('/ws/token', {}, `Bearer ${await getAppToken(username)}`))
  const open = (node: number, ticket: string) =>
    openPlainWebSocket(`ws://127.0.0.1:${nodes[node]!.port}/ws?authorization=${ticket}`)

  describe('the web server', () => {
    it('is healthy', async () => {
      const response = await fetch(`${site}/healthcheck`)
      expect([response.status, await response.text()]).toEqual([200, 'ok'])
    })

    it('gives an app token of 30 minutes for a user name', async () => {
      const [status, body] = await post('/token', { username: 'alice' })
      expect([status, body]).toEqual([200, { token: expect.any(String) }])
      const [head, claims] = (body as { token: string }).token.split('.').map((part) => {
        return Buffer.from(part, 'base64url').toString()
      })
      expect(JSON.parse(head!)).toEqual({ alg: 'HS256' })
      const { username, exp } = JSON.parse(claims!) as { username: string; exp: number }
      expect(username).toBe('alice')
      expect(exp - Date.now() / 1000).toBeGreaterThan(29 * 60)
      expect(exp - Date.now() / 1000).toBeLessThanOrEqual(30 * 60)
    })

    it.each([[{}], [{ username: 7 }], [{ username: '' }], ['no JSON'], ['null']])(
      'gives no app token for the body %j',
      async (body) => {
        expect(await post('/token', body)).toEqual([400, { error: 'Send JSON with username' }])
      },
    )

    it.each([
      ['with "Bearer"', 'Bearer '],
      ['without it', ''],
    ])('gives a socket token for an app token %s', async (_how, scheme) => {
      const answer = await post('/ws/token', {}, `${scheme}${await getAppToken('alice')}`)
      expect(answer).toEqual([200, { token: expect.any(String) }])
      await open(1, tokenIn(answer))
    })

    it('gives none for no app token, a wrong one, or a socket token', async () => {
      const exp = Math.floor(Date.now() / 1000) + 60
      const forged = await new SignJWT({ username: 'alice', exp })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from('another secret, of 32 bytes as well'))
      const [head, claims] = (await getAppToken('alice')).split('.')
      const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`
      const wrong = [undefined, '', 'Bearer made-up', forged, none, `${head}.${claims}.`, await getTicket('alice')]
      for (const authorization of wrong) {
        expect((await post('/ws/token', {}, authorization))[0], authorization).toBe(403)
        const message = { username: 'alice', content: 'hello' }
        expect((await post('/message', message, authorization))[0], authorization).toBe(403)
      }
    })

    it('takes a message', async () => {
      const message = { username: 'nobody', content: 'hello' }
      expect(await post('/message', message, await getAppToken('alice'))).toEqual([200, { status: 'ok' }])
    })

    it.each([[{}], [{ username: 'bob' }], [{ content: 'hello' }], [{ username: 'bob', content: 7 }], ['no JSON']])(
      'takes no message with the body %j',
      async (body) => {
        const answer = await post('/message', body, await getAppToken('alice'))
        expect(answer).toEqual([400, { error: 'Send JSON with username and content' }])
      },
    )
  })

  describe('a socket', () => {
    it('opens with a socket token, and echoes', async () => {
      const socket = await open(0, await getTicket('alice'))
      socket.send('hello, žluť')
      expect(await socket.messages.next()).toBe('hello, žluť')
    })

    it('does not open without one, with a made-up one or with an app token', async () => {
      for (const token of ['', 'made-up', await getAppToken('alice')]) {
        await expect(open(0, token), token).rejects.toThrow('401')
      }
    })

    it('does not open with one that has been used, on whichever node', async () => {
      const ticket = await getTicket('alice')
      await open(0, ticket)
      for (const node of [0, 1]) await expect(open(node, ticket)).rejects.toThrow('401')
    })

    it('gets what is for its user on either node, as it is, and nothing else', async () => {
      const alice = [await open(0, await getTicket('alice')), await open(1, await getTicket('alice'))]
      const bob = await open(1, await getTicket('bob'))
      const token = await getAppToken('bob')
      const content = '{"id": 1784563209871234567}'
      await post('/message', { username: 'alice', content }, token)
      for (const socket of alice) expect(await socket.messages.next()).toBe(content)
      await post('/message', { username: 'bob', content: 'for Bob' }, token)
      // The first that comes to him.
      expect(await bob.messages.next()).toBe('for Bob')
    })

    it('goes on after what is on the channel and is no such message', async () => {
      const socket = await open(0, await getTicket('carol'))
      const backend = await redis.client()
      for (const payload of ['no JSON', '[]', '{"username":"carol"}', '{"username":7,"content":"x"}']) {
        await backend.publish('notifications', payload)
      }
      await backend.publish('notifications', '{"username":"carol","content":"the next"}')
      expect(await socket.messages.next()).toBe('the next')
      expect(nodes[0]!.logs().filter(({ channel }) => channel === 'notifications').length).toBeGreaterThan(0)
    })
  })

  describe('the page', () => {
    const signIn = async (name: string): Promise<Page> => {
      const page = await browser.open(site, { otherSockets: SOCKETS })
      await page.getByLabel('Your name').fill(name)
      await page.getByRole('button', { name: 'Sign in' }).click()
      for (const number of [1, 2]) await isConnected(card(page, number))
      return page
    }
    const card = (page: Page, number: number): Locator => page.getByRole('article', { name: `Socket ${number}` })
    const isConnected = (of: Locator) => of.getByRole('status').getByText('Connected', { exact: true }).waitFor()
    const write = async (page: Page, to: string, content: string): Promise<void> => {
      await page.getByLabel('To', { exact: true }).fill(to)
      await page.getByLabel('Message', { exact: true }).fill(content)
      await page.getByRole('button', { name: 'Send' }).click()
    }

    it('brings a message to all sockets of a user, on both nodes, and to nobody else', async () => {
      const [dave, erin] = [await signIn('dave'), await signIn('erin')]
      await dave.getByRole('button', { name: 'Open another socket' }).click()
      await isConnected(card(dave, 3))
      await write(erin, 'dave', 'Hello Dave')
      for (const number of [1, 2, 3]) await card(dave, number).getByText('Hello Dave', { exact: true }).waitFor()
      await write(dave, 'erin', 'Hello Erin')
      for (const number of [1, 2]) await card(erin, number).getByText('Hello Erin', { exact: true }).waitFor()
      expect(await erin.getByRole('listitem').allTextContents()).toEqual(['Hello Erin', 'Hello Erin'])
      expect(await card(dave, 2).getByText('Node').textContent()).toBe('Node localhost:8081')
    })

    it('shows the echo of one socket, and that a ticket is taken once', async () => {
      const page = await signIn('frank')
      await card(page, 2).getByLabel('Text to echo').fill('Echo')
      await card(page, 2).getByRole('button', { name: 'Echo' }).click()
      await card(page, 2).locator('.received').getByText('Echo', { exact: true }).waitFor()
      await card(page, 1).getByRole('button', { name: 'Ticket again' }).click()
      await card(page, 1).getByText('Refused').waitFor()
      expect(await card(page, 1).locator('.received').count()).toBe(0)
    })

    it('comes back with new tickets when Redis has gone', async () => {
      const page = await signIn('grace')
      await redis.crash()
      await redis.restart()
      await Promise.all(nodes.map(untilReady))
      await write(page, 'grace', 'Are you back?')
      for (const number of [1, 2]) await card(page, number).getByText('Are you back?', { exact: true }).waitFor()
    })
  })
})
