/** The client's side of access: who the page is, with what, until when, and what it is told of what it may not. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { startGuardedBridge, ticketFor, tokenFor } from './guarded-bridge.ts'
import {
  compose,
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
import { pageStage } from './stage.ts'

const stage = pageStage()

let bridge: BridgeProcess
beforeAll(async () => {
  bridge = await startGuardedBridge()
})

async function openSetup(at = bridge): Promise<Page> {
  const page = await stage.open({ at })
  await openSettings(page)
  return page
}

async function openAs(token: string, { isSoft = false } = {}): Promise<Page> {
  const page = await openSetup()
  await page.getByLabel('Token', { exact: true }).fill(token)
  if (isSoft) await page.getByLabel('Soft errors').check()
  await connect(page)
  return page
}

describe('a credential', () => {
  it.each(['bearer', 'query'] as const)('is a token: %s', async (place) => {
    const token = await tokenFor('alice', { seconds: 600 })
    const page = await openSetup()
    await page.getByLabel('Token', { exact: true }).fill(token)
    await page.getByLabel('The token goes into').selectOption(place)
    await connect(page)
    const card = connectionCard(page)
    await card.getByText('alice', { exact: true }).waitFor()
    await card
      .getByText(/Token expires in (10 min|9 min \d+ s), at .* Read from the token here, not checked\./)
      .waitFor()
    // In no list, no export, and no title.
    const [, payload] = token.split('.')
    expect(await page.content()).not.toContain(payload)
    const download = page.waitForEvent('download')
    await page.getByRole('region', { name: 'Console' }).getByRole('button', { name: 'Export' }).click()
    expect(await readFile(await (await download).path(), 'utf8')).not.toContain(payload)
  })

  it('is nothing: then the page is anonymous, and says so', async () => {
    const page = await stage.openConnected({ at: bridge })
    await connectionCard(page).getByText('anonymous', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Renew…' }).count()).toBe(0)
  })

  it('is a token in place of the passcode', async () => {
    const page = await openSetup()
    await page.getByLabel('Passcode').fill(await tokenFor('alice'))
    await connect(page)
    await connectionCard(page).getByText('alice', { exact: true }).waitFor()
    await connectionCard(page)
      .getByText(/Token expires in/)
      .waitFor()
  })

  it('that is refused is told in words, and not tried again by itself', async () => {
    const page = await openSetup()
    await page.getByLabel('Token', { exact: true }).fill(`${await tokenFor('alice')}x`)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText(/The server sent an ERROR: /).waitFor()
    await page.getByRole('button', { name: 'Connect', exact: true }).waitFor()
  })
})

describe('a ticket in the URL', () => {
  it('is shown as what it is, opens one connection, and is said to be used up then', async () => {
    const own = await startGuardedBridge()
    const ticket = await ticketFor(own, 'alice')
    const page = await stage.open({ at: own })
    await page.getByLabel('URL').fill(`${own.wsUrl}?ticket=${ticket}`)
    await page.getByText('The URL holds a ticket.').waitFor()
    await connect(page)
    const card = connectionCard(page)
    await card.getByText('alice', { exact: true }).waitFor()
    expect(await page.content()).not.toContain(ticket)
    // Lost, it does not come back by itself: the ticket is used.
    await own.stop('SIGKILL')
    await card.getByText('Disconnected', { exact: true }).waitFor()
    await card.getByText(/The ticket in the URL has been used/).waitFor()
    await card.getByRole('button', { name: 'Settings' }).click()
    await page.getByText('The ticket in the URL has been used.', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Take it out' }).click()
    expect(await page.getByLabel('URL').inputValue()).toBe(own.wsUrl)
  })

  it('that is used already is refused, with what to do', async () => {
    const page = await stage.open({ at: bridge })
    await page.getByLabel('URL').fill(`${bridge.wsUrl}?ticket=${await ticketFor(bridge, 'alice')}`)
    await connect(page)
    await page.getByRole('button', { name: 'Disconnect' }).click()
    const card = connectionCard(page)
    await card.getByText('Disconnected', { exact: true }).waitFor()
    await card.getByRole('button', { name: 'Connect', exact: true }).click()
    await card.getByText(/No WebSocket could be opened at .* get a new one, and put it into the URL/).waitFor()
  })

  it('is in no link and in no saved profile, even where secrets are saved', async () => {
    const page = await stage.open({ at: bridge })
    await page.getByLabel('URL').fill(`${bridge.wsUrl}?room=1&ticket=tkt_secret`)
    await page.getByRole('button', { name: 'Copy link' }).click()
    const link = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(Buffer.from(new URL(link).hash.replace('#profile=', ''), 'base64url').toString()).not.toContain('tkt_')
    await page.getByRole('button', { name: 'Save this one' }).click()
    await page.getByLabel('Save passcode and token too').check()
    await page.getByLabel('Name', { exact: true }).fill('Mine')
    await page.getByRole('button', { name: 'Save profile' }).click()
    await page.getByRole('button', { name: 'Use the profile Mine' }).waitFor()
    const stored = await page.evaluate<string>('JSON.stringify(localStorage)')
    expect(stored).toContain('?room=1')
    expect(stored).not.toContain('tkt_')
  })
})

describe('a renewal', () => {
  it('goes on with a new token, and shows until when the receipt says', async () => {
    const page = await openAs(await tokenFor('alice', { seconds: 60 }))
    await page.getByRole('button', { name: 'Renew…' }).click()
    await page.getByLabel('New token').fill(await tokenFor('alice', { seconds: 7200 }))
    await page.getByRole('button', { name: 'Renew session' }).click()
    await page.getByText(/Renewed\. The receipt says: expires \d{10}/).waitFor()
    await connectionCard(page)
      .getByText(/expires in (2 h|1 h 59 min).* The bridge said so/)
      .waitFor()
    const raw = await rawOf(page, frame(page, /sent SEND \/bridge\/renew/))
    expect(await raw.innerText()).toContain('Authorization:••••••')
    expect(await frame(page, /received RECEIPT/).innerText()).toMatch(/expires:\d{10}/)
  })

  it('with the token of another user ends the session, and says why', async () => {
    const page = await openAs(await tokenFor('alice'))
    await page.getByRole('button', { name: 'Renew…' }).click()
    await page.getByLabel('New token').fill(await tokenFor('bob'))
    await page.getByLabel('New token').press('Enter')
    const card = connectionCard(page)
    await card.getByText('Disconnected', { exact: true }).waitFor()
    await card.getByText(/another user/).waitFor()
  })
})

describe('soft errors', () => {
  it('are shown where they were caused, marked in the log, and the session goes on', async () => {
    const page = await openAs(await tokenFor('alice'), { isSoft: true })
    expect(await (await rawOf(page, frame(page, /sent CONNECT/))).innerText()).toContain('errors:soft')
    await page.getByRole('button', { name: 'Close details' }).click()

    await compose(page, '/topic/staff/news', 'psst')
    await page.getByLabel('Ask for a receipt').check()
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    const sending = page.getByRole('region', { name: 'Send a message' })
    await sending.getByText('The last message was refused. The session goes on.').waitFor()
    const refused = sending.getByRole('listitem').filter({ hasText: 'not-authorized' })
    expect(await refused.innerText()).toMatch(
      /You may not send to "\/topic\/staff\/news".*the receipt receipt-1 will not come/s,
    )
    await frame(page, /sent SEND \/topic\/staff\/news .*refused/).waitFor()
    const details = await detailsOf(page, frame(page, /received MESSAGE \/user\/queue\/errors .*not-authorized/))
    await details.getByText(/The server refused a SEND: not-authorized/).waitFor()

    await subscribe(page, '/topic/staff/news')
    const entry = subscription(page, '/topic/staff/news')
    await entry.getByText('Refused', { exact: true }).waitFor()
    await entry.getByText(/You may not subscribe to/).waitFor()
    await frame(page, /sent SUBSCRIBE .*refused/).waitFor()

    await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
    await sending.getByRole('button', { name: 'Dismiss' }).click()
    await expectSoon(() => refused.count(), 0)
    await subscribe(page, '/topic/own/alice')
    await send(page, '/topic/own/alice', 'mine')
    await frame(page, /received MESSAGE \/topic\/own\/alice mine/).waitFor()
  })

  it('say when it may be tried again', async () => {
    const page = await openAs(await tokenFor('alice'), { isSoft: true })
    await send(page, '/topic/public/rated', 'one')
    await send(page, '/topic/public/rated', 'two')
    await page
      .getByText(/rate-limited/)
      .first()
      .waitFor()
    await page
      .getByRole('region', { name: 'Send a message' })
      .getByText(/so often: try again in \d+ s/)
      .waitFor()
  })

  it('tell of a subscription that a renewal ends, which can be tried again', async () => {
    const page = await openAs(await tokenFor('alice', { groups: ['staff'] }), { isSoft: true })
    await subscribe(page, '/topic/staff/news')
    await page.getByRole('button', { name: 'Renew…' }).click()
    const renew = async (groups: readonly string[]) => {
      await page.getByLabel('New token').fill(await tokenFor('alice', { groups }))
      await page.getByRole('button', { name: 'Renew session' }).click()
      await page.getByText(/Renewed\./).waitFor()
    }
    await renew([])
    const entry = subscription(page, '/topic/staff/news')
    await entry.getByText(/The new credential does not allow this subscription/).waitFor()
    await renew(['staff'])
    await entry.getByRole('button', { name: 'Try again' }).click()
    await entry.getByText('0 messages').waitFor()
  })

  it('come only where they are asked for: else the session ends, and is not tried again', async () => {
    const page = await openAs(await tokenFor('alice'))
    await send(page, '/topic/staff/news', 'psst')
    const card = connectionCard(page)
    await card.getByText('Disconnected', { exact: true }).waitFor()
    await card.getByText(/You may not send to/).waitFor()
    expect(await card.getByText('Next attempt').count()).toBe(0)
    expect(await frame(page, /\/user\/queue\/errors/).count()).toBe(0)
  })
})
