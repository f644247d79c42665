/**
 * The web debugger as a person uses it: what the browser tests do again and again, by the names that are on the page.
 * Knows the page only by roles, labels and texts.
 */
import type { Redis } from 'ioredis'
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { eventually } from '../../../support/wait.ts'

export async function connect(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect', exact: true }).click()
  await connectionCard(page).getByText('Connected', { exact: true }).waitFor()
}

export function connectionCard(page: Page): Locator {
  return page.getByRole('region', { name: 'Connection', exact: true })
}

/** A line of the console by what it says, such as `/received MESSAGE/`. */
export function frame(page: Page, name: RegExp | string): Locator {
  return page.getByRole('listbox', { name: 'Frames' }).getByRole('option', { name })
}

/** Selects a line of the console, and gives its details. */
export async function detailsOf(page: Page, line: Locator): Promise<Locator> {
  await line.click()
  const details = page.getByRole('article')
  await details.waitFor()
  return details
}

/** The details of a line as the data of the wire. */
export async function rawOf(page: Page, line: Locator): Promise<Locator> {
  const details = await detailsOf(page, line)
  await details.getByText('Raw', { exact: true }).click()
  return details.getByLabel('Raw data')
}

/** Opens a part that is folded. */
export async function unfold(within: Page | Locator, summary: string | RegExp): Promise<void> {
  await within.locator('summary', { hasText: summary }).click()
}

/** The settings of a connection that is not made yet. */
export async function openSettings(page: Page): Promise<void> {
  await unfold(page, 'Version, sign-in, headers, heart-beats')
}

export async function subscribe(page: Page, destination: string): Promise<void> {
  await page.getByLabel('Destination to subscribe').fill(destination)
  await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
  await subscription(page, destination).waitFor()
}

/** The same, until the bridge of the page has it too: what others publish from then on arrives. */
export async function subscribeLive(page: Page, destination: string): Promise<void> {
  await subscribe(page, destination)
  const connected = await frame(page, /received CONNECTED/)
    .last()
    .innerText()
  const session = /session:([\w-]+)/.exec(connected)![1]!
  await eventually(async () => {
    const answer = await fetch(new URL(`/api/sessions?search=${session}`, page.url()))
    const { sessions } = (await answer.json()) as { sessions: { subscriptions: { destination: string }[] }[] }
    expect(sessions[0]?.subscriptions).toContainEqual(expect.objectContaining({ destination }))
  })
}

/** Waits until some bridge listens on the channel of Redis. */
export async function untilListening(backend: Redis, channel: string): Promise<void> {
  await eventually(async () => {
    const [, count] = (await backend.call('PUBSUB', 'NUMSUB', channel)) as unknown[]
    expect(Number(count)).toBeGreaterThan(0)
  })
}

export function subscription(page: Page, destination: string): Locator {
  return page.getByRole('list', { name: 'Subscriptions' }).getByRole('listitem').filter({ hasText: destination })
}

export async function compose(page: Page, destination: string, body: string): Promise<void> {
  await page.getByLabel('Send to').fill(destination)
  await page.getByRole('textbox', { name: 'Body' }).fill(body)
}

export async function send(page: Page, destination: string, body: string): Promise<void> {
  await compose(page, destination, body)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
}

/** One of a few values that are all in sight. */
export async function choose(within: Page | Locator, group: string, value: string): Promise<void> {
  await within.getByRole('radiogroup', { name: group }).getByText(value, { exact: true }).click()
}

export async function showView(page: Page, name: 'Client' | 'Backend' | 'Bridge'): Promise<void> {
  const link = page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name })
  await link.click()
  await expectSoon(() => link.getAttribute('aria-current'), 'page')
}

/** The backend side beside the console. */
export async function showBackendSide(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Backend side' }).click()
}

/** Waits until the probe gives the value. */
export async function expectSoon<T>(probe: () => Promise<T>, value: T, timeoutMs = 8_000): Promise<void> {
  await eventually(async () => expect(await probe()).toEqual(value), { timeoutMs })
}

export async function expectFocus(target: Locator): Promise<void> {
  await target.waitFor()
  await expectSoon(() => hasFocus(target), true)
}

function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element === element.ownerDocument.activeElement)
}

/** Presses Tab until the focus is there, as somebody without a mouse does. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor()
  for (let presses = 0; presses < 80; presses++) {
    if (await hasFocus(target)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`The Tab key does not reach ${String(target)}`)
}
