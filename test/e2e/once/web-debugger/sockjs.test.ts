/** The web debugger speaks SockJS. */
import { describe, expect, it } from 'vitest'
import { connect, frame, openSettings, send, subscribe } from './page.ts'
import { pageStage } from './stage.ts'

const stage = pageStage({ env: { STOMP_BRIDGE_DOORS_SOCKJS: 'true' } })

describe('a connection with SockJS', () => {
  it('subscribes, sends and gets, and is listed as what it is', async () => {
    const page = await stage.open()
    await openSettings(page)
    await page.getByLabel('SockJS', { exact: true }).check()
    expect(await page.getByLabel('WebSocket sub-protocol').count()).toBe(0)
    await connect(page)
    await subscribe(page, '/topic/sockjs')
    await send(page, '/topic/sockjs', 'Grüße')
    await frame(page, /received MESSAGE \/topic\/sockjs/).waitFor()
    const response = await fetch(`${stage.bridge.url}/api/sessions`)
    const { sessions } = (await response.json()) as { sessions: { transport: string }[] }
    expect(sessions.map(({ transport }) => transport)).toEqual(['sockjs-websocket'])
  })
})
