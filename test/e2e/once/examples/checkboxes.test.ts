/** The example as its README says it: two bridges, two backends of one group, and its page in a real browser. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { openEventStream } from '../../../support/clients/event-stream.ts'
import { connectStompjs7, type Stompjs7Client } from '../../../support/clients/stompjs7.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { eventually } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import { postJson, startNodes, startProgram } from './support.ts'

const BUN = join(import.meta.dirname, '../../../../node_modules/.bin/bun')
/** A connection comes back within the longest wait, and a little. */
const RECONNECT_MS = 8_000

interface Change {
  readonly index: number
  readonly checked: boolean
}

describe('the example of checkboxes', () => {
  let redis: RedisServer
  let nodes: BridgeProcess[]
  let site: string
  const start = async () => {
    redis = await startRedis()
    nodes = await startNodes('checkboxes/bridge.yaml', redis.url)
    const env = { REDIS_URL: redis.url, SOCKETS: nodes.map(({ wsUrl }) => wsUrl).join() }
    const backend = (name: string) => startProgram(BUN, 'checkboxes/backend.ts', { ...env, NAME: name })
    site = (await Promise.all([backend('one'), backend('two')]))[0]!
    return () => redis.stop()
  }
  const browser = browserSuite()

  const clear = async () => {
    const client = await redis.client()
    await client.flushall()
  }

  describe('for a client', () => {
    beforeAll(start)
    beforeEach(clear)

    const connect = async (node: number): Promise<Stompjs7Client> => {
      const [, { token }] = (await postJson(`${site}/join`, {})) as [number, { token: string }]
      const client = await connectStompjs7(nodes[node]!, { connectHeaders: { Authorization: `Bearer ${token}` } })
      onTestFinished(() => client.own.deactivate())
      return client
    }
    const listen = async (client: Stompjs7Client) => {
      const changes = await client.subscribe('/topic/checkbox')
      return { next: async () => JSON.parse((await changes.next()).body) as Change }
    }
    const send = (client: Stompjs7Client, body: unknown) =>
      client.send('/app/checkbox', typeof body === 'string' ? body : JSON.stringify(body))
    const stateAt = async (client: Stompjs7Client): Promise<unknown> => {
      const snapshot = await client.subscribe('/app/checkboxes')
      return JSON.parse((await snapshot.next()).body)
    }

    it('brings a change to the clients of both bridges, and the state to who comes later', async () => {
      const [a, b] = [await connect(0), await connect(1)]
      const [atA, atB] = [await listen(a), await listen(b)]
      await Promise.all([send(a, { index: 7, checked: true }), send(b, { index: 999, checked: true })])
      const [first, second] = [await atA.next(), await atA.next()]
      expect([first, second].map(({ index }) => index).sort()).toEqual([7, 999])
      expect([await atB.next(), await atB.next()]).toEqual([first, second])
      for (const node of [0, 1]) expect(await stateAt(await connect(node))).toEqual({ 7: '1', 999: '1' })
      const c = await connect(1)
      await send(c, { index: 7, checked: false })
      expect(await atA.next()).toEqual({ index: 7, checked: false })
      expect(await stateAt(await connect(0))).toEqual({ 999: '1' })
    })

    it('takes one change in 5 seconds, says so in words, and keeps the connection', async () => {
      const client = await connect(0)
      const errors = await client.subscribe('/user/queue/errors')
      const changes = await listen(client)
      await send(client, { index: 1, checked: true })
      expect(await changes.next()).toEqual({ index: 1, checked: true })
      client.own.publish({
        destination: '/app/checkbox',
        body: '{"index":2,"checked":true}',
        headers: { receipt: 'r' },
      })
      const { headers, body } = await errors.next()
      expect(headers).toMatchObject({
        code: 'rate-limited',
        'refused-destination': '/app/checkbox',
        'receipt-id': 'r',
      })
      const seconds = Number(headers['retry-after'])
      expect(seconds).toBeGreaterThan(0)
      expect(seconds).toBeLessThanOrEqual(5)
      expect(body).toBe(`You may not send to "/app/checkbox" so often: try again in ${seconds} s`)
      expect(await stateAt(client)).toEqual({ 1: '1' })
      const third = { index: 3, checked: true }
      let arrived: Change | undefined
      void changes.next().then((change) => (arrived = change))
      await eventually(
        () => {
          if (!arrived) client.own.publish({ destination: '/app/checkbox', body: JSON.stringify(third) })
          expect(arrived).toEqual(third)
        },
        { timeoutMs: 10_000 },
      )
    })

    it.each(['{"index":1000,"checked":true}', '{"index":-1,"checked":true}', '{"index":1}', 'no JSON', 'null'])(
      'stores nothing for %s, and goes on',
      async (body) => {
        const [a, b] = [await connect(0), await connect(1)]
        const changes = await listen(a)
        await send(a, body)
        await send(b, { index: 5, checked: true })
        expect(await changes.next()).toEqual({ index: 5, checked: true })
        expect(await stateAt(a)).toEqual({ 5: '1' })
      },
    )

    it('shows the state to everybody, and lets nobody send without a token or past the backends', async () => {
      const events = await openEventStream(`${nodes[0]!.url}/sse/app/checkboxes`)
      expect((await events.events.next()).data).toBe('{}')
      const client = await connect(0)
      await expect(client.send('/topic/checkbox', '{"index":1,"checked":true}')).rejects.toThrow('You may not send')
      const anonymous = await connectStompjs7(nodes[1]!)
      await expect(send(anonymous, { index: 1, checked: true })).rejects.toThrow('You may not send')
    })
  })

  const open = async (): Promise<Page> => {
    const page = await browser.open(site, { otherSockets: nodes.map(({ port }) => `ws://127.0.0.1:${port}/`) })
    await isReady(page)
    return page
  }
  const isReady = async (page: Page): Promise<void> => {
    await page.getByRole('status').getByText('Connected to').waitFor({ timeout: RECONNECT_MS })
    await page.locator('fieldset:enabled').waitFor({ timeout: RECONNECT_MS })
  }
  const nodeOf = async (page: Page): Promise<BridgeProcess> => {
    const text = await page.getByRole('status').textContent()
    return nodes.find(({ port }) => text!.endsWith(`:${port}`))!
  }
  const box = (page: Page, index: number) => page.getByRole('checkbox', { name: `Box ${index}`, exact: true })
  const checked = (page: Page) =>
    page.getByRole('checkbox', { checked: true }).evaluateAll((items) => {
      // To the compiler there is no page on this side.
      const elements = items as unknown as { ariaLabel: string }[]
      return elements.map(({ ariaLabel }) => Number(ariaLabel.slice('Box '.length)))
    })
  const shows = (page: Page, expected: readonly number[]) =>
    eventually(async () => expect(await checked(page)).toEqual(expected), { timeoutMs: RECONNECT_MS })

  describe('its page', () => {
    beforeAll(start)
    beforeEach(clear)

    it('shows three windows on two bridges the same, and a late one too', async () => {
      const pages = [await open(), await open(), await open()]
      expect(new Set(await Promise.all(pages.map(nodeOf))).size).toBe(2)
      for (const [i, page] of pages.entries()) await box(page, 100 * i + 7).click()
      for (const page of pages) await shows(page, [7, 107, 207])
      const late = await open()
      await shows(late, [7, 107, 207])
      await box(late, 107).click()
      for (const page of [...pages, late]) await shows(page, [7, 207])
      expect(await late.getByText('Checked:').textContent()).toBe('Checked: 2')
      await late.reload()
      await isReady(late)
      await shows(late, [7, 207])
    })

    it('says that a second click was too fast, takes it back, and takes another one later', async () => {
      const [page, other] = [await open(), await open()]
      await box(page, 1).click()
      await shows(page, [1])
      await box(page, 2).click()
      const alert = page.getByRole('alert')
      await alert.getByText(/^One change every 5 seconds: try again in [1-5] s$/).waitFor()
      await shows(page, [1])
      await box(other, 3).click()
      await shows(page, [1, 3])
      await eventually(
        async () => {
          await box(page, 4).click()
          await eventually(async () =>
            expect(await box(page, 4).evaluate((it) => 'indeterminate' in it && it.indeterminate)).toBe(false),
          )
          expect(await checked(other)).toEqual([1, 3, 4])
        },
        { timeoutMs: 10_000 },
      )
      expect(await alert.textContent()).toBe('')
    })

    it('counts who is here', async () => {
      const page = await open()
      await page.getByText('Here: 1', { exact: true }).waitFor()
      const other = await open()
      for (const each of [page, other]) await each.getByText('Here: 2', { exact: true }).waitFor()
      await other.close()
      await page.getByText('Here: 1', { exact: true }).waitFor()
    })

    it('shows what is so when Redis has gone with all that it knew', async () => {
      const [page, other] = [await open(), await open()]
      await box(page, 1).click()
      for (const each of [page, other]) await shows(each, [1])
      await redis.crash()
      await redis.restart()
      await Promise.all(nodes.map(untilReady))
      await box(other, 2).click()
      for (const each of [page, other]) await shows(each, [2])
    })
  })

  describe('its page, when a node dies', () => {
    beforeAll(start)

    it('goes on at the other one with what was changed meanwhile', async () => {
      const [page, other] = [await open(), await open()]
      const [dying, left] = [await nodeOf(page), await nodeOf(other)]
      await box(page, 1).click()
      for (const each of [page, other]) await shows(each, [1])
      await dying.stop('SIGKILL')
      await box(other, 2).click()
      await shows(page, [1, 2])
      await isReady(page)
      expect(await nodeOf(page)).toBe(left)
    })
  })
})
