/** A trace on its way through a bridge without spans: what comes in well formed goes on as it is, what does not goes nowhere. */
import { describe, expect, it } from 'vitest'
import { startBridge } from '../support/bridge-stage.ts'
import { turn } from '../support/fake-turn.ts'
import { PARENT } from './spans.ts'

const TRACE = { traceparent: PARENT, tracestate: 'congo=t61rcWkgMzE' }
const HOSTILE = [
  { traceparent: PARENT.toUpperCase() },
  { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, tracestate: 'a=1' },
  { traceparent: `${PARENT}0` },
  { traceparent: 'x'.repeat(2_000), tracestate: 'y'.repeat(2_000) },
]
const ROUTES = {
  outbound: [
    { destination: '/app/enveloped', channel: 'ENVELOPED', codec: 'envelope' },
    { destination: '/app/plain', channel: 'PLAIN' },
  ],
  inbound: [{ channel: 'env:{x}', destination: '/topic/env/{x}', codec: 'envelope' }],
}

const stage = () => startBridge({ routes: ROUTES })
type Stage = Awaited<ReturnType<typeof stage>>

/** The last payload, and its channel. */
function last({ bus }: Stage): { channel: string; payload: Record<string, unknown> } {
  const [, channel = '', json = ''] = /^(\S+) (.*)$/s.exec(bus.published.at(-1)!)!
  return { channel, payload: JSON.parse(json) as Record<string, unknown> }
}

async function subscriber(bridge: Stage, destination: string) {
  const client = await bridge.open()
  client.frame('SUBSCRIBE', { id: '1', destination })
  await turn()
  client.take()
  return {
    client,
    async message() {
      await turn()
      return client.take().find(({ command }) => command === 'MESSAGE')?.headers
    },
  }
}

describe('without spans, a trace', () => {
  it('of a POST goes on beside the message, and comes to subscribers as headers', async () => {
    const bridge = await stage()
    const { message } = await subscriber(bridge, '/topic/a')
    expect((await bridge.post('/api/notification', { topic: '/topic/a', message: { n: 1 } }, TRACE)).status).toBe(200)
    expect(bridge.bus.published.at(-1)).toBe(
      `BROADCAST-CHANNEL {"topic":"/topic/a","message":{"n":1},"traceparent":"${PARENT}","tracestate":"${TRACE.tracestate}"}`,
    )
    bridge.bus.deliver('BROADCAST-CHANNEL', bridge.bus.published.at(-1)!.replace(/^\S+ /, ''))
    const headers = (await message())!
    expect([headers.get('traceparent'), headers.get('tracestate')]).toEqual([PARENT, TRACE.tracestate])
  })

  it('of a request with several notifications is that of each', async () => {
    const bridge = await stage()
    const both = ['/topic/a', '/topic/b'].map((topic) => ({ topic, message: 'x' }))
    expect((await bridge.post('/api/notifications', both, TRACE)).status).toBe(200)
    expect(bridge.bus.published.filter((text) => text.includes(`"traceparent":"${PARENT}"`))).toHaveLength(2)
  })

  it.each(HOSTILE)('of a POST that is not well formed goes nowhere, and nobody is told: %#', async (headers) => {
    const bridge = await stage()
    expect((await bridge.post('/api/notification', { topic: '/topic/a', message: 'x' }, headers)).status).toBe(200)
    expect(bridge.bus.published.at(-1)).toBe('BROADCAST-CHANNEL {"topic":"/topic/a","message":"x"}')
  })

  it('with a tracestate of 10 kB goes on without that', async () => {
    const bridge = await stage()
    await bridge.post(
      '/api/notification',
      { topic: '/topic/a', message: 'x' },
      { ...TRACE, tracestate: `a=${'x'.repeat(10_240)}` },
    )
    expect(last(bridge).payload).toEqual({ topic: '/topic/a', message: 'x', traceparent: PARENT })
  })

  it('of a SEND goes on among the headers, to subscribers and in an envelope', async () => {
    const bridge = await stage()
    const client = await bridge.open()
    client.frame('SEND', { destination: '/topic/a', own: 'x', ...TRACE }, 'x')
    expect(last(bridge).payload['headers']).toEqual([
      ['own', 'x'],
      ['traceparent', PARENT],
      ['tracestate', TRACE.tracestate],
    ])
    client.frame('SEND', { destination: '/app/enveloped', own: 'x', ...TRACE }, 'x')
    expect(last(bridge).payload['headers']).toEqual({ own: 'x', ...TRACE })
    client.frame('SEND', { destination: '/app/plain', ...TRACE }, 'x')
    expect(bridge.bus.published.at(-1)).toBe('PLAIN "x"')
  })

  it.each(HOSTILE)('of a SEND that is not well formed goes nowhere, and nobody is told: %#', async (headers) => {
    const bridge = await stage()
    const client = await bridge.open()
    client.take()
    client.frame('SEND', { destination: '/topic/a', own: 'x', receipt: '1', ...headers }, 'x')
    expect(last(bridge).payload['headers']).toEqual([['own', 'x']])
    await turn()
    expect(client.takeWords()).toEqual([expect.stringContaining('RECEIPT')])
  })

  it.each([
    ['a field of the envelope', { ...TRACE, headers: { own: 'x' } }],
    ['its headers', { headers: { own: 'x', ...TRACE } }],
    [
      'both, of which the headers count',
      { traceparent: PARENT.replace('-01', '-00'), headers: { own: 'x', ...TRACE } },
    ],
  ])('that a backend publishes in %s comes to subscribers', async (_where, fields) => {
    const bridge = await stage()
    const { message } = await subscriber(bridge, '/topic/env/1')
    bridge.bus.deliver('env:1', JSON.stringify({ body: 'x', ...fields }))
    const headers = (await message())!
    expect([headers.get('traceparent'), headers.get('tracestate'), headers.get('own')]).toEqual([
      PARENT,
      TRACE.tracestate,
      'x',
    ])
  })

  it.each(HOSTILE)('that a backend publishes and that is not well formed comes to nobody: %#', async (trace) => {
    const bridge = await stage()
    const { message } = await subscriber(bridge, '/topic/env/1')
    for (const fields of [trace, { headers: trace }]) {
      bridge.bus.deliver('env:1', JSON.stringify({ body: 'x', ...fields }))
      const headers = (await message())!
      expect([headers.has('traceparent'), headers.has('tracestate')]).toEqual([false, false])
    }
    bridge.bus.deliver('env:1', JSON.stringify({ body: 'x', traceparent: 7, tracestate: {} }))
    expect((await message())!.has('traceparent')).toBe(false)
  })

  it('is named in the line of the log for its request', async () => {
    const bridge = await startBridge({ log: { access: true } })
    await bridge.get('/health', TRACE)
    await bridge.get('/health', { traceparent: 'x' })
    await bridge.get('/health')
    const lines = bridge.log.entries.filter(({ message }) => message === 'HTTP request')
    expect(lines.map(({ fields }) => fields['trace'])).toEqual([PARENT.slice(3, 35), undefined, undefined])
  })
})
