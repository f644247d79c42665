/** The bridge view on bridges with access: who is there on all nodes, and what ends sessions. Two nodes on one Redis. */
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis } from '../../../support/redis.ts'
import { connectPeer, frameText } from '../../../support/stomp-peer.ts'
import { KEYS, peerOf, startGuardedBridge, tokenFor } from './guarded-bridge.ts'
import { expectSoon, frame, connect, showView, subscribe } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage({ redis: true })

let here: BridgeProcess
let there: BridgeProcess
beforeAll(async () => {
  here = await startGuardedBridge({ REDIS_URL: stage.redis.url })
  there = await startGuardedBridge({ REDIS_URL: stage.redis.url })
})

async function openBridge(at = here): Promise<Page> {
  const page = await stage.open({ at })
  await showView(page, 'Bridge')
  return page
}

const usersOf = (page: Page) => page.getByRole('region', { name: 'Users', exact: true })
const listed = (page: Page) => page.getByRole('list', { name: 'Users' }).getByRole('button')

async function enterKey(within: Locator, key: string): Promise<void> {
  await within.getByLabel('API key').fill(key)
  await within.getByRole('button', { name: 'Use key' }).click()
}

/** The bridge view with the key, and a user in it. */
async function openUser(user: string, key = KEYS.all): Promise<{ page: Page; details: Locator }> {
  const page = await openBridge()
  await enterKey(usersOf(page), key)
  await page.getByLabel('Search users').fill(user)
  await listed(page)
    .filter({ hasText: new RegExp(`^${user}`) })
    .first()
    .click()
  return { page, details: page.getByRole('region', { name: `User ${user}` }) }
}

const confirm = (page: Page, name: string) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click()

const whoHasSubscribed = (page: Page) => page.getByRole('region', { name: 'Who has subscribed' })

describe('a guarded bridge', () => {
  it('is said to be guarded, in words', async () => {
    const page = await openBridge()
    await page.getByText('Guarded', { exact: true }).waitFor()
    await page.getByText('rules say who may do what', { exact: true }).waitFor()
    await page.getByText('needed: rules say who may do what').waitFor()
  })

  it('is said to be open where it is', async () => {
    const page = await openBridge(stage.bridge)
    await page.getByText('Open', { exact: true }).waitFor()
    await page.getByText('Nobody has a name here').waitFor()
    await whoHasSubscribed(page).getByLabel('Destination', { exact: true }).fill('/topic/x')
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText('This bridge does not offer that.').waitFor()
  })

  it('wants an API key: a wrong one is told, one is kept in the tab alone, and can be forgotten', async () => {
    const page = await openBridge()
    const users = usersOf(page)
    await enterKey(users, 'a key that nobody made')
    await users.getByText('The bridge does not know this API key. Enter another one.').waitFor()
    await enterKey(users, KEYS.read)
    await users.getByText('kept in this tab').waitFor()
    expect(await page.content()).not.toContain(KEYS.read)
    expect(await page.evaluate<string>('JSON.stringify(localStorage)')).not.toContain(KEYS.read)
    await page.reload()
    await users.getByText('kept in this tab').waitFor()
    await users.getByRole('button', { name: 'Forget key' }).click()
    await users.getByLabel('API key').waitFor()
    expect(await page.evaluate<string>('JSON.stringify(sessionStorage)')).not.toContain(KEYS.read)
  })
})

