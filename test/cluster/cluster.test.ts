import * as z from 'zod'
import { describe, expect, it } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { MemoryBus } from '../../src/bus/memory.ts'
import { SharedBus } from '../../src/bus/shared-bus.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { ClusterStage, LEASE_MS, type StagedNode } from './stage.ts'

const GREET = { name: 'greet', asked: z.string(), head: z.string(), item: z.number() }

function answering(stage: ClusterStage, id: string, items: readonly number[] = []): StagedNode {
  const node = stage.create(id)
  node.cluster.answer(GREET, (asked) => ({ head: `${asked} from ${id}`, items }))
  return node
}

async function answeringNodes(stage: ClusterStage, ...ids: string[]): Promise<StagedNode[]> {
  const nodes = ids.map((id) => answering(stage, id))
  for (const node of nodes) stage.start(node)
  await stage.pass(300)
  return nodes
}

describe('nodes', () => {
  it('know each other soon after they have started, also those that started before', async () => {
    const stage = new ClusterStage()
    const [a] = await stage.started('a')
    expect(a!.cluster.nodes).toEqual([])
    const [b, c] = await stage.started('b', 'c')
    for (const { cluster } of [a!, b!, c!]) expect([...cluster.nodes, cluster.nodeId].sort()).toEqual(['a', 'b', 'c'])
    expect(b!.events.at(-1)).toBe('resumed')
  })

  it('are alive as long as they say so, and cost three messages in a lease', async () => {
    const stage = new ClusterStage()
    const [a] = await stage.started('a', 'b')
    const before = stage.network.published.length
    await stage.pass(LEASE_MS * 10)
    expect(a!.events).toEqual(['joined b', 'resumed'])
    expect(stage.network.published.length - before).toBeLessThanOrEqual(2 * 30)
  })

  it('are gone at once after a goodbye, and a late word of one does not bring it back', async () => {
    const stage = new ClusterStage()
    const [a, b] = await stage.started('a', 'b')
    await b!.cluster.close()
    stage.network.publish('stomp-bridge:nodes', '{"type":"lease","from":"b","isNew":false,"marks":{}}')
    await stage.pass(0)
    expect(a!.cluster.nodes).toEqual([])
    expect(a!.events).toEqual(['joined b', 'resumed', 'left b'])
  })

  it('that were killed are gone at the end of the lease, not before', async () => {
    const stage = new ClusterStage()
    const [a, b] = await stage.started('a', 'b')
    b!.bus.kill()
    await stage.pass(LEASE_MS - 1000)
    expect(a!.cluster.nodes).toEqual(['b'])
    await stage.pass(1000)
    expect(a!.cluster.nodes).toEqual([])
  })

  it('are not taken for dead by one that was cut off, before a full lease has passed again', async () => {
    const stage = new ClusterStage()
    const [a, b] = await stage.started('a', 'b')
    a!.bus.cut()
    await stage.pass(LEASE_MS * 3)
    b!.bus.kill()
    expect(a!.cluster.nodes).toEqual(['b'])
    a!.bus.mend()
    await stage.pass(LEASE_MS - 100)
    expect(a!.cluster.nodes).toEqual(['b'])
    await stage.pass(200)
    expect(a!.events).toEqual(['joined b', 'resumed', 'suspended', 'resumed', 'left b'])
  })

  it('that were killed are gone also for one that is cut off again and again; those that live are not', async () => {
    const stage = new ClusterStage()
    const [a, b] = await stage.started('a', 'b', 'c')
    b!.bus.kill()
    for (let heardMs = 0; heardMs < LEASE_MS * 2; heardMs += LEASE_MS / 5) {
      a!.bus.cut()
      await stage.pass(LEASE_MS)
      a!.bus.mend()
      await stage.pass(LEASE_MS / 5)
    }
    expect(a!.cluster.nodes).toEqual(['c'])
    expect(a!.events.filter((event) => event.startsWith('left'))).toEqual(['left b'])
  })

  it('are not taken for dead by one that stood still', async () => {
    const stage = new ClusterStage()
    const [a, b] = await stage.started('a', 'b')
    const { clock } = stage
    // Everything of this time is late at once: first the timers run, then what has come is read.
    clock.setTimeout(() => {}, LEASE_MS * 4)
    const now = clock.now.bind(clock)
    clock.now = () => now() + LEASE_MS * 4
    await stage.pass(LEASE_MS)
    expect(a!.cluster.nodes).toEqual(['b'])
    expect(b!.cluster.nodes).toEqual(['a'])
  })

  it('hear what another one tells, and not what they tell themselves', async () => {
    const stage = new ClusterStage()
    const heard: string[] = []
    const nodes = ['a', 'b', 'c'].map((id) => {
      const node = stage.create(id)
      node.cluster.hear('news', z.object({ text: z.string() }), ({ text }, from) =>
        heard.push(`${id}: ${text} of ${from}`),
      )
      return node
    })
    for (const node of nodes) stage.start(node)
    await stage.pass(300)
    await nodes[0]!.cluster.tell('news', { text: 'hello' })
    await stage.pass(0)
    expect(heard).toEqual(['b: hello of a', 'c: hello of a'])
  })

  it('skip, count and log what no node has said', async () => {
    const stage = new ClusterStage()
    const [a] = await stage.started('a', 'b')
    a!.cluster.hear('news', z.string(), () => expect.unreachable())
    const lease = '"type":"lease","isNew":false,"marks":{}'
    for (const payload of [
      '',
      'hello',
      'null',
      '[]',
      '{}',
      '{"type":"other","from":"x"}',
      `{${lease}}`,
      `{${lease},"from":"${'x'.repeat(65)}"}`,
      `{${lease},"from":"x*"}`,
      '{"type":"lease","from":"x","isNew":false,"marks":{"presence":-1}}',
      '{"type":"answer","from":"x","question":1,"part":0,"isLast":true,"head":1,"items":{}}',
      '{"type":"tell","from":"b","subject":"news","data":5}',
      `{"type":"tell","from":"b","subject":"news","data":"${'x'.repeat(1_048_576)}"}`,
      '['.repeat(100_000),
    ]) {
      stage.network.publish('stomp-bridge:nodes', payload)
    }
    await stage.pass(0)
    expect(a!.metrics.count.payloadsMalformed).toBe(14)
    expect(a!.log.messages('warn')).toHaveLength(5)
    expect(a!.cluster.nodes).toEqual(['b'])
  })

  it('do not believe in more nodes than there can be', async () => {
    const stage = new ClusterStage()
    const [a] = await stage.started('a')
    for (let i = 0; i < 2000; i++) {
      stage.network.publish('stomp-bridge:nodes', `{"type":"lease","from":"x${i}","isNew":false,"marks":{}}`)
    }
    await stage.network.deliver()
    expect(a!.cluster.nodes).toHaveLength(1024)
    await stage.pass(LEASE_MS + 100)
    expect(a!.cluster.nodes).toEqual([])
  })
})

