/** The example as its README says it: two bridges, the backend, and its page in real browsers, one for each bridge. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite, type BrowserSuite } from '../../../support/browser.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis, type RedisServer } from '../../../support/redis.ts'
import { eventually } from '../../../support/wait.ts'
import { untilReady } from '../../../support/world.ts'
import { copyConfig, hostRules, postJson, readExample, startNode, startProgram } from './support.ts'

const BRIDGE = 'localhost:8080'
/** The page tries again within two seconds, and SockJS takes its time to find a transport. */
const RECONNECT_MS = 10_000

describe('the example of a front end from Spring', () => {
  let redis: RedisServer
  let config: string
  let nodes: BridgeProcess[]
  let site: string
  beforeAll(async () => {
    redis = await startRedis()
    site = await startProgram(process.execPath, 'spring-migration/backend.mjs', { REDIS_URL: redis.url })
    config = copyConfig('spring-migration/bridge.yaml', { '127.0.0.1:8000': new URL(site).host })
    nodes = [await startNode(config, redis.url), await startNode(config, redis.url)]
    return () => redis.stop()
  })
  // Where the page says localhost:8080, each browser goes to another node.
  const browsers = [0, 1].map((node) => browserSuite(() => [hostRules({ 8080: nodes[node] })])) as [
    BrowserSuite,
    BrowserSuite,
  ]

  let users = 0
  const newUser = () => `user${++users}`

  const open = async (
    browser: BrowserSuite,
    user: string,
    prepare?: (page: Page) => Promise<unknown>,
  ): Promise<Page> => {
    const page = await browser.open(site, { otherSockets: [`ws://${BRIDGE}/`], otherHosts: [BRIDGE] })
    // A page that is there already has its WebSockets.
    await prepare?.(page)
    await page.reload()
    await page.getByLabel('Your name').fill(user)
    await page.getByRole('button', { name: 'Connect' }).click()
    await isConnected(page)
    return page
  }
  const isConnected = (page: Page) =>
    page.getByRole('status').getByText('Connected', { exact: true }).waitFor({ timeout: RECONNECT_MS })
  const say = async (page: Page, name: string): Promise<void> => {
    await page.getByLabel('Whom to greet').fill(name)
    await page.getByRole('button', { name: 'Send' }).click()
  }
  const greetings = (page: Page) => page.getByRole('listitem').allTextContents()
  const newest = (page: Page) => page.getByRole('listitem').last()
  const answer = (page: Page) => page.locator('#answer')

  it('is a page of SockJS and stompjs, of which nothing is changed but the URL', () => {
    const page = readExample('spring-migration/index.html')
    expect(page).toContain("const ENDPOINT = 'http://localhost:8080/stomp'")
    expect(page).toContain('Stomp.over(new SockJS(ENDPOINT))')
    expect(page.match(/localhost/g)).toHaveLength(1)
  })

  describe.each([
    ['over a WebSocket', false, '/websocket'],
    ['over HTTP where WebSockets are blocked', true, '/xhr_streaming'],
  ] as const)('%s', (_how, isBlocked, used) => {
    const prepare = (urls: string[]) => async (page: Page) => {
      page.on('request', (request) => urls.push(request.url()))
      page.on('websocket', (socket) => urls.push(socket.url()))
      if (isBlocked) await page.routeWebSocket(/./, (socket) => socket.close())
    }

    it('shows a greeting to the pages of both bridges, and the answer to its sender alone', async () => {
      const urls: string[] = []
      const [one, two] = [newUser(), newUser()]
      const a = await open(browsers[0], one, prepare(urls))
      const b = await open(browsers[1], two, prepare([]))
      expect(urls.some((url) => new URL(url).pathname.endsWith(used))).toBe(true)
      await say(a, 'žluť <b>')
      for (const page of [a, b]) await newest(page).getByText(`Hello, žluť <b>! (${one})`, { exact: true }).waitFor()
      await answer(a).getByText('You have said hello once', { exact: true }).waitFor()
      await say(b, 'World')
      for (const page of [a, b]) await newest(page).getByText(`Hello, World! (${two})`, { exact: true }).waitFor()
      await say(a, 'again')
      await answer(a).getByText('You have said hello 2 times', { exact: true }).waitFor()
      expect(await answer(b).textContent()).toBe('You have said hello once')
      // Who comes later has them all.
      const late = await open(browsers[1], newUser(), prepare([]))
      await eventually(async () => expect(await greetings(late)).toEqual(await greetings(a)))
      expect((await greetings(a)).length).toBeGreaterThanOrEqual(3)
    })

    it('reaches all sessions of a user', async () => {
      const user = newUser()
      const [a, b] = [await open(browsers[0], user, prepare([])), await open(browsers[1], user, prepare([]))]
      const backend = await redis.client()
      await backend.publish(`user:${user}:answers`, '{"content": "from anywhere"}')
      for (const page of [a, b]) await answer(page).getByText('from anywhere', { exact: true }).waitFor()
    })
  })

  it('lets nobody in whom the backend has not let in', async () => {
    expect(await postJson(`${site}/login`, { name: 'a b' })).toEqual([400, { error: 'Send JSON with a name' }])
    const page = await browsers[0].open(site, { otherSockets: [`ws://${BRIDGE}/`], otherHosts: [BRIDGE] })
    await page.route('**/login', (route) => route.fulfill({ json: { token: 'made-up' } }))
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText('Not connected: trying again').waitFor()
    expect(await greetings(page)).toEqual([])
  })

  const greetsAgain = (page: Page) =>
    eventually(
      async () => {
        await say(page, 'afterwards')
        await newest(page).getByText('Hello, afterwards!').waitFor({ timeout: 500 })
      },
      { timeoutMs: RECONNECT_MS },
    )

  it('goes on when Redis comes back', async () => {
    const page = await open(browsers[1], newUser())
    await redis.crash()
    await redis.restart()
    await Promise.all(nodes.map(untilReady))
    await greetsAgain(page)
  })

  it('comes back when its bridge does', async () => {
    const page = await open(browsers[1], newUser())
    const { port } = nodes[1]!
    await nodes[1]!.stop('SIGKILL')
    await page.getByText('Not connected: trying again').waitFor()
    await startNode(config, redis.url, port)
    await isConnected(page)
    await greetsAgain(page)
  })
})
