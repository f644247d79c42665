/** The example as its README says it, in a real browser: its page and its client are not changed for the test. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../../support/browser.ts'
import { startWorld, type World } from '../../../support/world.ts'
import { examplePath, readExample, startProgram } from './support.ts'

describe('the example of Redis commands', () => {
  let world: World
  let site: string
  beforeAll(async () => {
    // The environment beats the file: the Redis of the test, and a free port (`PORT`).
    world = await startWorld({ runtime: 'bun', args: ['--config', examplePath('redis-commands/bridge.yaml')] })
    site = await startProgram(process.execPath, 'redis-commands/web-server.mjs', {})
  })
  // Where the page says localhost:8080, this browser goes to the free port.
  const browser = browserSuite(() => [`--host-resolver-rules=MAP localhost:8080 127.0.0.1:${world.bridge.port}`])

  const open = async (): Promise<Page> => {
    const page = await browser.open(site, { otherSockets: ['ws://localhost:8080/'] })
    await page.getByRole('status').getByText('Connected', { exact: true }).waitFor()
    return page
  }

  /** Types a command; gives the line that the page shows for it. */
  const say = async (page: Page, command: string): Promise<string> => {
    const items = page.getByRole('listitem')
    const before = await items.count()
    await page.getByRole('textbox').fill(command)
    await page.getByRole('button').click()
    await items.nth(before).waitFor()
    return (await items.nth(before).textContent()) ?? ''
  }

  it('has the client of the server that it replaces', () => {
    const page = readExample('redis-commands/index.html')
    expect(page).toContain("new WebSocket('ws://localhost:8080')")
    expect(page).toContain('{ command, sessionId, date: new Date().toISOString() }')
    expect(readExample('redis-commands/bridge.yaml')).toContain('server: { port: 8080 }')
  })

  it('sets and gets, and keeps two pages apart', async () => {
    const [one, two] = [await open(), await open()]
    expect(await say(one, 'SET foo 10')).toBe('SET foo 10\n"OK"')
    expect(await say(one, 'INCR foo')).toBe('INCR foo\n11')
    expect(await say(two, 'GET foo')).toBe('GET foo\nnull')
    expect(await say(one, 'MGET foo "no such"')).toBe('MGET foo "no such"\n["11",null]')
    const keys = await world.backend.keys('*foo')
    expect(keys).toEqual([expect.stringMatching(/^try:[0-9a-z]+-\d+:foo$/)])
  })

  it('refuses what is not allowed, and goes on', async () => {
    const page = await open()
    for (const command of ['CONFIG GET *', 'KEYS *', 'EVAL "return 1" 0', 'FLUSHALL']) {
      expect(await say(page, command)).toBe(`${command}\n(error) Command not allowed`)
    }
    await world.backend.set('try:x', 'not theirs')
    expect(await say(page, 'GET try:x')).toBe('GET try:x\nnull')
    expect(await say(page, `SET long ${'x'.repeat(1000)}`)).toContain('(error) A command may have at most 1000 bytes')
    expect(await page.getByRole('status').textContent()).toBe('Connected')
  })
})
