/**
 * The three flows end to end, as a person does them on the page and as the tour does them, on Redis and on the embedded
 * bus. What is on Redis is looked at from outside too.
 */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { listen, notify } from '../../../support/clients/backend.ts'
import { frame, send, showBackendSide, subscribeLive, tabTo, untilListening } from './page.ts'
import { pageStage, type PageStage } from './stage.ts'

/** What both buses have to do. */
function flows(stage: PageStage): void {
  it('flow 1: posts a notification, which a subscriber of /topic/toast gets', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/toast')
    await showBackendSide(page)
    await page.getByRole('textbox', { name: 'Message' }).first().fill('It is ready')
    await page.getByRole('button', { name: 'Post notification' }).click()
    await page.getByText('Accepted. Every subscriber of /topic/toast gets it.').waitFor()
    await frame(page, /received MESSAGE \/topic\/toast It is ready/).waitFor()
    await notify(stage.bridge, '/topic/toast', 'from elsewhere')
    await frame(page, /received MESSAGE \/topic\/toast from elsewhere/).waitFor()
  })

  it('flow 2: publishes as a backend, which a subscriber of /topic/greetings gets', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/greetings')
    await showBackendSide(page)
    const panel = page.getByRole('region', { name: 'Publish on a channel' })
    await panel.getByLabel('Message').fill('Good morning')
    await panel.getByText('"Good morning"', { exact: true }).waitFor()
    await panel.getByRole('button', { name: 'Publish', exact: true }).click()
    await panel.getByText('Published 14 bytes on GREETING_CHANNEL_INBOUND.').waitFor()
    await frame(page, /received MESSAGE \/topic\/greetings Good morning/).waitFor()
  })

  it('flow 3: sends to /app/greet, and sees it live on GREETING_CHANNEL_OUTBOUND', async () => {
    const page = await stage.openConnected()
    await showBackendSide(page)
    await page.getByRole('button', { name: 'Watch GREETING_CHANNEL_OUTBOUND' }).click()
    const watched = page.getByRole('list', { name: 'Watched channels' })
    await watched.getByText('live', { exact: true }).waitFor()
    await page.getByRole('tab', { name: 'Subscribe and send' }).click()
    await send(page, '/app/greet', 'Hello "backend"')
    await frame(page, /sent SEND \/app\/greet Hello "backend"/).waitFor()
    await showBackendSide(page)
    const message = page.getByRole('listbox', { name: 'Messages on the watched channels' }).getByRole('option')
    await message.getByText(String.raw`"Hello \"backend\""`).click()
    const selected = page.getByRole('region', { name: 'Selected message' })
    await selected.getByText('Read as json-string').waitFor()
    await selected.getByText('Hello "backend"', { exact: true }).waitFor()
    await watched.getByText('1 message', { exact: true }).waitFor()
  })

  it('goes through the tour of all three by keyboard alone', async () => {
    const page = await stage.open()
    const tour = page.getByRole('complementary', { name: 'Guided tour' })
    const press = async (name: string) => {
      await tabTo(page, tour.getByRole('button', { name }))
      await page.keyboard.press('Enter')
    }
    await page.keyboard.press('t')
    await press('HTTP to browsers')
    await press('Connect for me')
    await press('Subscribe for me')
    await press('Post it')
    await arrived(page, 'Hello from the tour')
    await press('Next: Redis to browsers')
    await press('Subscribe for me')
    await press('Publish it')
    await arrived(page, 'Hello from Redis')
    await press('Next: Browsers to Redis')
    await press('Watch it')
    await press('Send it')
    await arrived(page, '"Hello from the browser"')
    await press('Finish')
    await tour.waitFor({ state: 'detached' })
    await frame(page, /received MESSAGE \/topic\/toast Hello from the tour/).waitFor()
    await frame(page, /received MESSAGE \/topic\/greetings Hello from Redis/).waitFor()
    await frame(page, /sent SEND \/app\/greet Hello from the browser/).waitFor()
    await frame(page, /received RECEIPT/).waitFor()
  })
}

async function arrived(page: Page, text: string): Promise<void> {
  const tour = page.getByRole('complementary', { name: 'Guided tour' })
  await tour.getByText('There it is.').waitFor()
  await tour.getByText(text, { exact: true }).waitFor()
}

describe('the three flows on Redis', () => {
  const stage = pageStage({ redis: true })

  flows(stage)

  it('flow 2 from outside: what redis-cli publishes shows up', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/greetings')
    await untilListening(stage.backend, 'GREETING_CHANNEL_INBOUND')
    await stage.backend.publish('GREETING_CHANNEL_INBOUND', '"from redis-cli"')
    await frame(page, /received MESSAGE \/topic\/greetings from redis-cli/).waitFor()
  })

  it('flow 3 from outside: Redis has the JSON string with its quotes', async () => {
    const outbound = await listen(stage.redis, 'GREETING_CHANNEL_OUTBOUND')
    const page = await stage.openConnected()
    await send(page, '/app/greet', 'Hello\n"you"')
    expect(String(await outbound.next())).toBe(String.raw`"Hello\n\"you\""`)
  })

  it('what the page publishes is on Redis, byte for byte', async () => {
    const inbound = await listen(stage.redis, 'GREETING_CHANNEL_INBOUND')
    const page = await stage.openConnected()
    await showBackendSide(page)
    const panel = page.getByRole('region', { name: 'Publish on a channel' })
    const publish = panel.getByRole('button', { name: 'Publish', exact: true })
    await panel.getByLabel('Message').fill('grüß "dich"')
    await publish.click()
    expect(String(await inbound.next())).toBe(String.raw`"grüß \"dich\""`)
    await panel.getByLabel('Payload as').selectOption('raw')
    await publish.click()
    expect(String(await inbound.next())).toBe('grüß "dich"')
  })

  it('the tour notices what the reader does without it, and can be left at any step', async () => {
    const page = await stage.open()
    await page.getByRole('button', { name: 'Take the tour' }).click()
    const tour = page.getByRole('complementary', { name: 'Guided tour' })
    await tour.getByRole('button', { name: /Redis to browsers/ }).click()
    const current = (title: string) =>
      tour.getByRole('listitem').and(page.locator('[aria-current=step]')).getByText(title, { exact: true }).waitFor()
    await current('Connect')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await current('Subscribe to /topic/greetings')
    await subscribeLive(page, '/topic/greetings')
    await current('Publish on the channel')
    await untilListening(stage.backend, 'GREETING_CHANNEL_INBOUND')
    await stage.backend.publish('GREETING_CHANNEL_INBOUND', '"by hand"')
    await arrived(page, 'by hand')
    await tour.getByRole('button', { name: 'Once more' }).click()
    await current('Publish on the channel')
    await tour.getByRole('button', { name: 'Leave the tour' }).press('Escape')
    await tour.waitFor({ state: 'detached' })
    await subscribeLive(page, '/topic/still/there')
  })
})

describe('the three flows on the embedded bus', () => {
  flows(pageStage())
})
