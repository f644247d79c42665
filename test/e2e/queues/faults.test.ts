/** Work queues when something fails: a node, Redis, its connections, a client. Redis writes its log before it answers. */
import { beforeAll, describe, expect, it } from 'vitest'
import { runtime } from '../../support/runtime.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'
import { numbered, startHistoryNodes, type HistoryNodes } from '../history/stage.ts'
import { connectWorker, countsOf, startWorker, type Given } from './support.ts'

const CONFIG = `
queues:
  - { destination: '/queue/slow/**', visibilitySeconds: 600, maxDeliveries: 2 }
  - { destination: '/queue/**', visibilitySeconds: 2 }
redis: { probeIntervalMs: 500, commandTimeoutMs: 1000, reconnectMaxDelayMs: 200, connectTimeoutMs: 1000 }
`
/** A node that is gone is noticed within its lease and one renewal. */
const NOTICED_MS = 15_000

let names = 0

describe(`work queues on ${runtime}, when something fails`, () => {
  let nodes: HistoryNodes
  beforeAll(async () => {
    nodes = await startHistoryNodes(CONFIG)
  })
  const newQueue = (): { destination: string; stream: string } => {
    const name = `slow/f${++names}`
    return { destination: `/queue/${name}`, stream: `queue:${name}` }
  }
  const add = async (stream: string, bodies: readonly string[]) => {
    for (const body of bodies) await nodes.backend.xadd(stream, '*', 'body', body)
  }

  it('give to another node the 200 messages of one that was killed, and count none of them as failed', async () => {
    const { destination, stream } = newQueue()
    const doomed = await nodes.startAnother()
    const worker = await startWorker(doomed, destination, 'client-individual', { 'prefetch-count': '200' })
    const bodies = numbered('m', 1, 200)
    await add(stream, bodies)
    expect(await worker.takeBodies(200)).toEqual(bodies)
    await doomed.stop('SIGKILL')
    const heir = await startWorker(nodes.a, destination, 'client-individual', { 'prefetch-count': '1000' })
    const given: Given[] = []
    await eventually(async () => expect(await countsOf(nodes.a, destination)).toMatchObject({ pending: 200 }), {
      timeoutMs: NOTICED_MS,
    })
    while (given.length < 200) given.push(await heir.take())
    expect(given.map(({ body }) => body)).toEqual(bodies)
    expect(given.every(({ deliveries }) => deliveries === 2)).toBe(true)
    for (const each of given) heir.peer.send(frameText('ACK', { id: each.ack }))
    await eventually(async () => expect(await nodes.backend.xlen(stream)).toBe(0))
  })

  it('go on when Redis was killed: what was taken can be settled, what was settled stays so', async () => {
    const { destination, stream } = newQueue()
    await add(stream, ['one', 'two', 'three'])
    const worker = await startWorker(nodes.a, destination, 'client-individual', { 'prefetch-count': '2' })
    const [one, two] = [await worker.take(), await worker.take()]
    await worker.ack(one)
    const three = await worker.take()
    await nodes.redis.crash()
    const acked = worker.ack(two) // while nobody is there to hear of it
    await nodes.redis.restart()
    await acked
    expect((await nodes.backend.xrange(stream, '-', '+')).map(([, [, body]]) => body)).toEqual(['three'])
    await worker.ack(three)
    expect(await nodes.backend.xlen(stream)).toBe(0)
    await Promise.all([nodes.a, nodes.b].map(untilReady))
    await add(stream, ['four'])
    expect(await worker.take()).toMatchObject({ body: 'four', deliveries: 1 })
  })

  it('lose nothing that was on its way when all connections are cut, again and again', async () => {
    const { destination, stream } = newQueue()
    const worker = await startWorker(nodes.b, destination)
    const bodies = numbered('c', 1, 300)
    const adding = (async () => {
      for (const [i, body] of bodies.entries()) {
        await nodes.backend.xadd(stream, '*', 'body', body)
        if (i % 50 === 25) await nodes.backend.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      }
    })()
    const seen = new Set<string>()
    const firsts: string[] = []
    while (seen.size < bodies.length) {
      const message = await worker.take()
      if (message.deliveries === 1) firsts.push(message.body)
      seen.add(message.body)
      await worker.ack(message)
    }
    await adding
    expect(firsts).toEqual(bodies.filter((body) => firsts.includes(body)))
    await eventually(async () => expect(await nodes.backend.xlen(stream)).toBe(0), { timeoutMs: NOTICED_MS })
  })

  it('are there anew when Redis has come back empty', async () => {
    const { destination, stream } = newQueue()
    await add(stream, ['old'])
    const worker = await startWorker(nodes.a, destination)
    const old = await worker.take()
    await nodes.backend.flushall()
    await worker.ack(old) // it is gone, and that is no error
    await add(stream, ['new'])
    expect(await worker.take()).toMatchObject({ body: 'new', deliveries: 1 })
    await eventually(async () =>
      expect(await countsOf(nodes.b, destination)).toMatchObject({ consumers: 1, pending: 1 }),
    )
  })

  it('go on when somebody deletes the stream, its group or what is pending', async () => {
    const { destination, stream } = newQueue()
    const worker = await startWorker(nodes.a, destination)
    await add(stream, ['one'])
    const one = await worker.take()
    await nodes.backend.xgroup('DESTROY', stream, 'stomp-bridge')
    // For a new group it is new; but who has it still works on it.
    await eventually(async () => expect(await countsOf(nodes.a, destination)).toMatchObject({ ready: 0, pending: 1 }))
    await worker.ack(one)
    expect(await nodes.backend.xlen(stream)).toBe(0)
    await nodes.backend.del(stream)
    await add(stream, ['two'])
    const two = await worker.take()
    expect(two.body).toBe('two')
    await nodes.backend.xdel(stream, two.id.split('-').slice(1).join('-'))
    await worker.nack(two)
    await add(stream, ['three'])
    expect((await worker.take()).body).toBe('three')
  })

  it('are confirmed only when Redis is there, and hold nothing else up meanwhile', async () => {
    const { destination } = newQueue()
    const worker = await connectWorker(nodes.a)
    await nodes.redis.crash()
    worker.peer.send(frameText('SUBSCRIBE', { id: '1', destination, receipt: 'queue' }))
    worker.peer.send(frameText('BEGIN', { transaction: 't' }))
    await nodes.redis.restart()
    await worker.peer.receipt('queue')
  })

  it('refuse to be subscribed where something else has the name of the stream', async () => {
    const { destination, stream } = newQueue()
    await nodes.backend.set(stream, 'text')
    const worker = await connectWorker(nodes.a)
    const error = await worker.refused('SUBSCRIBE', { id: '1', destination })
    expect(error.headers.get('code')).toBe('bus-refused')
    const sender = await connectWorker(nodes.a)
    const refused = await sender.refused('SEND', { destination }, 'x')
    expect(refused.headers.get('code')).toBe('bus-refused')
  })

  it('give back what a node holds when it is told to stop', async () => {
    const { destination, stream } = newQueue()
    const leaving = await nodes.startAnother()
    const worker = await startWorker(leaving, destination)
    await add(stream, ['one', 'two'])
    const [one] = [await worker.take(), await worker.take()]
    await worker.ack(one)
    expect(await leaving.stop()).toBe(0)
    const heir = await startWorker(nodes.b, destination)
    expect(await heir.take()).toMatchObject({ body: 'two', deliveries: 2 })
    const consumers = (await nodes.backend.xinfo('CONSUMERS', stream, 'stomp-bridge')) as unknown[]
    expect(consumers).toHaveLength(2) // the heir's node, and who has what was given back
  })
})
