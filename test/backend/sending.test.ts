/** What a backend sends to clients: the payloads, as the bridge reads them, and the channels that they go to. */
import { beforeAll, describe, expect, it } from 'vitest'
import { createBackend, type Backend } from '../../src/backend/index.ts'
import { addressProblem } from '../../src/access/addresses.ts'
import { decodeBroadcast, decodePayload } from '../../src/routes/payload.ts'
import { listen } from '../support/clients/backend.ts'
import type { Inbox } from '../support/clients/inbox.ts'
import { useStage } from './stage.ts'

describe('notify', () => {
  const stage = useStage()
  let backend: Backend
  let broadcast: Inbox<Buffer>
  beforeAll(async () => {
    backend = createBackend(stage.redis)
    broadcast = await listen(stage.server, 'BROADCAST-CHANNEL')
  })

  it.each([
    ['Grüße "😀"\n', 'Grüße "😀"\n', 'text/plain;charset=UTF-8'],
    ['', '', 'text/plain;charset=UTF-8'],
    [
      { id: 7, none: null, at: new Date(0) },
      '{"id":7,"none":null,"at":"1970-01-01T00:00:00.000Z"}',
      'application/json',
    ],
    [[1, 'two'], '[1,"two"]', 'application/json'],
    [1.5, '1.5', 'application/json'],
    [false, 'false', 'application/json'],
    [null, 'null', 'application/json'],
  ])('sends %j as the bridge reads it', async (message, body, type) => {
    await backend.notify('/topic/x', message)
    expect(decodeBroadcast(await broadcast.next())).toEqual({
      topic: '/topic/x',
      message: { body, headers: [['content-type', type]] },
      sender: undefined,
    })
  })

  it('sends {"topic":…,"message":…} and nothing else', async () => {
    await backend.notify('/topic/x', { id: 7 })
    expect(String(await broadcast.next())).toBe('{"topic":"/topic/x","message":{"id":7}}')
  })

  it('goes on with a trace, as the bridge reads it', async () => {
    const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' }
    const calls = [
      () => backend.notify('/topic/x', { id: 7 }, trace),
      () => backend.toUser('alice', '/queue/x', 'x', trace),
      () => backend.toGroup('staff', 'x', 'x', { ...trace, tracestate: undefined }),
    ]
    const expected = [Object.entries(trace), Object.entries(trace), [['traceparent', trace.traceparent]]]
    for (const [i, call] of calls.entries()) {
      await call()
      const { headers } = decodeBroadcast(await broadcast.next()).message
      expect(headers.filter(([name]) => name !== 'content-type')).toEqual(expected[i])
    }
    await backend.notify('/topic/x', 1, { traceparent: 'x"' })
    expect(decodeBroadcast(await broadcast.next()).message.headers).toEqual([['content-type', 'application/json']])
  })

  it.each([
    ['alice', '/queue/notes', '/user/alice/queue/notes'],
    ['alice@example.com', '/queue/chat/7', '/user/alice@example.com/queue/chat/7'],
    ['Ann Lee/50%:*?{}[]\\\n', '/queue/x', '/user/Ann%20Lee%2F50%25%3A%2A%3F%7B%7D%5B%5D%5C%0A/queue/x'],
  ])('toUser reaches %j at %j as %j', async (user, destination, topic) => {
    await backend.toUser(user, destination, 'hello')
    expect(decodeBroadcast(await broadcast.next()).topic).toBe(topic)
    expect(addressProblem(topic)).toBeUndefined()
  })

  it.each([
    ['staff', 'news', '/group/staff/news'],
    ['a/b c', 'x/y', '/group/a%2Fb%20c/x/y'],
  ])('toGroup reaches %j at %j as %j', async (group, name, topic) => {
    await backend.toGroup(group, name, 'hello')
    expect(decodeBroadcast(await broadcast.next()).topic).toBe(topic)
    expect(addressProblem(topic)).toBeUndefined()
  })

  it('goes to another channel if told, with the key prefix', async () => {
    const other = await listen(stage.server, 'app:ALL')
    await createBackend(stage.redis, { broadcastChannel: 'ALL', keyPrefix: 'app:' }).notify('/topic/x', 1)
    expect(String(await other.next())).toBe('{"topic":"/topic/x","message":1}')
  })

  it.each<[(backend: Backend) => Promise<void>, string]>([
    [(it) => it.notify('', 'x'), 'Cannot notify: the topic must be text, and not empty'],
    [(it) => it.notify('news', 'x'), 'Cannot notify "news": the topic must be a destination, such as /topic/news'],
    [(it) => it.notify(`/${'x'.repeat(1024)}`, 'x'), 'at most 1024 characters'],
    [(it) => it.notify('/topic/x', undefined), 'Cannot notify "/topic/x": the message must be text or a JSON value'],
    [(it) => it.notify('/topic/x', () => {}), 'the message must be text or a JSON value'],
    [(it) => it.notify('/topic/x', 1n), 'the message must be text or a JSON value'],
    [(it) => it.notify('/topic/x', Buffer.from('x')), 'the message must be text or a JSON value'],
    [(it) => it.notify('/topic/x', 1, null as never), 'Cannot notify "/topic/x": the trace must be an object'],
    [(it) => it.notify('/topic/x', 1, { traceparent: 7 as never }), 'traceparent must be text, and not empty'],
    [(it) => it.toUser('', '/queue/x', 'x'), 'Cannot notify a user: the user name must be text, and not empty'],
    [(it) => it.toUser('alice', 'queue/x', 'x'), 'the destination must have the form /queue/x, not "queue/x"'],
    [(it) => it.toUser('alice', '/queue', 'x'), 'the destination must have the form /queue/x, not "/queue"'],
    [(it) => it.toUser('alice', '/queue/*', 'x'), 'the destination must have the form /queue/x, not "/queue/*"'],
    [
      (it) => it.toGroup('staff', '/news', 'x'),
      'Cannot notify the group "staff": the name must have the form x or x/y',
    ],
    [(it) => it.toGroup('staff', 'a//b', 'x'), 'the name must have the form x or x/y, not "a//b"'],
  ])('rejects what nobody could get: %s', async (send, text) => {
    const error: unknown = await send(backend).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toContain(text)
  })

  it('rejects when Redis has not got it', async () => {
    const redis = await stage.server.client({ enableOfflineQueue: false })
    redis.disconnect()
    await expect(createBackend(redis).notify('/topic/x', 'lost')).rejects.toThrow()
  })
})

