/** Handlers that fail, consumers that die, entries that are deleted: what comes again, and what ends among the dead letters. */
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Entry, RedisConnection } from '../../src/backend/index.ts'
import { startProxy } from '../redis/proxy.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { eventually, waitFor } from '../support/wait.ts'
import { HeldHandler, STREAM, useStage } from './stage.ts'

describe('an entry', () => {
  const stage = useStage()

  it('whose handler rejects comes again, and its error is told', async () => {
    const [id] = await stage.add(1)
    const handled = new Inbox<Entry>('entry')
    const handle = async (entry: Entry) => {
      handled.put(entry)
      if (entry.deliveryCount < 3) throw new Error(`no ${entry.deliveryCount}`)
    }
    stage.consume(handle, { claimIdleMs: 100 })
    const entries = await handled.take(3)
    expect(entries.map(({ deliveryCount, redelivered }) => [deliveryCount, redelivered])).toEqual([
      [1, false],
      [2, true],
      [3, true],
    ])
    expect(new Set(entries.map((entry) => JSON.stringify([entry.id, entry.fields]))).size).toBe(1)
    await eventually(async () => expect(await stage.pending()).toBe(0))
    expect(stage.errors.all).toEqual([
      { message: `Cannot handle "${id}" of the stream "orders", delivery 1: no 1`, entry: entries[0] },
      { message: `Cannot handle "${id}" of the stream "orders", delivery 2: no 2`, entry: entries[1] },
    ])
  })

  it('whose handler throws comes again too; that onError throws as well does no harm', async () => {
    await stage.add(2)
    const handled = new Inbox<Entry>('entry')
    const handle = (entry: Entry) => {
      handled.put(entry)
      if (!entry.redelivered) throw new Error('no')
    }
    const onError = () => {
      throw new Error('nor this')
    }
    stage.consume(handle, { claimIdleMs: 100, onError })
    await handled.take(4)
    await eventually(async () => expect(await stage.pending()).toBe(0))
  })

  it('of a consumer whose connection is gone is claimed by another one', async () => {
    const proxy = await startProxy(stage.server.port)
    const redis = new Redis(proxy.url, { retryStrategy: () => 20 })
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    const held = new HeldHandler()
    stage.consume(held.handle, { consumer: 'crashed', redis, concurrency: 3, claimIdleMs: 200 })
    await stage.add(3)
    await held.started.take(3)
    await proxy.close()
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { consumer: 'alive', concurrency: 10, claimIdleMs: 200 })
    const entries = await handled.take(3)
    expect(entries.map(({ id, fields }) => [id, fields])).toEqual(
      held.started.all.map(({ id, fields }) => [id, fields]),
    )
    expect(entries.every(({ deliveryCount, redelivered }) => deliveryCount === 2 && redelivered)).toBe(true)
    await eventually(async () => expect(await stage.pending()).toBe(0))
    held.release()
  })

  it('is claimed with others piece by piece, by no more handlers than there may be', async () => {
    await stage.createGroup()
    await stage.add(30)
    await stage.ghost(30)
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { concurrency: 4, claimIdleMs: 100 })
    const numbers = (await handled.take(30)).map(({ fields }) => fields['number'])
    expect(new Set(numbers).size).toBe(30)
    await eventually(async () => expect(await stage.pending()).toBe(0))
  })

  it('that has been deleted while it was pending leaves the group', async () => {
    await stage.createGroup()
    const ids = await stage.add(3)
    await stage.ghost(3)
    await stage.redis.xdel(STREAM, ids[1]!)
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { claimIdleMs: 100 })
    expect((await handled.take(2)).map(({ id }) => id)).toEqual([ids[0], ids[2]])
    await eventually(async () => expect(await stage.pending()).toBe(0))
    expect(stage.errors.all).toEqual([])
  })
})

