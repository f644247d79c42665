/** The example as its README says it, in a real browser: its page and its client are not changed for the test. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { startWorld, untilReady, type World } from '../../../support/world.ts'
import { examplePath, readExample, startProgram } from './support.ts'

describe('the example of a plain WebSocket', () => {
  let world: World
  let site: string
  beforeAll(async () => {
    // The environment beats the file: the Redis of the test, and a free port (`PORT`).
    world = await startWorld({ runtime: 'bun', args: ['--config', examplePath('plain-websocket/bridge.yaml')] })
    site = await startProgram(process.execPath, 'plain-websocket/backend.mjs', { REDIS_URL: world.redis.url })
  })
  // Where the page says localhost:3000, this browser goes to the free port.
  const browser = browserSuite(() => [`--host-resolver-rules=MAP localhost:3000 127.0.0.1:${world.bridge.port}`])

  const open = async (): Promise<Page> => {
    const page = await browser.open(site, { otherSockets: ['ws://localhost:3000/'] })
    await page.getByRole('status').getByText('Connected', { exact: true }).waitFor()
    return page
  }
  const items = (page: Page) => page.getByRole('listitem')

  it('has the client of those who write none: an address and nothing else', () => {
    expect(readExample('plain-websocket/index.html')).toContain("new WebSocket('ws://localhost:3000')")
    expect(readExample('plain-websocket/bridge.yaml')).toContain('server: { port: 3000 }')
  })

  it('brings what one page notifies to all pages, and what is published in Redis', async () => {
    const [one, two] = [await open(), await open()]
    await one.getByRole('textbox').fill('Hello everybody')
    await one.getByRole('button').click()
    for (const page of [one, two]) await items(page).getByText('Hello everybody', { exact: true }).waitFor()
    const published = '{"id":1784563209871234567, "text":"žluť"}'
    await world.backend.publish('app:notifications', published)
    for (const page of [one, two]) await items(page).getByText(published, { exact: true }).waitFor()
    expect(await items(two).count()).toBe(2)
  })

  it('goes on when Redis comes back', async () => {
    const page = await open()
    await world.redis.crash()
    await world.redis.restart()
    await untilReady(world.bridge)
    await world.backend.publish('app:notifications', 'back again')
    await items(page).getByText('back again', { exact: true }).waitFor()
    expect(await page.getByRole('status').textContent()).toBe('Connected')
  })
})
