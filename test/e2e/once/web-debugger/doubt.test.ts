/** What the web debugger says of a connection is true: silence, sleep, no network, and a server that says no. */
import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/wait.ts'
import { connect, connectionCard, expectSoon, frame, openSettings, subscribe, subscription } from './page.ts'
import { pageStage } from './stage.ts'
import { startStrangeServer, type StrangeServer } from './strange-server.ts'

/** A name for this computer that Chromium takes for another one. */
const ELSEWHERE = 'server.test'
const stage = pageStage({ browserArgs: [`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`] })

/** The page whose time the test can move, connected to that server. */
async function openAt({ host }: StrangeServer, { isPhone = false, name = '' } = {}): Promise<Page> {
  const url = `ws://${name === '' ? host : host.replace(/^[\d.]+/, name)}`
  const page = await stage.open({ otherSockets: [url], isPhone, hasClock: true })
  await page.getByLabel('URL').fill(`${url}/ws`)
  await connect(page)
  return page
}

/** Until it is in sight, lets time pass while the page waits for its next attempt, and never while it connects. */
async function waitUntil(page: Page, sight: Locator): Promise<void> {
  await eventually(
    async () => {
      if ((await connectionCard(page).getByText('Next attempt').count()) > 0) await page.clock.runFor(500)
      expect(await sight.count()).toBe(1)
    },
    { timeoutMs: 20_000, intervalMs: 50 },
  )
}

describe('a server that falls silent', () => {
  it.each([
    ['a desktop', false],
    ['a phone', true],
  ])('is doubted after one missed heart-beat, and lost after two, on %s', async (_name, isPhone) => {
    const server = await startStrangeServer({ heartBeatMs: 60_000 })
    const page = await openAt(server, { isPhone })
    const card = connectionCard(page)
    server.fallSilent()
    await page.clock.runFor(76_000)
    await card.getByText('Heart-beat missed', { exact: true }).waitFor()
    await card.getByText(/Nothing from the server for 1 min.*; agreed was a heart-beat every 1 min/).waitFor()
    await page.getByRole('tab', { name: /silent/ }).waitFor()
    await page.clock.runFor(45_000)
    await frame(page, /Connection lost: the server has sent nothing for 2 min/).waitFor()
    await card.getByText('Connection lost', { exact: true }).waitFor()
    await page.getByRole('tab', { name: /retry/ }).waitFor()
    // The old WebSocket was dropped without its close, which never comes.
    server.recover()
    await waitUntil(page, card.getByText('Connected', { exact: true }))
    expect(server.received.all.filter(({ command }) => command === 'CONNECT')).toHaveLength(2)
  })

  it('cannot be noticed without heart-beats, which is said', async () => {
    const page = await stage.open()
    await openSettings(page)
    await page.getByLabel('Heart-beats we want, ms').fill('0')
    await connect(page)
    await connectionCard(page).getByText('No heart-beat: a silent loss cannot be noticed.').waitFor()
  })
})

describe('a laptop that was shut', () => {
  it('finds its connection again, if the server has kept it', async () => {
    const server = await startStrangeServer({ heartBeatMs: 500 })
    const page = await openAt(server)
    await page.clock.fastForward(3_600_000)
    await frame(page, /The computer slept, or the page stood still, for \d+ min/).waitFor()
    await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
    await frame(page, /The server is heard again/).waitFor()
    expect(server.received.all.filter(({ command }) => command === 'CONNECT')).toHaveLength(1)
  })
})

describe('a computer without a network', () => {
  it('says so, waits, and connects when the network is back', async () => {
    const server = await startStrangeServer({ onSession: (socket) => sessions.push(() => socket.terminate()) })
    const sessions: (() => void)[] = []
    const page = await openAt(server, { name: ELSEWHERE })
    const card = connectionCard(page)
    await page.context().setOffline(true)
    await card.getByText('Computer offline', { exact: true }).waitFor()
    sessions[0]!()
    await card.getByText('This computer is offline. The next attempt comes when it is online again.').waitFor()
    await page.clock.runFor(120_000)
    expect(await card.getByText('Connection lost', { exact: true }).count()).toBe(1)
    await page.context().setOffline(false)
    await card.getByText('Connected', { exact: true }).waitFor()
    expect(sessions).toHaveLength(2)
  })
})

describe('a server that says no', () => {
  it('is asked ever more rarely where it accepts and closes at once', async () => {
    let sessions = 0
    const server = await startStrangeServer({
      onSession: (socket) => {
        sessions++
        socket.close(1000)
      },
    })
    const page = await stage.open({ otherSockets: [`ws://${server.host}`], hasClock: true })
    // Each wait as long as it may be.
    await page.addInitScript('Math.random = () => 0.999')
    await page.reload()
    await page.getByLabel('URL').fill(`ws://${server.host}/ws`)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    const wait = connectionCard(page).getByText(/Next attempt in 1\d s/)
    await waitUntil(page, wait)
    // At once, and after 1, 2, 4 and 8 seconds.
    expect(sessions).toBe(5)
  })

  it('twice in a row for the same reason is not asked again, and the frame is named', async () => {
    const page = await stage.openConnected()
    const card = connectionCard(page)
    await subscribe(page, '/topic/fine')
    await subscribe(page, 'nowhere')
    await card.getByText('Refused twice in a row for the same reason').waitFor()
    await card.getByText('SUBSCRIBE nowhere (sub-1) caused it.').waitFor()
    await card.getByText('bad-destination', { exact: true }).waitFor()
    await card.getByRole('button', { name: 'Try again', exact: true }).waitFor()
    await card.getByRole('button', { name: 'Show SUBSCRIBE' }).waitFor()
    const attempts = await frame(page, /Opening ws:/).count()
    expect(attempts).toBe(2)
    await page.getByRole('button', { name: 'Clear' }).click()
    await card.getByRole('button', { name: 'Show SUBSCRIBE' }).waitFor({ state: 'detached' })
    await card.getByRole('button', { name: 'Try again without this subscription' }).click()
    await card.getByText('Connected', { exact: true }).waitFor()
    expect(await subscription(page, 'nowhere').count()).toBe(0)
    await subscription(page, '/topic/fine').waitFor()
  })
})

describe('all subscriptions', () => {
  it('end with one button', async () => {
    const page = await stage.openConnected()
    await subscribe(page, '/topic/one')
    expect(await page.getByRole('button', { name: 'Unsubscribe all' }).count()).toBe(0)
    await subscribe(page, '/topic/two')
    await page.getByRole('button', { name: 'Unsubscribe all' }).click()
    await expectSoon(() => page.getByRole('list', { name: 'Subscriptions' }).count(), 0)
    await expectSoon(() => frame(page, /sent UNSUBSCRIBE/).count(), 2)
  })
})
