/** Connections of the web debugger: several, of every kind, to every server, and found again when lost. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { startOldServer, type OldServer } from './old-server.ts'
import {
  connect,
  connectionCard,
  detailsOf,
  expectSoon,
  frame,
  openSettings,
  rawOf,
  send,
  subscribe,
  subscription,
} from './page.ts'
import { pageStage, startBridge } from './stage.ts'

const stage = pageStage({
  env: { STOMP_BRIDGE_HEART_BEAT_OUTGOING_MS: '100', STOMP_BRIDGE_HEART_BEAT_INCOMING_MS: '100' },
})

async function openSetup(otherSockets: readonly string[] = []): Promise<Page> {
  const page = await stage.open({ otherSockets })
  await openSettings(page)
  return page
}

async function openSetupFor(server: OldServer): Promise<Page> {
  const page = await openSetup([server.url])
  await page.getByLabel('URL').fill(`${server.url}/ws`)
  await page.getByLabel('WebSocket sub-protocol').selectOption('none')
  return page
}

/** A fact of the connection by its name, such as `STOMP`. */
function fact(page: Page, name: string): Promise<string> {
  const facts = connectionCard(page).locator('dl > div')
  return facts
    .filter({ has: page.getByText(name, { exact: true }) })
    .getByRole('definition')
    .innerText()
}

async function addHeader(page: Page, label: string, name: string, value: string): Promise<void> {
  const rows = page.getByRole('group', { name: label })
  await rows.getByRole('button', { name: 'Add header' }).click()
  await rows.getByLabel(`${label}: name 1`).fill(name)
  await rows.getByLabel(`${label}: value 1`).fill(value)
}

async function sessionsOf({ url }: BridgeProcess): Promise<number> {
  const { total } = (await (await fetch(`${url}/api/sessions`)).json()) as { total: number }
  return total
}

describe('several connections', () => {
  it('stand in tabs with a console each, which arrow keys change and Delete closes', async () => {
    const own = await startBridge()
    const page = await stage.openConnected({ at: own })
    await send(page, '/topic/first', 'from the first')
    await frame(page, /sent SEND \/topic\/first/).waitFor()
    await page.getByRole('button', { name: 'Add: Connections' }).click()
    await page.getByRole('heading', { name: 'New connection' }).waitFor()
    await connect(page)
    await expectSoon(() => sessionsOf(own), 2)
    expect(await frame(page, /sent SEND/).count()).toBe(0)

    const tabs = page.getByRole('tablist', { name: 'Connections' }).getByRole('tab')
    await tabs.last().press('ArrowLeft')
    await frame(page, /sent SEND \/topic\/first/).waitFor()
    await tabs.first().press('End')
    await expectSoon(() => tabs.last().getAttribute('aria-selected'), 'true')
    await tabs.last().press('Delete')
    await expectSoon(() => tabs.count(), 1)
    await expectSoon(() => sessionsOf(own), 1)
    await frame(page, /sent SEND \/topic\/first/).waitFor()
  })
})

