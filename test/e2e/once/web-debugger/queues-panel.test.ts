/** Work queues in the bridge view: the list, a queue that is open, and what can be done about its messages. */
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { BridgeProcess } from '../../../support/process.ts'
import { startRedis } from '../../../support/redis.ts'
import { frameText } from '../../../support/stomp-peer.ts'
import { KEYS, startGuardedBridge } from './guarded-bridge.ts'
import { expectSoon, showView, tabTo } from './page.ts'
import { bury, enqueue, QUEUES, startQueueBridge, workerOf } from './queue-bridge.ts'
import { pageStage } from './stage.ts'

const stage = pageStage({ redis: true })

let bridge: BridgeProcess
beforeAll(async () => {
  bridge = await startQueueBridge()
})

const panel = (page: Page) => page.getByRole('region', { name: 'Work queues', exact: true })
const named = (page: Page, queue: string) => panel(page).getByRole('button', { name: queue, exact: true })
const opened = (page: Page, queue: string) => page.getByRole('region', { name: `Queue ${queue}`, exact: true })
const listed = (within: Locator) => within.getByRole('list').getByRole('listitem')
const dialog = (page: Page) => page.getByRole('dialog')

/** What the row of a queue says: ready, pending, consumers, dead. */
async function numbersOf(page: Page, queue: string): Promise<readonly string[]> {
  const name = page.getByRole('button', { name: queue, exact: true })
  return panel(page).getByRole('row').filter({ has: name }).getByRole('cell').allInnerTexts()
}

async function openBridge(at = bridge, isPhone = false): Promise<Page> {
  const page = await stage.open({ at, isPhone })
  await showView(page, 'Bridge')
  return page
}

async function openQueue(page: Page, queue: string): Promise<Locator> {
  await named(page, queue).click()
  await opened(page, queue)
    .getByText(/^Read at|Read at \S+\.$/)
    .waitFor()
  return opened(page, queue)
}

const isFocused = (target: Locator) => target.evaluate((element) => element === element.ownerDocument.activeElement)

describe('the list of queues', () => {
  it('has what each holds and who works on it, and goes on by itself', async () => {
    await enqueue(bridge, '/queue/list/a', 'one', 'two', 'three')
    const page = await openBridge()
    await expectSoon(() => numbersOf(page, '/queue/list/a'), ['3', '0', 'none', '0'])
    const { peer, acks } = await workerOf(bridge, '/queue/list/a', 2)
    await expectSoon(() => numbersOf(page, '/queue/list/a'), ['1', '2', '1', '0'])
    for (const id of acks) peer.send(frameText('ACK', { id }))
    // It has room for the third then.
    await expectSoon(() => numbersOf(page, '/queue/list/a'), ['0', '1', '1', '0'])
    await bury(bridge, '/queue/fragile/list', 'bad')
    await expectSoon(() => numbersOf(page, '/queue/fragile/list'), ['0', '0', '0', '1'])
  })

  it('shows the first of hundreds, and finds and orders all of them', async () => {
    const many = await startQueueBridge({ REDIS_URL: stage.redis.url })
    const adding = stage.backend.pipeline()
    for (let i = 0; i < 300; i++) {
      for (let j = 0; j <= i % 3; j++) adding.xadd(`queue:many/${String(i).padStart(3, '0')}`, '*', 'body', '{}')
    }
    adding.xadd('queue:many/last', '*', 'body', '{}')
    for (let j = 0; j < 5; j++) adding.xadd('queue:many/last', '*', 'body', '{}')
    await adding.exec()
    const page = await openBridge(many)
    await panel(page).getByText('The first 100 of 301. Search to find the others.').waitFor()
    await panel(page).getByText('In all 606 ready, 0 pending, 0 dead').waitFor()
    const rows = panel(page).getByRole('row')
    expect(await rows.count()).toBe(101)
    await panel(page).getByLabel('Order of the queues').selectOption('most ready first')
    await expectSoon(() => rows.nth(1).getByRole('button').innerText(), '/queue/many/last')
    await panel(page).getByLabel('Search queues').fill('MANY/29')
    await expectSoon(() => rows.count(), 11)
    await panel(page).getByLabel('Search queues').fill('nowhere')
    await panel(page).getByText('No queue matches').waitFor()
  })

  it('says what to do where there are none', async () => {
    const bare = await openBridge(stage.bridge)
    await panel(bare).getByText('No work queues').waitFor()
    expect(await panel(bare).getByLabel('Section queues of the configuration').innerText()).toContain('/queue/**')
    const page = await openBridge(await startQueueBridge())
    await panel(page).getByText('Nothing is queued').waitFor()
  })

  it('is as it was last while Redis is away, and goes on when it is back', async () => {
    const own = await startRedis()
    try {
      const at = await startQueueBridge({ REDIS_URL: own.url, STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '50' })
      await enqueue(at, '/queue/away', 'one')
      const page = await openBridge(at)
      const queue = await openQueue(page, '/queue/away')
      await own.crash()
      await panel(page).getByText('This is what the queues held last.').waitFor()
      expect(await numbersOf(page, '/queue/away')).toEqual(['1', '0', 'none', '0'])
      await queue.getByRole('button', { name: 'Read again' }).click()
      await queue.getByText('The messages could not be read again.').waitFor()
      await queue.getByRole('button', { name: 'Purge…' }).click()
      await dialog(page).getByRole('button', { name: 'Delete 1 message' }).click()
      await queue.getByText('Part of it may be done: the numbers tell.').waitFor()
      await own.restart()
      await panel(page).getByText('This is what the queues held last.').waitFor({ state: 'hidden' })
      await queue.getByRole('button', { name: 'Read again' }).click()
      await queue.getByText('Nothing is ready').waitFor()
    } finally {
      await own.stop()
    }
  })
})