describe('reply', () => {
  const stage = useStage()
  const request = { replyTo: 'replies:k3x9ab-1', correlationId: '7', body: '{}', session: 'k3x9ab-1' }

  async function replied(send: (backend: Backend) => Promise<void>, keyPrefix = ''): Promise<Buffer> {
    const replies = await listen(stage.server, `${keyPrefix}replies:k3x9ab-1`)
    await send(createBackend(stage.redis, { keyPrefix }))
    return replies.next()
  }

  it('goes to the channel of the request, as an envelope with its correlation id', async () => {
    const payload = String(await replied((backend) => backend.reply(request, 'done')))
    expect(payload).toBe('{"body":"done","headers":{"correlation-id":"7"}}')
  })

  it.each([
    ['done', undefined, 'done', 'text/plain;charset=UTF-8'],
    [{ ok: true }, undefined, '{"ok":true}', 'application/json'],
    ['<p>', { 'content-type': 'text/html' }, '<p>', 'text/html'],
    [new Uint8Array([1, 255]), undefined, new Uint8Array([1, 255]), 'application/octet-stream'],
  ])('of %j is read by the bridge', async (body, headers, readBody, type) => {
    const payload = await replied((backend) => backend.reply(request, body, headers))
    expect(decodePayload('envelope', payload)).toEqual({
      body: readBody,
      headers: [
        ['content-type', type],
        ['correlation-id', '7'],
      ],
    })
  })

  it('has more headers if told, and the correlation id is that of the request', async () => {
    const headers = { status: 'failed', attempts: 3, 'correlation-id': 'mine' }
    const payload = await replied((backend) => backend.reply(request, null, headers), 'app:')
    expect(JSON.parse(String(payload))).toEqual({
      body: null,
      headers: { status: 'failed', attempts: 3, 'correlation-id': '7' },
    })
  })

  it('to a request without a correlation id has none', async () => {
    const payload = await replied((backend) => backend.reply({ replyTo: request.replyTo }, 1))
    expect(String(payload)).toBe('{"body":1,"headers":{}}')
  })

  it.each([
    [{ correlationId: '7' }, 'x', {}, 'Cannot reply: replyTo of the request must be text, and not empty'],
    [null, 'x', {}, 'Cannot reply: the request must be the envelope of a SEND, parsed'],
    ['{"replyTo":"x"}', 'x', {}, 'Cannot reply: the request must be the envelope of a SEND, parsed'],
    [{ replyTo: 'x', correlationId: 7 }, 'x', {}, 'correlationId of the request must be text, and not empty'],
    [{ replyTo: 'x' }, undefined, {}, 'Cannot reply on "x": the body must be text or a JSON value'],
    [{ replyTo: 'x' }, 'x', { a: {} }, 'Cannot reply on "x": the header "a" must be text, a number or a boolean'],
    [{ replyTo: 'x' }, 'x', [], 'Cannot reply on "x": the headers must be an object of names and values'],
  ])('rejects %j, %j, %j', async (wrong, body, headers, text) => {
    const sent = createBackend(stage.redis).reply(wrong as never, body, headers as never)
    await expect(sent).rejects.toThrow(text)
  })
})
