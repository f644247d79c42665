/** That the other browser tests notice a page which breaks the rules: each rule is broken here once. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { watchFaults } from '../../../support/browser.ts'
import { launchChromium } from '../../../support/chromium.ts'
import type { BridgeProcess } from '../../../support/process.ts'
import { eventually } from '../../../support/wait.ts'
import { startBridge } from './stage.ts'

let bridge: BridgeProcess
let browser: Browser
beforeAll(async () => {
  bridge = await startBridge()
  browser = await launchChromium()
})
afterAll(() => browser?.close())

it.each([
  ['throws', `setTimeout(() => { throw new Error('thrown on purpose') })`, /Uncaught: .*thrown on purpose/],
  ['rejects', `void Promise.reject(new Error('rejected on purpose'))`, /Uncaught: .*rejected on purpose/],
  ['logs an error', `console.error('logged on purpose')`, /Logged: logged on purpose/],
  [
    'has a script of its own in the markup',
    `document.head.append(Object.assign(document.createElement('script'), { textContent: '1' }))`,
    /Logged: .*Content Security Policy/,
  ],
  ['asks another server', `fetch('OTHER').catch(() => {})`, /Asked for http/],
  ['connects to another server', `new WebSocket('OTHER'.replace('http', 'ws'))`, /Connected to ws/],
])('a page that %s is noticed', async (_fault, script, message) => {
  const other = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const context = await browser.newContext()
  onTestFinished(async () => {
    await context.close()
    other.close()
  })
  const faults = watchFaults(context, new URL(bridge.url).host)
  const page = await context.newPage()
  await page.goto(`${bridge.url}/debugger/`)
  await page.getByRole('banner').waitFor()
  expect(faults).toEqual([])
  await page.evaluate(script.replace('OTHER', `http://127.0.0.1:${(other.address() as AddressInfo).port}/`))
  await eventually(() => expect(faults).toContainEqual(expect.stringMatching(message)))
})