describe('a question', () => {
  it('is answered by all nodes, or by the one that is asked', async () => {
    const stage = new ClusterStage()
    const [a] = await answeringNodes(stage, 'a', 'b', 'c')
    const all = a!.cluster.ask(GREET, 'hello')
    const one = a!.cluster.ask(GREET, 'hi', 'c')
    await stage.pass(20)
    expect([...(await all).byNode.values()].map(({ head }) => head).sort()).toEqual([
      'hello from a',
      'hello from b',
      'hello from c',
    ])
    expect([...(await one).byNode]).toEqual([['c', { head: 'hi from c', items: [] }]])
    expect((await all).missing).toEqual([])
  })

  it('waits at the start until the others have said that they are there', async () => {
    const stage = new ClusterStage()
    await answeringNodes(stage, 'a')
    const b = answering(stage, 'b')
    stage.start(b)
    const answers = b.cluster.ask(GREET, 'hello')
    await stage.pass(400)
    expect([...(await answers).byNode.keys()]).toEqual(['b', 'a'])
  })

  it('is answered in parts where the answer is long', async () => {
    const stage = new ClusterStage()
    const [a] = await stage.started('a')
    a!.cluster.answer(GREET, () => ({ head: '', items: [] }))
    const items = Array.from({ length: 100_000 }, (_, i) => i)
    stage.start(answering(stage, 'b', items))
    await stage.pass(300)
    const asked = a!.cluster.ask(GREET, 'hello')
    await stage.pass(20)
    const { byNode } = await asked
    expect(byNode.get('b')!.items).toEqual(items)
    const parts = stage.network.published.filter(({ message }) => message.type === 'answer')
    expect(parts.length).toBeGreaterThan(10)
    for (const { message } of parts) expect(JSON.stringify(message).length).toBeLessThan(70_000)
  })

  it('is given up where a part of the answer is lost', async () => {
    const stage = new ClusterStage()
    const [a] = await stage.started('a')
    a!.cluster.answer(GREET, () => ({ head: '', items: [] }))
    const b = answering(
      stage,
      'b',
      Array.from({ length: 30_000 }, (_, i) => i),
    )
    stage.start(b)
    await stage.pass(300)
    a!.bus.losing = 1
    a!.bus.losingOnly = '"part":1'
    const asked = a!.cluster.ask(GREET, 'hello')
    await stage.pass(20)
    expect((await asked).missing).toEqual(['b'])
  })

  it('waits one second for a node that is silent, once, until it is heard again', async () => {
    const stage = new ClusterStage()
    const [a, b] = await answeringNodes(stage, 'a', 'b', 'c')
    b!.bus.losing = 1
    let isOver = false
    const first = a!.cluster.ask(GREET, 'hello').finally(() => (isOver = true))
    // Its signs of life are not to be heard meanwhile.
    const { publish } = b!.bus
    b!.bus.publish = async () => {}
    await stage.pass(980)
    expect(isOver).toBe(false)
    await stage.pass(40)
    expect((await first).missing).toEqual(['b'])
    const second = a!.cluster.ask(GREET, 'hello')
    await stage.pass(20)
    expect([...(await second).byNode.keys()].sort()).toEqual(['a', 'c'])
    b!.bus.publish = publish
    await stage.pass(LEASE_MS / 3)
    const third = a!.cluster.ask(GREET, 'hello')
    await stage.pass(20)
    expect((await third).missing).toEqual([])
  })

  it('does not wait for a node that says goodbye', async () => {
    const stage = new ClusterStage()
    const [a, b] = await answeringNodes(stage, 'a', 'b')
    b!.bus.losing = 1
    const asked = a!.cluster.ask(GREET, 'hello')
    await b!.cluster.close()
    await stage.pass(20)
    expect([...(await asked).byNode.keys()]).toEqual(['a'])
    expect((await asked).missing).toEqual([])
  })

  it('that another version does not know, or answers otherwise, is not waited for', async () => {
    const stage = new ClusterStage()
    const a = answering(stage, 'a')
    const b = stage.create('b')
    const c = stage.create('c')
    c.cluster.answer({ ...GREET, head: z.number(), item: z.string() }, () => ({ head: 1, items: ['x'] }))
    for (const node of [a, b, c]) stage.start(node)
    await stage.pass(300)
    const asked = a.cluster.ask(GREET, 'hello')
    await stage.pass(20)
    expect([...(await asked).byNode.keys()]).toEqual(['a'])
    expect([...(await asked).missing].sort()).toEqual(['b', 'c'])
  })

  it('rejects while the bus is away, before it is there, when it goes, and after the close', async () => {
    const stage = new ClusterStage()
    const lone = answering(stage, 'lone')
    await expect(lone.cluster.ask(GREET, '')).rejects.toThrow(BusUnavailableError)
    const [a, b] = await answeringNodes(stage, 'a', 'b')
    const asked = a!.cluster.ask(GREET, 'hello')
    const outcome = expect(asked).rejects.toThrow(BusUnavailableError)
    await Promise.resolve()
    a!.bus.cut()
    await outcome
    await expect(a!.cluster.ask(GREET, '')).rejects.toThrow('cut')
    await expect(a!.cluster.tell('news', '')).rejects.toThrow(BusUnavailableError)
    await b!.cluster.close()
    await expect(b!.cluster.ask(GREET, '')).rejects.toThrow(BusUnavailableError)
    await a!.cluster.close()
    await stage.pass(20_000)
    expect(stage.clock.pending).toBe(0)
  })

  it('is answered by this node alone where the bus refuses the channels, and the log says so once', async () => {
    const stage = new ClusterStage()
    const [b] = await answeringNodes(stage, 'b')
    const a = answering(stage, 'a')
    for (const name of ['stomp-bridge:nodes', 'stomp-bridge:node:a']) a.bus.forbidden.add(name)
    stage.start(a)
    await stage.pass(LEASE_MS * 2)
    expect([...(await a.cluster.ask(GREET, 'hello')).byNode.keys()]).toEqual(['a'])
    await expect(a.cluster.tell('news', '')).resolves.toBeUndefined()
    expect(a.log.messages('warn')).toEqual([expect.stringMatching(/^Redis refuses the channels of the nodes: /)])
    a.bus.grant('stomp-bridge:nodes')
    a.bus.grant('stomp-bridge:node:a')
    await stage.pass(300)
    const asked = a.cluster.ask(GREET, 'hello')
    await stage.pass(20)
    expect([...(await asked).byNode.keys()]).toEqual(['a', 'b'])
    expect(b!.cluster.nodes).toEqual(['a'])
    expect(a.log.messages('info')).toEqual(['Redis takes the channels of the nodes that it had refused'])
  })

  it('on the embedded bus is answered at once by the only node there is', async () => {
    const clock = new FakeClock()
    const shared = new SharedBus(new MemoryBus())
    const metrics = { count: { payloadsMalformed: 0 } }
    const cluster = new Cluster({
      nodeId: 'a',
      channels: shared.own,
      clock,
      leaseMs: LEASE_MS,
      log: new FakeLog(),
      metrics,
    })
    cluster.answer(GREET, (asked) => ({ head: asked, items: [1] }))
    shared.start({ onMessage: () => expect.unreachable(), onAvailability() {}, onRefusal() {} })
    cluster.start()
    await new Promise(setImmediate)
    clock.advance(200)
    expect([...(await cluster.ask(GREET, 'hello')).byNode]).toEqual([['a', { head: 'hello', items: [1] }]])
    await cluster.close()
  })
})

