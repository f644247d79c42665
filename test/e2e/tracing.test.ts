/** Traces through two bridges and a Redis, as a collector of OpenTelemetry gets them, and as clients and backends see them. */
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { listen, metric } from '../support/clients/backend.ts'
import { connectStompjs7, type Stompjs7Client } from '../support/clients/stompjs7.ts'
import { startOtlpCollector, type CollectedSpan, type OtlpCollector } from '../support/otlp-collector.ts'
import { spawnBridge, type BridgeProcess, type LogRecord } from '../support/process.ts'
import type { RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'
import { startWorld, untilReady } from '../support/world.ts'

const SERVER = 2
const PRODUCER = 4
const CONSUMER = 5
const BROADCAST = 'PUBLISH BROADCAST-CHANNEL'

const SETTINGS = {
  STOMP_BRIDGE_ROUTES_OUTBOUND: JSON.stringify([
    { destination: '/app/orders/{id}', channel: 'orders:{id}', codec: 'envelope' },
    { destination: '/app/stream', stream: 'OUT', fields: { message: 'body' } },
  ]),
  STOMP_BRIDGE_ROUTES_INBOUND: JSON.stringify([
    { channel: 'events:{id}', destination: '/topic/events/{id}', codec: 'envelope' },
    { stream: 'IN', destination: '/topic/in', body: '{field.message}' },
  ]),
  STOMP_BRIDGE_HISTORY: JSON.stringify([{ destination: '/topic/kept/**' }]),
  STOMP_BRIDGE_QUEUES: JSON.stringify([{ destination: '/queue/**' }]),
}

interface Trace {
  readonly id: string
  /** Of the sender. */
  readonly span: string
  readonly traceparent: string
}

function newTrace(flags = '01'): Trace {
  const [id, span] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  return { id, span, traceparent: `00-${id}-${span}-${flags}` }
}

function post({ url }: BridgeProcess, topic: string, headers: Record<string, string>): Promise<Response> {
  const json = { 'content-type': 'application/json', ...headers }
  return fetch(`${url}/api/notification`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ topic, message: 'x' }),
  })
}

async function connect(bridge: BridgeProcess): Promise<Stompjs7Client> {
  const client = await connectStompjs7(bridge)
  onTestFinished(() => client.disconnect())
  return client
}

const traceparentOf = ({ traceId, spanId }: CollectedSpan): string => `00-${traceId}-${spanId}-01`

