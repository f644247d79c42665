/** Settings that are opened, and changed, while a connection is there: what it is, and what is done by whom. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { connect, connectionCard, expectFocus, expectSoon, frame } from './page.ts'
import { pageStage } from './stage.ts'
import { startStrangeServer, type StrangeServer } from './strange-server.ts'

const stage = pageStage()

async function openAt(server: StrangeServer, ...others: readonly StrangeServer[]): Promise<Page> {
  const page = await stage.open({ otherSockets: [server, ...others].map(({ host }) => `ws://${host}`) })
  await page.getByLabel('URL').fill(`ws://${server.host}/ws`)
  await connect(page)
  return page
}

const openSettings = (page: Page) => connectionCard(page).getByRole('button', { name: 'Settings' }).click()

/** The commands that a server got, with what they are for. */
const got = ({ received }: StrangeServer) =>
  received.all.map(({ command, headers }) => `${command} ${headers.get('destination') ?? ''}`.trim())

describe('other settings', () => {
  it('change nothing of what is there until somebody reconnects with them', async () => {
    const server = await startStrangeServer()
    const other = await startStrangeServer()
    const page = await openAt(server, other)
    const card = connectionCard(page)
    await page.getByLabel('Destination to subscribe').fill('/topic/typed')
    await openSettings(page)
    const profiles = [{ name: 'Other', url: `ws://${other.host}/ws`, subscriptions: [{ destination: '/topic/other' }] }]
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Import' }).click()
    const file = { name: 'x.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ profiles })) }
    await (await chooser).setFiles(file)
    await page.getByRole('button', { name: 'Use the profile Other' }).click()
    await page.getByText(`Until then it stays ws://${server.host}/ws`).waitFor()
    await page.getByRole('button', { name: 'Back to the console' }).click()
    await card.getByText('Connected', { exact: true }).waitFor()
    await card.getByText(`ws://${server.host}/ws`, { exact: true }).waitFor()
    await card.getByText('The settings have changed.').waitFor()
    expect(await page.getByLabel('Destination to subscribe').inputValue()).toBe('/topic/typed')

    await openSettings(page)
    await page.getByRole('button', { name: 'Reconnect with these settings' }).waitFor()
    await page.getByLabel('URL').press('Enter')
    await card.getByText('Connected', { exact: true }).waitFor()
    await card.getByText(`ws://${other.host}/ws`, { exact: true }).waitFor()
    await expectSoon(async () => got(other), ['CONNECT', 'SUBSCRIBE /topic/other'])
    expect(got(server)).toEqual(['CONNECT', 'DISCONNECT'])
  })
})

describe('a loss', () => {
  it('takes nothing from under the hands of who types, and is told in the settings too', async () => {
    const server = await startStrangeServer({
      connected: { server: 'stomp-bridge/1', 'user-name': 'alice' },
      // Long enough that nothing comes back while the test does its steps.
      refuse: ({ command }) =>
        command === 'SEND' ? { headers: { message: 'Not now', 'retry-after': '60' } } : undefined,
    })
    const page = await openAt(server)
    const card = connectionCard(page)
    await card.getByRole('button', { name: 'Renew…' }).click()
    const token = page.getByLabel('New token')
    await token.fill('abc')
    await token.press('Enter')
    await card.getByText('Connection lost', { exact: true }).waitFor()
    await page.keyboard.type('3t2?')
    expect([await token.inputValue(), new URL(page.url()).hash]).toEqual(['abc3t2?', ''])

    server.fallSilent()
    await card.getByRole('button', { name: 'Try now' }).press('Enter')
    await expectFocus(card.getByRole('button', { name: 'Stop' }))
    await card.getByText(/Next attempt in \d+ s/).waitFor()
    await openSettings(page)
    await page.getByText(/Next attempt in \d+ s/).waitFor()
    server.recover()
    await page.getByRole('button', { name: 'Disconnect' }).waitFor()
    // Nobody has asked the settings to close.
    await page.getByRole('button', { name: 'Back to the console' }).click()
    await expectSoon(() => frame(page, /received CONNECTED/).count(), 2)
  })
})
