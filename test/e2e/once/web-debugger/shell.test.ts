/** The page around the views: where it is, how it looks, what keys do, and that it fits a phone. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { connect, detailsOf, expectSoon, frame, showView, subscribe } from './page.ts'
import { pageStage, startBridge } from './stage.ts'

const stage = pageStage()

const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')

/** Of its three parts, 0 to 255 together. */
function lightness(colour: string): number {
  const parts = colour
    .match(/[\d.]+/g)!
    .slice(0, 3)
    .map(Number)
  // Both `rgb(255, 255, 255)` and `oklch(1 0 0)` are in use.
  return colour.startsWith('rgb') ? (parts[0]! + parts[1]! + parts[2]!) / 3 : parts[0]! * 255
}

describe('the address', () => {
  it('leads from / to the page, which has the URL of its bridge filled in', async () => {
    const page = await stage.visit(`${stage.bridge.url}/`)
    await page.getByRole('heading', { name: 'See what goes over the wire' }).waitFor()
    expect(page.url()).toBe(`${stage.bridge.url}/debugger/`)
    expect(await page.getByLabel('URL').inputValue()).toBe(stage.bridge.wsUrl)
  })

  it('can be another, with the STOMP path too', async () => {
    const own = await startBridge({ STOMP_BRIDGE_DEBUGGER_PATH: '/tools/wire' })
    const page = await stage.visit(`${own.url}/tools/wire`)
    await connect(page)
    await showView(page, 'Bridge')
    await page.getByRole('table', { name: 'Routes' }).waitFor()
    expect((await page.request.get(`${own.url}/debugger/`)).status()).toBe(404)
  })

  it('is nowhere where the debugger is off', async () => {
    const own = await startBridge({ STOMP_BRIDGE_DEBUGGER_ENABLED: 'false' })
    const page = await stage.open()
    for (const path of ['/', '/debugger', '/debugger/']) {
      expect([path, (await page.request.get(`${own.url}${path}`)).status()]).toEqual([path, 404])
    }
  })
})

describe('the policy of the page', () => {
  it('allows no script, style or frame but its own', async () => {
    const page = await stage.open()
    const policy = (await page.request.get(`${stage.bridge.url}/debugger/`)).headers()['content-security-policy']
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe/)
    const scripts = await page.evaluate<number>(
      'document.querySelectorAll("script:not([src]), style, [onclick]").length',
    )
    expect(scripts).toBe(0)
  })
})

describe('the theme', () => {
  it.each(['light', 'dark'] as const)('follows a system that is %s', async (colorScheme) => {
    const page = await stage.open({ colorScheme })
    const isLight = lightness(await background(page)) > 128
    expect(isLight).toBe(colorScheme === 'light')
  })

  it('can be switched, and stays so when the page is opened again', async () => {
    const page = await stage.open()
    await page.getByRole('button', { name: 'Change to light' }).click()
    await page.getByRole('button', { name: 'Change to dark' }).click()
    await expectSoon(async () => lightness(await background(page)) < 128, true)
    await page.reload()
    await page.getByRole('banner').waitFor()
    expect(lightness(await background(page))).toBeLessThan(128)
    await page.getByRole('button', { name: 'Theme: dark. Change to as the system' }).click()
    await expectSoon(async () => lightness(await background(page)) > 128, true)
  })
})