describe('what is agreed on', () => {
  it.each(['1.0', '1.1', '1.2'])('is STOMP %s where only that is offered', async (version) => {
    const page = await openSetup()
    await page.getByLabel('STOMP version').selectOption(version)
    await connect(page)
    const subProtocol = `v${version.replace('.', '')}.stomp`
    expect([await fact(page, 'STOMP'), await fact(page, 'Sub-protocol')]).toEqual([version, subProtocol])
    expect(await (await rawOf(page, frame(page, /sent CONNECT/))).innerText()).toContain(`accept-version:${version}`)
  })

  it('is no sub-protocol, or one of a list, where that is asked for', async () => {
    const page = await openSetup()
    await page.getByLabel('WebSocket sub-protocol').selectOption('none')
    await connect(page)
    expect(await fact(page, 'Sub-protocol')).toBe('none')
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await page.getByText('Disconnected', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByLabel('WebSocket sub-protocol').selectOption('custom')
    await page.getByLabel('Sub-protocols, best first').fill('other, v11.stomp')
    await connect(page)
    expect(await fact(page, 'Sub-protocol')).toBe('v11.stomp')
  })

  it('are heart-beats as CONNECT asked for them, which are drawn as they come', async () => {
    const page = await openSetup()
    await page.getByLabel('Heart-beats we send, ms').fill('300')
    await page.getByLabel('Heart-beats we want, ms').fill('200')
    await connect(page)
    expect(await fact(page, 'Heart-beats')).toBe('out 0.3 s, in 0.2 s')
    expect(await (await rawOf(page, frame(page, /sent CONNECT/))).innerText()).toContain('heart-beat:300,200')
    await frame(page, /received heart-beat/)
      .nth(2)
      .waitFor()
    await frame(page, /sent heart-beat/)
      .first()
      .waitFor()
    await page.getByRole('img', { name: /^Time between heart-beats: now \d+ ms/ }).waitFor()
    await page.getByRole('button', { name: 'Hide heart-beats' }).click()
    await expectSoon(() => frame(page, /heart-beat/).count(), 0)
  })
})

describe('what CONNECT says', () => {
  it('is login, passcode, host and more headers, as a server reads them', async () => {
    const server = await startOldServer()
    const page = await openSetupFor(server)
    await page.getByLabel('Login').fill('ada')
    await page.getByLabel('Passcode').fill('lovelace')
    await page.getByLabel('Virtual host').fill('/')
    await addHeader(page, 'CONNECT headers', 'x-tenant', 'engine')
    await connect(page)
    const connectFrame = await server.received.next()
    for (const line of ['login:ada', 'passcode:lovelace', 'host:/', 'x-tenant:engine']) {
      expect(connectFrame.split('\n')).toContain(line)
    }
  })

  it.each([
    ['bearer', 'Authorization:Bearer t0ken-of-mine', undefined],
    ['header', 'x-token:t0ken-of-mine', 'x-token'],
    ['query', undefined, 'access'],
  ] as const)('has a token where it is wanted: %s', async (place, line, name) => {
    const server = await startOldServer()
    const page = await openSetupFor(server)
    await page.getByLabel('Token', { exact: true }).fill('t0ken-of-mine')
    await page.getByLabel('The token goes into').selectOption(place)
    if (name !== undefined) await page.getByLabel(place === 'header' ? 'Header name' : 'Parameter name').fill(name)
    await connect(page)
    const connectFrame = await server.received.next()
    if (line === undefined) expect(connectFrame).not.toContain('t0ken')
    else expect(connectFrame.split('\n')).toContain(line)
    expect(server.upgrades[0]!.path).toBe(place === 'query' ? '/ws?access=t0ken-of-mine' : '/ws')
    // Nothing in sight gives it away.
    expect(await page.getByRole('region', { name: 'Console' }).innerText()).not.toContain('t0ken')
  })
})

describe('another server', () => {
  it('is one more bridge, by its URL', async () => {
    const other = await startBridge({ STOMP_BRIDGE_DEBUGGER_ENABLED: 'false' })
    const page = await stage.open({ otherSockets: [other.wsUrl] })
    await page.getByLabel('URL').fill(other.wsUrl)
    await connect(page)
    await subscribe(page, '/topic/there')
    await send(page, '/topic/there', 'over there')
    await frame(page, /received MESSAGE \/topic\/there over there/).waitFor()
    expect((await fetch(`${other.url}/debugger/`)).status).toBe(404)
  })

  it('is an old one without sub-protocols, which Chromium refuses unless none is offered', async () => {
    const server = await startOldServer()
    const page = await openSetup([server.url])
    await page.getByLabel('URL').fill(`${server.url}/stomp`)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText('old servers want none').waitFor()
    await page.getByLabel('WebSocket sub-protocol').selectOption('none')
    await connect(page)
    expect([await fact(page, 'STOMP'), await fact(page, 'Heart-beats')]).toEqual(['1.0', 'out none, in none'])
    await send(page, '/queue/old', 'still here')
    await frame(page, /received MESSAGE \/queue\/old still here/).waitFor()
  })

  it('is a WebSocket without STOMP, where frames can be typed by hand', async () => {
    const page = await openSetup()
    await page.getByLabel('What to speak').selectOption('raw')
    await connect(page)
    const message = page.getByRole('textbox', { name: 'Body' })
    const sendNow = page.getByRole('button', { name: 'Send', exact: true })
    await page.getByLabel('Read escapes').check()
    await message.fill('CONNECT\naccept-version:1.2\n\n\\0')
    await sendNow.click()
    await frame(page, /received TEXT CONNECTED/).waitFor()
    await message.fill('NONSENSE\n\n\\0')
    await message.press('Control+Enter')
    const raw = await detailsOf(page, frame(page, /received TEXT ERROR/))
    expect(await raw.innerText()).toContain('ERROR')
  })

  it('that is not there is told in words, with what to check', async () => {
    const gone = await startBridge()
    await gone.stop()
    const page = await stage.open({ otherSockets: [gone.wsUrl] })
    await page.getByLabel('URL').fill('ftp://127.0.0.1')
    await page.getByText('The URL must begin with ws:// or wss://, not with "ftp:"').waitFor()
    await page.getByLabel('URL').fill(gone.wsUrl)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText(`No WebSocket could be opened at ${gone.wsUrl}. Check that the server runs`).waitFor()
    await page.getByRole('button', { name: 'Show the log of this attempt' }).click()
    await frame(page, /Opening ws:/)
      .first()
      .waitFor()
  })
})

describe('a connection that is lost', () => {
  it('comes back by itself with its subscriptions, and shows when it tries next', async () => {
    const first = await startBridge()
    const page = await stage.openConnected({ at: first })
    await subscribe(page, '/topic/lasting')
    await first.stop('SIGKILL')
    const card = connectionCard(page)
    await card.getByText('Connection lost', { exact: true }).waitFor()
    await card.getByText(/Next attempt in \d+ s/).waitFor()
    await page.getByRole('tab', { name: /retry/ }).waitFor()
    await subscription(page, 'waits for the connection').waitFor()
    const attempts = frame(page, /Opening ws:/)
    const before = await attempts.count()
    await card.getByRole('button', { name: 'Try now' }).click()
    await expect.poll(() => attempts.count(), { timeout: 8000 }).toBeGreaterThan(before)
    await startBridge({ PORT: String(first.port) })
    await card.getByText('Connected', { exact: true }).waitFor()
    await expectSoon(() => frame(page, /sent SUBSCRIBE \/topic\/lasting/).count(), 2)
    await send(page, '/topic/lasting', 'after the gap')
    await frame(page, /received MESSAGE \/topic\/lasting after the gap/).waitFor()
  })

  it('stays lost where reconnecting is off, and says why', async () => {
    const own = await startBridge()
    const page = await stage.open({ at: own })
    await openSettings(page)
    await page.getByLabel('Reconnect when the connection is lost').uncheck()
    await connect(page)
    await own.stop('SIGKILL')
    const card = connectionCard(page)
    await card.getByText('Disconnected', { exact: true }).waitFor()
    await card.getByText('The connection broke').waitFor()
    expect(await card.getByText('Next attempt').count()).toBe(0)
  })
})
