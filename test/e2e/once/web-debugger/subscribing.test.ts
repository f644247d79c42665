/** Subscribing in the web debugger: what a message wants, what the page counts, and what it shows of it. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { detailsOf, expectSoon, frame, rawOf, subscribeLive, subscription, unfold } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage({ redis: true })

describe('subscribing', () => {
  const wantsAck = (page: Page) => frame(page, /received MESSAGE .* wants ACK/)

  async function subscribeWith(page: Page, destination: string, ack: string): Promise<void> {
    await unfold(page, 'Acknowledgement and headers')
    await page.getByLabel('Acknowledgement', { exact: true }).selectOption(ack)
    await subscribeLive(page, destination)
  }

  async function publish(destination: string, ...bodies: string[]): Promise<void> {
    for (const body of bodies) expect((await notify(stage.bridge, destination, body)).status).toBeLessThan(300)
  }

  it('needs a destination, and says so', async () => {
    const page = await stage.openConnected()
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await page.getByText('Enter a destination, such as /topic/greetings').waitFor()
  })

  it('takes more headers', async () => {
    const page = await stage.openConnected()
    await unfold(page, 'Acknowledgement and headers')
    const rows = page.getByRole('group', { name: 'SUBSCRIBE headers' })
    await rows.getByRole('button', { name: 'Add header' }).click()
    await rows.getByLabel('SUBSCRIBE headers: name 1').fill('x-group')
    await rows.getByLabel('SUBSCRIBE headers: value 1').fill('blue')
    await subscribeLive(page, '/topic/with/headers')
    expect(await (await rawOf(page, frame(page, /sent SUBSCRIBE/))).innerText()).toContain('x-group:blue')
  })

  it('with client-individual: each message is acknowledged, or refused, by itself', async () => {
    const page = await stage.openConnected()
    await subscribeWith(page, '/topic/each', 'client-individual')
    await publish('/topic/each', 'one', 'two', 'three')
    await wantsAck(page).nth(2).waitFor()
    const second = await detailsOf(page, frame(page, /MESSAGE \/topic\/each two/))
    await second.getByRole('button', { name: 'NACK' }).click()
    await second.getByText('Refused with NACK.').waitFor()
    const third = await detailsOf(page, frame(page, /MESSAGE \/topic\/each three/))
    await third.getByRole('button', { name: 'ACK', exact: true }).click()
    await third.getByText('Acknowledged.').waitFor()
    await frame(page, /MESSAGE \/topic\/each one wants ACK/).waitFor()
    await frame(page, /MESSAGE \/topic\/each two nacked/).waitFor()
    await frame(page, /MESSAGE \/topic\/each three acked/).waitFor()
    await frame(page, /sent NACK id:/).waitFor()
    await frame(page, /sent ACK id:/).waitFor()
  })

  it('with client: one ACK covers all messages before it', async () => {
    const page = await stage.openConnected()
    await subscribeWith(page, '/topic/all', 'client')
    await publish('/topic/all', 'one', 'two', 'three')
    await wantsAck(page).nth(2).waitFor()
    const second = await detailsOf(page, frame(page, /MESSAGE \/topic\/all two/))
    await second.getByRole('button', { name: 'ACK', exact: true }).click()
    await frame(page, /MESSAGE \/topic\/all one acked/).waitFor()
    await frame(page, /MESSAGE \/topic\/all two acked/).waitFor()
    await frame(page, /MESSAGE \/topic\/all three wants ACK/).waitFor()
    expect(await frame(page, /sent ACK/).count()).toBe(1)
  })

  it('counts messages and shows how many come in a second', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/counted')
    const entry = subscription(page, '/topic/counted')
    await entry.getByText('0 messages').waitFor()
    await publish('/topic/counted', ...Array.from({ length: 20 }, (_, i) => `${i}`))
    await entry.getByText('20 messages').waitFor()
    await entry.getByText(/20 messages, [\d.]+\/s/).waitFor()
    await page.getByRole('heading', { name: 'Subscriptions (1)' }).waitFor()
  })

  it('can be muted, which hides messages and goes on counting', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/loud')
    await subscribeLive(page, '/topic/quiet')
    await publish('/topic/loud', 'loud 1')
    await publish('/topic/quiet', 'quiet 1')
    await frame(page, /quiet 1/).waitFor()
    await page.getByRole('button', { name: 'Mute /topic/loud' }).click()
    await frame(page, /loud 1/).waitFor({ state: 'detached' })
    await publish('/topic/loud', 'loud 2')
    await publish('/topic/quiet', 'quiet 2')
    await frame(page, /quiet 2/).waitFor()
    expect(await frame(page, /loud \d/).count()).toBe(0)
    await subscription(page, '/topic/loud').getByText('2 messages').waitFor()
    await page.getByRole('button', { name: 'Mute /topic/loud' }).click()
    await frame(page, /loud 2/).waitFor()
  })

  it('gives each subscription a colour of its own, in the list and in the console', async () => {
    const page = await stage.openConnected()
    const hues: (string | null)[] = []
    for (const name of ['red', 'green']) {
      await subscribeLive(page, `/topic/${name}`)
      await publish(`/topic/${name}`, name)
      const row = frame(page, new RegExp(`MESSAGE /topic/${name}`))
      const hue = await subscription(page, `/topic/${name}`).getAttribute('data-hue')
      expect(await row.locator('[data-hue]').getAttribute('data-hue')).toBe(hue)
      hues.push(hue)
    }
    expect(new Set(hues).size).toBe(2)
  })

  it('ends with UNSUBSCRIBE', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/short')
    await page.getByRole('button', { name: 'Unsubscribe /topic/short' }).click()
    await frame(page, /sent UNSUBSCRIBE/).waitFor()
    await subscription(page, '/topic/short').waitFor({ state: 'detached' })
    await expectSoon(async () => {
      const found = await fetch(`${stage.bridge.url}/api/sessions?search=${encodeURIComponent('/topic/short')}`)
      return ((await found.json()) as { total: number }).total
    }, 0)
  })
})
