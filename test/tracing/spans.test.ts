/** The spans of a bridge: which there are, whose child each is, and what others are told of them. */
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import { tracedFetch } from '../../src/tracing/traced-fetch.ts'
import { tracingOf } from '../../src/tracing/tracing.ts'
import { startBridge } from '../support/bridge-stage.ts'
import { turn } from '../support/fake-turn.ts'
import { newSpans, only, outline, PARENT, SPAN, TRACE, traceparentOf, UNSAMPLED } from './spans.ts'

const ROUTES = {
  outbound: [{ destination: '/app/orders/{id}', channel: 'orders:{id}', codec: 'envelope' }],
  inbound: [{ channel: 'env:{x}', destination: '/topic/env/{x}', codec: 'envelope' }],
}
const BROADCAST = 'BROADCAST-CHANNEL'

async function stage() {
  const spans = newSpans()
  const bridge = await startBridge({ routes: ROUTES }, { tracerProvider: spans.provider })
  /** What was published last, as it comes back. */
  const echo = () => {
    const [, channel = '', payload = ''] = /^(\S+) (.*)$/s.exec(bridge.bus.published.at(-1)!)!
    bridge.bus.deliver(channel, payload)
    return JSON.parse(payload) as Record<string, unknown> & { headers: unknown }
  }
  const subscribe = async (destination: string, subscriptions = 1) => {
    const client = await bridge.open()
    for (let i = 0; i < subscriptions; i++) client.frame('SUBSCRIBE', { id: String(i), destination })
    await turn()
    client.take()
    return client
  }
  return { ...bridge, ...spans, echo, subscribe }
}