describe('the shared bus', () => {
  it('lets nobody but the nodes speak and listen on their channels, also by a pattern', async () => {
    const shared = new SharedBus(new MemoryBus())
    const own: string[] = []
    const others: string[] = []
    shared.own.listen({ onMessage: (channel) => own.push(channel), onAvailability() {}, onRefusal() {} })
    shared.start({ onMessage: (channel) => others.push(channel), onAvailability() {}, onRefusal() {} })
    await shared.psubscribe('*')
    await shared.own.subscribe('stomp-bridge:nodes')
    await expect(shared.subscribe('stomp-bridge:nodes')).rejects.toThrow(BusRefusedError)
    await expect(shared.publish('stomp-bridge:nodes', '')).rejects.toThrow(BusRefusedError)
    const both = [
      { channel: 'a', payload: '' },
      { channel: 'stomp-bridge:node:x', payload: '' },
    ]
    await expect(shared.publishAll(both)).rejects.toThrow(BusRefusedError)
    shared.unsubscribe('stomp-bridge:nodes')
    await shared.own.publish('stomp-bridge:nodes', '')
    await shared.publish('a', '')
    await new Promise(setImmediate)
    expect({ own, others }).toEqual({ own: ['stomp-bridge:nodes'], others: ['a'] })
  })
})
