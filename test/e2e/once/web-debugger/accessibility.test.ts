/**
 * Every view, dialog and step of the tour under axe, on a desktop and on a phone, light and dark: nothing of any impact.
 * In the dark only colours are looked at again; all else is the same there. What access, history and queues add is
 * looked at beside it.
 */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { createAudit, type Audit } from './audit.ts'
import { connectionCard, frame, openSettings, send, showView, subscribe, unfold } from './page.ts'
import { pageStage, startBridge } from './stage.ts'

const stage = pageStage()

async function auditSetup(page: Page, audit: Audit): Promise<void> {
  await audit('setup')
  await openSettings(page)
  await page.getByLabel('Token', { exact: true }).fill('t0ken')
  await page.getByRole('group', { name: 'CONNECT headers' }).getByRole('button', { name: 'Add header' }).click()
  await page.getByRole('button', { name: 'Save this one' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Mine')
  await page.getByRole('button', { name: 'Save profile' }).click()
  await page.getByLabel('Heart-beats we send, ms').fill('-1')
  await audit('settings with a mistake')
  await page.getByLabel('Heart-beats we send, ms').fill('10000')
}

/** Traffic of every kind, without and with details. */
async function auditClient(page: Page, audit: Audit, isPhone: boolean): Promise<void> {
  const pane = async (name: string) => {
    if (isPhone) await page.getByRole('tablist', { name: 'Parts of the connection' }).getByRole('tab', { name }).click()
  }
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await frame(page, /received CONNECTED/).waitFor()
  await pane('Subscribe')
  await unfold(page, 'Acknowledgement and headers')
  await page.getByLabel('Acknowledgement', { exact: true }).selectOption('client')
  await subscribe(page, '/topic/seen')
  await audit('subscriptions')
  await pane('Send')
  await unfold(page, /^Headers/)
  await unfold(page, 'Repeat')
  await page.getByRole('region', { name: 'Transactions' }).getByRole('button').first().click()
  await page.getByRole('button', { name: 'Begin' }).click()
  await page.getByLabel('Send to').fill('/topic/seen')
  await page.getByLabel('Ask for a receipt').check()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await unfold(page, /^Recently sent/)
  await page.getByRole('radiogroup', { name: 'Kind of body' }).getByText('Hex', { exact: true }).click()
  await page.getByRole('textbox', { name: 'Body' }).fill('x')
  await audit('sending with a mistake, and transactions')
  await pane('Console')
  await notify(stage.bridge, '/topic/seen', { a: 1 })
  await frame(page, /received MESSAGE/).waitFor()
  await audit('console')
  await frame(page, /received MESSAGE/).click()
  await page.getByRole('article').waitFor()
  await audit('details')
  await page.getByRole('article').getByText('Raw', { exact: true }).click()
  await audit('raw')
  await page.getByRole('button', { name: 'Close details' }).click()
  await page.getByLabel('Filter by text').fill('no such thing')
  await page.getByText('Nothing passes the filter').waitFor()
  await audit('nothing passes')
  await page.getByLabel('Filter by text').fill('')
  await pane('Status')
  await audit('status')
  if (!isPhone) {
    await page.getByRole('tab', { name: 'Backend side' }).click()
    await audit('backend side beside the console')
  }
}

/** What the filter finds and how it is shown, headers that changed, and errors. */
async function auditFinding(page: Page, audit: Audit): Promise<void> {
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await frame(page, /received CONNECTED/).waitFor()
  const panes = page.getByRole('tablist', { name: 'Parts of the connection' })
  const pane = async (name: string) => {
    if (await panes.isVisible()) await panes.getByRole('tab', { name }).click()
  }
  await pane('Subscribe')
  await subscribe(page, '/topic/found')
  await pane('Send')
  await send(page, '/topic/found', 'plain')
  await pane('Console')
  await frame(page, /received MESSAGE .* plain/).waitFor()
  await notify(stage.bridge, '/topic/found', { list: [1, true, null, 'x'] })
  await page.getByLabel('Filter by text').fill('/list/ destination:found')
  await frame(page, /received MESSAGE/).click()
  const details = page.getByRole('article')
  await details.locator('mark').first().waitFor()
  await details.getByText('new', { exact: true }).first().waitFor()
  await audit('what was found')
  await details.getByRole('button', { name: 'Fold "list"' }).click()
  await audit('folded JSON')
  await page.getByRole('button', { name: 'Close details' }).click()
  await page.getByLabel('Filter by text').fill('/(/')
  await page.getByText('is not closed').waitFor()
  await audit('an expression with a mistake')
  await page.getByLabel('Filter by text').fill('')
  await pane('Send')
  await send(page, '/nowhere/known', 'x')
  await pane('Console')
  await page.getByRole('button', { name: 'Next error' }).waitFor()
  await audit('errors')
  // The session that was refused is replaced meanwhile, and what is on the page moves when it is.
  await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
  const line = { time: '2026-01-01T00:00:00Z', direction: 'out', kind: 'frame', command: 'SEND', body: 'x' }
  const log = JSON.stringify({ ...line, headers: [['destination', '/topic/found']] })
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Import' }).click()
  await (await chooser).setFiles({ name: 'a.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(log) })
  await page.getByText('The imported log has sent 1 message.').waitFor()
  await audit('an imported log')
  await page.getByRole('button', { name: 'Settings' }).click()
  await page.getByRole('button', { name: 'Forget everything…' }).click()
  await page.getByRole('dialog').waitFor()
  await audit('asking before everything is forgotten')
}

async function auditBackend(page: Page, audit: Audit): Promise<void> {
  await showView(page, 'Backend')
  await audit('backend')
  await page.getByRole('button', { name: 'Watch GREETING_CHANNEL_OUTBOUND' }).click()
  await page.getByLabel('Channel to watch').fill('GREETING_CHANNEL_INBOUND')
  await page.getByLabel('Channel to watch').press('Enter')
  const watched = page.getByRole('list', { name: 'Watched channels' })
  await watched.getByText('live', { exact: true }).nth(1).waitFor()
  await page.getByRole('button', { name: 'Publish', exact: true }).click()
  await page.getByRole('button', { name: 'Post notification' }).click()
  const messages = page.getByRole('listbox', { name: 'Messages on the watched channels' })
  await messages.getByRole('option').first().click()
  await audit('backend with a message')
}

async function auditBridge(page: Page, audit: Audit): Promise<void> {
  await showView(page, 'Bridge')
  await page
    .getByRole('button', { name: /^Close \S+-\d+$/ })
    .first()
    .waitFor()
  await audit('bridge')
  await page
    .getByRole('button', { name: /^Close \S+-\d+$/ })
    .first()
    .click()
  await page.getByRole('dialog').waitFor()
  await audit('closing a session')
  await page.getByRole('button', { name: 'Keep it' }).click()
}

async function auditTour(page: Page, audit: Audit): Promise<void> {
  await page.getByRole('banner').getByRole('button', { name: /tour/i }).click()
  const tour = page.getByRole('complementary', { name: 'Guided tour' })
  const press = (name: RegExp) => tour.getByRole('button', { name }).click()
  await audit('tour')
  for (const [flow, ...steps] of [
    ['HTTP to browsers', 'Subscribe for me', 'Post it'],
    ['Redis to browsers', 'Subscribe for me', 'Publish it'],
    ['Browsers to Redis', 'Watch it', 'Send it'],
  ] as const) {
    await press(new RegExp(`^(Next: )?${flow}`))
    for (const step of steps) {
      await tour.getByRole('button', { name: step }).waitFor()
      await audit(`tour, ${flow}, before ${step}`)
      await press(new RegExp(step))
    }
    await tour.getByText('There it is.').waitFor()
    await audit(`tour, ${flow}, done`)
  }
  await press(/Leave the tour/)
}

describe.each([
  ['a desktop', false],
  ['a phone', true],
])('axe finds nothing on %s', (_name, isPhone) => {
  it('in the views and dialogs', async () => {
    const page = await stage.open({ isPhone })
    const audit = await createAudit(page)
    await auditSetup(page, audit)
    await auditClient(page, audit, isPhone)
    await auditBackend(page, audit)
    await auditBridge(page, audit)
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
    await page.getByRole('dialog').waitFor()
    await audit('shortcuts')
    expect(audit.found).toEqual([])
  }, 60_000)

  it('in the steps of the tour', async () => {
    const page = await stage.openConnected({ isPhone })
    const audit = await createAudit(page)
    await auditTour(page, audit)
    expect(audit.found).toEqual([])
  }, 60_000)

  it('in what the console finds', async () => {
    const page = await stage.open({ isPhone })
    const audit = await createAudit(page)
    await auditFinding(page, audit)
    expect(audit.found).toEqual([])
  }, 60_000)

  it('in the API documentation, with everything unfolded', async () => {
    const page = await stage.visit(`${stage.bridge.url}/docs`, { isPhone })
    const audit = await createAudit(page)
    await page.locator('details').evaluateAll((all) => all.forEach((each) => each.setAttribute('open', '')))
    await audit('documentation')
    expect(audit.found).toEqual([])
  }, 60_000)

  it.each([
    ['off', { STOMP_BRIDGE_DEBUGGER_API: 'off' }, 'The debug API of this bridge is off'],
    ['behind a token', { STOMP_BRIDGE_DEBUGGER_TOKEN: 'a-secret-of-enough-letters' }, 'The debug API wants its token'],
  ])('where the debug API is %s', async (_state, env, text) => {
    const page = await stage.open({ at: await startBridge(env), isPhone })
    const audit = await createAudit(page)
    for (const view of ['Backend', 'Bridge'] as const) {
      await showView(page, view)
      await page.getByText(text).waitFor()
      await audit(view)
    }
    expect(audit.found).toEqual([])
  })
})