describe('the spans of a bridge', () => {
  it('show a POST: the request, its way to the bus, and on a node with subscribers one delivery', async () => {
    const { post, echo, subscribe, ended } = await stage()
    const client = await subscribe('/topic/a', 3)
    await post('/api/notification', { topic: '/topic/a', message: 'x' }, { traceparent: PARENT })
    const { traceparent } = echo()
    await turn()
    const [request, publish, delivery] = ['POST /api/notification', `PUBLISH ${BROADCAST}`, 'MESSAGE'].map((name) =>
      only(ended(), name),
    )
    expect(outline(request!)).toBe(`SERVER POST /api/notification < ${SPAN}`)
    expect(outline(publish!)).toBe(`PRODUCER PUBLISH ${BROADCAST} < ${request!.spanContext().spanId}`)
    expect(outline(delivery!)).toBe(`CONSUMER MESSAGE < ${publish!.spanContext().spanId}`)
    expect(new Set(ended().map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]))
    expect(traceparent).toBe(traceparentOf(publish!))
    expect(client.take().map(({ headers }) => headers.get('traceparent'))).toEqual(Array(3).fill(traceparent))
    expect(request!.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/notification',
      'http.response.status_code': 200,
    })
    expect(publish!.attributes).toMatchObject({
      'messaging.operation.name': 'PUBLISH',
      'messaging.destination.name': BROADCAST,
    })
    expect(delivery!.attributes).toMatchObject({
      'messaging.system': 'stomp',
      'messaging.destination.name': '/topic/a',
      'stomp_bridge.subscribers': 3,
    })
    expect(request!.instrumentationScope).toMatchObject({ name: 'stomp-bridge', version: '1.2.3' })
  })

  it('show a SEND, and the envelope names the span that has published it', async () => {
    const { open, bus, ended } = await stage()
    const client = await open()
    client.frame('SEND', { destination: '/app/orders/7', traceparent: PARENT, tracestate: 'a=1' }, 'x')
    await turn()
    const [send, publish] = [only(ended(), 'SEND'), only(ended(), 'PUBLISH orders:{id}')]
    expect([outline(send), outline(publish)]).toEqual([
      `SERVER SEND < ${SPAN}`,
      `PRODUCER PUBLISH orders:{id} < ${send.spanContext().spanId}`,
    ])
    const { headers } = JSON.parse(bus.published.at(-1)!.replace(/^\S+ /, '')) as { headers: object }
    expect(headers).toEqual({ traceparent: traceparentOf(publish), tracestate: 'a=1' })
    expect(send.attributes).toMatchObject({
      'messaging.system': 'stomp',
      'messaging.destination.name': '/app/orders/7',
    })
    expect(publish.attributes).toMatchObject({ 'messaging.destination.name': 'orders:7' })
  })

  it('begin a trace where none comes in', async () => {
    const { open, bus, echo, subscribe, ended } = await stage()
    await subscribe('/topic/a')
    const client = await open()
    client.frame('SEND', { destination: '/topic/a' }, 'x')
    expect(echo().headers).toEqual([
      [
        'traceparent',
        traceparentOf(only(ended(), 'MESSAGE')).replace(
          /-\w{16}-/,
          `-${only(ended(), 'MESSAGE').parentSpanContext!.spanId}-`,
        ),
      ],
    ])
    await turn()
    expect(only(ended(), 'SEND').parentSpanContext).toBeUndefined()
    expect(new Set(ended().map((span) => span.spanContext().traceId)).size).toBe(1)
    bus.deliver(BROADCAST, '{"topic":"/topic/a","message":"of a backend"}')
    expect(ended().at(-1)!.parentSpanContext).toBeUndefined()
  })

  it('are none for a message that nobody here has subscribed', async () => {
    const { bus, ended } = await stage()
    bus.deliver(BROADCAST, `{"topic":"/topic/a","message":"x","traceparent":"${PARENT}"}`)
    expect(ended()).toEqual([])
  })

  it('are none where the sender says so, and what follows is told', async () => {
    const { post, open, echo, subscribe, ended } = await stage()
    const subscriber = await subscribe('/topic/a')
    await post('/api/notification', { topic: '/topic/a', message: 'x' }, { traceparent: UNSAMPLED })
    expect(echo()['traceparent']).toMatch(new RegExp(`^00-${TRACE}-(?!${SPAN})\\w{16}-00$`))
    const client = await open()
    client.frame('SEND', { destination: '/topic/a', traceparent: UNSAMPLED }, 'x')
    echo()
    await turn()
    for (const { headers } of subscriber.take()) expect(headers.get('traceparent')).toMatch(/-00$/)
    expect(ended()).toEqual([])
  })

  it('take no part in what is not well formed', async () => {
    const { open, ended } = await stage()
    const client = await open()
    client.frame('SEND', { destination: '/topic/a', traceparent: PARENT.toUpperCase(), tracestate: 'a=1' }, 'x')
    await turn()
    expect(only(ended(), 'SEND').parentSpanContext).toBeUndefined()
    expect(only(ended(), 'SEND').spanContext().traceState?.serialize()).toBeUndefined()
  })

  it('say what went wrong', async () => {
    const { open, post, bus, ended, reset } = await stage()
    const client = await open()
    client.frame('SEND', { destination: '/nowhere' }, 'x')
    await turn()
    expect(only(ended(), 'SEND').status).toMatchObject({ code: SpanStatusCode.ERROR })
    expect(only(ended(), 'SEND').attributes['error.type']).toBe('no-route')
    reset()
    bus.setReason('away')
    expect((await post('/api/notification', { topic: '/topic/a', message: 'x' })).status).toBe(503)
    const [request, publish] = [only(ended(), 'POST /api/notification'), only(ended(), `PUBLISH ${BROADCAST}`)]
    expect(request.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' })
    expect(publish.attributes['error.type']).toBe('bus-unavailable')
    reset()
    await post('/api/notification', { topic: 7 })
    expect(only(ended(), 'POST /api/notification').status.code).toBe(SpanStatusCode.UNSET)
  })

  it('of a transaction end when it is applied; of one that is not there is nothing that was published', async () => {
    const { open, ended, reset } = await stage()
    const client = await open()
    for (const end of ['ABORT', 'COMMIT']) {
      client.frame('BEGIN', { transaction: 't' })
      client.frame('SEND', { destination: '/topic/a', transaction: 't', traceparent: PARENT }, 'x')
      await turn()
      expect(ended().map(outline)).toEqual([`SERVER SEND < ${SPAN}`])
      client.frame(end, { transaction: 't' })
      await turn()
      expect(
        ended()
          .slice(1)
          .map(({ name }) => name),
      ).toEqual(end === 'COMMIT' ? [`PUBLISH ${BROADCAST}`] : [])
      reset()
    }
  })

  it('are named in the line of the log for their request', async () => {
    const spans = newSpans()
    const { post, log } = await startBridge({ log: { access: true } }, { tracerProvider: spans.provider })
    await post('/api/notification', { topic: '/topic/a', message: 'x' })
    const line = log.entries.find(({ message }) => message === 'HTTP request')!
    expect(line.fields['trace']).toBe(only(spans.ended(), 'POST /api/notification').spanContext().traceId)
  })
})

