/** The web debugger of an embedded bridge: there when the program asks for it. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { bodyText } from '../../../support/stomp-peer.ts'
import { TailReader } from '../../../support/tail-reader.ts'
import { FakeBus } from './fake-bus.ts'
import { connected, embed, subscribe } from './support.ts'

describe('the web debugger of an embedded bridge', () => {
  const files = {
    '': { type: 'text/html', body: gzipSync('<p>hello</p>').toString('base64'), etag: '"1"', isImmutable: false },
  }
  const view = async ({ url }: { url: string }) =>
    (await (await fetch(`${url}/api/bridge`)).json()) as { nodes: { id: string }[] }

  it('is not there unless the program hands in the page, and switches on the API', async () => {
    const bare = await embed()
    for (const path of ['/', '/debugger', '/debugger/about.json', '/api/bridge']) {
      expect((await fetch(`${bare.url}${path}`)).status).toBe(404)
    }
    const page = await embed({}, { debuggerFiles: files })
    expect(await (await fetch(page.url)).text()).toBe('<p>hello</p>')
    expect((await fetch(`${page.url}/api/bridge`)).status).toBe(404)
    const api = await embed({ debugger: { api: 'on' } })
    expect((await fetch(`${api.url}/debugger`)).status).toBe(404)
    expect((await fetch(`${api.url}/api/bridge`)).status).toBe(200)
    const off = await embed({ debugger: { enabled: false } }, { debuggerFiles: files })
    expect((await fetch(`${off.url}/debugger`)).status).toBe(404)
  })

  it('shows an embedded bus, and tails it', async () => {
    const place = await embed({ debugger: { api: 'on' }, tcp: { enabled: true, port: 0 } })
    const { tcp } = place.address
    const { id } = (await view(place)).nodes[0]!
    expect(await view(place)).toMatchObject({
      version: '1.2.3',
      bus: { kind: 'embedded', unavailableReason: null },
      nodes: [{ id, isThis: true, address: null, ageSeconds: expect.any(Number) }],
      workers: 1,
      endpoints: { stomp: '/stomp', tcp, raw: '/raw', sse: '/sse', configured: [] },
      limits: { maxFrameBytes: 65_536 },
    })
    const tail = new TailReader(await fetch(`${place.url}/api/channels/GREETING_CHANNEL_INBOUND/tail`))
    expect(await tail.words(1)).toEqual(['live'])
    const peer = await connected(place.wsUrl)
    await subscribe(peer, '/topic/**')
    await fetch(`${place.url}/api/channels/GREETING_CHANNEL_INBOUND`, { method: 'POST', body: '"once"' })
    await fetch(`${place.url}/api/channels/GREETING_CHANNEL_INBOUND`, { method: 'POST', body: '"twice"' })
    expect(await tail.words(2)).toEqual(['message "once"', 'message "twice"'])
    expect([bodyText(await peer.expect('MESSAGE')), bodyText(await peer.expect('MESSAGE'))]).toEqual(['once', 'twice'])
    await place.bridge.close()
    expect(await tail.next()).toBeUndefined()
  })

  it('shows a bus of the program, which does not know of others', async () => {
    const bus = new FakeBus()
    const access = { authenticators: [] }
    const place = await embed({ debugger: { api: 'on' } }, { bus, access })
    bus.become('out to lunch')
    expect(await view(place)).toMatchObject({
      isOpen: false,
      ready: { isReady: false, reasons: ['out to lunch'] },
      bus: { kind: 'custom', description: 'a fake', unavailableReason: 'out to lunch' },
      nodes: null,
    })
  })
})
