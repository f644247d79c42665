/**
 * A user of Redis that has the rights of docs/operations.md and no other, and a bridge that does everything it can with
 * it: Redis notes no denial.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Frame } from '../../../../frames/index.ts'
import { directoryWith } from '../../../support/command.ts'
import { spawnBridge } from '../../../support/process.ts'
import { startRedis } from '../../../support/redis.ts'
import { bodyText, connectPeer, frameText, type StompPeer } from '../../../support/stomp-peer.ts'
import { untilReady } from '../../../support/world.ts'

const KEY = 'a-key-of-a-backend-for-this-test'
const CONFIG = `
access:
  authenticators:
    - { type: ticket, ttlSeconds: 60 }
    - { type: anonymous }
  rules:
    - { allow: [subscribe, send], destination: '/**', anonymous: true }
    - { allow: [subscribe, send], destination: '/**' }
  apiKeys:
    - { name: all, keyHash: '${createHash('sha256').update(KEY).digest('hex')}', scopes: [publish, read, tickets, admin] }
history: [{ destination: '/topic/kept/**', size: 10 }]
presence: { destinations: ['/topic/rooms/**'] }
queues: [{ destination: '/queue/**' }]
routes:
  outbound:
    - { destination: /app/stream, stream: OUT_STREAM, groups: [WORKERS] }
    - { destination: /app/ask, channel: app:ask, codec: envelope }
  inbound:
    - { stream: IN_STREAM, destination: /topic/streamed, body: "{field.message}" }
    - { channel: GREETING_CHANNEL_INBOUND, destination: /topic/greetings }
    - { channel: topic:last, destination: /topic/last, kept: key }
`

/** Returns the arguments of ACL SETUSER: those of the block, and of every remark below it. */
function documentedRights(): string[] {
  const docs = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
  const section = docs.split('## Redis permissions')[1]!.split('\n## ')[0]!
  const [, block] = /```\nuser bridge on >SECRET ([^`]+)```/.exec(section)!
  const more = [...section.split('```')[2]!.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text!.split(/\s+/))
  const names = { '~STREAM': '~OUT_STREAM', '~NAME': '~IN_STREAM' } as Record<string, string>
  return [
    ...block!.trim().split(/\s+/),
    ...more.filter((word) => /^[+~&]\S/.test(word)).map((word) => names[word] ?? word),
    // A route with `kept: key` needs the key that is named as its channel.
    '~topic:last',
  ]
}

it('everything works with the rights that the documentation names', { timeout: 60_000 }, async () => {
  const redis = await startRedis()
  const admin = await redis.client()
  await admin.acl('SETUSER', 'bridge', 'on', '>pw', ...documentedRights())
  const directory = await directoryWith({ 'bridge.yaml': CONFIG })
  const bridge = await spawnBridge({
    runtime: 'bun',
    args: ['--config', join(directory, 'bridge.yaml')],
    env: { REDIS_URL: redis.url.replace('redis://', 'redis://bridge:pw@') },
  })
  await untilReady(bridge)
  const api = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(bridge.url + path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    expect(response.ok, `${path}: ${text}`).toBe(true)
    return JSON.parse(text || '{}') as Record<string, unknown>
  }
  const wsUrl = bridge.url.replace('http', 'ws')
  const enter = async (url = `${wsUrl}/stomp`): Promise<StompPeer> => {
    const peer = await connectPeer({ url })
    peer.send(frameText('CONNECT', { 'accept-version': '1.2', host: 'x' }))
    await peer.expect('CONNECTED')
    return peer
  }
  // A message may come before the receipt of what it answers, or behind it.
  const unread = new Map<StompPeer, Frame[]>()
  const take = async (peer: StompPeer, isWanted: (frame: Frame) => boolean): Promise<Frame> => {
    const frames = unread.get(peer) ?? []
    unread.set(peer, frames)
    while (!frames.some(isWanted)) frames.push(await peer.frame())
    return frames.splice(frames.findIndex(isWanted), 1)[0]!
  }
  let receipts = 0
  const done = async (peer: StompPeer, command: string, headers: Record<string, string>, body = '') => {
    const receipt = `r${++receipts}`
    peer.send(frameText(command, { ...headers, receipt }, body))
    await take(peer, (frame) => frame.headers.get('receipt-id') === receipt)
  }
  const message = (peer: StompPeer) => take(peer, ({ command }) => command === 'MESSAGE')
  const next = async (peer: StompPeer) => bodyText(await message(peer))

  const { ticket } = await api('POST', '/api/tickets', { user: 'alice' })
  const [alice, bob] = [await enter(`${wsUrl}/stomp?ticket=${String(ticket)}`), await enter()]

  await done(alice, 'SUBSCRIBE', { id: 'topic', destination: '/topic/x' })
  await done(alice, 'SUBSCRIBE', { id: 'own', destination: '/user/queue/x' })
  await done(bob, 'SUBSCRIBE', { id: 'greetings', destination: '/topic/greetings' })
  await done(bob, 'SEND', { destination: '/topic/x' }, 'sent')
  expect(await next(alice)).toBe('sent')
  await api('POST', '/api/notification', { topic: '/user/alice/queue/x', message: 'posted' })
  expect(await next(alice)).toBe('posted')
  await admin.publish('GREETING_CHANNEL_INBOUND', '"hello"')
  expect(await next(bob)).toBe('hello')
  await done(bob, 'SEND', { destination: '/app/ask', 'reply-to': '/user/queue/x', 'correlation-id': '1' }, 'question')

  await admin.set('topic:last', '"newest"')
  await done(bob, 'SUBSCRIBE', { id: 'last', destination: '/topic/last' })
  expect(await next(bob)).toBe('newest')

  await done(bob, 'SEND', { destination: '/topic/kept/a', 'idempotency-key': 'once' }, 'kept')
  await done(alice, 'SUBSCRIBE', { id: 'kept', destination: '/topic/kept/a', last: '1' })
  expect([await next(alice), await next(alice)]).toEqual(['', 'kept'])

  await done(bob, 'SEND', { destination: '/app/stream' }, 'entry')
  expect(await admin.xlen('OUT_STREAM')).toBe(1)
  await done(bob, 'SUBSCRIBE', { id: 'streamed', destination: '/topic/streamed' })
  await admin.xadd('IN_STREAM', '*', 'message', 'streamed')
  expect(await next(bob)).toContain('streamed')

  await done(alice, 'SUBSCRIBE', { id: 'jobs', destination: '/queue/jobs', ack: 'client-individual' })
  await done(bob, 'SEND', { destination: '/queue/jobs' }, 'job')
  const job = await message(alice)
  await done(alice, 'ACK', { id: job.headers.get('ack')! })
  expect(JSON.stringify(await api('GET', '/api/queues'))).toContain('/queue/jobs')

  await done(bob, 'SUBSCRIBE', { id: 'who', destination: '/presence/topic/rooms/1' })
  await done(alice, 'SUBSCRIBE', { id: 'room', destination: '/topic/rooms/1' })
  await api('GET', '/api/users')
  await api('POST', '/api/revocations', { user: 'mallory', seconds: 60 })

  expect(await admin.call('ACL', 'LOG')).toEqual([])
  for (const peer of [alice, bob]) await peer.abort()
  expect(await bridge.stop()).toBe(0)
  await redis.stop()
})
