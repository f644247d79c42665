/** Consumers while all is well: each entry once, so many at once, and the orderly end. */
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/backend/index.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { eventually, waitFor } from '../support/wait.ts'
import { GROUP, HeldHandler, STREAM, useStage } from './stage.ts'

const numberOf = ({ fields }: Entry) => Number(fields['number'])
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number)

describe('a consumer', () => {
  const stage = useStage()

  it('makes the group at the beginning of the stream, and gets what was there before', async () => {
    const [id] = await stage.add(1)
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put)
    expect(await handled.next()).toEqual({
      id,
      fields: { number: '0', topic: '/topic/x' },
      deliveryCount: 1,
      redelivered: false,
    })
    await eventually(async () => expect(await stage.pending()).toBe(0))
  })

  it('makes a stream that is not there', async () => {
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put)
    await waitFor(() => stage.redis.exists(STREAM))
    await stage.add(1)
    expect(numberOf(await handled.next())).toBe(0)
  })

  it('shares 100 entries with another one: each is handled once', async () => {
    const handled = new Inbox<Entry>('entry')
    for (const consumer of ['a', 'b']) stage.consume(handled.put, { consumer, concurrency: 5, claimIdleMs: 1_000 })
    await stage.add(100)
    const entries = await handled.take(100)
    expect(entries.map(numberOf).sort((a, b) => a - b)).toEqual(upTo(100))
    await eventually(async () => expect(await stage.pending()).toBe(0))
    // nothing is claimed that has been acknowledged
    const claims = await stage.calls('xautoclaim')
    await waitFor(async () => (await stage.calls('xautoclaim')) >= claims + 2)
    expect(handled.all).toHaveLength(100)
    expect(stage.errors.all).toEqual([])
  })

  it('of concurrency 1 keeps the order, also with handlers that wait', async () => {
    const order: string[] = []
    const done = new Inbox<number>('entry')
    const handle = async (entry: Entry) => {
      order.push(`begin ${numberOf(entry)}`)
      await stage.redis.ping()
      order.push(`end ${numberOf(entry)}`)
      done.put(numberOf(entry))
    }
    stage.consume(handle)
    await stage.add(20)
    await done.take(20)
    expect(order).toEqual(upTo(20).flatMap((number) => [`begin ${number}`, `end ${number}`]))
  })

  it('runs no more handlers than it may, and reads no more than there is room for', async () => {
    const held = new HeldHandler()
    stage.consume(held.handle, { concurrency: 3 })
    await stage.add(10)
    await held.started.take(3)
    expect(await stage.pending()).toBe(3)
    held.release()
    await held.started.take(7)
    expect(held.most).toBe(3)
    await eventually(async () => expect(await stage.pending()).toBe(0))
  })

  it('asks for no more than batchSize at once', async () => {
    await stage.add(6)
    const handled = new Inbox<Entry>('entry')
    const before = await stage.calls('xreadgroup')
    stage.consume(handled.put, { concurrency: 10, batchSize: 2 })
    await handled.take(6)
    // one finds no group, three bring two each
    expect(await stage.calls('xreadgroup')).toBeGreaterThanOrEqual(before + 4)
  })

  it('keeps an entry whose handler runs for long, while others look for what idles', async () => {
    const held = new HeldHandler()
    const slow = stage.consume(held.handle, { consumer: 'slow', claimIdleMs: 100 })
    await stage.add(1)
    await held.started.next()
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { consumer: 'quick', claimIdleMs: 400 })
    const claims = await stage.calls('xautoclaim')
    await waitFor(async () => (await stage.calls('xautoclaim')) >= claims + 4)
    expect(handled.all).toEqual([])
    held.release()
    await slow.stop()
    expect(await stage.pending()).toBe(0)
    await stage.add(1, 1)
    expect(numberOf(await handled.next())).toBe(1)
  })

  it('puts the key prefix before streams', async () => {
    const { createBackend } = await import('../../src/backend/index.ts')
    const handled = new Inbox<Entry>('entry')
    const options = { claimIdleMs: 100, maxDeliveries: 1, deadLetter: 'dead' }
    const consumer = createBackend(stage.redis, { keyPrefix: 'app:' }).consume(
      STREAM,
      GROUP,
      'a',
      (entry) => {
        handled.put(entry)
        throw new Error('no')
      },
      { ...options, onError: () => {} },
    )
    await stage.redis.xadd(`app:${STREAM}`, '*', 'number', 7)
    await handled.next()
    await consumer.stop()
    expect(await stage.entries('app:dead')).toMatchObject([{ number: '7', stream: STREAM }])
  })
})

describe('stop', () => {
  const stage = useStage()

  it('waits for the handlers that run, acknowledges their entries, reads nothing new, and closes what it opened', async () => {
    const connections = await stage.connections()
    const held = new HeldHandler()
    const consumer = stage.consume(held.handle, { concurrency: 2 })
    await stage.add(5)
    await held.started.take(2)
    let isStopped = false
    const stopped = consumer.stop().then(() => (isStopped = true))
    await stage.redis.ping()
    expect(isStopped).toBe(false)
    held.release()
    await stopped
    expect(await stage.pending()).toBe(0)
    expect(held.started.all).toHaveLength(2)
    await eventually(async () => expect(await stage.connections()).toBe(connections))
  })

  it('ends a read that blocks at once, and can be called as often as one likes', async () => {
    const consumer = stage.consume(() => {}, { blockMs: 60_000, claimIdleMs: 600_000 })
    await waitFor(async () => /cmd=xreadgroup/.test(String(await stage.redis.call('CLIENT', 'LIST'))))
    const startedAt = performance.now()
    await Promise.all([consumer.stop(), consumer.stop(5_000), consumer.stop()])
    await consumer.stop()
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    await stage.add(1)
    expect(await stage.pending()).toBe(0)
  })

  it('right after the start ends too', async () => {
    const connections = await stage.connections()
    await stage.consume(() => {}, { blockMs: 60_000 }).stop()
    await eventually(async () => expect(await stage.connections()).toBe(connections))
    expect(stage.errors.all).toEqual([])
  })

  it('waits for the end of a read that it may not end', async () => {
    await stage.redis.acl('SETUSER', 'worker', 'on', '>pw', '+@all', '-client', '~*', '&*')
    const redis = await stage.server.client({ username: 'worker', password: 'pw', disableClientInfo: true })
    const consumer = stage.consume(() => {}, { redis, blockMs: 300 })
    await waitFor(async () => /cmd=xreadgroup/.test(String(await stage.redis.call('CLIENT', 'LIST'))))
    await consumer.stop()
    expect(stage.errors.all).toEqual([])
  })

  it('leaves at the deadline what still runs, which another one gets then', async () => {
    const held = new HeldHandler()
    const consumer = stage.consume(held.handle, { claimIdleMs: 100 })
    await stage.add(1)
    await held.started.next()
    const unlimited = consumer.stop()
    await consumer.stop(10)
    await unlimited
    expect(await stage.pending()).toBe(1)
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { consumer: 'b', claimIdleMs: 100 })
    expect(await handled.next()).toMatchObject({ deliveryCount: 2, redelivered: true })
    held.release()
  })
})
