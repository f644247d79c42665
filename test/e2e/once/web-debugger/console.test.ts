/** The console of the web debugger: what it shows of the wire, what can be found in it and what can be taken out of it. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import {
  choose,
  connect,
  detailsOf,
  expectSoon,
  frame,
  openSettings,
  rawOf,
  send,
  subscribeLive,
  unfold,
} from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

const consoleOf = (page: Page) => page.getByRole('region', { name: 'Console' })
const lines = (page: Page) => frame(page, /./)
/** What was copied or exported, read again. */
const parseLines = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

async function withTraffic(): Promise<Page> {
  const page = await stage.openConnected()
  await subscribeLive(page, '/topic/apples')
  await subscribeLive(page, '/topic/pears')
  await send(page, '/topic/apples', 'a red one')
  await send(page, '/topic/pears', 'a Green one')
  await frame(page, /received MESSAGE \/topic\/pears/).waitFor()
  await frame(page, /received MESSAGE \/topic\/apples/).waitFor()
  return page
}

describe('a line', () => {
  it('has time, how long after the one above, direction, command, destination and size', async () => {
    const page = await withTraffic()
    await frame(page, /^\d\d:\d\d:\d\d\.\d{3} \+[\d.]+ m?s sent SEND \/topic\/apples a red one \d+ B$/).waitFor()
    await frame(page, /^\d\d:\d\d:\d\d\.\d{3} \+[\d.]+ m?s received MESSAGE \/topic\/apples a red one \d+ B$/).waitFor()
  })

  it('opens as headers and body, with JSON on several lines, and as it was sent', async () => {
    const page = await stage.openConnected()
    await subscribeLive(page, '/topic/json')
    await notify(stage.bridge, '/topic/json', { a: [1, { b: 'c' }] })
    const details = await detailsOf(page, frame(page, /received MESSAGE \/topic\/json/))
    await details.getByRole('row', { name: 'destination /topic/json' }).waitFor()
    const body = details.getByLabel('Body', { exact: true })
    expect(await body.innerText()).toBe(JSON.stringify({ a: [1, { b: 'c' }] }, null, 2))
    await details.getByRole('button', { name: 'As sent' }).click()
    await expectSoon(() => body.innerText(), '{"a":[1,{"b":"c"}]}')
  })

  it('opens raw: header escapes, line ends, NUL and bytes that are no text, as they were on the wire', async () => {
    const page = await stage.openConnected()
    await unfold(page, /^Headers/)
    const rows = page.getByRole('group', { name: 'SEND headers' })
    await rows.getByRole('button', { name: 'Add header' }).click()
    await rows.getByLabel('SEND headers: name 1').fill('a:b')
    await rows.getByLabel('SEND headers: value 1').fill('c\\d')
    await choose(page, 'Kind of body', 'Hex')
    await send(page, '/topic/raw', '00 ff 41')
    const raw = await rawOf(page, frame(page, /sent SEND \/topic\/raw/))
    const text = await raw.innerText()
    expect(text).toContain('SEND↵\n')
    expect(text).toContain('a\\cb:c\\\\d↵\n')
    expect(text).toContain('content-length:3↵\n')
    expect(text).toMatch(/↵\n↵\nNUL\\xffANUL$/)
    await page.getByRole('article').getByRole('button', { name: 'Hex' }).click()
    expect(await page.getByLabel('Raw data in hex').innerText()).toMatch(/^000000 {2}53 45 4e 44 0a .*SEND·/)
  })

  it('is selected by arrow keys, opened by Enter and closed by Escape', async () => {
    const page = await withTraffic()
    const list = page.getByRole('listbox', { name: 'Frames' })
    await list.focus()
    await page.keyboard.press('End')
    await page.getByRole('article', { name: 'MESSAGE, details' }).waitFor()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.getByRole('article', { name: 'CONNECT, details' }).waitFor()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    await page.getByRole('article').waitFor({ state: 'detached' })
    expect(await list.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true)
  })
})

describe('filters', () => {
  it('by text, destination, command and direction, one by one and together', async () => {
    const page = await withTraffic()
    const search = page.getByLabel('Filter by text')
    await search.fill('GREEN')
    await expectSoon(() => lines(page).count(), 2)
    await page.getByText(/^2 of \d+ lines/).waitFor()
    await choose(page, 'Direction', 'In')
    await expectSoon(() => lines(page).count(), 1)
    await frame(page, /received MESSAGE \/topic\/pears a Green one/).waitFor()
    await search.fill('')
    await page.getByLabel('Filter by destination').fill('apples')
    await expectSoon(() => lines(page).count(), 1)
    await choose(page, 'Direction', 'All')
    await expectSoon(() => lines(page).count(), 3)
    await page.getByLabel('Filter by command').selectOption('SUBSCRIBE')
    await expectSoon(() => lines(page).count(), 1)
    await frame(page, /sent SUBSCRIBE \/topic\/apples/).waitFor()
  })

  it('that nothing passes are lifted with one button', async () => {
    const page = await withTraffic()
    const all = await lines(page).count()
    await page.getByLabel('Filter by text').fill('no such thing')
    await page.getByText('Nothing passes the filter').waitFor()
    await page.getByRole('button', { name: 'Show everything' }).click()
    await expectSoon(() => lines(page).count(), all)
  })
})