describe('a queue that is open', () => {
  it('shows its oldest messages, which stay where they are, and more when asked', async () => {
    await enqueue(bridge, '/queue/open/many', ...Array.from({ length: 30 }, (_, number) => ({ number })))
    const page = await openBridge()
    const queue = await openQueue(page, '/queue/open/many')
    await queue.getByText(/^Read at \S+: the oldest 20 messages\.$/).waitFor()
    expect(await listed(queue).first().innerText()).toMatch(/\d\d:\d\d:\d\d\s+{"number":0}\s+12 B/)
    await queue.getByRole('button', { name: 'Read more' }).click()
    await queue.getByText(/: all 30 messages, oldest first\.$/).waitFor()
    await listed(queue).first().locator('summary').click()
    expect(await listed(queue).first().getByLabel('Body').innerText()).toBe('{\n  "number": 0\n}')
    await listed(queue)
      .first()
      .getByRole('row', { name: /^message-id queue:open\/many-\d+-\d+/ })
      .waitFor()
    expect(await numbersOf(page, '/queue/open/many')).toEqual(['30', '0', 'none', '0'])
    await named(page, '/queue/open/many').click()
    await queue.waitFor({ state: 'hidden' })
  })

  it('shows of a large message its beginning, and all of it when asked', async () => {
    await enqueue(bridge, '/queue/open/large', 'x'.repeat(60_000))
    const page = await openBridge()
    const queue = await openQueue(page, '/queue/open/large')
    await listed(queue).getByText('58.6 KiB').waitFor()
    await listed(queue).locator('summary').click()
    const body = listed(queue).getByLabel('Body')
    expect((await body.innerText()).length).toBe(50_000)
    await listed(queue).getByRole('button', { name: 'Show all of it' }).click()
    await expectSoon(async () => (await body.innerText()).length, 60_000)
    // A line has a beginning only, and nothing grows out of the page.
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  })

  it('begins with the dead ones where there is nothing else, and says why they are', async () => {
    await bury(bridge, '/queue/fragile/dead', 'one', 'two')
    const page = await openBridge()
    const queue = await openQueue(page, '/queue/fragile/dead')
    await queue.getByText(/: all 2 dead messages, oldest first\.$/).waitFor()
    expect(await listed(queue).first().innerText()).toMatch(/NACK\s+\d\d:\d\d:\d\d\s+one/)
    await queue.getByText('Ready (0)').click()
    await queue.getByText('Nothing is ready').waitFor()
    await queue.getByText('It is empty.').waitFor()
  })
})

