/** Requests with `reply-to`, and what a backend answers: to exactly the session that has asked, over two nodes with a real Redis. */
import { beforeAll, describe, expect, it } from 'vitest'
import { createBackend } from '../../src/backend/index.ts'
import { listen, metric } from '../support/clients/backend.ts'
import type { Inbox } from '../support/clients/inbox.ts'
import { runtime } from '../support/runtime.ts'
import { frameText } from '../support/stomp-peer.ts'
import { eventually } from '../support/wait.ts'
import { untilReady } from '../support/world.ts'
import {
  API_KEYS,
  expectError,
  expectNothing,
  HS256,
  logIn,
  logInAs,
  message,
  send,
  startNodes,
  subscribe,
  type Nodes,
} from './access/stage.ts'

const CONFIG = `
redis: { keyPrefix: 'p:', reconnectMaxDelayMs: 100 }
routes:
  outbound:
    - { destination: /app/ask, channel: ask, codec: envelope }
    - { destination: /app/plain, channel: plain, codec: json }
    - destination: /app/work
      stream: work
      fields: { message: body, replyTo: reply-to, correlationId: correlation-id }
    - { destination: /app/envelopes, stream: envelopes, codec: envelope }
    - { destination: /app/entries, stream: entries }
limits: { maxSubscriptions: 4 }
access:
  authenticators: [${HS256}, { type: anonymous }]
  ${API_KEYS}
  rules: [{ allow: [subscribe, send], destination: '/**', anonymous: true }]
`
const REPLIES = '/user/queue/replies'

