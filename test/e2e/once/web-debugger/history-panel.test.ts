/** The history of a destination in the bridge view: reading it, emptying it, and what the bridge has counted. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { KEYS, startGuardedBridge } from './guarded-bridge.ts'
import { HISTORY, startHistoryBridge } from './history-bridge.ts'
import { expectSoon, frame, showView, subscribe, unfold } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

let bridge: BridgeProcess
beforeAll(async () => {
  bridge = await startHistoryBridge()
})

async function publish(destination: string, ...bodies: unknown[]): Promise<void> {
  for (const body of bodies) expect((await notify(bridge, destination, body)).status).toBeLessThan(300)
}

const panel = (page: Page) => page.getByRole('region', { name: 'History', exact: true })
const held = (page: Page) => panel(page).getByRole('list', { name: 'Messages that are held' }).getByRole('listitem')

async function read(page: Page, destination: string): Promise<void> {
  await panel(page).getByLabel('Destination with history').fill(destination)
  await panel(page).getByRole('button', { name: 'Read', exact: true }).click()
}

async function openBridge(at = bridge): Promise<Page> {
  const page = await stage.open({ at })
  await showView(page, 'Bridge')
  return page
}

describe('the history of a destination', () => {
  it('is read page by page, oldest first, with offsets and times', async () => {
    await publish('/topic/kept/read', ...Array.from({ length: 70 }, (_, i) => ({ number: i + 1 })))
    const page = await openBridge()
    await read(page, '/topic/kept/read')
    await panel(page).getByText('The oldest 50 messages, and there are more').waitFor()
    expect(await held(page).first().innerText()).toMatch(/\d\d:\d\d:\d\d\s+\d+-1\s+{"number":1}/)
    await panel(page).getByRole('button', { name: 'Load more' }).click()
    await panel(page).getByText('All 70 messages').waitFor()
    expect(await held(page).last().innerText()).toMatch(/\d+-70\s+{"number":70}/)
    await publish('/topic/kept/read', 'new')
    await panel(page).getByRole('button', { name: 'Look for newer ones' }).click()
    await expectSoon(() => held(page).count(), 71)
    await held(page).first().locator('summary').click()
    expect(await held(page).first().getByLabel('Body').innerText()).toBe('{\n  "number": 1\n}')
    await held(page)
      .first()
      .getByRole('row', { name: /^content-type/ })
      .waitFor()
  })

  it('is emptied after a second thought', async () => {
    await publish('/topic/kept/doomed', 'one', 'two')
    const page = await openBridge()
    await read(page, '/topic/kept/doomed')
    await expectSoon(() => held(page).count(), 2)
    const dialog = page.getByRole('dialog', { name: 'Empty this history?' })
    await panel(page).getByRole('button', { name: 'Empty…' }).click()
    await dialog.getByRole('button', { name: 'Keep it' }).click()
    await dialog.waitFor({ state: 'hidden' })
    expect(await held(page).count()).toBe(2)
    await panel(page).getByRole('button', { name: 'Empty…' }).click()
    await dialog.getByText('/topic/kept/doomed').waitFor()
    await dialog.getByRole('button', { name: 'Empty history' }).click()
    await panel(page).getByText('The history of /topic/kept/doomed is empty now').waitFor()
    await panel(page).getByText('Nothing is held for /topic/kept/doomed').waitFor()
    expect(await held(page).count()).toBe(0)
  })

  it('is shown with what is retained, and missed in plain words where there is none', async () => {
    await publish('/topic/retained/lamp', 'off', 'on')
    const page = await openBridge()
    await read(page, '/topic/retained/lamp')
    const retained = panel(page).getByRole('list', { name: 'Retained' }).getByRole('listitem')
    expect(await retained.innerText()).toMatch(/retained\s.*-2\s+on/s)
    await expectSoon(() => held(page).count(), 2)
    await read(page, '/topic/not/here')
    await panel(page).getByText('/topic/not/here has no history').waitFor()
    expect(await held(page).count()).toBe(0)
    const bare = await openBridge(stage.bridge)
    await read(bare, '/topic/greetings')
    await panel(bare).getByText('/topic/greetings has no history').waitFor()
  })

  it('is not needed for a value that is kept in a key', async () => {
    const route = { channel: 'state:{name}', destination: '/topic/state/{name}', codec: 'raw', kept: 'key' }
    const keeper = await startHistoryBridge({
      history: [],
      routes: { inbound: [{ ...route, keptTtlSeconds: 3600 }] },
    })
    expect((await notify(keeper, '/topic/state/lamp', 'bright')).status).toBeLessThan(300)
    const page = await openBridge(keeper)
    await read(page, '/topic/state/lamp')
    const retained = panel(page).getByRole('list', { name: 'Retained' }).getByRole('listitem')
    expect(await retained.innerText()).toMatch(/retained\s+kept in a key\s+bright/)
    await panel(page).getByText('/topic/state/lamp has no history').waitFor()
  })

  it('takes an API key where access is configured, and another one to be emptied', async () => {
    const guarded = await startGuardedBridge({}, { history: HISTORY })
    const page = await openBridge(guarded)
    await read(page, '/topic/kept/x')
    await panel(page).getByText('This needs an API key of the bridge').waitFor()
    const users = page.getByRole('region', { name: 'Users', exact: true })
    await users.getByLabel('API key').fill(KEYS.read)
    await users.getByRole('button', { name: 'Use key' }).click()
    await read(page, '/topic/kept/x')
    await panel(page).getByText('Nothing is held for /topic/kept/x').waitFor()
    await panel(page).getByRole('button', { name: 'Empty…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Empty history' }).click()
    await panel(page).getByText('The key is right, but not enough').waitFor()
  })
})

describe('what the bridge counts', () => {
  it('are recoveries and reads, as they happen', async () => {
    const page = await openBridge()
    await panel(page)
      .getByText(/^0 recovered, 0 incomplete$/)
      .waitFor()
    await panel(page)
      .getByText(/^0 filled, 0 not filled$/)
      .waitFor()
    await showView(page, 'Client')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await frame(page, /received CONNECTED/).waitFor()
    await unfold(page, /^History/)
    await publish('/topic/kept/counted', 'one')
    await page.getByLabel('What comes first').selectOption('the newest messages')
    await subscribe(page, '/topic/kept/counted')
    await frame(page, /received MESSAGE .* one/).waitFor()
    await page.getByRole('button', { name: 'Unsubscribe /topic/kept/counted' }).click()
    await page.getByLabel('What comes first').selectOption('from where I was')
    await subscribe(page, '/topic/kept/counted')
    await frame(page, /marker: .*, recovered/).waitFor()
    await page.getByLabel('What comes first').selectOption('what came after an offset')
    await page.getByLabel('Offset', { exact: true }).fill('1-1')
    await page.getByLabel('Epoch', { exact: true }).fill('another')
    await page.getByLabel('Destination to subscribe').fill('/topic/kept/counted')
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await frame(page, /marker: .*not recovered/).waitFor()
    await showView(page, 'Bridge')
    await panel(page)
      .getByText(/^1 recovered, 1 incomplete$/)
      .waitFor()
    await panel(page)
      .getByText(/^[1-9]\d* since the start$/)
      .waitFor()
  })
})
