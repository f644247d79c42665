/** Finding things in the console: what the filter understands, what it marks, and what is shown in its context. */
import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { choose, detailsOf, expectSoon, frame, send, subscribeLive, unfold } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

const lines = (page: Page) => frame(page, /./)
const search = (page: Page) => page.getByLabel('Filter by text')
const marksIn = (within: Locator) => within.locator('mark').allInnerTexts()
const isInSight = (line: Locator) =>
  line.evaluate((element) => {
    const box = element.getBoundingClientRect()
    const list = element.closest('[role=listbox]')!.getBoundingClientRect()
    return box.top >= list.top - 1 && box.bottom <= list.bottom + 1
  })

/** As many messages as fill the list more than once. */
async function withMany(count: number): Promise<Page> {
  const page = await stage.openConnected()
  await subscribeLive(page, '/topic/many')
  for (let i = 0; i < count; i++) await notify(stage.bridge, '/topic/many', { order: i, note: i === 7 ? 'ripe' : '' })
  await frame(page, new RegExp(`"order":${count - 1}\\b`)).waitFor()
  return page
}

describe('the filter', () => {
  it('takes text, -words, expressions, headers and sizes, and marks what they find', async () => {
    const page = await withMany(12)
    const shown = async (query: string, count: number) => {
      await search(page).fill(query)
      await expectSoon(() => lines(page).count(), count)
    }
    await shown('"order"', 12)
    await shown('"order" -ripe', 11)
    await shown('/"order":1[01]/', 2)
    expect(await marksIn(lines(page).first())).toEqual(['"order":10'])
    await shown('destination:/topic/many /"order":\\d,/', 10)
    expect(await marksIn(lines(page).first())).toEqual(['/topic/many', '"order":0,'])
    await shown('destination:/topic/many size<10', 0)
    await shown('destination:/topic/many -size>1k ripe', 1)
    await search(page).fill('/(ripe/')
    const why = page.getByRole('alert').filter({ hasText: 'A "(" is not closed' })
    await why.waitFor()
    expect(await search(page).getAttribute('aria-invalid')).toBe('true')
    await search(page).fill('/(ripe)/')
    await why.waitFor({ state: 'detached' })
    await expectSoon(() => lines(page).count(), 1)
  })

  it('is not hung by an expression that would take the browser for ever', async () => {
    const page = await stage.openConnected()
    await send(page, '/topic/letters', 'a'.repeat(40_000))
    await frame(page, /sent SEND \/topic\/letters/).waitFor()
    await search(page).fill('/^(a+)+$ x/ /(a|aa)+b/')
    await page.getByText('Nothing passes the filter').waitFor()
    await search(page).fill('/^(a+)+$/')
    await detailsOf(page, frame(page, /sent SEND \/topic\/letters/))
    await expectSoon(async () => (await marksIn(page.getByRole('article').getByLabel('Body'))).join('').length, 40_000)
  })

  it('that is lifted leaves what is selected in sight', async () => {
    const page = await withMany(80)
    await search(page).fill('ripe')
    await expectSoon(() => lines(page).count(), 1)
    await lines(page).first().click()
    await search(page).fill('')
    const selected = page.getByRole('listbox', { name: 'Frames' }).locator('[aria-selected=true]')
    await selected.getByText('ripe').waitFor()
    expect(await isInSight(selected)).toBe(true)
    await page.getByText(/^\d\d lines/).waitFor()
    expect(await isInSight(selected)).toBe(true)
  })

  it('shows in an opened frame what was found, wherever it is', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/long')
    const filler = Array.from({ length: 2_000 }, (_, i) => `line ${i}`).join('\n')
    await notify(stage.bridge, '/topic/long', `${filler}\nthe needle\n${filler}`)
    await search(page).fill('needle')
    const details = await detailsOf(page, frame(page, /received MESSAGE \/topic\/long/))
    const mark = details.locator('mark')
    await expectSoon(() => mark.count(), 1)
    const isVisible = () =>
      mark.evaluate((element) => {
        const { left, top, bottom } = element.getBoundingClientRect()
        return element.ownerDocument.elementFromPoint(left + 1, (top + bottom) / 2) === element
      })
    await expectSoon(isVisible, true)
    // What only the data of the wire has is one press away.
    await search(page).fill('/destination:.topic.long/')
    await details.getByRole('button', { name: 'Show it raw' }).click()
    await expectSoon(() => marksIn(details.getByLabel('Raw data')), ['destination:/topic/long'])
  })
})