describe('the list', () => {
  it('holds still while paused, loses nothing, and is emptied by Clear', async () => {
    const page = await withTraffic()
    const before = await lines(page).count()
    await page.getByRole('button', { name: 'Pause' }).click()
    await notify(stage.bridge, '/topic/apples', 'meanwhile')
    const resume = page.getByRole('button', { name: 'Paused, 1 new: resume' })
    await resume.waitFor()
    expect(await lines(page).count()).toBe(before)
    await resume.click()
    await frame(page, /received MESSAGE \/topic\/apples meanwhile/).waitFor()
    expect(await lines(page).count()).toBe(before + 1)
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByText('Nothing yet').waitFor()
    await notify(stage.bridge, '/topic/apples', 'afterwards')
    await frame(page, /afterwards/).waitFor()
    await page.getByText(/^1 line,/).waitFor()
  })

  it('can be copied, and exported as JSON lines', async () => {
    const page = await withTraffic()
    await page.getByLabel('Filter by destination').fill('pears')
    await expectSoon(() => lines(page).count(), 3)
    await consoleOf(page).getByRole('button', { name: 'Copy' }).click()
    await consoleOf(page).getByRole('button', { name: 'Copied' }).waitFor()
    const copied = parseLines(await page.evaluate<string>('navigator.clipboard.readText()'))
    const download = page.waitForEvent('download')
    await consoleOf(page).getByRole('button', { name: 'Export' }).click()
    const file = await download
    expect(file.suggestedFilename()).toMatch(/^stomp-log-[\d-]+\.jsonl$/)
    const exported = parseLines(await readFile(await file.path(), 'utf8'))
    expect(exported).toEqual(copied)
    expect(exported.map(({ direction, command }) => [direction, command])).toEqual([
      ['out', 'SUBSCRIBE'],
      ['out', 'SEND'],
      ['in', 'MESSAGE'],
    ])
    expect(exported[2]).toMatchObject({ kind: 'frame', body: 'a Green one' })
    expect(exported[2]!['headers']).toContainEqual(['destination', '/topic/pears'])
  })

  it('says that the bridge gave an ERROR, and what it said', async () => {
    const page = await stage.openConnected()
    await send(page, '/nowhere/known', 'x')
    const details = await detailsOf(page, frame(page, /received ERROR/))
    await details.getByRole('row', { name: /^message / }).waitFor()
    // The connection is back at once; what became of the message stands where it was sent.
    await page.getByText(/^Refused\. no-route: /).waitFor()
  })
})

describe('secrets', () => {
  it('are hidden in the list, in details, in copies and in exports, until somebody asks for them', async () => {
    const page = await stage.open()
    await openSettings(page)
    await page.getByLabel('Login').fill('ada')
    await page.getByLabel('Passcode').fill('lovelace')
    await page.getByLabel('Token', { exact: true }).fill('t0ken-of-mine')
    await connect(page)
    const copyAll = async () => {
      await consoleOf(page).getByRole('button', { name: 'Copy', exact: true }).click()
      await consoleOf(page).getByRole('button', { name: 'Copied' }).waitFor()
      return page.evaluate<string>('navigator.clipboard.readText()')
    }
    const details = await detailsOf(page, frame(page, /sent CONNECT/))
    await details.getByRole('row', { name: 'passcode ••••••' }).waitFor()
    await details.getByRole('row', { name: 'Authorization ••••••' }).waitFor()
    expect(await (await rawOf(page, frame(page, /sent CONNECT/))).innerText()).toContain('passcode:••••••')
    expect(await page.locator('body').innerText()).not.toMatch(/lovelace|t0ken/)
    expect(await copyAll()).not.toMatch(/lovelace|t0ken/)
    await page.getByRole('button', { name: 'Secrets hidden' }).click()
    await frame(page, /sent CONNECT .*passcode:lovelace/).waitFor()
    expect(await page.getByLabel('Raw data').innerText()).toContain('Authorization:Bearer t0ken-of-mine')
    await consoleOf(page).getByRole('button', { name: 'Copy', exact: true }).waitFor()
    expect(await copyAll()).toContain('lovelace')
  })
})
