/** Profiles of the web debugger: kept in the browser, carried elsewhere as a file and as a link, and never with a secret unasked. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { connect, expectSoon, frame, openSettings, send, subscribe, subscription, unfold } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage()

async function openSetup(): Promise<Page> {
  const page = await stage.open()
  await openSettings(page)
  return page
}

describe('profiles', () => {
  const PROFILES_KEY = 'stomp-bridge.debugger.profiles'
  const stored = (page: Page) => page.evaluate<string>(`localStorage.getItem('${PROFILES_KEY}') ?? ''`)

  async function fillProfile(page: Page): Promise<void> {
    await page.getByLabel('STOMP version').selectOption('1.1')
    await page.getByLabel('Login').fill('ada')
    await page.getByLabel('Passcode').fill('lovelace')
    await page.getByLabel('Token', { exact: true }).fill('t0ken')
  }

  async function save(page: Page, name: string): Promise<void> {
    await page.getByRole('button', { name: 'Save this one' }).click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByRole('button', { name: 'Save profile' }).click()
    await page.getByRole('button', { name: `Use the profile ${name}` }).waitFor()
  }

  it('are saved in the browser without secrets, and used again', async () => {
    const page = await openSetup()
    await fillProfile(page)
    await save(page, 'Ada')
    expect(await stored(page)).toContain('"login":"ada"')
    expect(await stored(page)).not.toMatch(/lovelace|t0ken/)
    await page.reload()
    await page.getByRole('button', { name: 'Use the profile Ada' }).click()
    await openSettings(page)
    expect(await page.getByLabel('STOMP version').inputValue()).toBe('1.1')
    expect(await page.getByLabel('Login').inputValue()).toBe('ada')
    expect(await page.getByLabel('Passcode').inputValue()).toBe('')
    await page.getByRole('button', { name: 'Delete the profile Ada' }).click()
    await expectSoon(() => stored(page), '[]')
  })

  it('keep secrets in this browser where the box is ticked, and never in what leaves it', async () => {
    const page = await openSetup()
    await fillProfile(page)
    await page.getByRole('button', { name: 'Save this one' }).click()
    await page.getByLabel('Save passcode and token too').check()
    await page.getByRole('button', { name: 'Save this one' }).click()
    await save(page, 'Ada')
    expect(await stored(page)).toContain('lovelace')
    await page.getByRole('button', { name: 'Copy link' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    const exported = await readFile(await (await download).path(), 'utf8')
    expect(exported).toContain('"login": "ada"')
    expect(exported).not.toMatch(/lovelace|t0ken/)
    const link = await page.evaluate<string>('navigator.clipboard.readText()')
    const encoded = new URL(link).hash.replace('#profile=', '')
    const shared = Buffer.from(encoded, 'base64url').toString()
    expect(shared).toContain('"login":"ada"')
    expect(shared).not.toMatch(/lovelace|t0ken/)
  })

  it('go elsewhere as a file', async () => {
    const page = await openSetup()
    await fillProfile(page)
    await save(page, 'Ada')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    const path = await (await download).path()

    const elsewhere = await stage.open()
    const chooser = elsewhere.waitForEvent('filechooser')
    await elsewhere.getByRole('button', { name: 'Import' }).click()
    await (await chooser).setFiles({ name: 'x.json', mimeType: 'application/json', buffer: await readFile(path) })
    await elsewhere.getByRole('button', { name: 'Use the profile Ada' }).waitFor()
    const wrong = elsewhere.waitForEvent('filechooser')
    await elsewhere.getByRole('button', { name: 'Import' }).click()
    await (await wrong).setFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('[]') })
    await elsewhere.getByText('No profile found.').waitFor()
  })

  it('go elsewhere as a link, which fills in the form and connects to nothing', async () => {
    const page = await openSetup()
    await fillProfile(page)
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const link = await page.evaluate<string>('navigator.clipboard.readText()')

    const elsewhere = await stage.visit(link)
    await elsewhere.getByText('Filled in from a link:').waitFor()
    await openSettings(elsewhere)
    expect(await elsewhere.getByLabel('Login').inputValue()).toBe('ada')
    expect(new URL(elsewhere.url()).hash).toBe('')
    await elsewhere.getByRole('button', { name: 'Connect', exact: true }).waitFor()
  })

  it('bring subscriptions and messages along where somebody asks for it, but no secret', async () => {
    const page = await stage.openConnected()
    await subscribe(page, '/topic/carried')
    await send(page, '/topic/carried', 'again and again')
    await frame(page, /received MESSAGE \/topic\/carried/).waitFor()
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByLabel('With 1 subscription and 1 message').check()
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const link = await page.evaluate<string>('navigator.clipboard.readText()')

    const elsewhere = await stage.visit(link)
    await elsewhere.getByText('Filled in from a link:').waitFor()
    await connect(elsewhere)
    await subscription(elsewhere, '/topic/carried').waitFor()
    await unfold(elsewhere, 'Recently sent (1)')
    await elsewhere.getByRole('button', { name: '/topic/carried again and again' }).click()
    await elsewhere.getByRole('button', { name: 'Send', exact: true }).click()
    await frame(elsewhere, /received MESSAGE \/topic\/carried again and again/).waitFor()
  })
})
