/** The SockJS client in a page of a real browser: of the same origin and of another, with WebSocket and where that is blocked. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { metric } from '../../support/clients/backend.ts'
import { connectSockJs } from '../../support/clients/sockjs.ts'
import { launchChromium } from '../../support/chromium.ts'
import { startNginx } from '../../support/nginx.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'

const PACKAGES = fileURLToPath(new URL('../../../node_modules/', import.meta.url))
const SCRIPTS = ['sockjs-client/dist/sockjs.min.js', '@stomp/stompjs/bundles/stomp.umd.min.js']
const env = { STOMP_BRIDGE_DOORS_SOCKJS: 'true' }

describe('sockjs-client in a browser', () => {
  let browser: Browser
  let bridge: BridgeProcess
  let other: BridgeProcess
  let proxy: string
  beforeAll(async () => {
    browser = await launchChromium()
    ;[bridge, other] = await Promise.all([spawnBridge({ runtime: 'bun', env }), spawnBridge({ runtime: 'node', env })])
    proxy = await startNginx(bridge.port, [bridge.port, other.port])
  })
  afterAll(() => browser.close())

  /** A page that says nothing of where its scripts may connect to, with both clients in it. */
  async function open(url: string): Promise<Page> {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(`${url}/health`)
    for (const script of SCRIPTS) await page.addScriptTag({ content: readFileSync(join(PACKAGES, script), 'utf8') })
    return page
  }

  /** Connects, subscribes, sends, gets that, and leaves. Returns the transport, and what came. */
  const talk = (page: Page, url: string, transports?: readonly string[]) =>
    page.evaluate<[transport: string, ...bodies: string[]]>(`new Promise((resolve, reject) => {
      let socket
      const bodies = []
      const client = new StompJs.Client({
        webSocketFactory: () => (socket = new SockJS('${url}/stomp', null, ${JSON.stringify({ transports })})),
        reconnectDelay: 0,
        onStompError: ({ headers }) => reject(new Error(headers.message)),
        onWebSocketClose: ({ code, reason }) => reject(new Error(code + ' ' + reason)),
        onConnect() {
          client.subscribe('/topic/page', ({ body }) => {
            if (bodies.push(body) < 3) return
            const { transport } = socket
            client.onWebSocketClose = () => resolve([transport, ...bodies])
            client.deactivate()
          }, { receipt: 'live' })
          client.watchForReceipt('live', () => {
            for (const body of ['one', 'Grüße 😀 \\u2028', '']) client.publish({ destination: '/topic/page', body })
          })
        },
      })
      client.activate()
    })`)
  const bodies = ['one', 'Grüße 😀 \u2028', '']

  it.each(['websocket', 'xhr-streaming', 'xhr-polling'])('talks over %s', async (transport) => {
    const page = await open(bridge.url)
    expect(await talk(page, bridge.url, [transport])).toEqual([transport, ...bodies])
  })

  it.each(['websocket', 'xhr-streaming', 'xhr-polling'])(
    'talks over %s from a page of another origin, which sends credentials',
    async (transport) => {
      const page = await open(bridge.url)
      expect(await talk(page, other.url, [transport])).toEqual([transport, ...bodies])
    },
  )

  it('takes WebSocket by itself, and over HTTP what is left where that does not exist', async () => {
    const page = await open(bridge.url)
    expect(await talk(page, bridge.url)).toEqual(['websocket', ...bodies])
    const without = await browser.newPage()
    onTestFinished(() => without.close())
    await without.addInitScript('delete globalThis.WebSocket')
    await without.goto(`${bridge.url}/health`)
    for (const script of SCRIPTS) await without.addScriptTag({ content: readFileSync(join(PACKAGES, script), 'utf8') })
    expect(await talk(without, bridge.url)).toEqual(['xhr-streaming', ...bodies])
  })

  it.each(['xhr-streaming', 'xhr-polling'] as const)(
    'finds its session on one of two bridges behind nginx, by its path alone: %s',
    async (transport) => {
      const topics = Array.from({ length: 12 }, (_, i) => `/topic/${transport}-${i}`)
      const clients = await Promise.all(topics.map(() => connectSockJs(proxy, transport)))
      const subscriptions = await Promise.all(clients.map((client, i) => client.subscribe(topics[i]!)))
      for (const each of [bridge, other]) expect(await metric(each, 'stomp_bridge_sessions')).toBeGreaterThan(0)
      for (let round = 0; round < 5; round++) {
        await Promise.all(clients.map((client, i) => client.send(topics[i]!, `${round}`)))
        for (const subscription of subscriptions) expect((await subscription.next()).body).toBe(`${round}`)
      }
      await Promise.all(clients.map((client) => client.disconnect()))
    },
  )

  it.each(['one-zero', 'one-one'])(
    'goes on over HTTP by itself through a proxy that lets no WebSocket through: %s',
    async (place) => {
      const page = await open(`${proxy}/${place}`)
      expect(await talk(page, `${proxy}/${place}`)).toEqual(['xhr-streaming', ...bodies])
      expect(await talk(page, `${proxy}/${place}`, ['xhr-polling'])).toEqual(['xhr-polling', ...bodies])
    },
  )
})
