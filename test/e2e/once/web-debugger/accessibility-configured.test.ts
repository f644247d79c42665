/** What access, history and work queues add to the page, under axe as all else of it: nothing of any impact. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { createAudit, type Audit } from './audit.ts'
import { startHistoryBridge } from './history-bridge.ts'
import { KEYS, peerOf, startGuardedBridge, tokenFor } from './guarded-bridge.ts'
import { frame, openSettings, showView, subscribe, unfold } from './page.ts'
import { bury, enqueue, QUEUES, startQueueBridge } from './queue-bridge.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

/** Signing in, what is refused while the session goes on, and a renewal. */
async function auditGuardedClient(page: Page, audit: Audit, isPhone: boolean): Promise<void> {
  const pane = async (name: string) => {
    if (isPhone) await page.getByRole('tablist', { name: 'Parts of the connection' }).getByRole('tab', { name }).click()
  }
  const url = await page.getByLabel('URL').inputValue()
  await page.getByLabel('URL').fill(`${url}?ticket=tkt_1`)
  await audit('a ticket in the URL')
  await page.getByLabel('URL').fill(url)
  await openSettings(page)
  await page.getByLabel('Token', { exact: true }).fill(await tokenFor('alice'))
  await page.getByLabel('Soft errors').check()
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await frame(page, /received CONNECTED/).waitFor()
  await pane('Subscribe')
  await subscribe(page, '/topic/staff/news')
  await page.getByText('Refused', { exact: true }).waitFor()
  await audit('a refused subscription')
  await pane('Send')
  await page.getByLabel('Send to').fill('/topic/staff/news')
  await page.getByLabel('Ask for a receipt').check()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByText('The last message was refused.').waitFor()
  await audit('a refused message')
  await pane('Console')
  await frame(page, /sent SEND .*refused/).click()
  await page.getByRole('article').waitFor()
  await audit('details of what was refused')
  await page.getByRole('button', { name: 'Close details' }).click()
  await pane('Status')
  await page.getByRole('button', { name: 'Renew…' }).click()
  await page.getByLabel('New token').fill(await tokenFor('alice'))
  await audit('a renewal')
  await page.getByRole('button', { name: 'Renew session' }).click()
  await page.getByText(/Renewed\. The receipt/).waitFor()
  await audit('a renewal, done')
}

/** Subscriptions that ask, markers, and the history of a destination. */
async function auditHistory(page: Page, audit: Audit, isPhone: boolean): Promise<void> {
  const pane = async (name: string) => {
    if (isPhone) await page.getByRole('tablist', { name: 'Parts of the connection' }).getByRole('tab', { name }).click()
  }
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await frame(page, /received CONNECTED/).waitFor()
  await pane('Subscribe')
  await unfold(page, /^History/)
  for (const kind of [
    'the newest messages',
    'what came after a time',
    'from where I was',
    'what came after an offset',
  ]) {
    await page.getByLabel('What comes first').selectOption(kind)
    await audit(`asking for ${kind}`)
  }
  await page.getByLabel('Offset', { exact: true }).fill('1-1')
  await page.getByLabel('Epoch', { exact: true }).fill('another')
  await subscribe(page, '/topic/retained/lamp')
  await page
    .getByText(/not recovered/)
    .first()
    .waitFor()
  await audit('a subscription that has not recovered')
  await page.getByRole('button', { name: 'Unsubscribe /topic/retained/lamp' }).click()
  await subscribe(page, '/topic/retained/lamp')
  await pane('Console')
  await frame(page, /received MESSAGE .* retained \d/).waitFor()
  await audit('a marker and a retained message')
  await frame(page, /marker: /).click()
  await page.getByRole('article').waitFor()
  await audit('details of a marker')
  await page.getByRole('button', { name: 'Close details' }).click()
  await showView(page, 'Bridge')
  const history = page.getByRole('region', { name: 'History', exact: true })
  const read = async (destination: string) => {
    await history.getByLabel('Destination with history').fill(destination)
    await history.getByRole('button', { name: 'Read', exact: true }).click()
  }
  await read('/topic/retained/lamp')
  await history.locator('summary').first().click()
  await history.getByLabel('Body').waitFor()
  await audit('a history')
  await history.getByRole('button', { name: 'Empty…' }).click()
  await page.getByRole('dialog').waitFor()
  await audit('asking before a history is emptied')
  await page.getByRole('button', { name: 'Empty history' }).click()
  await history.getByText('is empty now').waitFor()
  await audit('an emptied history')
  await read('/topic/none')
  await history.getByText('/topic/none has no history').waitFor()
  await audit('no history')
}

