/** Server-Sent Events as browsers read them: the EventSource of a real one, which also comes back by itself. */
import type { Redis } from 'ioredis'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../support/browser.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { eventually } from '../../support/wait.ts'
import { startWorld } from '../../support/world.ts'

interface Seen {
  readonly type: string
  readonly data: string | undefined
}

describe('the EventSource of a browser', () => {
  const browser = browserSuite()
  let backend: Redis
  let bridge: BridgeProcess
  beforeAll(async () => {
    ;({ backend, bridge } = await startWorld({ runtime: 'bun' }))
  })

  /** Opens a page of the bridge, and in it a stream, whose events are noted from then on. */
  const listen = async (path: string): Promise<Page> => {
    // A page that says nothing of where its scripts may connect to.
    const page = await browser.open(`${bridge.url}/health`)
    // As text: to the compiler there is no such class on this side.
    await page.evaluate(`{
      globalThis.seen = []
      const source = new EventSource('${path}')
      for (const type of ['open', 'message', 'error', 'dropped', 'position']) {
        source.addEventListener(type, ({ data }) => seen.push({ type, data }))
      }
    }`)
    await until(page, [{ type: 'open', data: undefined }])
    return page
  }
  const until = (page: Page, wanted: readonly Partial<Seen>[]) =>
    eventually(async () => {
      const seen = await page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen)
      expect(seen).toMatchObject(wanted)
    })

  it('reads bodies as they are, and JSON where events cannot carry them', async () => {
    const page = await listen('/sse/topic/bodies')
    for (const body of [' lines\nand\n\nmore\n', '', 'a\r\nb'])
      await backend.publish('topic:bodies', JSON.stringify(body))
    await until(page, [
      { type: 'open' },
      { type: 'message', data: ' lines\nand\n\nmore\n' },
      { type: 'message', data: expect.stringContaining('"body":""') },
      { type: 'message', data: expect.stringContaining('"body":"a\\r\\nb"') },
    ])
  })

  it('is told why its stream has ended, and comes back', async () => {
    const page = await listen('/sse/topic/back')
    const response = await fetch(`${bridge.url}/api/sessions?search=/topic/back`)
    const { sessions } = (await response.json()) as { sessions: { id: string }[] }
    await fetch(`${bridge.url}/api/sessions/${sessions[0]!.id}`, { method: 'DELETE' })
    await until(page, [
      { type: 'open' },
      { type: 'error', data: expect.stringContaining('closed-by-operator') },
      { type: 'error', data: undefined }, // the browser's own, for the end of the connection
      { type: 'open' },
    ])
    await backend.publish('topic:back', '"again"')
    await eventually(async () => {
      const seen = await page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen)
      expect(seen.at(-1)).toEqual({ type: 'message', data: 'again' })
    })
  })
})