describe('messages of a queue', () => {
  it('are deleted after a second thought that names the queue and how many', async () => {
    await enqueue(bridge, '/queue/purged', 'one', 'two', 'three')
    await workerOf(bridge, '/queue/purged', 1)
    const page = await openBridge()
    const queue = await openQueue(page, '/queue/purged')
    await expectSoon(() => numbersOf(page, '/queue/purged'), ['2', '1', '1', '0'])
    await queue.getByRole('button', { name: 'Purge…' }).click()
    await dialog(page).getByText('This deletes 2 messages of /queue/purged that nobody works on').waitFor()
    await dialog(page).getByRole('button', { name: 'Keep them' }).click()
    await dialog(page).waitFor({ state: 'hidden' })
    expect(await listed(queue).count()).toBe(2)
    await queue.getByRole('button', { name: 'Purge…' }).click()
    // The number is that of now, not of when it was asked.
    await enqueue(bridge, '/queue/purged', 'four')
    await dialog(page).getByRole('button', { name: 'Delete 3 messages' }).click()
    await queue.getByText('3 messages of /queue/purged deleted.').waitFor()
    await queue.getByText('Subscribers have all that it holds').waitFor()
    expect(await numbersOf(page, '/queue/purged')).toEqual(['0', '1', '1', '0'])
  })

  it('stay on the page with what was done when the last queue is gone with them', async () => {
    const own = await startQueueBridge()
    await enqueue(own, '/queue/only', 'one')
    const page = await openBridge(own)
    const queue = await openQueue(page, '/queue/only')
    await queue.getByRole('button', { name: 'Purge…' }).click()
    await dialog(page).getByRole('button', { name: 'Delete 1 message' }).click()
    await panel(page).getByText('Nothing is queued').waitFor()
    await queue.getByText('1 message of /queue/only deleted.').waitFor()
    await queue.getByRole('button', { name: 'Close this queue' }).click()
    await queue.waitFor({ state: 'hidden' })
  })

  it('are put back from the dead with the keyboard alone', async () => {
    await bury(bridge, '/queue/fragile/keys', 'one', 'two')
    const page = await openBridge()
    await tabTo(page, panel(page).getByLabel('Search queues'))
    await page.keyboard.type('fragile/keys')
    await tabTo(page, named(page, '/queue/fragile/keys'))
    await page.keyboard.press('Enter')
    const queue = opened(page, '/queue/fragile/keys')
    await expectSoon(() => isFocused(queue), true)
    await queue.getByText(/: all 2 dead messages/).waitFor()
    await tabTo(page, listed(queue).first().locator('summary'))
    await page.keyboard.press('Enter')
    await listed(queue).first().getByLabel('Body').waitFor()
    const redrive = queue.getByRole('button', { name: 'Redrive…' })
    await tabTo(page, redrive)
    await page.keyboard.press('Enter')
    await dialog(page).getByText('This puts 2 dead messages of /queue/fragile/keys back at its end').waitFor()
    await page.keyboard.press('Escape')
    await expectSoon(() => isFocused(redrive), true)
    await page.keyboard.press('Enter')
    await tabTo(page, dialog(page).getByRole('button', { name: 'Redrive 2 messages' }))
    await page.keyboard.press('Enter')
    await queue.getByText('2 messages went back into /queue/fragile/keys.').waitFor()
    // The button has nothing to do any more.
    await expectSoon(() => isFocused(queue), true)
    expect(await numbersOf(page, '/queue/fragile/keys')).toEqual(['2', '0', 'none', '0'])
    await tabTo(page, queue.getByRole('button', { name: 'Close this queue' }))
    await page.keyboard.press('Enter')
    await expectSoon(() => isFocused(named(page, '/queue/fragile/keys')), true)
  })

  it('take an API key where access is configured: one to be seen, another one to be deleted', async () => {
    const guarded = await startGuardedBridge({}, { queues: QUEUES })
    const page = await openBridge(guarded)
    const useKey = async (key: string) => {
      await panel(page).getByLabel('API key').fill(key)
      await panel(page).getByRole('button', { name: 'Use key' }).click()
    }
    await useKey('a key that nobody made')
    await panel(page).getByText('The bridge does not know this API key').waitFor()
    const answer = await fetch(`${guarded.url}/api/notification`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${KEYS.all}`, 'content-type': 'application/json' },
      body: JSON.stringify({ topic: '/queue/guarded', message: 'one' }),
    })
    expect(answer.status).toBeLessThan(300)
    await useKey(KEYS.read)
    const queue = await openQueue(page, '/queue/guarded')
    const purge = async () => {
      await queue.getByRole('button', { name: 'Purge…' }).click()
      await dialog(page).getByRole('button', { name: 'Delete 1 message' }).click()
    }
    await purge()
    await queue.getByText('does not have the scope "admin"').waitFor()
    const users = page.getByRole('region', { name: 'Users', exact: true })
    await users.getByRole('button', { name: 'Change key' }).click()
    await users.getByLabel('API key').fill(KEYS.all)
    await users.getByRole('button', { name: 'Use key' }).click()
    await purge()
    await queue.getByText('1 message of /queue/guarded deleted.').waitFor()
    await users.getByRole('button', { name: 'Forget key' }).click()
    await panel(page).getByLabel('API key').waitFor()
    expect(await panel(page).getByRole('table').count()).toBe(0)
  })

  it('fit on a phone', async () => {
    const name = `/queue/phone/${'long-'.repeat(20)}name`
    await enqueue(bridge, name, { text: 'wide '.repeat(100) })
    const page = await openBridge(bridge, true)
    await panel(page).getByLabel('Search queues').fill('phone/')
    const queue = await openQueue(page, name)
    await listed(queue).locator('summary').click()
    await queue.getByLabel('Body').waitFor()
    await queue.getByRole('button', { name: 'Purge…' }).click()
    await dialog(page).getByText('This deletes 1 message').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    await dialog(page).getByRole('button', { name: 'Keep them' }).click()
  })
})
