/** The room of the client's view: panes whose width somebody sets, and hundreds of subscriptions that can be found. */
import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { detailsOf, expectFocus, expectSoon, frame, send, subscribe, tabTo } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage({ env: { STOMP_BRIDGE_LIMITS_MAX_SUBSCRIPTIONS: '300' } })

const SMALL = { width: 1024, height: 700 }

const line = (page: Page, name: string) => page.getByRole('separator', { name })
const widthOf = async (part: Locator) => Math.round((await part.boundingBox())!.width)

async function drag(page: Page, separator: Locator, byX: number): Promise<void> {
  const { x, y, width, height } = (await separator.boundingBox())!
  await page.mouse.move(x + width / 2, y + height / 2)
  await page.mouse.down()
  await page.mouse.move(x + width / 2 + byX / 2, y + height / 2)
  await page.mouse.move(x + width / 2 + byX, y + height / 2)
  await page.mouse.up()
}

/** As many as somebody has who looks at a whole system: in what the page keeps over a reload, as typing them takes long. */
async function subscribeMany(page: Page, count: number): Promise<void> {
  const subscriptions = Array.from({ length: count }, (_, i) => ({
    id: `sub-${i}`,
    destination: `/topic/region-${i % 4}/a-rather-long-name-of-something/device-${i}`,
  }))
  await page.evaluate(`{
    const kept = JSON.parse(sessionStorage.getItem('stomp-bridge.page'))
    kept.tabs[0].subscriptions = ${JSON.stringify(subscriptions)}
    sessionStorage.setItem('stomp-bridge.page', JSON.stringify(kept))
  }`)
  await page.reload()
  await page.getByRole('button', { name: `Subscriptions (${count})` }).waitFor()
  await frame(page, /sent SUBSCRIBE .*device-199/).waitFor()
}

describe('the line between two panes', () => {
  it('moves with a pointer and with keys, is remembered, and goes back', async () => {
    const page = await stage.openConnected()
    await send(page, '/topic/a', 'x')
    const panels = page.getByRole('region', { name: 'Connection', exact: true })
    const side = line(page, 'Width of the panels')
    const usual = await widthOf(panels)
    await drag(page, side, 100)
    await expectSoon(() => widthOf(panels), usual + 100)
    await side.focus()
    await page.keyboard.press('ArrowLeft')
    await expectSoon(() => widthOf(panels), usual + 84)
    expect(Number(await side.getAttribute('aria-valuenow'))).toBeGreaterThan(usual)
    await page.keyboard.press('Home')
    await expectSoon(async () => side.getAttribute('aria-valuenow'), await side.getAttribute('aria-valuemin'))
    const narrow = await widthOf(panels)
    const details = await detailsOf(page, frame(page, /sent SEND/))
    const before = await widthOf(details)
    await tabTo(page, line(page, 'Width of the details'))
    await page.keyboard.press('Shift+ArrowLeft')
    await expectSoon(() => widthOf(details), before + 64)
    await page.reload()
    await frame(page, /sent SEND/).waitFor()
    expect(await widthOf(panels)).toBe(narrow)
    await detailsOf(page, frame(page, /sent SEND/))
    await expectSoon(() => widthOf(details), before + 64)
    await line(page, 'Width of the details').dblclick()
    await side.focus()
    await page.keyboard.press('Enter')
    await expectSoon(() => widthOf(panels), usual)
  })
})

describe('a window of 1024 by 700 with 200 subscriptions', () => {
  it('has list and details beside each other, and finds a subscription by words or by group', async () => {
    const page = await stage.openConnected()
    await page.setViewportSize(SMALL)
    await subscribeMany(page, 200)
    const list = page.getByRole('list', { name: 'Subscriptions', exact: true })
    await page.getByLabel('Search subscriptions').fill('region-3 device-19')
    await expectSoon(() => list.getByRole('listitem').count(), 4)
    await page.getByText('4 of 200').waitFor()
    // What names differ in is at their end, and stays in sight.
    const found = list.getByRole('listitem').first()
    expect(await found.getByTitle('/topic/region-3/a-rather-long-name-of-something/device-19').count()).toBeGreaterThan(
      0,
    )
    const box = (await found.boundingBox())!
    const tail = (await found.locator('.middle-cut-end').boundingBox())!
    expect(tail.x + tail.width).toBeLessThanOrEqual(box.x + box.width)
    await page.getByLabel('Search subscriptions').fill('nowhere')
    await page.getByText('No subscription fits').waitFor()
    await page.getByLabel('Search subscriptions').fill('')

    await page.getByRole('button', { name: 'Group' }).click()
    const groups = page.getByRole('button', { name: /^\/topic\/region-\d\/a-rather-long-name-of-something\/ 50$/ })
    await expectSoon(() => groups.count(), 4)
    await groups.first().click()
    const inGroup = page.getByRole('list', { name: /^Subscriptions of \/topic\/region-0/ })
    await expectSoon(() => inGroup.getByRole('listitem').count(), 50)
    await page.getByLabel('Search subscriptions').fill('region-3 device-19')
    const fitting = page.getByRole('list', { name: /^Subscriptions of \/topic\/region-3/ })
    await expectSoon(() => fitting.getByRole('listitem').count(), 4)

    await detailsOf(page, frame(page, /sent SUBSCRIBE .*device-199/))
    expect(await page.getByRole('listbox', { name: 'Frames' }).isVisible()).toBe(true)
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(SMALL.width)
    expect(await page.evaluate<number>('document.documentElement.scrollHeight')).toBeLessThanOrEqual(SMALL.height)
  }, 60_000)

  it('are listed plainly where there are few', async () => {
    const page = await stage.openConnected()
    await subscribe(page, '/topic/one')
    expect(await page.getByLabel('Search subscriptions').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Group' }).count()).toBe(0)
    // Who ends one after the other has the next button under the finger.
    await subscribe(page, '/topic/two')
    await page.getByRole('button', { name: 'Unsubscribe /topic/one' }).press('Enter')
    await expectFocus(page.getByRole('button', { name: 'Unsubscribe /topic/two' }))
    await page.keyboard.press('Enter')
    await expectFocus(page.getByRole('button', { name: 'Subscribe', exact: true }))
  })
})