describe('users', () => {
  it('are listed by name, a page at a time, and found by the beginning of their names', async () => {
    for (let i = 0; i < 23; i++) await peerOf(i % 2 ? here : there, `page-${String(i).padStart(2, '0')}`)
    const page = await openBridge()
    await enterKey(usersOf(page), KEYS.read)
    await page.getByLabel('Search users').fill('page-')
    await expectSoon(() => listed(page).count(), 20)
    await page.getByRole('button', { name: 'Next page' }).click()
    await expectSoon(() => listed(page).count(), 3)
    await page.getByText('Page 2').waitFor()
    await page.getByRole('button', { name: 'Previous page' }).click()
    await expectSoon(() => listed(page).count(), 20)
    await page.getByLabel('Search users').fill('page-1')
    await expectSoon(() => listed(page).count(), 10)
    await page.getByLabel('Search users').fill('nobody')
    await page.getByText('Nobody of such a name').waitFor()
    await page.getByRole('button', { name: 'Look up' }).click()
    await page.getByRole('region', { name: 'User nobody' }).getByText('not connected').waitFor()
  })

  it('have their sessions with node and address, on every node', async () => {
    await peerOf(here, 'zoe')
    await peerOf(there, 'zoe')
    const { page, details } = await openUser('zoe', KEYS.read)
    await details.getByRole('row').nth(2).waitFor()
    const rows = await details.getByRole('row').allInnerTexts()
    expect(rows.join('\n').match(/127\.0\.0\.1/g)).toHaveLength(2)
    const nodes = await page
      .getByRole('region', { name: 'Nodes' })
      .getByRole('listitem')
      .locator('code')
      .allInnerTexts()
    expect(nodes.filter((node) => rows.some((row) => row.includes(node)))).toHaveLength(2)
  })

  it('lose one session, on whatever node, after a second thought', async () => {
    const kept = await peerOf(here, 'yves')
    const doomed = await peerOf(there, 'yves')
    const { page, details } = await openUser('yves')
    await details
      .getByRole('button', { name: /^Close .* of yves$/ })
      .last()
      .click()
    await confirm(page, 'Keep it')
    await details
      .getByRole('button', { name: /^Close .* of yves$/ })
      .last()
      .click()
    await confirm(page, 'Close session')
    await usersOf(page)
      .getByText(/^Session \S+ is closed\.$/)
      .waitFor()
    await doomed.expect('ERROR', { code: 'closed-by-operator' })
    await expectSoon(() => details.getByRole('row').count(), 2)
    expect(kept.isClosed).toBe(false)
  })

  it('lose all of them', async () => {
    const peers = [await peerOf(here, 'xaver'), await peerOf(there, 'xaver')]
    const { page, details } = await openUser('xaver')
    await details.getByRole('button', { name: 'Close all sessions' }).click()
    await page.getByRole('dialog').getByText('2 sessions, on every node').waitFor()
    await confirm(page, 'Close all')
    await usersOf(page).getByText('2 sessions of xaver closed.').waitFor()
    for (const peer of peers) await peer.expect('ERROR', { code: 'closed-by-operator' })
    await details.getByText('not connected').waitFor()
  })

  it('are revoked for a time, on every node', async () => {
    const peer = await peerOf(there, 'walter')
    const { page, details } = await openUser('walter')
    await details.getByRole('button', { name: 'Revoke user…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Revoke this user?' })
    await dialog.getByLabel('For how many seconds').fill('0')
    await dialog.getByText('A whole number from 1').waitFor()
    expect(await dialog.getByRole('button', { name: 'Revoke user' }).isDisabled()).toBe(true)
    await dialog.getByLabel('For how many seconds').fill('90')
    await dialog.getByText('That is 1 min 30 s.').waitFor()
    await confirm(page, 'Revoke user')
    await usersOf(page).getByText('walter is revoked for 1 min 30 s').waitFor()
    await peer.expect('ERROR', { code: 'revoked' })
    const again = await connectPeer({ url: here.wsUrl })
    onTestFinished(() => again.terminate())
    again.send(frameText('CONNECT', { 'accept-version': '1.2', passcode: await tokenFor('walter') }))
    await again.expect('ERROR', { code: 'not-authenticated' })
  })

  it('go on with another token where one is revoked', async () => {
    const page = await openBridge()
    await showView(page, 'Client')
    await page.locator('summary', { hasText: 'Version, sign-in' }).click()
    await page.getByLabel('Token', { exact: true }).fill(await tokenFor('vera', { id: 'lost-phone' }))
    await connect(page)
    await showView(page, 'Bridge')
    await enterKey(usersOf(page), KEYS.all)
    await page.getByRole('button', { name: 'Revoke a token…' }).click()
    await page.getByLabel('Id of the token').fill('lost-phone')
    await confirm(page, 'Revoke token')
    await usersOf(page).getByText('The token lost-phone is revoked for 1 h').waitFor()
    await showView(page, 'Client')
    await frame(page, /received ERROR .*revoked/i).waitFor()
    // It would be refused again.
    await page.getByText('Disconnected', { exact: true }).waitFor()
    const other = await peerOf(here, 'vera')
    expect(other.isClosed).toBe(false)
  })
})