describe('the provider of a program', () => {
  afterEach(() => trace.disable())

  it('is used where it is the global one before the bridge is made', async () => {
    const { provider, ended } = newSpans()
    trace.setGlobalTracerProvider(provider)
    const { open } = await startBridge()
    const client = await open()
    client.frame('SEND', { destination: '/topic/a' }, 'x')
    await turn()
    expect(ended().map(({ name }) => name)).toEqual([`PUBLISH ${BROADCAST}`, 'SEND'])
  })

  it('is none where none is registered', () => {
    expect(tracingOf(undefined, { version: '1', busSystem: 'redis' })).toBeUndefined()
  })

  it('that makes no spans leaves a trace as it came', async () => {
    const none = trace.getTracerProvider() // the API without an SDK
    const { open, bus } = await startBridge({}, { tracerProvider: none })
    const client = await open()
    for (const headers of [{}, { traceparent: PARENT }])
      client.frame('SEND', { destination: '/topic/a', ...headers }, 'x')
    const headers = bus.published.map((text) => (JSON.parse(text.replace(/^\S+ /, '')) as { headers: unknown }).headers)
    expect(headers).toEqual([[], [['traceparent', PARENT]]])
  })
})

describe('a request to another server', () => {
  const question = { method: 'GET', headers: { accept: 'x', traceparent: PARENT } }
  const stageOf = (status: number | Error) => {
    const { provider, ended } = newSpans()
    const asked: RequestInit[] = []
    const fetch = tracedFetch(tracingOf(provider, { version: '1', busSystem: 'redis' }), async (_url, init) => {
      asked.push(init)
      if (status instanceof Error) throw status
      return new Response(null, { status })
    })
    return { fetch, asked, ended }
  }

  it('is a span of which that server is told, and never shows the URL', async () => {
    const { fetch, asked, ended } = stageOf(200)
    await fetch('https://auth.example/check?token=secret', question)
    const [span] = ended()
    expect(outline(span!)).toBe(`CLIENT GET < ${SPAN}`)
    expect(asked[0]!.headers).toEqual({ accept: 'x', traceparent: traceparentOf(span!) })
    expect(span!.attributes).toEqual({
      'http.request.method': 'GET',
      'server.address': 'auth.example',
      'server.port': 443,
      'http.response.status_code': 200,
    })
  })

  it.each([
    [404, '404'],
    [new Error('https://auth.example/?token=secret'), 'no-answer'],
  ])('that fails says how: %s', async (status, type) => {
    const { fetch, ended } = stageOf(status)
    await fetch('http://auth.example/', question).catch(() => {})
    expect(ended()[0]!.attributes['error.type']).toBe(type)
    expect(JSON.stringify([ended()[0]!.attributes, ended()[0]!.status, ended()[0]!.events])).not.toContain('secret')
  })

  it('is made as it was where there are no spans', () => {
    const own = async () => new Response()
    expect(tracedFetch(undefined, own)).toBe(own)
  })
})