interface Request {
  readonly replyTo: string
  readonly correlationId?: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

describe(`a request on ${runtime}`, () => {
  let nodes: Nodes
  let asked: Inbox<Buffer>
  let publish: (request: Pick<Request, 'replyTo'>, envelope: unknown) => Promise<number>
  beforeAll(async () => {
    nodes = await startNodes(CONFIG)
    asked = await listen(nodes.redis, 'p:ask')
    publish = ({ replyTo }, envelope) => nodes.backend.publish(`p:${replyTo}`, JSON.stringify(envelope))
  })

  const next = async (): Promise<Request> => JSON.parse(String(await asked.next())) as Request
  const answers = { 'correlation-id': '7', destination: REPLIES }

  it('reaches a backend with the channel for its answer, which comes to that session alone', async () => {
    const [alice, alice2, other] = await Promise.all([
      logInAs(nodes.a, 'Ann Lee'),
      logInAs(nodes.a, 'Ann Lee'),
      logInAs(nodes.b, 'Ann Lee'),
    ])
    for (const { peer } of [alice, alice2, other]) await subscribe(peer, REPLIES)
    send(alice.peer, '/app/ask', 'how much?', { 'reply-to': REPLIES, 'correlation-id': '7', receipt: 'asked' })
    await alice.peer.receipt('asked')
    const request = await next()
    expect(request).toMatchObject({ body: 'how much?', correlationId: '7', session: alice.session })
    expect(await publish(request, { body: { price: 10.5 }, headers: { 'correlation-id': '7' } })).toBe(1)
    expect(await message(alice.peer, { ...answers, 'content-type': 'application/json' })).toBe('{"price":10.5}')
    for (const { peer } of [alice2, other]) await expectNothing(peer)

    // once more, from the other node, and with the backend package
    send(other.peer, '/app/ask', '', { 'reply-to': REPLIES, 'correlation-id': '8' })
    const backend = createBackend(nodes.backend, { keyPrefix: 'p:' })
    await backend.reply(await next(), new Uint8Array([255, 0]), { status: 'ok' })
    const frame = await other.peer.expect('MESSAGE', { 'correlation-id': '8', status: 'ok', destination: REPLIES })
    expect([...frame.body]).toEqual([255, 0])
    for (const { peer } of [alice, alice2]) await expectNothing(peer)
  })

  it('is answered where it has said: of a user, of a session, of a client without a name', async () => {
    const alice = await logInAs(nodes.a, 'alice')
    const nobody = await logIn(nodes.b)
    for (const { peer } of [alice, nobody]) {
      for (const queue of ['/user/queue/a', '/session/queue/a', '/session/queue/b/c']) {
        await subscribe(peer, queue)
        send(peer, '/app/ask', '', { 'reply-to': queue, 'correlation-id': queue })
        const request = await next()
        await publish(request, { body: 'answer', headers: { 'correlation-id': request.correlationId } })
        expect(await message(peer, { destination: queue, 'correlation-id': queue, subscription: queue })).toBe('answer')
      }
      await expectNothing(peer)
    }
  })

  it('is answered as often as a backend likes, also without a correlation id; what is malformed is counted', async () => {
    const { peer } = await logIn(nodes.a)
    await subscribe(peer, REPLIES)
    send(peer, '/app/ask', '', { 'reply-to': REPLIES })
    const request = await next()
    expect(request).not.toHaveProperty('correlationId')
    const before = await metric(nodes.a, 'stomp_bridge_payloads_malformed_total')
    await nodes.backend.publish(`p:${request.replyTo}`, 'no envelope')
    await publish(request, { body: 1, headers: { destination: '/topic/x', 'message-id': 'forged', event: 'position' } })
    await publish(request, { body: 2 })
    expect(await message(peer, { destination: REPLIES, event: undefined })).toBe('1')
    expect(await message(peer)).toBe('2')
    expect(await metric(nodes.a, 'stomp_bridge_payloads_malformed_total')).toBe(before + 1)
  })

  it('goes to a stream with its channel in a field, or in the envelope', async () => {
    const { peer } = await logIn(nodes.a)
    await subscribe(peer, REPLIES)
    const headers = { 'reply-to': REPLIES, 'correlation-id': '7', receipt: 'added' }
    send(peer, '/app/work', 'do it', headers)
    await peer.receipt('added')
    const [[, flat]] = (await nodes.backend.xrange('p:work', '-', '+')) as [[string, string[]]]
    const [, , , replyTo, , correlationId] = flat
    expect(flat).toEqual(['message', 'do it', 'replyTo', replyTo, 'correlationId', '7'])
    const backend = createBackend(nodes.backend, { keyPrefix: 'p:' })
    await backend.reply({ replyTo, correlationId }, 'done')
    expect(await message(peer, answers)).toBe('done')
    send(peer, '/app/envelopes', '', headers)
    await peer.receipt('added')
    const [[, [, envelope]]] = (await nodes.backend.xrange('p:envelopes', '-', '+')) as [[string, [string, string]]]
    expect(JSON.parse(envelope)).toMatchObject({ replyTo, correlationId: '7' })
    // and without what was not asked for
    send(peer, '/app/work', 'alone', { receipt: 'added' })
    await peer.receipt('added')
    const entries = await nodes.backend.xrange('p:work', '-', '+')
    expect(entries[1]![1]).toEqual(['message', 'alone'])
  })

  it('keeps its place among what is sent before and after, also in a transaction', async () => {
    const { peer } = await logIn(nodes.a)
    await subscribe(peer, '/session/queue/r')
    const bodies = Array.from({ length: 20 }, (_, i) => `${i}`)
    for (const body of bodies) {
      send(peer, '/app/ask', body, body === '5' ? { 'reply-to': '/session/queue/r' } : {})
    }
    const order: string[] = []
    for (const _body of bodies) order.push((await next()).body)
    expect(order).toEqual(bodies)
    peer.send(frameText('BEGIN', { transaction: 't' }))
    send(peer, '/app/ask', 'in it', { 'reply-to': '/session/queue/s', transaction: 't', receipt: 'r' })
    await peer.receipt('r')
    peer.send(frameText('COMMIT', { transaction: 't' }))
    expect(await next()).toMatchObject({ body: 'in it' })
  })

  it.each([
    '/user/bob/queue/replies',
    '/topic/replies',
    '/user/queue/*',
    '/user/queue/',
    '/session/other-1/queue/x',
    'replies',
    '',
  ])('with reply-to:%s is refused', async (replyTo) => {
    const { peer } = await logIn(nodes.a)
    send(peer, '/app/ask', '', { 'reply-to': replyTo })
    await expectError(peer, 'bad-header', 1002)
  })

  it.each(['/app/plain', '/app/entries'])('to %s, which does not carry it, is refused', async (destination) => {
    const { peer } = await logIn(nodes.a)
    send(peer, destination, '1', { 'reply-to': REPLIES })
    const error = await expectError(peer, 'bad-header', 1002)
    expect(error.headers.get('message')).toContain('does not carry it; it needs the codec envelope')
  })

  it('is none where it goes to subscribers: they get the header as it is', async () => {
    const { peer } = await logIn(nodes.a)
    await subscribe(peer, '/topic/x')
    send(peer, '/topic/x', 'to all', { 'reply-to': 'wherever' })
    expect(await message(peer, { 'reply-to': 'wherever' })).toBe('to all')
  })

  it('may name so many queues, and costs a channel only as long as the session lives', async () => {
    const { peer, session } = await logIn(nodes.a)
    for (let i = 0; i < 4; i++) send(peer, '/app/ask', '', { 'reply-to': `/session/queue/${i}` })
    for (let i = 0; i < 4; i++) await next()
    const channels = () => nodes.backend.pubsub('CHANNELS', `p:session:${session}:reply:*`)
    expect(await channels()).toHaveLength(4)
    send(peer, '/app/ask', '', { 'reply-to': '/session/queue/0' })
    await next()
    send(peer, '/app/ask', '', { 'reply-to': '/session/queue/4' })
    await expectError(peer, 'too-many-subscriptions', 1002)
    await eventually(async () => expect(await channels()).toEqual([]))
  })

  it('is refused while Redis is away, and answered when it is back', async () => {
    const [away, stays] = [await logIn(nodes.a), await logIn(nodes.a)]
    await subscribe(stays.peer, REPLIES)
    send(stays.peer, '/app/ask', '', { 'reply-to': REPLIES })
    const request = await next()
    await nodes.redis.crash()
    send(away.peer, '/app/ask', '', { 'reply-to': REPLIES, receipt: 'r' })
    const error = await expectError(away.peer, 'bus-unavailable', 1002)
    expect(error.headers.get('receipt-id')).toBe('r')
    await nodes.redis.restart()
    await Promise.all([untilReady(nodes.a), untilReady(nodes.b)])
    await eventually(async () => expect(await publish(request, { body: 'at last' })).toBe(1))
    expect(await message(stays.peer, { destination: REPLIES })).toBe('at last')
  })
})
