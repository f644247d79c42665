/** History in the web debugger: subscriptions that ask and go on, and what the console and the list say of it. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { connectionCard, detailsOf, frame, rawOf, subscribe, subscription, unfold } from './page.ts'
import { startHistoryBridge } from './history-bridge.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

let bridge: BridgeProcess
beforeAll(async () => {
  bridge = await startHistoryBridge()
})

async function publish(destination: string, ...bodies: string[]): Promise<void> {
  for (const body of bodies) expect((await notify(bridge, destination, body)).status).toBeLessThan(300)
}

async function choose(page: Page, what: string): Promise<void> {
  if (!(await page.getByLabel('What comes first').isVisible())) await unfold(page, /^History/)
  await page.getByLabel('What comes first').selectOption(what)
}

const message = (page: Page, destination: string, body: string) =>
  frame(page, new RegExp(`received MESSAGE ${destination} ${body}`))

describe('asking for history', () => {
  it('for the newest: the marker is shown as what it is, and is no message', async () => {
    await publish('/topic/kept/newest', 'one', 'two', 'three')
    const page = await stage.openConnected({ at: bridge })
    await choose(page, 'the newest messages')
    await page.getByLabel('How many').fill('2')
    await subscribe(page, '/topic/kept/newest')
    const marker = frame(page, /received MESSAGE \/topic\/kept\/newest marker: at \d+-3, 2 follow/)
    await marker.waitFor()
    for (const [i, body] of ['two', 'three'].entries()) {
      await message(page, '/topic/kept/newest', `${body} \\d+-${i + 2}`).waitFor()
    }
    const entry = subscription(page, '/topic/kept/newest')
    await entry.getByText('2 messages').waitFor()
    await entry.getByText(/^at \d+-3$/).waitFor()
    await (await detailsOf(page, marker)).getByText('A marker of the bridge, which nobody has sent').waitFor()
    // It is not asked for the next one: where nothing is kept that would end the session.
    await page.getByText('History: nothing, only what is new').waitFor()
  })

  it('for what came after a time, or after an offset', async () => {
    await publish('/topic/kept/after', 'one', 'two', 'three')
    const page = await stage.openConnected({ at: bridge })
    await choose(page, 'what came after a time')
    await subscribe(page, '/topic/kept/after')
    const second = message(page, '/topic/kept/after', 'two')
    await subscription(page, '/topic/kept/after').getByText('3 messages').waitFor()
    const raw = await (await rawOf(page, second)).innerText()
    await page.getByRole('button', { name: 'Unsubscribe /topic/kept/after' }).click()
    await choose(page, 'what came after an offset')
    await page.getByLabel('Offset', { exact: true }).fill(/offset:([\d-]+)/.exec(raw)![1]!)
    await page.getByLabel('Destination to subscribe').fill('/topic/kept/after')
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await page.getByText('Enter the epoch of that message too').waitFor()
    await page.getByLabel('Epoch', { exact: true }).fill(/epoch:(\w+)/.exec(raw)![1]!)
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await frame(page, /marker: at \d+-3, 1 follows, recovered/).waitFor()
    await subscription(page, '/topic/kept/after').getByText('1 message', { exact: false }).waitFor()
    await subscription(page, '/topic/kept/after')
      .getByText(/^at \d+-3, recovered$/)
      .waitFor()
  })

  it('goes on from where it was after it was unsubscribed', async () => {
    const page = await stage.openConnected({ at: bridge })
    await choose(page, 'the newest messages')
    await subscribe(page, '/topic/kept/again')
    await frame(page, /marker: at \d+-0/).waitFor()
    await publish('/topic/kept/again', 'seen')
    await message(page, '/topic/kept/again', 'seen').waitFor()
    await page.getByRole('button', { name: 'Unsubscribe /topic/kept/again' }).click()
    await publish('/topic/kept/again', 'missed 1', 'missed 2')
    await choose(page, 'from where I was')
    await page.getByLabel('Destination to subscribe').fill('/topic/kept/again')
    await page.getByText(/^After \d+-1, the offset seen last/).waitFor()
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await frame(page, /marker: at \d+-3, 2 follow, recovered/).waitFor()
    await message(page, '/topic/kept/again', 'missed 2').waitFor()
    expect(await message(page, '/topic/kept/again', 'seen').count()).toBe(1)
  })

  it('goes on by itself after its connection was lost, and misses nothing', async () => {
    const page = await stage.openConnected({ at: bridge })
    await choose(page, 'the newest messages')
    await subscribe(page, '/topic/kept/lost')
    await publish('/topic/kept/lost', 'before')
    await message(page, '/topic/kept/lost', 'before').waitFor()
    const { sessions } = (await (await fetch(`${bridge.url}/api/sessions?search=/topic/kept/lost`)).json()) as {
      sessions: { id: string }[]
    }
    await fetch(`${bridge.url}/api/sessions/${sessions[0]!.id}`, { method: 'DELETE' })
    await publish('/topic/kept/lost', 'meanwhile')
    await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
    await frame(page, /marker: at \d+-2, 1 follows, recovered/).waitFor()
    await message(page, '/topic/kept/lost', 'meanwhile').waitFor()
    expect(await message(page, '/topic/kept/lost', 'before').count()).toBe(1)
    await subscription(page, '/topic/kept/lost').getByText('2 messages').waitFor()
  })

  it('says what is not recovered when somebody empties the history', async () => {
    const page = await stage.openConnected({ at: bridge })
    await choose(page, 'the newest messages')
    await subscribe(page, '/topic/kept/emptied')
    await publish('/topic/kept/emptied', 'gone')
    await message(page, '/topic/kept/emptied', 'gone').waitFor()
    await fetch(`${bridge.url}/api/history?destination=/topic/kept/emptied`, { method: 'DELETE' })
    await frame(page, /marker: .*not recovered/).waitFor()
    await subscription(page, '/topic/kept/emptied')
      .getByText(/not recovered/)
      .waitFor()
  })

  it('where nothing is kept ends the session once, and goes on without', async () => {
    const page = await stage.openConnected({ at: bridge })
    await choose(page, 'the newest messages')
    await subscribe(page, '/topic/not/here')
    await frame(page, /received ERROR/).waitFor()
    await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
    await subscription(page, '/topic/not/here').getByText('no history here').waitFor()
    await choose(page, 'the newest messages')
    await page.getByLabel('Destination to subscribe').fill('/topic/kept/*')
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await page.getByText('A pattern has no history of its own').waitFor()
  })

  it('is not needed for a retained message, which is marked', async () => {
    await publish('/topic/retained/lamp', 'on')
    const page = await stage.openConnected({ at: bridge })
    await subscribe(page, '/topic/retained/lamp')
    const line = frame(page, /received MESSAGE \/topic\/retained\/lamp on retained \d+-1/)
    await line.waitFor()
    await (await detailsOf(page, line)).getByText('Retained: it was there before the subscription').waitFor()
  })
})
