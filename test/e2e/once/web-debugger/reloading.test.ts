/** What is there again when the page is loaded again, and where its views are in the address and the history. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { connectionCard, expectSoon, frame, openSettings, send, showView, subscribe, subscription } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })

/** Resolves when what the console shows is kept: what came in the last moment before a reload may be lost. */
const untilKept = (page: Page, text: string) =>
  expectSoon(async () => (await page.evaluate<string>(KEPT)).includes(text), true)

/** All that is in the store, as text. */
const KEPT = `new Promise((resolve) => {
  const open = indexedDB.open('stomp-bridge.debugger')
  open.onsuccess = () => {
    const all = open.result.transaction('pieces').objectStore('pieces').getAll()
    all.onsuccess = () => resolve(JSON.stringify(all.result))
    open.result.close()
  }
})`

describe('a page that is loaded again', () => {
  it('has its tabs, subscriptions, filter and frames, and is connected again', async () => {
    const page = await stage.openConnected()
    await subscribe(page, '/topic/kept')
    await send(page, '/topic/kept', 'from before')
    await page.getByRole('button', { name: 'Add: Connections' }).click()
    await page.getByLabel('URL').fill(`${stage.bridge.wsUrl}?x=1`)
    const tabs = page.getByRole('tablist', { name: 'Connections' }).getByRole('tab')
    await tabs.first().click()
    await page.getByLabel('Filter by text').fill('before')
    await frame(page, /received MESSAGE \/topic\/kept from before/).waitFor()
    await untilKept(page, '"MESSAGE"')
    await page.reload()
    await frame(page, /received MESSAGE \/topic\/kept from before/).waitFor()
    expect(await tabs.count()).toBe(2)
    expect(await page.getByLabel('Filter by text').inputValue()).toBe('before')
    await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
    await subscription(page, '/topic/kept').waitFor()
    // Nobody has led the focus anywhere: single keys work.
    expect(await page.evaluate<boolean>('document.activeElement === document.body')).toBe(true)
    await send(page, '/topic/kept', 'not from before, but after')
    await frame(page, /received MESSAGE \/topic\/kept not from before, but after/).waitFor()
    await expectSoon(() => frame(page, /received MESSAGE/).count(), 2)
    // Another tab of the browser has its own.
    const other = await page.context().newPage()
    await other.goto(page.url())
    await heading(other, 'See what goes over the wire').waitFor()
    expect(await other.getByRole('tablist', { name: 'Connections' }).count()).toBe(0)
  })

  it('has kept no secret, says so, and waits for it', async () => {
    const page = await stage.open()
    await openSettings(page)
    await page.getByLabel('Login').fill('ada')
    await page.getByLabel('Passcode').fill('lovelace')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await frame(page, /received CONNECTED/).waitFor()
    await page.getByRole('button', { name: 'Secrets hidden' }).click()
    await frame(page, /passcode:lovelace/).waitFor()
    await untilKept(page, '"CONNECTED"')
    expect(await page.evaluate<string>(KEPT)).not.toContain('lovelace')
    await page.reload()
    await frame(page, /Secrets are not kept/).waitFor()
    await page.getByRole('button', { name: 'Secrets hidden' }).click()
    await frame(page, /sent CONNECT .*passcode:••••••/).waitFor()
    await connectionCard(page).getByText('Not connected').waitFor()
  })

  it('has nothing after everything was forgotten', async () => {
    const page = await stage.openConnected()
    await notify(stage.bridge, '/topic/any', 'x')
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Save this one' }).click()
    await page.getByRole('button', { name: 'Save profile' }).click()
    await page.getByRole('button', { name: 'Forget everything…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Forget everything' }).click()
    await heading(page, 'See what goes over the wire').waitFor()
    await page.getByText('None saved yet.').waitFor()
    expect(await page.getByRole('tablist', { name: 'Connections' }).count()).toBe(0)
    const left = await page.evaluate<number>(`new Promise((resolve) => {
      const open = indexedDB.open('stomp-bridge.debugger')
      open.onsuccess = () => {
        const count = open.result.transaction('pieces').objectStore('pieces').count()
        count.onsuccess = () => resolve(count.result)
      }
    })`)
    expect(left).toBe(0)
  })
})

describe('a view', () => {
  it('is in the address: it can be linked to, is there after a reload, and Back leads to the one before', async () => {
    const page = await stage.visit(`${stage.bridge.url}/debugger/#backend`)
    await heading(page, 'Backend side').waitFor()
    await showView(page, 'Bridge')
    expect(new URL(page.url()).hash).toBe('#bridge')
    await showView(page, 'Client')
    expect(page.url()).toBe(`${stage.bridge.url}/debugger/`)
    await page.goBack()
    await heading(page, 'Bridge').waitFor()
    await page.reload()
    await heading(page, 'Bridge').waitFor()
    await page.goBack()
    await heading(page, 'Backend side').waitFor()
    await page.goForward()
    await heading(page, 'Bridge').waitFor()
  })

  it('is of one tab of the browser: a plain address is the client, whatever another tab shows', async () => {
    const page = await stage.open()
    const other = await page.context().newPage()
    await other.goto(page.url())
    await showView(other, 'Bridge')
    await page.reload()
    await heading(page, 'See what goes over the wire').waitFor()
    expect(page.url()).toBe(`${stage.bridge.url}/debugger/`)
  })

  it('takes its dialog along when Back leads to another one', async () => {
    const page = await stage.visit(`${stage.bridge.url}/debugger/#bridge`)
    await showView(page, 'Client')
    await page.getByRole('button', { name: 'Forget everything…' }).click()
    await page.getByRole('dialog').waitFor()
    await page.goBack()
    await heading(page, 'Bridge').waitFor()
    await page.keyboard.press('2')
    await heading(page, 'Backend side').waitFor()
    await showView(page, 'Client')
    await page.getByRole('button', { name: 'Forget everything…' }).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })
})
