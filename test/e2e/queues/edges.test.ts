/** Work queues at the other doors, without Redis, with API keys, and with no more rights in Redis than docs/operations.md says. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { openEventStream } from '../../support/clients/event-stream.ts'
import { openPlainWebSocket } from '../../support/clients/plain-websocket.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import { startRedis } from '../../support/redis.ts'
import { runtime } from '../../support/runtime.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'
import { API_KEYS, configFile, KEYS } from '../access/stage.ts'
import { http } from '../history/stage.ts'
import { countsOf, connectWorker, startWorker } from './support.ts'

const QUEUES = JSON.stringify([{ destination: '/queue/**', visibilitySeconds: 600, maxDeliveries: 2, maxLength: 50 }])

describe(`work queues on ${runtime}, without Redis`, () => {
  let bridge: BridgeProcess
  beforeAll(async () => {
    bridge = await spawnBridge({ runtime, env: { STOMP_BRIDGE_QUEUES: QUEUES } })
  })

  it('share the work, give back, bury, redrive and purge', async () => {
    const destination = '/queue/embedded'
    const path = `/api/queues/${encodeURIComponent(destination)}`
    const sender = await connectWorker(bridge)
    for (const body of ['one', 'two', 'three']) await sender.send(destination, body)
    const [first, second] = [await startWorker(bridge, destination), await startWorker(bridge, destination)]
    const [one, two, three] = [await first.take(), await first.take(), await first.take()]
    await first.ack(one)
    await first.nack(two)
    const again = await second.take()
    expect(again).toMatchObject({ body: 'two', deliveries: 2, id: two.id })
    await second.nack(again)
    expect(await countsOf(bridge, destination)).toEqual({
      queue: destination,
      ready: 0,
      pending: 1,
      consumers: 2,
      dead: 1,
    })
    const dead = await http(bridge.url, 'GET', `${path}/messages?dead=true`)
    expect(dead).toMatchObject({ status: 200, json: { messages: [{ body: 'two', headers: { reason: 'nack' } }] } })
    second.peer.terminate()
    expect(await http(bridge.url, 'POST', `${path}/redrive`)).toEqual({ status: 200, json: { moved: 1 } })
    expect(await first.take()).toMatchObject({ body: 'two', deliveries: 1 })
    first.peer.terminate()
    await eventually(async () => expect(await countsOf(bridge, destination)).toMatchObject({ ready: 2, pending: 0 }))
    const waiting = await http(bridge.url, 'GET', `${path}/messages?limit=1`)
    expect(waiting).toMatchObject({ status: 200, json: { messages: [{ body: 'three', id: three.id }] } })
    expect(await http(bridge.url, 'DELETE', `${path}/messages`)).toEqual({ status: 200, json: { deleted: 2 } })
  })

  it('are full, and say so', async () => {
    const sender = await connectWorker(bridge)
    for (let i = 0; i < 50; i++) await sender.send('/queue/full', String(i))
    const error = await sender.refused('SEND', { destination: '/queue/full' }, '50')
    expect(error.headers.get('code')).toBe('queue-full')
    const worker = await startWorker(bridge, '/queue/full')
    const { ack } = await worker.take()
    worker.peer.send(frameText('BEGIN', { transaction: 't' }))
    worker.peer.send(frameText('SEND', { destination: '/queue/full', transaction: 't' }, '50'))
    worker.peer.send(frameText('ACK', { id: ack, transaction: 't' }))
    await worker.commit('t')
    expect(await countsOf(bridge, '/queue/full')).toMatchObject({ dead: 0, consumers: 1 })
    const again = await worker.refused('SEND', { destination: '/queue/full' }, '51')
    expect(again.headers.get('code')).toBe('queue-full')
  })

  it('bring a plain WebSocket and a stream of events their part, each message once', async () => {
    const sender = await connectWorker(bridge)
    const socket = await openPlainWebSocket(`${bridge.wsUrl.replace('/stomp', '')}/raw/queue/doors?frame=json`)
    const events = await openEventStream(`${bridge.url}/sse/queue/doors`)
    await eventually(async () => expect(await countsOf(bridge, '/queue/doors')).toMatchObject({ consumers: 2 }))
    for (const body of ['one', 'two']) await sender.send('/queue/doors', body)
    const frame = JSON.parse(String(await socket.messages.next())) as { body: string; headers: Record<string, string> }
    expect(frame.headers['delivery-count']).toBe('1')
    const event = await events.events.next()
    expect([frame.body, event.data].sort()).toEqual(['one', 'two'])
    await eventually(async () => expect(await countsOf(bridge, '/queue/doors')).toMatchObject({ ready: 0, pending: 0 }))
  })

  it('refuse patterns and asks', async () => {
    const pattern = await http(bridge.url, 'GET', '/sse?destination=/queue/*')
    expect(pattern).toMatchObject({ status: 400, json: { error: { code: 'bad-header' } } })
    const base = bridge.wsUrl.replace('/stomp', '')
    for (const path of ['/raw/queue/x?frame=json&last=1', '/raw/queue/**']) {
      await expect(openPlainWebSocket(base + path)).rejects.toThrow('400')
    }
  })

  it('are asked for by their name', async () => {
    for (const [method, path] of [
      ['GET', '/messages'],
      ['DELETE', '/messages'],
      ['POST', '/redrive'],
    ]) {
      const { status, json } = await http(bridge.url, method!, `/api/queues/${encodeURIComponent('/topic/x')}${path}`)
      expect([status, (json as { error: { code: string } }).error.code]).toEqual([404, 'no-queue'])
    }
  })
})

describe(`work queues on ${runtime}, with few rights in Redis`, () => {
  it('need what the documentation says', async () => {
    const redis = await startRedis()
    const admin = await redis.client()
    const docs = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
    const rights = /`(\+eval \+evalsha \+xadd \+xack [^`]+)`/.exec(docs)![1]!.split(' ')
    const plain =
      '~queue:* ~stomp-bridge:queue:* resetchannels &stomp-bridge:* &BROADCAST-CHANNEL &GREETING_CHANNEL_* -@all'
    const always = '+publish +subscribe +unsubscribe +psubscribe +punsubscribe +multi +exec +ping +role'
    await admin.acl('SETUSER', 'bridge', 'on', '>pw', ...plain.split(' '), ...always.split(' '), ...rights)
    const url = redis.url.replace('redis://', 'redis://bridge:pw@')
    const bridge = await spawnBridge({ runtime, env: { REDIS_URL: url, STOMP_BRIDGE_QUEUES: QUEUES } })
    await untilReady(bridge)
    const sender = await connectWorker(bridge)
    const worker = await startWorker(bridge, '/queue/few')
    const other = await startWorker(bridge, '/queue/others')
    for (const body of ['one', 'two', 'three']) await sender.send('/queue/few', body)
    await sender.send('/queue/others', 'x')
    const [one, two] = [await worker.take(), await worker.take()]
    await worker.ack(one)
    await worker.nack(two)
    const three = await worker.take()
    await worker.nack(await worker.take())
    expect(three.body).toBe('three')
    expect(await other.takeBodies(1)).toEqual(['x'])
    await eventually(async () => expect(await countsOf(bridge, '/queue/few')).toMatchObject({ pending: 1, dead: 1 }))
    expect(await bridge.stop()).toBe(0)
    await redis.stop()
  })
})

describe(`work queues on ${runtime}, with API keys`, () => {
  it('are seen with the scope read, and changed with admin', async () => {
    const args = ['--config', configFile(`access: { authenticators: [{ type: anonymous }], ${API_KEYS} }`)]
    const bridge = await spawnBridge({ runtime, args, env: { STOMP_BRIDGE_QUEUES: QUEUES } })
    const path = `/api/queues/${encodeURIComponent('/queue/x')}`
    const status = async (method: string, where: string, key: string | undefined) =>
      (await http(bridge.url, method, where, undefined, key === undefined ? {} : { authorization: `Bearer ${key}` }))
        .status
    for (const [method, where, wanted] of [
      ['GET', '/api/queues', [401, 200, 403]],
      ['GET', `${path}/messages`, [401, 200, 403]],
      ['POST', `${path}/redrive`, [401, 403, 200]],
      ['DELETE', `${path}/messages`, [401, 403, 200]],
    ] as const) {
      const found = [
        await status(method, where, undefined),
        await status(method, where, KEYS.read),
        await status(method, where, KEYS.admin),
      ]
      expect([method, where, found]).toEqual([method, where, wanted])
    }
  })
})
