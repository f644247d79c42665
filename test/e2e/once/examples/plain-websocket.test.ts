/** The example as its README says it, in a real browser: its page and its client are not changed for the test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { adopt } from '../../../support/process.ts'
import { startWorld, untilReady, type World } from '../../../support/world.ts'

const EXAMPLE = fileURLToPath(new URL('../../../../examples/plain-websocket/', import.meta.url))

describe('the example of a plain WebSocket', () => {
  let world: World
  let site: string
  beforeAll(async () => {
    // The environment beats the file: the Redis of the test, and a free port (`PORT`).
    world = await startWorld({ runtime: 'bun', args: ['--config', join(EXAMPLE, 'bridge.yaml')] })
    site = await startBackend(world.redis.url)
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
    expect(readFileSync(join(EXAMPLE, 'index.html'), 'utf8')).toContain("new WebSocket('ws://localhost:3000')")
    expect(readFileSync(join(EXAMPLE, 'bridge.yaml'), 'utf8')).toContain('server: { port: 3000 }')
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

/** Starts the example's backend on a free port; resolves with the address that it says. */
async function startBackend(redisUrl: string): Promise<string> {
  const child = spawn(process.execPath, [join(EXAMPLE, 'backend.mjs')], {
    env: { PATH: process.env.PATH, PORT: '0', REDIS_URL: redisUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  adopt(child)
  const exited = once(child, 'exit')
  afterAll(async () => {
    child.kill()
    await exited
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return /http:\/\/\S+/.exec(line)![0]
}