describe(`traces through two bridges on ${runtime}`, () => {
  let collector: OtlpCollector
  let redis: RedisServer
  let backend: Redis
  let a: BridgeProcess
  let b: BridgeProcess

  beforeAll(async () => {
    collector = await startOtlpCollector()
    afterAll(() => collector.stop())
    const env = {
      ...SETTINGS,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_BSP_SCHEDULE_DELAY: '20',
    }
    const world = await startWorld({ runtime, env: { ...env, OTEL_SERVICE_NAME: 'a' } })
    ;({ redis, backend, bridge: a } = world)
    b = await spawnBridge({ runtime, env: { ...env, REDIS_URL: redis.url, OTEL_SERVICE_NAME: 'b' } })
    await untilReady(b)
  })

  it('show a POST to one node, and how the other one delivers it, once for all subscribers', async () => {
    const client = await connect(b)
    const subscriptions = [await client.subscribe('/topic/a'), await client.subscribe('/topic/a')]
    const { id, span, traceparent } = newTrace()
    expect((await post(a, '/topic/a', { traceparent })).status).toBe(200)
    const request = await collector.find('POST /api/notification', id)
    const publish = await collector.find(BROADCAST, id)
    const delivery = await collector.find('MESSAGE', id)
    expect([request, publish, delivery]).toMatchObject([
      { service: 'a', kind: SERVER, parentSpanId: span, attributes: { 'http.response.status_code': 200 } },
      { service: 'a', kind: PRODUCER, parentSpanId: request.spanId, attributes: { 'messaging.system': 'redis' } },
      { service: 'b', kind: CONSUMER, parentSpanId: publish.spanId, attributes: { 'stomp_bridge.subscribers': 2 } },
    ])
    for (const subscription of subscriptions) {
      expect((await subscription.next()).headers['traceparent']).toBe(traceparentOf(publish))
    }
    // Node a has no subscriber, and there is one span for the two of b.
    expect(collector.spans.filter(({ traceId }) => traceId === id)).toHaveLength(3)
  })

  it('go with a SEND to a channel of backends, and come back with their answer', async () => {
    const payloads = await listen(redis, 'orders:7')
    const [client, other] = [await connect(a), await connect(b)]
    const events = await other.subscribe('/topic/events/7')
    const { id, span, traceparent } = newTrace()
    await client.send('/app/orders/7', 'x', { traceparent, tracestate: 'vendor=1' })
    const envelope = JSON.parse(String(await payloads.next())) as { headers: Record<string, string> }
    const send = await collector.find('SEND', id)
    const publish = await collector.find('PUBLISH orders:{id}', id)
    expect([send, publish]).toMatchObject([
      { service: 'a', kind: SERVER, parentSpanId: span },
      { service: 'a', kind: PRODUCER, parentSpanId: send.spanId },
    ])
    expect(envelope.headers).toMatchObject({ traceparent: traceparentOf(publish), tracestate: 'vendor=1' })
    const work = newTrace().span // what the backend does with it
    await backend.publish('events:7', JSON.stringify({ body: 'done', traceparent: `00-${id}-${work}-01` }))
    expect((await events.next()).headers['traceparent']).toBe(`00-${id}-${work}-01`)
    expect(await collector.find('MESSAGE', id)).toMatchObject({ service: 'b', kind: CONSUMER, parentSpanId: work })
  })

  it('go through streams, both ways', async () => {
    const [client, other] = [await connect(a), await connect(b)]
    const sent = newTrace()
    await client.send('/app/stream', 'x', { traceparent: sent.traceparent })
    const add = await collector.find('XADD OUT', sent.id)
    const [[, fields]] = (await backend.xrevrange('OUT', '+', '-', 'COUNT', 1)) as [[string, string[]]]
    expect(fields).toEqual(['message', 'x', 'traceparent', traceparentOf(add)])

    const subscription = await other.subscribe('/topic/in')
    const { id, span, traceparent } = newTrace()
    await backend.xadd('IN', '*', 'message', 'x', 'traceparent', traceparent)
    expect((await subscription.next()).headers['traceparent']).toBe(traceparent)
    expect(await collector.find('MESSAGE', id)).toMatchObject({ service: 'b', kind: CONSUMER, parentSpanId: span })
  })

  it.each([
    ['with history', '/topic/kept/a', BROADCAST],
    ['that is a work queue', '/queue/jobs', 'XADD'],
  ])('go through a destination %s', async (_what, destination, name) => {
    const [client, other] = [await connect(a), await connect(b)]
    const subscription = await other.subscribe(destination, { ack: 'client-individual' })
    const { id, traceparent } = newTrace()
    await client.send(destination, 'x', { traceparent })
    const message = await subscription.next()
    const publish = await collector.find(name, id)
    expect(message.headers['traceparent']).toBe(traceparentOf(publish))
    expect(await collector.find('MESSAGE', id)).toMatchObject({ service: 'b', parentSpanId: publish.spanId })
    message.ack()
  })

  it('that are not to be recorded go on and are told to nobody; what is not one is left out', async () => {
    const client = await connect(b)
    const subscription = await client.subscribe('/topic/a')
    const unrecorded = newTrace('00')
    await post(a, '/topic/a', { traceparent: unrecorded.traceparent })
    expect((await subscription.next()).headers['traceparent']).toMatch(new RegExp(`^00-${unrecorded.id}-\\w{16}-00$`))
    const broken = newTrace().traceparent.toUpperCase()
    expect((await post(a, '/topic/a', { traceparent: broken })).status).toBe(200)
    const { traceparent = '' } = (await subscription.next()).headers
    const id = traceparent.slice(3, 35)
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(broken.toLowerCase()).not.toContain(id)
    await collector.find('MESSAGE', id) // later than whatever there would be of the other
    expect(collector.spans.filter(({ traceId }) => traceId === unrecorded.id)).toEqual([])
  })

  it('are lost while the collector is away, and nothing else is', async () => {
    const client = await connect(b)
    const subscription = await client.subscribe('/topic/a')
    collector.status = 503
    const { traceparent } = newTrace()
    for (let i = 0; i < 3; i++) {
      expect((await post(a, '/topic/a', { traceparent })).status).toBe(200)
      expect((await subscription.next()).body).toBe('x')
    }
    await eventually(async () => expect(await metric(a, 'stomp_bridge_spans_dropped_total')).toBeGreaterThan(0), {
      timeoutMs: 15_000,
    })
    const isWarning = ({ msg }: LogRecord) => msg === 'The collector does not take spans: they are lost until it does'
    await a.waitForLog(isWarning)
    collector.status = 200
    await post(a, '/topic/a', { traceparent })
    await a.waitForLog(({ msg }) => msg === 'The collector takes spans again')
    expect(a.logs().filter(isWarning)).toHaveLength(1)
  })

  it('of what has been done last are sent when a bridge stops', async () => {
    const bridge = await spawnBridge({
      runtime,
      env: {
        ...SETTINGS,
        REDIS_URL: redis.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: '60000',
      },
    })
    await untilReady(bridge)
    const { id, traceparent } = newTrace()
    await post(bridge, '/topic/a', { traceparent })
    expect(await bridge.stop()).toBe(0)
    expect(await collector.find(BROADCAST, id)).toMatchObject({ service: 'stomp-bridge' })
  })
})
