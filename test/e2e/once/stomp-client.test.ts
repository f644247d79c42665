/** The client that comes with the bridge in a page of a real browser, bundled as an application would do it. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserSuite } from '../../support/browser.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { eventually } from '../../support/wait.ts'
import { startWorld } from '../../support/world.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

describe('the client in a browser', () => {
  const browser = browserSuite()
  let backend: Redis
  let bridge: BridgeProcess
  beforeAll(async () => {
    ;({ backend, bridge } = await startWorld({ runtime: 'bun' }))
  })

  it('comes back when its session was closed, hears and sends, and leaves', async () => {
    const args = ['build', '--minify', '--target=browser', 'src/stomp-client/index.ts']
    const code = execFileSync(join(ROOT, 'node_modules/.bin/bun'), args, { cwd: ROOT, encoding: 'utf8' })
    const page = await browser.open(`${bridge.url}/health`)
    // As text: to the compiler there is no page on this side.
    await page.evaluate(`(async () => {
      const url = URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' }))
      const { createClient } = await import(url)
      globalThis.seen = []
      globalThis.client = createClient({
        brokerURL: ${JSON.stringify(bridge.wsUrl)},
        backoff: { firstMs: 10 },
        onState: (state) => seen.push(state),
        onError: ({ code }) => seen.push(code),
      })
      client.subscribe('/topic/page', ({ body }) => seen.push(body), { onLive: () => seen.push('live') })
      client.activate()
    })()`)
    const seen = () => page.evaluate<string[]>('seen.splice(0)')
    const all: string[] = []
    const until = (last: string) =>
      eventually(async () => {
        all.push(...(await seen()))
        expect(all.at(-1)).toBe(last)
      })
    await until('live')
    const response = await fetch(`${bridge.url}/api/sessions?search=/topic/page`)
    const { sessions } = (await response.json()) as { sessions: { id: string }[] }
    await fetch(`${bridge.url}/api/sessions/${sessions[0]!.id}`, { method: 'DELETE' })
    await eventually(async () => {
      all.push(...(await seen()))
      expect(all.filter((each) => each === 'live').length).toBe(2)
    })
    await backend.publish('topic:page', '"Grüße 😀"')
    await until('Grüße 😀')
    await page.evaluate(`client.publish({ destination: '/topic/page', body: 'own', receipt: true })`)
    await until('own')
    await page.evaluate('client.deactivate()')
    await until('inactive')
    const connecting = ['connecting', 'connected', 'live']
    const messages = ['Grüße 😀', 'own', 'closing', 'inactive']
    expect(all).toEqual([...connecting, 'waiting', 'closed-by-operator', ...connecting, ...messages])
  })
})