describe('who has subscribed', () => {
  it('is told with users, and how many are anonymous', async () => {
    await peerOf(here, 'ulf', '/topic/public/room')
    await peerOf(there, 'ulf', '/topic/public/room')
    const page = await stage.openConnected({ at: there })
    await subscribe(page, '/topic/public/room')
    await showView(page, 'Bridge')
    await whoHasSubscribed(page).getByLabel('Destination', { exact: true }).fill('/topic/public/room')
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText('This needs an API key of the bridge: enter one.').waitFor()
    await enterKey(usersOf(page), KEYS.read)
    await whoHasSubscribed(page).getByLabel('Destination', { exact: true }).press('Enter')
    await page.getByText('3 sessions, of which 1 anonymous.').waitFor()
    await page.getByRole('list', { name: 'Subscribers' }).getByText('ulf').waitFor()
    await whoHasSubscribed(page).getByLabel('Destination', { exact: true }).fill('/topic/**')
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText('Destination must be a single one').waitFor()
  })
})

describe('what is refused', () => {
  it('with a key that may only read is told, with the scope that it lacks', async () => {
    const peer = await peerOf(here, 'tilda')
    const { page, details } = await openUser('tilda', KEYS.read)
    await details.getByRole('button', { name: 'Close all sessions' }).click()
    await confirm(page, 'Close all')
    await usersOf(page)
      .getByText(/The key is right, but not enough: .*"admin"/)
      .waitFor()
    expect(peer.isClosed).toBe(false)
  })

  it('while Redis is away is told, and is well again by itself', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const own = await startGuardedBridge({ REDIS_URL: redis.url, STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '50' })
    const page = await openBridge(own)
    await enterKey(usersOf(page), KEYS.read)
    await page.getByText('Nobody is connected under a name.').waitFor()
    await redis.crash()
    await usersOf(page)
      .getByText(/The bridge cannot do it now: .* Try again in a moment\./)
      .waitFor()
    await redis.restart()
    await expectSoon(() => usersOf(page).getByText('The bridge cannot do it now').count(), 0)
  })

  it('without the debug API is little: users are there with a key', async () => {
    const own = await startGuardedBridge({}, { debugger: { api: 'off' } })
    await peerOf(own, 'sven')
    const page = await openBridge(own)
    await page.getByText('The debug API of this bridge is off').waitFor()
    await enterKey(usersOf(page), KEYS.read)
    await listed(page).filter({ hasText: 'sven' }).waitFor()
  })
})

describe('a notification', () => {
  it('takes a key too, which is asked for where it is sent from', async () => {
    const peer = await peerOf(here, 'rosa', '/topic/public/news')
    const page = await stage.open({ at: here })
    await showView(page, 'Backend')
    const panel = page.getByRole('region', { name: 'Post a notification' })
    await panel.getByLabel('Topic').fill('/topic/public/news')
    await panel.getByRole('button', { name: 'Post notification' }).click()
    await panel.getByText('This needs an API key of the bridge: enter one.').waitFor()
    await enterKey(panel, KEYS.all)
    await panel.getByRole('button', { name: 'Post notification' }).click()
    await panel.getByText('Accepted.').waitFor()
    await peer.expect('MESSAGE', { destination: '/topic/public/news' })
    await panel.locator('summary', { hasText: 'curl' }).click()
    await panel.getByText('$STOMP_BRIDGE_API_KEY').waitFor()
    expect(await page.content()).not.toContain(KEYS.all)
  })
})
