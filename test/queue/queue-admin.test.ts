import { describe, expect, it } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import { MemoryQueues } from '../../src/queue/memory-queues.ts'
import { QueueAdmin } from '../../src/queue/queue-admin.ts'
import { QueueRules } from '../../src/queue/queue-rules.ts'
import type { Queue } from '../../src/queue/queue.ts'

const rule = { maxDeliveries: 3, visibilitySeconds: 30, maxLength: 100 }

class Store extends MemoryQueues {
  found: readonly string[] | Error | undefined
  failure: Error | undefined

  constructor() {
    super(() => undefined)
  }

  override async streams() {
    if (this.found instanceof Error) throw this.found
    return this.found ?? super.streams()
  }

  override async counts(queue: Queue) {
    if (this.failure) throw this.failure
    return super.counts(queue)
  }

  override async redrive(queue: Queue) {
    if (this.failure) throw this.failure
    return super.redrive(queue)
  }
}

function setUp(...destinations: readonly string[]) {
  const store = new Store()
  const rules = new QueueRules(destinations.map((destination) => ({ ...rule, destination })))
  const subscribed: Queue[] = []
  const admin = new QueueAdmin(rules, store, () => subscribed)
  const add = (stream: string, body = 'x'): void =>
    store.add(stream, new Map([['body', new TextEncoder().encode(body)]]))
  const names = async (): Promise<string[]> => (await admin.list()).map(({ queue }) => queue)
  return { store, rules, subscribed, admin, add, names }
}

describe('the list of queues', () => {
  it('has those with a rule of their own, subscribed ones and what the store finds, each once, by name', async () => {
    const { rules, subscribed, add, names } = setUp('/queue/named', '/queue/**')
    expect(await names()).toEqual(['/queue/named'])
    subscribed.push(rules.of('/queue/subscribed')!, rules.of('/queue/named')!)
    for (const stream of ['queue:z', 'queue:a/b', 'queue:named']) add(stream)
    expect(await names()).toEqual(['/queue/a/b', '/queue/named', '/queue/subscribed', '/queue/z'])
  })

  it('leaves nothing of a queue that holds nothing and that nobody uses', async () => {
    const { store, rules, subscribed, names } = setUp('/queue/**')
    store.found = ['queue:gone', 'queue:used']
    const left: string[] = []
    store.leave = async ({ stream }) => void left.push(stream)
    subscribed.push(rules.of('/queue/used')!)
    expect(await names()).toEqual(['/queue/used'])
    expect(left).toEqual(['queue:gone'])
    store.leave = () => Promise.reject(new BusUnavailableError('away'))
    expect(await names()).toEqual(['/queue/used'])
  })

  it('leaves nothing of one that was subscribed while it was counted', async () => {
    const { store, rules, subscribed, names } = setUp('/queue/**')
    store.found = ['queue:a']
    const left: string[] = []
    store.leave = async ({ stream }) => void left.push(stream)
    store.counts = async (queue) => {
      subscribed.push(rules.of('/queue/a')!)
      return MemoryQueues.prototype.counts.call(store, queue)
    }
    expect([await names(), left]).toEqual([[], []])
  })

  it('has one of which only dead messages are left', async () => {
    const { store, rules, add, admin } = setUp('/queue/**')
    add('queue:a')
    const queue = rules.of('/queue/a')!
    const [entry] = await store.work(queue, [], 1)
    await store.giveBack(queue, [entry!.id], 'unreadable')
    expect(await admin.list()).toEqual([{ queue: '/queue/a', ready: 0, pending: 0, consumers: 0, dead: 1 }])
  })

  it('leaves out streams that are no queue, whatever their name is', async () => {
    const { store, add, names } = setUp('/queue/a/**')
    add('queue:a/1')
    store.found = [
      'queue:a/1',
      'queue:a/empty',
      'queue:',
      'queue:b',
      'queue:a/*',
      'queue:a/x:dead:dead',
      ':dead',
      'queue::dead',
      '',
    ]
    expect(await names()).toEqual(['/queue/a/1'])
  })

  it('is what is known where Redis does not let us look, and refused where it is away', async () => {
    const { store, names } = setUp('/queue/named')
    store.found = new BusRefusedError('NOPERM')
    expect(await names()).toEqual(['/queue/named'])
    store.found = new BusUnavailableError('away')
    await expect(names()).rejects.toMatchObject({ code: 'bus-unavailable' })
  })

  it('has hundreds', async () => {
    const { add, names } = setUp('/queue/**')
    for (let i = 0; i < 230; i++) add(`queue:${i}`)
    expect(await names()).toHaveLength(230)
  })
})

describe('what is done to one queue', () => {
  it('is refused where there is none', async () => {
    const { admin } = setUp('/queue/a/*')
    for (const destination of ['/queue/b', '/topic/a', '', '/queue/a/*', '/queue/']) {
      for (const attempt of [
        async () => admin.messages(destination, false, 1),
        async () => admin.redrive(destination),
        async () => admin.purge(destination, true),
      ])
        await expect(attempt()).rejects.toMatchObject({ code: 'no-queue' })
    }
    await expect((async () => admin.purge('/queue/a/x:dead', true))()).rejects.toMatchObject({
      code: 'bad-destination',
    })
  })

  it('says what the store could not do', async () => {
    const { admin, store } = setUp('/queue/a')
    store.failure = new BusUnavailableError('away')
    await expect(admin.redrive('/queue/a')).rejects.toMatchObject({ code: 'bus-unavailable' })
    await expect(admin.list()).rejects.toMatchObject({ code: 'bus-unavailable' })
    store.failure = new BusRefusedError('WRONGTYPE')
    await expect(admin.redrive('/queue/a')).rejects.toMatchObject({ code: 'bus-refused' })
    store.failure = new Error('ours')
    await expect(admin.redrive('/queue/a')).rejects.toThrow('ours')
  })

  it('shows the oldest, and deletes them', async () => {
    const { admin, add } = setUp('/queue/a')
    for (const body of ['1', '2', '3']) add('queue:a', body)
    const shown = await admin.messages('/queue/a', false, 2)
    expect([shown.messages.map(({ body }) => body), shown.hasMore]).toEqual([['1', '2'], true])
    expect(await admin.messages('/queue/a', true, 2)).toEqual({ messages: [], hasMore: false })
    expect(await admin.purge('/queue/a', false)).toBe(3)
  })
})
