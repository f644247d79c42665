/** The backend side of the web debugger: posting, publishing and watching; where the debug API is off, and behind its token. */
import { describe, expect, it } from 'vitest'
import { listen } from '../../../support/clients/backend.ts'
import { startRedis } from '../../../support/redis.ts'
import { connect, expectSoon, frame, showView, subscribe, untilListening } from './page.ts'
import { pageStage, startBridge } from './stage.ts'

const TOKEN = 'a-secret-of-enough-letters'

const stage = pageStage({ redis: true })

describe('a notification', () => {
  it('is text or a JSON value, and the command for it is there to copy', async () => {
    const page = await stage.openConnected()
    await subscribe(page, '/topic/prices')
    await showView(page, 'Backend')
    const panel = page.getByRole('region', { name: 'Post a notification' })
    await panel.getByLabel('Topic').fill('/topic/prices')
    await panel.getByLabel('Message is').selectOption('json')
    await panel.getByLabel('Message', { exact: true }).fill('{"apples": ')
    await panel.getByText('This is no JSON:').waitFor()
    expect(await panel.getByRole('button', { name: 'Post notification' }).isDisabled()).toBe(true)
    await panel.getByLabel('Message', { exact: true }).fill('{"apples": 2}')
    await panel.getByText('The same with curl').click()
    await panel.getByText(`curl ${stage.bridge.url}/api/notification`).waitFor()
    await panel.getByLabel('Message', { exact: true }).press('Control+Enter')
    await panel.getByText('Accepted.').waitFor()
    await showView(page, 'Client')
    await frame(page, /received MESSAGE \/topic\/prices \{"apples":2\}/).waitFor()
  })

  it('that the bridge refuses is answered in its words', async () => {
    const page = await stage.open()
    await showView(page, 'Backend')
    const panel = page.getByRole('region', { name: 'Post a notification' })
    await panel.getByLabel('Topic').fill('/nowhere')
    await panel.getByRole('button', { name: 'Post notification' }).click()
    expect(await panel.getByRole('alert').innerText()).toMatch(/\/topic/)
  })
})

describe('publishing and watching', () => {
  it('shows before it goes what will be on Redis, in each codec, and whom it reaches', async () => {
    const raw = await listen(stage.redis, 'GREETING_CHANNEL_INBOUND')
    const page = await stage.open()
    await showView(page, 'Backend')
    const panel = page.getByRole('region', { name: 'Publish on a channel' })
    await panel.getByText('Reaches subscribers of /topic/greetings').waitFor()
    await panel.getByLabel('Message').fill('{"a":1}')
    for (const [codec, payload] of [
      ['route', String.raw`"{\"a\":1}"`],
      ['raw', '{"a":1}'],
      ['json', '{"a":1}'],
      ['envelope', String.raw`{"body":"{\"a\":1}"}`],
    ] as const) {
      await panel.getByLabel('Payload as').selectOption(codec)
      await panel.locator('.payload-preview').getByText(payload, { exact: true }).waitFor()
      await panel.getByRole('button', { name: 'Publish', exact: true }).click()
      expect(String(await raw.next())).toBe(payload)
    }
    await panel.getByLabel('Channel').fill('nobody:listens')
    await panel.getByText('No inbound route has this channel').waitFor()
  })

  it('watches a channel that backends publish on, until told to stop', async () => {
    const page = await stage.open()
    await showView(page, 'Backend')
    await page.getByLabel('Channel to watch').fill('prices:apples')
    await page.getByLabel('Channel to watch').press('Enter')
    const watched = page.getByRole('list', { name: 'Watched channels' })
    await watched.getByText('live', { exact: true }).waitFor()
    await stage.backend.publish('prices:apples', '{"price":2}')
    await stage.backend.publish('prices:apples', Buffer.from([0xff, 0]))
    const messages = page.getByRole('listbox', { name: 'Messages on the watched channels' }).getByRole('option')
    await expectSoon(() => messages.count(), 2)
    await messages.first().click()
    const selected = page.getByRole('region', { name: 'Selected message' })
    await selected.getByText(JSON.stringify({ price: 2 }, null, 2)).waitFor()
    await messages.last().click()
    await selected.getByText('octets that are no text, in base64').waitFor()
    await page.getByRole('button', { name: 'Stop watching prices:apples' }).click()
    await expectSoon(
      async () => Number(((await stage.backend.call('PUBSUB', 'NUMSUB', 'prices:apples')) as unknown[])[1]),
      0,
    )
  })

  it('says that Redis is away, and goes on when it is back', async () => {
    const own = await startRedis()
    try {
      const at = await startBridge({ REDIS_URL: own.url, STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '50' })
      const page = await stage.open({ at })
      await showView(page, 'Backend')
      await page.getByRole('button', { name: 'Watch GREETING_CHANNEL_OUTBOUND' }).click()
      const watched = page.getByRole('list', { name: 'Watched channels' })
      await watched.getByText('live', { exact: true }).waitFor()
      await own.crash()
      await watched.getByText('waiting', { exact: true }).waitFor()
      const panel = page.getByRole('region', { name: 'Publish on a channel' })
      await panel.getByRole('button', { name: 'Publish', exact: true }).click()
      await panel.getByRole('alert').waitFor()
      await page.getByRole('banner').getByText('Not ready').waitFor()
      await own.restart()
      await watched.getByText('live', { exact: true }).waitFor()
      await page.getByRole('banner').getByText('Ready', { exact: true }).waitFor()
    } finally {
      await own.stop()
    }
  })
})

