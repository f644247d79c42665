/** Connections in doubt, lost and refused, and what becomes of messages, under axe: nothing of any impact. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { createAudit, type Audit } from './audit.ts'
import { compose, frame, send, subscribe } from './page.ts'
import { pageStage } from './stage.ts'
import { startStrangeServer, type StrangeServer } from './strange-server.ts'

const stage = pageStage()

/** A server that falls silent, and is lost. */
async function auditDoubt(page: Page, audit: Audit, server: StrangeServer): Promise<void> {
  await page.getByLabel('URL').fill(`ws://${server.host}/ws`)
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await frame(page, /received CONNECTED/).waitFor()
  server.fallSilent()
  await page.clock.runFor(76_000)
  await page.getByText('Heart-beat missed', { exact: true }).waitFor()
  await audit('a missed heart-beat')
  await page.clock.runFor(45_000)
  await frame(page, /Connection lost/).waitFor()
  await audit('a lost connection')
}

/** A server that refuses the same twice. */
async function auditRefusal(page: Page, audit: Audit, isPhone: boolean): Promise<void> {
  if (isPhone) await page.getByRole('tab', { name: 'Subscribe' }).click()
  await subscribe(page, '/topic/seen')
  await subscribe(page, 'nowhere')
  await page.getByRole('button', { name: 'Try again without this subscription' }).waitFor()
  await audit('a refusal that comes again')
}

/** A server with a virtual host and long errors, which does not close after them. */
async function auditOtherServer(page: Page, audit: Audit, isPhone: boolean, server: StrangeServer): Promise<void> {
  await page.getByLabel('URL').fill('')
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await audit('an empty URL')
  await page.getByLabel('URL').fill(`${server.host}/ws`)
  await page.getByText('Connects to ws://').waitFor()
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await page.getByRole('button', { name: 'Use host /' }).waitFor()
  await audit('a refused virtual host')
  await page.getByRole('button', { name: 'Use host /' }).click()
  await frame(page, /received CONNECTED/).waitFor()
  if (isPhone) await page.getByRole('tab', { name: 'Send' }).click()
  await send(page, '/queue/a', 'x')
  await page.getByText('the session goes on:').waitFor()
  await audit('a session that goes on after an ERROR')
}

/** A frame that is too large, and one with its receipt. */
async function auditOutcomes(page: Page, audit: Audit, isPhone: boolean): Promise<void> {
  if (isPhone) await page.getByRole('tab', { name: 'Send' }).click()
  await compose(page, '/topic/large', 'x'.repeat(70_000))
  await page.getByRole('button', { name: 'Send all the same' }).waitFor()
  await audit('a frame that is too large')
  await page.getByLabel('Ask for a receipt').check()
  await send(page, '/topic/small', 'x')
  await page.getByText(/^Receipt in/).waitFor()
  await audit('a receipt')
  await page.getByRole('button', { name: 'Show RECEIPT' }).click()
  await page
    .getByRole('article')
    .getByText(/^Answers SEND/)
    .waitFor()
  await audit('details of a receipt')
}

describe.each([
  ['a desktop', false],
  ['a phone', true],
])('axe finds nothing on %s', (_name, isPhone) => {
  it('where a connection is in doubt, lost, or refused', async () => {
    const server = await startStrangeServer({ heartBeatMs: 60_000 })
    const page = await stage.open({ isPhone, hasClock: true, otherSockets: [`ws://${server.host}`] })
    const audit = await createAudit(page)
    await auditDoubt(page, audit, server)
    expect(audit.found).toEqual([])
    const refused = await stage.openConnected({ isPhone })
    const auditRefused = await createAudit(refused)
    await auditRefusal(refused, auditRefused, isPhone)
    expect(auditRefused.found).toEqual([])
  }, 60_000)

  it('where a server refuses, and where something became of a message', async () => {
    const server = await startStrangeServer({
      refuse: ({ command, headers }) =>
        command === 'CONNECT' && headers.get('host') === '/'
          ? undefined
          : { headers: { message: 'Refused' }, body: 'Virtual host denied\n\tat line 1', isOpenAfter: true },
    })
    const page = await stage.open({ isPhone, otherSockets: [`ws://${server.host}`] })
    const audit = await createAudit(page)
    await auditOtherServer(page, audit, isPhone, server)
    expect(audit.found).toEqual([])
    const own = await stage.openConnected({ isPhone })
    const auditOwn = await createAudit(own)
    await auditOutcomes(own, auditOwn, isPhone)
    expect(auditOwn.found).toEqual([])
  }, 60_000)
})