describe('the dead letters', () => {
  const stage = useStage()
  const limits = { claimIdleMs: 100, maxDeliveries: 2, deadLetter: 'dead' }

  it('get an entry at its last failure, with the reason', async () => {
    const [id] = await stage.add(1)
    const handled = new Inbox<Entry>('entry')
    const handle = async (entry: Entry) => {
      handled.put(entry)
      throw new Error(`no ${entry.deliveryCount}`)
    }
    stage.consume(handle, limits)
    await handled.take(2)
    await eventually(async () => expect(await stage.pending()).toBe(0))
    expect(await stage.entries('dead')).toEqual([
      { number: '0', topic: '/topic/x', reason: 'no 2', stream: STREAM, id },
    ])
    expect(stage.errors.all.map(({ message }) => message)[1]).toBe(
      `Cannot handle "${id}" of the stream "orders", delivery 2 of 2: no 2`,
    )
    expect(handled.all).toHaveLength(2)
  })

  it('get an entry that consumers have died of, with every byte', async () => {
    await stage.createGroup()
    const octets = Buffer.from([0, 255, 10, 13])
    const id = await stage.redis.xadd(STREAM, '*', 'message', octets, 'id', 'its own')
    await stage.ghost(1)
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { ...limits, maxDeliveries: 1 })
    await waitFor(() => stage.redis.exists('dead'))
    const [[, fields]] = (await stage.redis.xrangeBuffer('dead', '-', '+')) as unknown as [[Buffer, Buffer[]]]
    expect(fields[1]!.equals(octets)).toBe(true)
    expect(fields.slice(2).map(String)).toEqual([
      ...['id', 'its own'],
      ...['reason', 'not acknowledged after delivery 1', 'stream', STREAM, 'id', id],
    ])
    expect(await stage.pending()).toBe(0)
    expect(handled.all).toEqual([])
  })

  it('get nothing that another consumer has taken over meanwhile', async () => {
    await stage.add(1)
    const held = new HeldHandler()
    const handle = async (entry: Entry) => {
      await held.handle(entry)
      throw new Error('late')
    }
    const consumer = stage.consume(handle, { ...limits, maxDeliveries: 1 })
    const { id } = await held.started.next()
    await stage.redis.xclaim(STREAM, 'workers', 'other', 0, id)
    held.release()
    await consumer.stop()
    expect(await stage.redis.exists('dead')).toBe(0)
    expect(await stage.redis.xpending(STREAM, 'workers')).toMatchObject([1, id, id, [['other', '1']]])
  })

  it('that cannot be written stay pending, and hold up nothing else', async () => {
    await stage.createGroup()
    await stage.redis.set('dead', 'no stream')
    const [dying] = await stage.add(1)
    await stage.ghost(1)
    await stage.redis.xclaim(STREAM, 'workers', 'ghost', 0, dying!, 'RETRYCOUNT', 2)
    await stage.add(1, 1)
    await stage.ghost(1)
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { ...limits, concurrency: 5 })
    expect(await handled.next()).toMatchObject({ fields: { number: '1' }, deliveryCount: 2 })
    expect((await stage.errors.next()).message).toMatch(
      /^Cannot move entries of the stream "orders" to the dead letters: .*WRONGTYPE/,
    )
    await stage.redis.del('dead')
    await eventually(async () => expect(await stage.entries('dead')).toMatchObject([{ number: '0', id: dying }]))
    expect(await stage.pending()).toBe(0)
    expect(stage.errors.all).toHaveLength(1)
  })

  it('get nothing that is at work here, also when it could not be renewed', async () => {
    const held = new HeldHandler()
    // Scripts of the consumer's own connection are the claims.
    const redis: RedisConnection = {
      call: (command, ...args) =>
        command === 'EVAL' ? Promise.reject(new Error('not now')) : stage.redis.call(command, ...args),
      duplicate: (override) => stage.redis.duplicate(override),
    }
    const consumer = stage.consume(held.handle, { ...limits, redis, concurrency: 2, maxDeliveries: 1 })
    await stage.add(1)
    await held.started.next()
    const claims = await stage.calls('xautoclaim')
    await waitFor(async () => (await stage.calls('xautoclaim')) >= claims + 6)
    held.release()
    await consumer.stop()
    expect(await stage.redis.exists('dead')).toBe(0)
    expect(await stage.pending()).toBe(0)
    expect(stage.errors.all.map(({ message }) => message)).toEqual([
      'Cannot renew entries of the stream "orders": not now',
    ])
  })
})