describe('keys', () => {
  it('are listed in a dialog, which keeps the focus and gives it back', async () => {
    const page = await stage.open()
    const button = page.getByRole('button', { name: 'Keyboard shortcuts' })
    await button.focus()
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await dialog.getByText('Take the tour, or leave it').waitFor()
    await page.keyboard.press('2')
    expect(await page.getByRole('heading', { name: 'Backend side' }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await expectSoon(() => button.evaluate((element) => element === element.ownerDocument.activeElement), true)
  })

  it('and clicks beside it close a dialog, but not where a drag ends that began in it', async () => {
    const page = await stage.open()
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    const title = (await dialog.getByRole('heading', { name: 'Keyboard shortcuts' }).boundingBox())!
    await page.mouse.move(title.x + 5, title.y + 5)
    await page.mouse.down()
    await page.mouse.move(10, 10)
    await page.mouse.up()
    expect(await dialog.isVisible()).toBe(true)
    await page.mouse.click(10, 10)
    await dialog.waitFor({ state: 'hidden' })
  })

  it('change the view, find the search and open the tour; not while somebody types', async () => {
    const page = await stage.openConnected()
    await page.getByRole('listbox', { name: 'Frames' }).focus()
    await page.keyboard.press('3')
    await page.getByRole('heading', { name: 'Bridge', exact: true }).waitFor()
    await page.keyboard.press('2')
    await page.getByRole('heading', { name: 'Backend side' }).waitFor()
    await page.keyboard.press('1')
    await page.keyboard.press('/')
    const search = page.getByLabel('Filter by text')
    await page.keyboard.type('123t?')
    expect(await search.inputValue()).toBe('123t?')
    await page.getByRole('heading', { name: 'STOMP client' }).waitFor()
    expect(await page.getByRole('complementary').count()).toBe(0)
  })

  it('without Ctrl can be turned off', async () => {
    const page = await stage.open()
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
    await page.getByLabel('Single keys work').uncheck()
    await page.getByRole('button', { name: 'Close dialog' }).click()
    await page.keyboard.press('3')
    await page.keyboard.press('t')
    expect(await page.getByRole('complementary').count()).toBe(0)
    await page.getByRole('heading', { name: 'See what goes over the wire' }).waitFor()
  })
})

describe('a phone of 360 pixels', () => {
  /** What sticks out on the right, by what it says; what scrolls by itself may be wider. */
  const OVERFLOW = `[...document.querySelectorAll('body *')]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
    .filter((element) => {
      for (let box = element.parentElement; box; box = box.parentElement) {
        if (getComputedStyle(box).overflowX !== 'visible' && box !== document.body && box !== document.documentElement)
          return false
      }
      return true
    })
    .map((element) => element.tagName + '.' + element.className)`

  async function expectToFit(page: Page, where: string): Promise<void> {
    expect([where, await page.evaluate<string[]>(OVERFLOW)]).toEqual([where, []])
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
  }

  it('has everything in sight without scrolling sideways, one part at a time', async () => {
    const page = await stage.open({ isPhone: true })
    await expectToFit(page, 'setup')
    await page.getByText('Version, sign-in, headers, heart-beats').click()
    await page.getByLabel('Login').waitFor()
    await expectToFit(page, 'settings')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    const panes = page.getByRole('tablist', { name: 'Parts of the connection' })
    await panes.waitFor()
    await expectToFit(page, 'console')
    await panes.getByRole('tab', { name: 'Subscribe' }).click()
    await subscribe(page, '/topic/a/destination/that/is/much/longer/than/a/phone/is/wide')
    await expectToFit(page, 'subscribe')
    for (const name of ['Send', 'Status'] as const) {
      await panes.getByRole('tab', { name }).click()
      await expectToFit(page, name)
    }
    await panes.getByRole('tab', { name: 'Console' }).click()
    await detailsOf(page, frame(page, /sent SUBSCRIBE/))
    await expectToFit(page, 'details')
    await page.getByRole('button', { name: 'Close details' }).click()
    for (const view of ['Backend', 'Bridge'] as const) {
      await showView(page, view)
      await page.getByRole('region').first().waitFor()
      await expectToFit(page, view)
    }
    await page.getByRole('banner').getByRole('button', { name: /tour/i }).click()
    await page
      .getByRole('complementary')
      .getByRole('button', { name: /HTTP to browsers/ })
      .click()
    await expectToFit(page, 'tour')
    await page.getByRole('button', { name: 'Leave the tour' }).click()
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
    await page.getByRole('dialog').waitFor()
    await expectToFit(page, 'shortcuts')
  })
})
