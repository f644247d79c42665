/**
 * `npm run screenshots`: takes the pictures of the web debugger for the README and docs/debugger.md, and writes them to
 * docs/screenshots. Runs two bridges on a Redis of their own with clients and backends that talk, since a page without
 * traffic shows little.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Locator, Page } from 'playwright-core'
import { DESKTOP, launchChromium, PHONE } from '../test/support/chromium.ts'
import { spawnBridge, type BridgeProcess } from '../test/support/process.ts'
import { startRedis, type RedisServer } from '../test/support/redis.ts'
import { connectPeer, frameText, type StompPeer } from '../test/support/stomp-peer.ts'
import { toSmallPng } from './small-png.ts'

const DIRECTORY = fileURLToPath(new URL('../docs/screenshots', import.meta.url))
const MAX_BYTES = 150_000
const THEMES = ['light', 'dark'] as const
/** How long there is traffic before the chart of it is worth a picture. */
const TRAFFIC_MS = 45_000

interface Scene {
  readonly browser: Browser
  readonly bridge: BridgeProcess
}

const notify = (bridge: BridgeProcess, topic: string, message: unknown) =>
  fetch(`${bridge.url}/api/notification`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic, message }),
  })

async function openPage({ browser, bridge }: Scene, viewport = DESKTOP): Promise<Page> {
  const isPhone = viewport === PHONE
  const context = await browser.newContext({ viewport, isMobile: isPhone, hasTouch: isPhone, locale: 'en-GB' })
  const page = await context.newPage()
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(`${bridge.url}/debugger/`)
  await page.getByRole('banner').waitFor()
  return page
}

/** The page, or a part of it, as it is now, in both themes. */
async function take(page: Page, name: string, part: Page | Locator = page): Promise<void> {
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme })
    const path = join(DIRECTORY, `${name}-${colorScheme}.png`)
    const png = toSmallPng(await part.screenshot({ scale: 'css', caret: 'hide' }))
    if (png.length > MAX_BYTES) throw new Error(`${path} has ${png.length} bytes; at most ${MAX_BYTES} are wanted`)
    await writeFile(path, png)
    console.log(`${relative(process.cwd(), path)}  ${Math.round(png.length / 1000)} kB`)
  }
}

async function connect(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await page.getByRole('listbox', { name: 'Frames' }).waitFor()
}

async function subscribe(page: Page, destination: string): Promise<void> {
  await page.getByLabel('Destination to subscribe').fill(destination)
  await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
}

/** A conversation of a few seconds: what goes out, and what comes in. */
async function talk(page: Page, { bridge }: Scene): Promise<void> {
  await page.getByLabel('Send to').fill('/app/greet')
  await page.getByRole('textbox', { name: 'Body' }).fill('Hello from the browser')
  await page.getByLabel('Ask for a receipt').check()
  for (const [i, fruit] of ['apples', 'pears', 'plums', 'cherries', 'figs'].entries()) {
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await notify(bridge, '/topic/prices', { fruit, cents: 249 + 10 * i, inStock: true })
    await pause(300)
  }
}

/** The last message of the conversation. */
async function waitForEnd(page: Page): Promise<Locator> {
  const last = page.getByRole('option', { name: /MESSAGE \/topic\/prices .*figs/ })
  await last.waitFor()
  return last
}

async function takeClient(scene: Scene): Promise<void> {
  const page = await openPage(scene)
  await connect(page)
  await subscribe(page, '/topic/greetings')
  await subscribe(page, '/topic/prices')
  await talk(page, scene)
  await (await waitForEnd(page)).click()
  await page.getByRole('article').waitFor()
  // Back to the top of the column, where the subscriptions are.
  await page.getByRole('heading', { name: 'Send a message' }).hover()
  await page.mouse.wheel(0, -DESKTOP.height)
  await page.mouse.move(0, 0)
  await pause(500)
  await take(page, 'client')
  await page.context().close()
}

async function takePhone(scene: Scene): Promise<void> {
  const page = await openPage(scene, PHONE)
  await connect(page)
  const pane = (name: string) =>
    page.getByRole('tablist', { name: 'Parts of the connection' }).getByRole('tab', { name }).click()
  await pane('Subscribe')
  await subscribe(page, '/topic/prices')
  await subscribe(page, '/topic/greetings')
  await pane('Send')
  await talk(page, scene)
  await pane('Console')
  await waitForEnd(page)
  await take(page, 'phone')
  await page.context().close()
}

async function takeTour(scene: Scene): Promise<void> {
  const page = await openPage(scene)
  await page.getByRole('button', { name: 'Take the tour' }).click()
  const tour = page.getByRole('complementary')
  await tour.getByRole('button', { name: /Redis to browsers/ }).click()
  await tour.getByRole('button', { name: 'Connect for me' }).click()
  await tour.getByRole('button', { name: 'Subscribe for me' }).click()
  await tour.getByRole('button', { name: 'Publish it' }).waitFor()
  await take(page, 'tour')
  await page.context().close()
}

