/** The bridge view of the web debugger: two bridges on one Redis, with clients of both, as it shows them. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEventStream } from '../../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../../support/clients/plain-websocket.ts'
import { spawnBridge } from '../../../support/process.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../../../support/stomp-peer.ts'
import { connectionCard, detailsOf, expectSoon, frame, showView, subscribe } from './page.ts'
import { pageStage, startBridge } from './stage.ts'

const stage = pageStage({ redis: true, env: { STOMP_BRIDGE_PRESENCE_DESTINATIONS: '/topic/**' } })

async function client(destination: string, at = stage.bridge): Promise<{ peer: StompPeer; session: string }> {
  const peer = await connectPeer({ url: at.wsUrl })
  onTestFinished(() => peer.terminate())
  const { headers } = await peer.stompConnect()
  peer.send(frameText('SUBSCRIBE', { id: '1', destination, receipt: 'live' }))
  await peer.receipt('live')
  return { peer, session: headers.get('session')! }
}

describe('the bridge view', () => {
  it('shows the routes, and how much flows over each now', async () => {
    const { peer } = await client('/topic/greetings')
    const page = await stage.open()
    await showView(page, 'Bridge')
    const routes = page.getByRole('table', { name: 'Routes' })
    const inbound = routes.getByRole('row', { name: /SUBSCRIBE \/topic\/greetings .*GREETING_CHANNEL_INBOUND/ })
    const outbound = routes.getByRole('row', { name: /SEND \/app\/greet .*GREETING_CHANNEL_OUTBOUND/ })
    await inbound.getByText('json-string').waitFor()
    await routes.getByRole('row', { name: /\/topic\/….*BROADCAST-CHANNEL/ }).waitFor()
    const timer = setInterval(() => {
      void stage.backend.publish('GREETING_CHANNEL_INBOUND', '"tick"')
      peer.send(frameText('SEND', { destination: '/app/greet' }, 'tock'))
    }, 20)
    onTestFinished(() => clearInterval(timer))
    // From two answers of the bridge, which is asked every two seconds; so it is some fifty a second.
    for (const row of [inbound, outbound]) await row.getByText(/^[1-9][\d.]*\/s/).waitFor()
    await page.getByRole('img', { name: /^Messages a second over .* Delivered to clients.*: now [1-9]/ }).waitFor()
    clearInterval(timer)
    await inbound.getByText(/^0\/s/).waitFor()
  })

  it('shows the nodes that share a Redis, as they come and go', async () => {
    const page = await stage.open()
    await showView(page, 'Bridge')
    const nodes = page.getByRole('region', { name: 'Nodes' }).getByRole('listitem')
    await expectSoon(() => nodes.count(), 1)
    await nodes.getByText('this one').waitFor()
    const other = await startBridge({ REDIS_URL: stage.redis.url })
    await expectSoon(() => nodes.count(), 2)
    expect(await other.stop()).toBe(0)
    await expectSoon(() => nodes.count(), 1)
  })

  it('shows state, bus, numbers, endpoints, limits and version', async () => {
    const page = await stage.open()
    await showView(page, 'Bridge')
    const main = page.getByRole('main')
    for (const text of ['Ready', 'Connected', `Redis at 127.0.0.1:${stage.redis.port}`]) {
      await main.getByText(text, { exact: true }).first().waitFor()
    }
    const version = ((await (await fetch(`${stage.bridge.url}/api/bridge`)).json()) as { version: string }).version
    await main
      .getByRole('definition')
      .filter({ hasText: version })
      .getByText(/^bun \d/)
      .waitFor()
    const limits = page.getByRole('region', { name: 'Endpoints and limits' })
    const limit = limits.getByRole('listitem').filter({ hasText: 'maxFrameBytes' })
    expect(await limit.innerText()).toMatch(/64 KiB/)
    for (const path of ['/stomp', '/raw/…', '/sse/…']) await limits.getByText(path, { exact: true }).waitFor()
  })

  it('lists who is connected, searches them, and shows what they have subscribed', async () => {
    const one = await client('/topic/unique/one')
    const two = await client('/topic/unique/two')
    const page = await stage.open()
    await showView(page, 'Bridge')
    const sessions = page.getByRole('region', { name: 'Sessions' }).getByRole('row')
    const row = sessions.filter({ hasText: one.session })
    await row.getByText('STOMP 1.2 over WebSocket').waitFor()
    await row.getByText('/topic/unique/one').waitFor()
    await page.getByLabel('Search sessions').fill('unique/two')
    await row.waitFor({ state: 'detached' })
    await sessions.filter({ hasText: two.session }).waitFor()
    await page.getByText('1 found').waitFor()
    const destinations = page.getByRole('region', { name: 'Subscribed destinations' })
    await destinations.getByText('/topic/unique/one').waitFor()
    await page.getByLabel('Search sessions').fill('nobody at all')
    await page.getByText('No session matches').waitFor()
  })

  it('lists plain WebSockets and event streams as what they are', async () => {
    const address = `/topic/unique/door`
    await openPlainWebSocket(`${stage.bridge.url.replace('http', 'ws')}/raw${address}`)
    await openEventStream(`${stage.bridge.url}/sse${address}`)
    const page = await stage.open()
    await showView(page, 'Bridge')
    await page.getByLabel('Search sessions').fill('unique/door')
    await page.getByText('2 found').waitFor()
    const rows = page.getByRole('region', { name: 'Sessions' }).getByRole('row').filter({ hasText: address })
    await rows.filter({ hasText: 'plain WebSocket' }).waitFor()
    await rows.filter({ hasText: 'Server-Sent Events' }).waitFor()
    expect(await page.getByText('not connected yet').count()).toBe(0)
  })

  it('closes a session after a second thought, and its client is told why', async () => {
    const doomed = await client('/topic/doomed')
    const page = await stage.open()
    await showView(page, 'Bridge')
    const open = page.getByRole('button', { name: `Close ${doomed.session}` })
    await open.click()
    const dialog = page.getByRole('dialog', { name: 'Close this session?' })
    await dialog.getByText('loses its connection and its subscription').waitFor()
    await dialog.getByRole('button', { name: 'Keep it' }).click()
    await dialog.waitFor({ state: 'hidden' })
    // The focus is back where it was.
    await expectSoon(() => open.evaluate((element) => element === element.ownerDocument.activeElement), true)
    expect(doomed.peer.isClosed).toBe(false)
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'Close session' }).click()
    const error = await doomed.peer.expect('ERROR', { code: 'closed-by-operator' })
    expect(bodyText(error) + error.headers.get('message')).toContain('closed by an operator')
    await open.waitFor({ state: 'detached' })
  })

  it('closes the page’s own session like any other, which the console shows and then connects again', async () => {
    const page = await stage.openConnected()
    await subscribe(page, '/topic/of/the/page')
    await showView(page, 'Bridge')
    await page.getByLabel('Search sessions').fill('of/the/page')
    await page.getByText('1 found').waitFor()
    await page.getByRole('button', { name: /^Close \S+-\d+$/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Close session' }).click()
    await showView(page, 'Client')
    await frame(page, /received ERROR/).waitFor()
    const details = await detailsOf(page, frame(page, /received ERROR/))
    await details.getByRole('row', { name: 'code closed-by-operator' }).waitFor()
    await connectionCard(page)
      .getByText(/closed by an operator|Connected/)
      .first()
      .waitFor()
  })

  it('shows what clients were refused by code, and who has subscribed a destination that is chosen', async () => {
    await client('/topic/chosen')
    const refused = await client('/topic/other')
    refused.peer.send(frameText('SEND', { destination: '/nowhere' }))
    await refused.peer.expect('ERROR', { code: 'no-route' })
    const page = await stage.open()
    await showView(page, 'Bridge')
    const errors = page.getByRole('region', { name: 'Errors by code' }).getByRole('listitem')
    await errors.filter({ hasText: /no-route\s*\d/ }).waitFor()
    await page.getByRole('button', { name: '/topic/chosen' }).click()
    const presence = page.getByRole('region', { name: 'Who has subscribed' })
    await presence.getByText('/topic/chosen: one session, anonymous.').waitFor()
  })

  it('counts what goes from node to node', async () => {
    const { peer } = await client('/topic/counted')
    const page = await stage.open()
    await showView(page, 'Bridge')
    const row = page.getByRole('table', { name: 'Routes' }).getByRole('row', { name: /BROADCAST-CHANNEL/ })
    const timer = setInterval(() => peer.send(frameText('SEND', { destination: '/topic/counted' }, 'x')), 20)
    onTestFinished(() => clearInterval(timer))
    await row.getByText(/^[1-9][\d.]*\/s sent/).waitFor()
    await row.getByText(/^[1-9][\d.]*\/s heard/).waitFor()
  })

  it('explains who may do what', async () => {
    const page = await stage.open()
    await showView(page, 'Bridge')
    const panel = page.getByRole('region', { name: 'Who may do what' })
    await panel.getByText('Send', { exact: true }).click()
    await panel.getByRole('button', { name: 'Explain' }).click()
    await panel.getByText(/must start with "\/"/).waitFor()
    await panel.getByLabel('Destination').fill('/app/x')
    await panel.getByLabel('User').fill('alice')
    await panel.getByLabel('User').press('Enter')
    await panel
      .getByRole('status')
      .getByText(/Allowed alice may send to \/app\/x: there is no access/)
      .waitFor()
    expect(await panel.getByText('Whatever the rules say').count()).toBe(0)
    await panel.getByLabel('Destination').fill('/nowhere/x')
    await panel.getByLabel('Destination').press('Enter')
    await panel.getByText('Whatever the rules say, a client is refused: Cannot send to "/nowhere/x"').waitFor()
  })

  it('draws the hour before it was opened', async () => {
    // Two samples are taken by then, of which one can be drawn: the bridge has run since the file began.
    const samples = async () =>
      ((await (await fetch(`${stage.bridge.url}/api/bridge/samples`)).json()) as { samples: object[] }).samples.length
    await expectSoon(async () => (await samples()) >= 2, true, 25_000)
    const page = await stage.open()
    await showView(page, 'Bridge')
    const panel = page.getByRole('region', { name: 'Activity' })
    await panel.getByText('1 h', { exact: true }).click()
    await panel.getByLabel('What is drawn').selectOption('Memory')
    await panel.getByRole('img', { name: /^Memory over the last .*Resident memory.*: now [\d.]+ MiB/ }).waitFor()
  }, 60_000)

  it('says in words why it is not ready, and since when', async () => {
    const own = await spawnBridge({ runtime: 'bun', env: { REDIS_URL: 'redis://127.0.0.1:1' } })
    const page = await stage.open({ at: own })
    await showView(page, 'Bridge')
    const reason = page.getByText(/no connection to Redis at 127\.0\.0\.1:1: .*ECONNREFUSED.*, since \d.*\(\d+ s\)/)
    await reason.waitFor()
    // Of a bridge that is away nobody knows whether it is still so.
    await own.stop('SIGKILL')
    await page.getByText('This is what the bridge said last.').waitFor()
    await page.getByText(/^was up for /).waitFor()
    await reason.waitFor({ state: 'detached' })
  })

  it('keeps what was known last while the bridge is away, and says that it is', async () => {
    const own = await startBridge()
    const page = await stage.open({ at: own })
    await showView(page, 'Bridge')
    await page.getByRole('table', { name: 'Routes' }).waitFor()
    await own.stop('SIGKILL')
    await page.getByText('This is what the bridge said last.').waitFor()
    await page.getByRole('banner').getByText('Bridge away').waitFor()
    await page.getByRole('table', { name: 'Routes' }).waitFor()
    await startBridge({ PORT: String(own.port) })
    await page.getByRole('banner').getByText('Ready', { exact: true }).waitFor()
  })
})
