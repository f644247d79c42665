/** The example as its README says it: two bridges, two backends of one group, and its page in a real browser. */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { openPlainWebSocket } from '../../../support/clients/plain-websocket.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { hostRules, postJson, startNodes, startProgram } from './support.ts'

const BUN = join(import.meta.dirname, '../../../../node_modules/.bin/bun')
const SOCKETS = ['ws://localhost:8080/', 'ws://localhost:8081/']

interface Handled {
  readonly text: string
  readonly by: string
}

describe('the example of scaling out', () => {
  let redis: RedisServer
  let nodes: BridgeProcess[]
  let site: string
  beforeAll(async () => {
    redis = await startRedis()
    nodes = await startNodes('scale-out/bridge.yaml', redis.url)
    const env = { REDIS_URL: redis.url, BRIDGES: nodes.map(({ url }) => url).join() }
    const backend = (name: string) => startProgram(BUN, 'scale-out/backend.ts', { ...env, NAME: name })
    site = (await Promise.all([backend('one'), backend('two')]))[0]!
    return () => redis.stop()
  })
  const browser = browserSuite(() => [hostRules({ 8080: nodes[0], 8081: nodes[1] })])

  const connect = (node: number) => openPlainWebSocket(`ws://127.0.0.1:${nodes[node]!.port}/ws`)
  const handledIn = (messages: readonly (string | Uint8Array)[]): Handled[] =>
    messages.map((message) => JSON.parse((JSON.parse(String(message)) as { body: string }).body) as Handled)

  it('has each of 100 messages handled by one backend, and its answer reaches the clients of both bridges', async () => {
    const [a, b] = await Promise.all([connect(0), connect(1)])
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`)
    for (const [i, text] of texts.entries()) (i % 2 ? a : b).send(text)
    const [atA, atB] = await Promise.all([a.messages.take(100), b.messages.take(100)])
    expect(atB).toEqual(atA)
    expect(
      handledIn(atA)
        .map(({ text }) => text)
        .sort(),
    ).toEqual([...texts].sort())
    expect(new Set(handledIn(atA).map(({ by }) => by))).toEqual(new Set(['one', 'two']))
  })

  it('reaches a client of one bridge, once, with what was posted to the other', async () => {
    const client = await connect(1)
    const topic = '/topic/frontend'
    for (const message of ['first', 'second']) {
      const { port } = nodes[0]!
      await postJson(`http://127.0.0.1:${port}/api/notification`, { topic, message }).catch(() => {}) // its answer is empty
    }
    const came = (await client.messages.take(2)).map((each) => (JSON.parse(String(each)) as { body: string }).body)
    expect(came).toEqual(['first', 'second'])
  })

  it('brings what any program adds to the stream to both bridges', async () => {
    const clients = await Promise.all([connect(0), connect(1)])
    const backend = await redis.client()
    const fields = ['_class', 'com.example.Event', 'topic', '/topic/handled', 'message', 'hello']
    await backend.xadd('TEST_EVENT_TO_WEBSOCKET_SERVER', '*', ...fields)
    for (const client of clients)
      expect(JSON.parse(String(await client.messages.next()))).toMatchObject({ body: 'hello' })
  })

  describe('its page', () => {
    const open = async (): Promise<Page> => {
      const page = await browser.open(site, { otherSockets: SOCKETS })
      for (const name of ['A', 'B']) await side(page, name).getByText('Connected', { exact: true }).waitFor()
      return page
    }
    const side = (page: Page, name: string) => page.getByRole('region', { name: `Bridge ${name}` })

    it('shows each answer on both sides, whichever bridge it was sent through', async () => {
      const page = await open()
      for (const name of ['A', 'B']) await page.getByRole('button', { name: `Send 10 through ${name}` }).click()
      for (const name of ['A', 'B']) {
        const items = side(page, name).getByRole('listitem')
        await items.nth(19).waitFor()
        const texts = await items.allTextContents()
        expect(texts.every((text) => /^Message \d+, handled by (one|two)$/.test(text))).toBe(true)
        expect(new Set(texts).size).toBe(20)
      }
    })

    it('shows on both sides a notification that went through one', async () => {
      const page = await open()
      await page.getByRole('button', { name: 'Notify through B' }).click()
      for (const name of ['A', 'B']) await side(page, name).getByText('A notification through').waitFor()
    })
  })
})