describe('errors', () => {
  it('are gone to with buttons and with keys', async () => {
    const page = await stage.openConnected()
    expect(await page.getByRole('button', { name: 'Next error' }).count()).toBe(0)
    await send(page, '/nowhere/known', 'x')
    await frame(page, /received ERROR/).waitFor()
    await page.getByText('1 error', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Next error' }).click()
    await page.getByRole('article', { name: 'ERROR, details' }).waitFor()
    const list = page.getByRole('listbox', { name: 'Frames' })
    await list.focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('e')
    const selected = list.locator('[aria-selected=true]')
    await expectSoon(async () => (await selected.innerText()).includes('ERROR'), true)
    await page.getByRole('status').getByText('Error 1 of 1').waitFor()
    await page.keyboard.press('Home')
    await page.keyboard.press('Shift+E')
    await expectSoon(async () => (await selected.innerText()).includes('ERROR'), true)
  })
})

describe('a frame', () => {
  it('has JSON that folds, with a click and with keys, and unfolds for what is searched', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/json')
    await notify(stage.bridge, '/topic/json', { list: [1, 2, { deep: true }], name: 'x', none: null })
    const details = await detailsOf(page, frame(page, /received MESSAGE \/topic\/json/))
    const body = details.getByLabel('Body', { exact: true })
    const list = details.getByRole('button', { name: 'Fold "list"' })
    await list.click()
    await expectSoon(() => body.innerText(), '{\n  "list": [ 3 members ],\n  "name": "x",\n  "none": null\n}')
    expect(await list.getAttribute('aria-expanded')).toBe('false')
    await search(page).fill('deep')
    await expectSoon(() => marksIn(body), ['deep'])
    expect(await list.getAttribute('aria-expanded')).toBe('true')
    await details.getByRole('button', { name: 'Fold this' }).first().focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowLeft')
    await expectSoon(() => list.getAttribute('aria-expanded'), 'false')
    await page.keyboard.press('ArrowRight')
    await expectSoon(() => list.getAttribute('aria-expanded'), 'true')
  })

  it('has bytes as hex beside what is printable of them, marked in both', async () => {
    const page = await stage.openConnected()
    await choose(page, 'Kind of body', 'Hex')
    await send(page, '/topic/bytes', '00 ff 61 70 70 6c 65 fe')
    await search(page).fill('apple')
    const details = await detailsOf(page, frame(page, /sent SEND \/topic\/bytes/))
    const body = details.getByLabel('Body', { exact: true })
    expect((await body.innerText()).replace(/ +/g, ' ')).toBe('000000 00 ff 61 70 70 6c 65 fe ··apple·')
    expect(await marksIn(body)).toEqual(['61 70 70 6c 65', 'apple'])
  })

  it('says which headers differ from those of the one before', async () => {
    const page = await stage.openConnected()
    await unfold(page, /^Headers/)
    const rows = page.getByRole('group', { name: 'SEND headers' })
    await rows.getByRole('button', { name: 'Add header' }).click()
    await rows.getByLabel('SEND headers: name 1').fill('colour')
    const value = rows.getByLabel('SEND headers: value 1')
    await value.fill('red')
    await send(page, '/topic/headers', '1')
    await value.fill('green')
    await rows.getByRole('button', { name: 'Add header' }).click()
    await rows.getByLabel('SEND headers: name 2').fill('taste')
    await rows.getByLabel('SEND headers: value 2').fill('sour')
    await send(page, '/topic/headers', '2')
    const details = await detailsOf(page, frame(page, /sent SEND \/topic\/headers 2/))
    await details.getByRole('row', { name: 'colour green changed' }).waitFor()
    await details.getByRole('row', { name: 'taste sour new' }).waitFor()
    await details.getByTitle('In the frame of this kind before: red').waitFor()
    await rows.getByRole('button', { name: 'Remove' }).last().click()
    await send(page, '/topic/headers', '3')
    const last = await detailsOf(page, frame(page, /sent SEND \/topic\/headers 3/))
    await last.getByRole('row', { name: 'taste gone' }).waitFor()
    expect(await last.getByText('changed', { exact: true }).count()).toBe(0)
  })
})