/** The list of queues, one that is open, what is asked before messages go, and a client that works on one. */
async function auditQueues(page: Page, audit: Audit, isPhone: boolean): Promise<void> {
  const pane = async (name: string) => {
    if (isPhone) await page.getByRole('tablist', { name: 'Parts of the connection' }).getByRole('tab', { name }).click()
  }
  await showView(page, 'Bridge')
  const queues = page.getByRole('region', { name: 'Work queues', exact: true })
  await queues.getByRole('table').waitFor()
  await audit('queues')
  await queues.getByRole('button', { name: '/queue/orders' }).click()
  const open = page.getByRole('region', { name: 'Queue /queue/orders' })
  await open.getByRole('listitem').first().locator('summary').click()
  await open.getByLabel('Body').waitFor()
  await audit('a queue')
  await open.getByRole('button', { name: 'Purge…' }).click()
  await page.getByRole('dialog').waitFor()
  await audit('asking before a queue is purged')
  await page.keyboard.press('Escape')
  await queues.getByRole('button', { name: '/queue/fragile/mail' }).click()
  const dead = page.getByRole('region', { name: 'Queue /queue/fragile/mail' })
  await dead.getByText('NACK').waitFor()
  await audit('dead messages')
  await dead.getByRole('button', { name: 'Redrive…' }).click()
  await page.getByRole('dialog').waitFor()
  await audit('asking before messages are put back')
  await page.getByRole('dialog').getByRole('button', { name: 'Redrive 1 message' }).click()
  await dead.getByText('No dead messages').waitFor()
  await audit('no dead messages')
  await queues.getByLabel('Search queues').fill('nowhere')
  await queues.getByText('No queue matches').waitFor()
  await audit('no queue matches')
  await showView(page, 'Client')
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await frame(page, /received CONNECTED/).waitFor()
  await pane('Subscribe')
  await unfold(page, 'Acknowledgement and headers')
  await page.getByLabel('Acknowledgement', { exact: true }).selectOption('client-individual')
  await page.getByLabel('Messages at a time').fill('1')
  await audit('subscribing to a queue')
  await subscribe(page, '/queue/orders')
  await pane('Console')
  await frame(page, /received MESSAGE/).click()
  await page.getByRole('article').getByRole('button', { name: 'NACK' }).click()
  await page.getByRole('button', { name: 'Close details' }).click()
  await frame(page, /delivery 2 wants ACK/).click()
  await page.getByRole('article').getByText('Delivery 2').waitFor()
  await audit('a message that comes again')
}

/** Users, and what ends sessions. */
async function auditPeople(page: Page, audit: Audit): Promise<void> {
  await showView(page, 'Bridge')
  const users = page.getByRole('region', { name: 'Users', exact: true })
  const enter = async (key: string) => {
    await users.getByLabel('API key').fill(key)
    await users.getByRole('button', { name: 'Use key' }).click()
  }
  await users.getByLabel('API key').waitFor()
  await audit('without a key')
  await enter('wrong')
  await users.getByText('does not know').waitFor()
  await audit('with a wrong key')
  await enter(KEYS.read)
  await users.getByRole('list', { name: 'Users' }).getByRole('button', { name: /^bob/ }).click()
  const details = page.getByRole('region', { name: 'User bob' })
  await details.getByText('127.0.0.1').waitFor()
  await page.getByRole('region', { name: 'Who has subscribed' }).getByLabel('Destination').fill('/topic/public/room')
  await page.getByRole('button', { name: 'Ask', exact: true }).click()
  await page.getByRole('list', { name: 'Subscribers' }).waitFor()
  await audit('a user, and who has subscribed')
  for (const name of [/^Close .* of bob$/, 'Close all sessions', 'Revoke user…']) {
    await details.getByRole('button', { name }).click()
    await page.getByRole('dialog').waitFor()
    await audit(`asking before "${String(name)}"`)
    await page.keyboard.press('Escape')
  }
  await users.getByRole('button', { name: 'Revoke a token…' }).click()
  await page.getByLabel('For how many seconds').fill('0')
  await page.getByLabel('Id of the token').fill('jti')
  await audit('asking before a token is revoked, with a mistake')
  await page.keyboard.press('Escape')
  await details.getByRole('button', { name: 'Close all sessions' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Close all' }).click()
  await users.getByText('The key is right, but not enough').waitFor()
  await audit('refused')
  await showView(page, 'Backend')
  await page.getByText('kept in this tab').waitFor()
  await audit('backend with a key')
}

describe.each([
  ['a desktop', false],
  ['a phone', true],
])('axe finds nothing on %s', (_name, isPhone) => {
  it('on a bridge with access', async () => {
    const bridge = await startGuardedBridge()
    await peerOf(bridge, 'bob', '/topic/public/room')
    const page = await stage.open({ at: bridge, isPhone })
    const audit = await createAudit(page)
    await auditGuardedClient(page, audit, isPhone)
    await auditPeople(page, audit)
    expect(audit.found).toEqual([])
  }, 60_000)

  it('on a bridge with history', async () => {
    const bridge = await startHistoryBridge()
    await notify(bridge, '/topic/retained/lamp', { on: true })
    const page = await stage.open({ at: bridge, isPhone })
    const audit = await createAudit(page)
    await auditHistory(page, audit, isPhone)
    expect(audit.found).toEqual([])
  }, 60_000)

  it('on a bridge with work queues', async () => {
    const bridge = await startQueueBridge()
    await enqueue(bridge, '/queue/orders', { order: 7 }, { order: 8 })
    await bury(bridge, '/queue/fragile/mail', 'one')
    const page = await stage.open({ at: bridge, isPhone })
    const audit = await createAudit(page)
    await auditQueues(page, audit, isPhone)
    expect(audit.found).toEqual([])
    const guarded = await stage.open({ at: await startGuardedBridge({}, { queues: QUEUES }), isPhone })
    await showView(guarded, 'Bridge')
    await guarded.getByRole('region', { name: 'Work queues' }).getByLabel('API key').waitFor()
    const auditGuarded = await createAudit(guarded)
    await auditGuarded('queues without a key')
    expect(auditGuarded.found).toEqual([])
  }, 60_000)
})