describe('where the debug API is off', () => {
  it('says so and how to turn it on, and posts notifications all the same', async () => {
    const own = await startBridge({ STOMP_BRIDGE_DEBUGGER_API: 'off' })
    const page = await stage.openConnected({ at: own })
    await subscribe(page, '/topic/toast')
    await showView(page, 'Backend')
    await page.getByText('The debug API of this bridge is off').waitFor()
    await page.getByText('STOMP_BRIDGE_DEBUGGER_API=on npm start').waitFor()
    await page.getByText('debugger: api: on').waitFor()
    await page.getByRole('button', { name: 'Post notification' }).click()
    await page.getByText('Accepted.').waitFor()
    await showView(page, 'Bridge')
    await page.getByText('The debug API of this bridge is off').waitFor()
    await showView(page, 'Client')
    await frame(page, /received MESSAGE \/topic\/toast/).waitFor()
  })

  it('has a tour with commands for a terminal instead', async () => {
    const own = await startBridge({ REDIS_URL: stage.redis.url, STOMP_BRIDGE_DEBUGGER_API: 'off' })
    const page = await stage.openConnected({ at: own })
    await page.getByRole('button', { name: 'Tour' }).click()
    const tour = page.getByRole('complementary', { name: 'Guided tour' })
    await tour.getByRole('button', { name: /Redis to browsers/ }).click()
    await tour.getByRole('button', { name: 'Subscribe for me' }).click()
    await tour.getByText(`redis-cli PUBLISH GREETING_CHANNEL_INBOUND '"Hello from Redis"'`).waitFor()
    await untilListening(stage.backend, 'GREETING_CHANNEL_INBOUND')
    await stage.backend.publish('GREETING_CHANNEL_INBOUND', '"Hello from Redis"')
    await tour.getByText('There it is.').waitFor()
    await tour.getByRole('button', { name: 'All flows' }).click()
    await tour.getByRole('button', { name: /Browsers to Redis/ }).click()
    const outbound = await listen(stage.redis, 'GREETING_CHANNEL_OUTBOUND')
    await tour.getByText('redis-cli SUBSCRIBE GREETING_CHANNEL_OUTBOUND').waitFor()
    await tour.getByRole('button', { name: 'Done, I am watching' }).click()
    await tour.getByRole('button', { name: 'Send it' }).click()
    await tour.getByText('There it is.').waitFor()
    expect(String(await outbound.next())).toBe('"Hello from the browser"')
  })
})

describe('where the debug API wants a token', () => {
  it('asks for it, says when it is wrong, and keeps it in this tab alone', async () => {
    const own = await startBridge({ STOMP_BRIDGE_DEBUGGER_TOKEN: TOKEN })
    const page = await stage.open({ at: own })
    await connect(page)
    await showView(page, 'Backend')
    await page.getByText('The debug API wants its token').waitFor()
    const token = page.getByLabel('Token', { exact: true })
    await token.fill('not-the-right-one-at-all')
    await page.getByRole('button', { name: 'Use token' }).click()
    await page.getByText('The bridge does not accept this token.').waitFor()
    await token.fill(TOKEN)
    await token.press('Enter')
    const panel = page.getByRole('region', { name: 'Publish on a channel' })
    await panel.getByRole('button', { name: 'Publish', exact: true }).click()
    await panel.getByText(/^Published \d+ bytes/).waitFor()
    await showView(page, 'Bridge')
    await page.getByRole('table', { name: 'Routes' }).waitFor()
    expect(await page.evaluate<string>('JSON.stringify(localStorage)')).not.toContain(TOKEN)
    expect(await page.evaluate<string>('document.cookie')).toBe('')
    await page.reload()
    await page.getByRole('table', { name: 'Routes' }).waitFor()
    const another = await page.context().newPage()
    await another.goto(`${own.url}/debugger/#bridge`)
    await another.getByText('The debug API wants its token').waitFor()
  })
})