/** Clients that have subscribed one thing and send another, more and less in turn; ends when told. */
async function startTraffic(bridge: BridgeProcess, redis: RedisServer, signal: AbortSignal): Promise<void> {
  const backend = await redis.client()
  const peers: StompPeer[] = []
  for (const destination of [
    '/topic/greetings',
    '/topic/greetings',
    '/topic/prices',
    '/topic/news/sport',
    '/topic/toast',
  ]) {
    const peer = await connectPeer({ url: bridge.wsUrl, protocols: ['v12.stomp'] })
    await peer.stompConnect({ 'accept-version': '1.2', host: 'localhost' })
    peer.send(frameText('SUBSCRIBE', { id: '1', destination }))
    peers.push(peer)
  }
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const seconds = (performance.now() - startedAt) / 1000
    const many = Math.round(6 + 4 * Math.sin(seconds / 5) + 2 * Math.sin(seconds * 1.7))
    for (let i = 0; i < many; i++) void backend.publish('GREETING_CHANNEL_INBOUND', '"hello"')
    for (const peer of peers.slice(0, many / 3)) peer.send(frameText('SEND', { destination: '/app/greet' }, 'hello'))
  }, 100)
  signal.addEventListener('abort', () => {
    clearInterval(timer)
    for (const peer of peers) peer.terminate()
  })
}

async function takeBridge(scene: Scene, redis: RedisServer): Promise<void> {
  const end = new AbortController()
  await startTraffic(scene.bridge, redis, end.signal)
  const page = await openPage(scene)
  await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'Bridge' }).click()
  await page.getByRole('table', { name: 'Routes' }).waitFor()
  await pause(TRAFFIC_MS)
  await take(page, 'bridge')
  end.abort()
  await page.context().close()
}

/** Messages of some queues: those that wait, those that somebody has, and those with which somebody has failed. */
async function fillQueues({ bridge }: Scene, redis: RedisServer): Promise<StompPeer> {
  const backend = await redis.client()
  const add = async (queue: string, ...values: unknown[]) => {
    for (const value of values) {
      await backend.xadd(`queue:${queue}`, '*', 'body', JSON.stringify(value), 'content-type', 'application/json')
    }
  }
  await add('images/resize', { path: '/2026/lamp.tiff', width: 640 }, { path: '/2026/desk.tiff', width: 640 })
  await add('mails', ...['alice', 'bob', 'carol'].map((to) => ({ to, template: 'welcome' })))
  await add('orders', ...Array.from({ length: 14 }, (_, i) => ({ order: 2041 + i, cents: 1290 + 250 * i })))
  await add('reports/nightly', { day: '2026-01-01' })
  const peer = await connectPeer({ url: bridge.wsUrl, protocols: ['v12.stomp'] })
  await peer.stompConnect({ 'accept-version': '1.2', host: 'localhost' })
  const work = async (id: string, destination: string, count: number) => {
    const headers = { ack: 'client-individual', 'prefetch-count': String(count) }
    peer.send(frameText('SUBSCRIBE', { id, destination, ...headers }))
    return Promise.all(Array.from({ length: count }, () => peer.expect('MESSAGE')))
  }
  for (const message of await work('1', '/queue/images/resize', 2)) {
    peer.send(frameText('NACK', { id: message.headers.get('ack')! }))
  }
  await work('2', '/queue/orders', 4)
  await work('3', '/queue/mails', 3)
  return peer
}

/** The panel alone: it is one of many in its view. */
async function takeQueues(browser: Browser, redis: RedisServer): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-screenshots-'))
  const file = join(directory, 'bridge.json')
  await writeFile(
    file,
    JSON.stringify({ debugger: { api: 'on' }, queues: [{ destination: '/queue/**', maxDeliveries: 1 }] }),
  )
  const bridge = await spawnBridge({ runtime: 'bun', env: { REDIS_URL: redis.url, STOMP_BRIDGE_CONFIG: file } })
  try {
    const scene = { browser, bridge }
    const page = await openPage(scene)
    const worker = await fillQueues(scene, redis)
    await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'Bridge' }).click()
    const panel = page.getByRole('region', { name: 'Work queues', exact: true })
    await panel.getByRole('button', { name: '/queue/images/resize' }).click()
    await panel.getByRole('list').locator('summary').first().click()
    await panel.getByLabel('Body').waitFor()
    await page.setViewportSize({ width: DESKTOP.width, height: 1200 })
    await page.mouse.move(0, 0)
    await take(page, 'queues', panel)
    worker.terminate()
    await page.context().close()
  } finally {
    await bridge.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

await mkdir(DIRECTORY, { recursive: true })
const redis = await startRedis()
const env = { REDIS_URL: redis.url }
const bridges = [await spawnBridge({ runtime: 'bun', env }), await spawnBridge({ runtime: 'bun', env })]
const browser = await launchChromium()
try {
  const scene = { browser, bridge: bridges[0]! }
  // One by one, as they would be in each other's pictures.
  await takeClient(scene)
  await takePhone(scene)
  await takeTour(scene)
  await takeBridge(scene, redis)
  await takeQueues(browser, redis)
} finally {
  await browser.close()
  for (const bridge of bridges) await bridge.stop()
  await redis.stop()
}
