/** Work queues on two bridge processes and one Redis. */
import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it } from 'vitest'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, frameText } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import { startWorld, untilReady } from '../../support/world.ts'
import { connectWorker, countsOf, startWorker, type Worker } from './support.ts'

const QUEUES = [
  { destination: '/queue/small/**', maxLength: 3, maxDeliveries: 2 },
  { destination: '/queue/quick/**', visibilitySeconds: 1, maxDeliveries: 3 },
  { destination: '/queue/**' },
]

let names = 0

describe(`work queues on ${runtime}`, () => {
  let a: BridgeProcess
  let b: BridgeProcess
  let backend: Redis
  beforeAll(async () => {
    const env = { STOMP_BRIDGE_QUEUES: JSON.stringify(QUEUES), STOMP_BRIDGE_LIMITS_MAX_UNACKED_MESSAGES: '100' }
    const world = await startWorld({ runtime, env })
    a = world.bridge
    backend = world.backend
    b = await spawnBridge({ runtime, env: { ...env, REDIS_URL: world.redis.url } })
    await untilReady(b)
  })

  /** A destination that no other test has, and its stream. */
  const newQueue = (below = ''): { destination: string; stream: string } => {
    const name = `${below}n${++names}`
    return { destination: `/queue/${name}`, stream: `queue:${name}` }
  }
  const add = (stream: string, ...bodies: readonly string[]) =>
    Promise.all(bodies.map((body) => backend.xadd(stream, '*', 'body', body)))

  it('give what backends add to a subscriber that comes later, and delete what it has settled', async () => {
    const { destination, stream } = newQueue()
    await add(stream, 'one', 'two')
    const worker = await startWorker(a, destination)
    const [one, two] = [await worker.take(), await worker.take()]
    expect([one.body, two.body]).toEqual(['one', 'two'])
    expect(one.frame.headers.get('destination')).toBe(destination)
    expect(one.frame.headers.get('content-type')).toBe('text/plain;charset=UTF-8')
    expect(one.deliveries).toBe(1)
    expect(one.frame.headers.has('redelivered')).toBe(false)
    expect(await backend.xlen(stream)).toBe(2)
    await worker.ack(one)
    expect(await backend.xlen(stream)).toBe(1)
    await worker.ack(two)
    expect(await backend.xlen(stream)).toBe(0)
    await add(stream, 'three')
    expect((await worker.take()).body).toBe('three')
  })

  it('carry headers, content type and octets of a SEND, and write them as the contract of the stream says', async () => {
    const { destination, stream } = newQueue('a/')
    const sender = await connectWorker(a)
    await sender.send(destination, '{"order":7}', { 'content-type': 'application/json', priority: 'high' })
    const [[, fields]] = (await backend.xrange(stream, '-', '+')) as [[string, string[]]]
    expect(fields).toEqual([
      'body',
      '{"order":7}',
      'content-type',
      'application/json',
      'headers',
      '{"priority":"high"}',
    ])
    const worker = await startWorker(b, destination)
    const { frame, body } = await worker.take()
    expect(body).toBe('{"order":7}')
    expect(frame.headers.get('content-type')).toBe('application/json')
    expect(frame.headers.get('priority')).toBe('high')
  })

  it('invent no content type for a SEND without one, also when it comes back, is dead, and is put back', async () => {
    const { destination, stream } = newQueue('small/')
    const sender = await connectWorker(a)
    await sender.send(destination, '\u0001')
    expect((await backend.xrange(stream, '-', '+'))[0]![1]).toEqual(['body', '\u0001', 'content-type', ''])
    const worker = await startWorker(b, destination)
    const taken = []
    for (let i = 0; i < 2; i++) {
      const given = await worker.take()
      taken.push(given)
      await worker.nack(given)
    }
    const path = `${a.url}/api/queues/${encodeURIComponent(destination)}`
    const { messages } = (await (await fetch(`${path}/messages?dead=true`)).json()) as { messages: object[] }
    expect(messages).toMatchObject([{ body: '\u0001', headers: { reason: 'nack' } }])
    expect(messages[0]).not.toHaveProperty('contentType')
    await fetch(`${path}/redrive`, { method: 'POST' })
    taken.push(await worker.take())
    expect(taken.map(({ body, frame }) => [body, frame.headers.get('content-type')])).toEqual(
      Array(3).fill(['\u0001', undefined]),
    )
  })

  it('take a notification, one by one and in a batch', async () => {
    const { destination } = newQueue()
    const post = (path: string, body: unknown) =>
      fetch(`${a.url}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
    expect((await post('/api/notification', { topic: destination, message: 'text' })).status).toBe(200)
    const batch = [
      { topic: destination, message: { n: 1 } },
      { topic: destination, message: 'last' },
    ]
    expect((await post('/api/notifications', batch)).status).toBe(200)
    const worker = await startWorker(b, destination)
    expect(await worker.takeBodies(3)).toEqual(['text', '{"n":1}', 'last'])
  })

  it('give each of 300 messages to one of four workers on two nodes, and to each of them some', async () => {
    const { destination } = newQueue()
    const workers = await Promise.all([a, a, b, b].map((bridge) => startWorker(bridge, destination)))
    const sender = await connectWorker(a)
    const sent = Array.from({ length: 300 }, (_, i) => String(i))
    const bodies: string[][] = workers.map(() => [])
    let left = sent.length
    let onDone!: () => void
    const done = new Promise<void>((resolve) => (onDone = resolve))
    const work = workers.map(async (worker, i) => {
      for (;;) {
        const message = await worker.take()
        bodies[i]!.push(message.body)
        await worker.ack(message)
        if (--left === 0) onDone()
      }
    })
    for (const each of work) each.catch(() => {}) // it ends with its connection
    for (const body of sent) await sender.send(destination, body)
    await done
    expect(bodies.flat().sort()).toEqual([...sent].sort())
    for (const own of bodies) {
      expect(own.length).toBeGreaterThan(10)
      expect(own.map(Number)).toEqual(own.map(Number).sort((x, y) => x - y))
    }
    expect(await countsOf(b, destination)).toEqual({ queue: destination, ready: 0, pending: 0, consumers: 4, dead: 0 })
  })

  it('give a worker no more than its prefetch, and the rest to others', async () => {
    const { destination, stream } = newQueue()
    const slow = await startWorker(a, destination, 'client-individual', { 'prefetch-count': '2' })
    await add(stream, ...Array.from({ length: 10 }, (_, i) => String(i)))
    const held = [await slow.take(), await slow.take()]
    const other = await startWorker(b, destination)
    expect(await other.takeBodies(8)).toEqual(['2', '3', '4', '5', '6', '7', '8', '9'])
    await add(stream, 'more')
    expect(await other.takeBodies(1)).toEqual(['more'])
    await slow.ack(held[0]!)
    expect(slow.peer.frames.filter(({ command }) => command === 'MESSAGE').map(bodyText)).toEqual(['0', '1'])
  })

  it('give 16 where nobody says how many', async () => {
    const { destination, stream } = newQueue()
    const worker = await startWorker(a, destination)
    await add(stream, ...Array.from({ length: 20 }, (_, i) => String(i)))
    await worker.takeBodies(16)
    await eventually(async () => expect(await countsOf(a, destination)).toMatchObject({ ready: 4, pending: 16 }))
  })

  it('settle what is delivered with ack:auto when it is written', async () => {
    const { destination, stream } = newQueue()
    const worker = await startWorker(a, destination, 'auto')
    await add(stream, ...Array.from({ length: 500 }, (_, i) => String(i)))
    expect(await worker.takeBodies(500)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)))
    await eventually(async () => expect(await backend.xlen(stream)).toBe(0))
  })

  it('settle with one ACK all before it where ack is client', async () => {
    const { destination, stream } = newQueue()
    await add(stream, 'one', 'two', 'three', 'four')
    const worker = await startWorker(a, destination, 'client')
    const given = [await worker.take(), await worker.take(), await worker.take(), await worker.take()]
    await worker.ack(given[2]!)
    expect(await backend.xlen(stream)).toBe(1)
  })

  it('give back at once and to the front what is refused, and count it', async () => {
    const { destination, stream } = newQueue()
    await add(stream, 'one', 'two')
    const worker = await startWorker(a, destination, 'client-individual', { 'prefetch-count': '1' })
    const one = await worker.take()
    await worker.nack(one)
    const again = await worker.take()
    expect(again).toMatchObject({ body: 'one', id: one.id, deliveries: 2 })
    expect(again.frame.headers.get('redelivered')).toBe('true')
    await worker.ack(again)
    expect(await worker.take()).toMatchObject({ body: 'two', deliveries: 1 })
  })

  it('bury what is refused too often, with the reason, and give it back when that is asked for', async () => {
    const { destination, stream } = newQueue('small/')
    const sender = await connectWorker(b)
    await sender.send(destination, 'bad', { colour: 'red' })
    const worker = await startWorker(a, destination)
    await worker.nack(await worker.take())
    const second = await worker.take()
    expect(second.deliveries).toBe(2)
    await worker.nack(second)
    expect(await backend.xlen(stream)).toBe(0)
    const [[, fields]] = (await backend.xrange(`${stream}:dead`, '-', '+')) as [[string, string[]]]
    expect(fields).toEqual(['body', 'bad', 'content-type', '', 'headers', '{"colour":"red"}', 'reason', 'nack'])
    expect(await countsOf(b, destination)).toMatchObject({ ready: 0, pending: 0, dead: 1 })
    const redrive = await fetch(`${b.url}/api/queues/${encodeURIComponent(destination)}/redrive`, { method: 'POST' })
    expect([redrive.status, await redrive.json()]).toEqual([200, { moved: 1 }])
    const third = await worker.take()
    expect(third).toMatchObject({ body: 'bad', deliveries: 1 })
    expect(third.frame.headers.get('colour')).toBe('red')
    await worker.ack(third)
    expect(await countsOf(a, destination)).toMatchObject({ ready: 0, pending: 0, dead: 0 })
  })

  it('give back what is kept too long, and ignore an ACK that comes then', async () => {
    const { destination, stream } = newQueue('quick/')
    await add(stream, 'one')
    const slow = await startWorker(a, destination, 'client-individual', { 'prefetch-count': '1' })
    const first = await slow.take()
    const other = await startWorker(b, destination)
    await slow.unsubscribe()
    const second = await other.take()
    expect(second).toMatchObject({ body: 'one', id: first.id, deliveries: 2 })
    await slow.ack(first)
    expect(await backend.xlen(stream)).toBe(1)
    // Nobody acknowledges: one time-out counts, UNSUBSCRIBE did not.
    const third = await other.take()
    expect(third.deliveries).toBe(3)
    await other.ack(second)
    await eventually(async () => expect(await backend.xlen(stream)).toBe(0))
  })

  it('bury what nobody settles in time', async () => {
    const { destination, stream } = newQueue('quick/')
    await add(stream, 'one')
    const worker = await startWorker(a, destination)
    for (const deliveries of [1, 2, 3]) expect(await worker.take()).toMatchObject({ body: 'one', deliveries })
    await eventually(async () => expect(await countsOf(a, destination)).toMatchObject({ pending: 0, dead: 1 }))
    const [[, fields]] = (await backend.xrange(`${stream}:dead`, '-', '+')) as [[string, string[]]]
    expect(fields).toEqual(['body', 'one', 'reason', 'timeout'])
  })

  it('give to others what a session had that is lost, without counting it', async () => {
    const { destination, stream } = newQueue('small/')
    for (const round of [1, 2, 3, 4]) {
      if (round === 1) await add(stream, 'one', 'two')
      const lost = await startWorker(a, destination)
      expect([await lost.take(), await lost.take()]).toMatchObject([
        { body: 'one', deliveries: round },
        { body: 'two', deliveries: round },
      ])
      lost.peer.terminate()
    }
    const worker = await startWorker(b, destination)
    expect(await worker.takeBodies(2)).toEqual(['one', 'two'])
  })

  it('refuse what does not fit in, by SEND, in a transaction and over HTTP, and lose nothing', async () => {
    const { destination, stream } = newQueue('small/')
    const sender = await connectWorker(a)
    for (const body of ['one', 'two']) await sender.send(destination, body)
    sender.peer.send(`BEGIN\ntransaction:t\n\n\0`)
    for (const body of ['three', 'four']) {
      sender.peer.send(`SEND\ndestination:${destination}\ntransaction:t\n\n${body}\0`)
    }
    const whole = await sender.refused('COMMIT', { transaction: 't' })
    expect(whole.headers.get('code')).toBe('queue-full')
    expect(await backend.xlen(stream)).toBe(2)
    const second = await connectWorker(a)
    await second.send(destination, 'three')
    const refused = await second.refused('SEND', { destination, receipt: 'r' }, 'four')
    expect([refused.headers.get('code'), refused.headers.get('receipt-id')]).toEqual(['queue-full', 'r'])
    const answer = await fetch(`${b.url}/api/notification`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ topic: destination, message: 'four' }),
    })
    expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
      429,
      'queue-full',
    ])
    const worker = await startWorker(b, destination)
    expect(await worker.takeBodies(3)).toEqual(['one', 'two', 'three'])
  })

  it.each([
    ['a pattern', { destination: '/queue/*' }],
    ['a deep pattern', { destination: '/queue/**' }],
    ['since', { destination: '/queue/x', since: '0-0', epoch: 'e' }],
    ['last', { destination: '/queue/x', last: '1' }],
    ['exclude-self', { destination: '/queue/x', 'exclude-self': 'true' }],
    ['a prefetch of 0', { destination: '/queue/x', 'prefetch-count': '0' }],
    ['a prefetch of 1001', { destination: '/queue/x', 'prefetch-count': '1001' }],
    ['a prefetch that is no number', { destination: '/queue/x', 'prefetch-count': 'many' }],
  ])('are not subscribed with %s', async (_what, headers) => {
    const worker = await connectWorker(a)
    const error = await worker.refused('SUBSCRIBE', { id: '1', ...headers })
    expect(error.headers.get('code')).toBe('bad-header')
  })

  it('have no name that is for dead messages', async () => {
    for (const command of ['SUBSCRIBE', 'SEND']) {
      const worker = await connectWorker(a)
      const error = await worker.refused(command, { id: '1', destination: '/queue/orders:dead' })
      expect(error.headers.get('code')).toBe('bad-destination')
    }
  })

  it('settle in a transaction when it is committed, and not when it is aborted', async () => {
    const { destination, stream } = newQueue()
    await add(stream, 'one', 'two')
    const worker = await startWorker(a, destination)
    const [one, two] = [await worker.take(), await worker.take()]
    worker.peer.send(`BEGIN\ntransaction:t\n\n\0ACK\nid:${one.ack}\ntransaction:t\n\n\0ABORT\ntransaction:t\n\n\0`)
    worker.peer.send(`BEGIN\ntransaction:u\n\n\0ACK\nid:${two.ack}\ntransaction:u\n\n\0`)
    await worker.send('/topic/other', 'x')
    expect(await backend.xlen(stream)).toBe(2)
    worker.peer.send('COMMIT\ntransaction:u\nreceipt:c\n\n\0')
    await worker.peer.receipt('c')
    expect(await backend.xlen(stream)).toBe(1)
  })

  it('settle in the same step as what is sent: the room is there for it, and what is refused is refused as a whole', async () => {
    const { destination, stream } = newQueue('small/')
    const listener = await connectWorker(b)
    await listener.subscribe('/topic/said', 'auto')
    await add(stream, 'one', 'two', 'three')
    const worker = await startWorker(a, destination)
    const [one, two] = [await worker.take(), await worker.take(), await worker.take()]
    const begin = (by: Worker, ack: string, to: string, body: string) => {
      by.peer.send(frameText('BEGIN', { transaction: 't' }))
      by.peer.send(frameText('SEND', { destination: '/topic/said', transaction: 't' }, body))
      by.peer.send(frameText('SEND', { destination: to, transaction: 't' }, body))
      by.peer.send(frameText('ACK', { id: ack, transaction: 't' }))
    }
    begin(worker, one.ack, destination, 'four')
    await worker.commit('t')
    expect((await listener.take()).body).toBe('four')
    expect(await backend.xlen(stream)).toBe(3)
    // Here the room is not where the message goes.
    const full = newQueue('small/')
    await add(full.stream, 'a', 'b', 'c')
    begin(worker, two.ack, full.destination, 'five')
    expect((await worker.refused('COMMIT', { transaction: 't' })).headers.get('code')).toBe('queue-full')
    const other = await startWorker(b, destination)
    expect(await other.takeBodies(3)).toEqual(['two', 'three', 'four'])
    // What cannot be settled is not sent either.
    const broken = newQueue()
    await add(broken.stream, 'x')
    const third = await startWorker(a, broken.destination)
    const { ack } = await third.take()
    await backend.set(broken.stream, 'no stream')
    begin(third, ack, '/queue/elsewhere', 'six')
    expect((await third.refused('COMMIT', { transaction: 't' })).headers.get('code')).toBe('bus-refused')
    await other.send('/topic/said', 'seven')
    expect((await listener.take()).body).toBe('seven')
    await backend.del(broken.stream)
  })

  it('are settled before who leaves is told that all is done', async () => {
    const { destination, stream } = newQueue()
    await add(stream, 'one', 'two')
    const worker = await startWorker(a, destination)
    const [one, two] = [await worker.take(), await worker.take()]
    const frames = [
      frameText('ACK', { id: one.ack, receipt: 'ack' }),
      frameText('NACK', { id: two.ack, receipt: 'nack' }),
      frameText('SUBSCRIBE', { id: '2', destination: newQueue().destination, ack: 'client', receipt: 'sub' }),
      frameText('DISCONNECT', { receipt: 'bye' }),
    ]
    worker.peer.send(frames.join(''))
    const receipts = [
      await worker.peer.frame(),
      await worker.peer.frame(),
      await worker.peer.frame(),
      await worker.peer.frame(),
    ]
    expect(receipts.map(({ headers }) => headers.get('receipt-id'))).toEqual(['ack', 'nack', 'sub', 'bye'])
  })

  it('bury an entry without a body, and work on', async () => {
    const { destination, stream } = newQueue()
    await backend.xadd(stream, '*', 'other', 'field')
    await backend.xadd(stream, '*', 'body', 'good', 'headers', 'no JSON', 'content-type', 'text/x')
    const worker = await startWorker(a, destination)
    const { body, frame } = await worker.take()
    expect([body, frame.headers.get('content-type')]).toEqual(['good', 'text/x'])
    await eventually(async () => expect(await countsOf(a, destination)).toMatchObject({ dead: 1 }))
    const [[, fields]] = (await backend.xrange(`${stream}:dead`, '-', '+')) as [[string, string[]]]
    expect(fields).toEqual(['other', 'field', 'reason', 'unreadable'])
  })

  it('forget nothing because a session has too much unacknowledged: it is given no more', async () => {
    const { destination, stream } = newQueue()
    const worker = await startWorker(a, destination, 'client-individual', { 'prefetch-count': '1000' })
    await add(stream, ...Array.from({ length: 150 }, (_, i) => String(i)))
    const given = []
    for (let i = 0; i < 100; i++) given.push(await worker.take())
    await eventually(async () => expect(await countsOf(a, destination)).toMatchObject({ ready: 50, pending: 100 }))
    for (const message of given) await worker.ack(message)
    expect(await worker.takeBodies(50)).toEqual(Array.from({ length: 50 }, (_, i) => String(100 + i)))
  })
})
