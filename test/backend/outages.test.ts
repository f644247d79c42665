/** What Redis does to consumers: it goes and comes back, with its data or without, and is emptied. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Entry } from '../../src/backend/index.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { startRedis } from '../support/redis.ts'
import { eventually, waitFor } from '../support/wait.ts'
import { HeldHandler, Stage, STREAM } from './stage.ts'

const numberOf = ({ fields }: Entry) => Number(fields['number'])
const isBlocked = async (stage: Stage) => /cmd=xreadgroup/.test(String(await stage.redis.call('CLIENT', 'LIST')))

describe('a consumer', () => {
  const stage = new Stage()
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stomp-bridge-append-only-'))
    // It keeps what it has, also when it is killed.
    const args = ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', directory]
    stage.server = await startRedis({ args })
    stage.redis = await stage.server.client()
  })
  beforeEach(() => stage.begin())
  afterEach(() => stage.end())
  afterAll(async () => {
    await stage.server?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  it('goes on when Redis has been emptied in the middle', async () => {
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { blockMs: 200, claimIdleMs: 100 })
    await stage.add(3)
    await handled.take(3)
    await waitFor(() => isBlocked(stage))
    await stage.redis.flushall()
    await stage.add(3, 3)
    expect((await handled.take(3)).map(numberOf)).toEqual([3, 4, 5])
    await eventually(async () => expect(await stage.pending()).toBe(0))
    expect(stage.errors.all).toEqual([])
  })

  it('goes on when Redis has been emptied while a handler runs', async () => {
    const held = new HeldHandler()
    stage.consume(held.handle, { claimIdleMs: 100 })
    await stage.add(1)
    await held.started.next()
    await stage.redis.flushall()
    await stage.add(1, 1)
    held.release()
    expect(numberOf(await held.started.next())).toBe(1)
    expect(stage.errors.all).toEqual([])
  })

  it('goes on when the group has been destroyed; what it is at work on is not handed to it again', async () => {
    const held = new HeldHandler()
    stage.consume(held.handle, { concurrency: 2, claimIdleMs: 100 })
    await stage.add(1)
    await held.started.next()
    await stage.redis.call('XGROUP', 'DESTROY', STREAM, 'workers')
    await stage.add(1, 1)
    expect(numberOf(await held.started.next())).toBe(1)
    held.release()
    await eventually(async () => expect(await stage.pending()).toBe(0))
    expect(held.started.all).toHaveLength(2)
  })

  it('goes on when Redis was killed and comes back: nothing is lost, and an outage is told once', async () => {
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put, { concurrency: 4 })
    await stage.add(20)
    await handled.take(20)
    await waitFor(() => isBlocked(stage))
    await stage.server.crash()
    expect((await stage.errors.next()).message).toMatch(/^Cannot read the stream "orders": ./)
    await stage.server.restart()
    await stage.add(20, 20)
    expect((await handled.take(20)).map(numberOf)).toEqual(Array.from({ length: 20 }, (_, i) => 20 + i))
    await eventually(async () => expect(await stage.pending()).toBe(0))
    expect(handled.all).toHaveLength(40)
    const texts = stage.errors.all.map(({ message }) => message)
    expect(new Set(texts).size).toBe(texts.length)
  })

  it('makes no busy loop of an outage', async () => {
    stage.consume(() => {})
    await waitFor(() => isBlocked(stage))
    const duplicate = stage.redis.duplicate.bind(stage.redis)
    let attempts = 0
    stage.redis.duplicate = (...args: Parameters<typeof duplicate>) => {
      attempts++
      return duplicate(...args)
    }
    onTestFinished(() => void Object.assign(stage.redis, { duplicate }))
    const startedAt = performance.now()
    await stage.server.crash()
    await waitFor(() => attempts >= 4)
    // 50, 100 and 200 ms at least three quarters each
    expect(performance.now() - startedAt).toBeGreaterThan(250)
    await stage.server.restart()
  })

  it('acknowledges what was done while Redis was away, when it is back, and does it once', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => void warnings.push(warning)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    // One that does not keep commands for later.
    const redis = await stage.server.client({ enableOfflineQueue: false, maxRetriesPerRequest: 0 })
    const held = new HeldHandler()
    const consumer = stage.consume(held.handle, { redis, concurrency: 20, claimIdleMs: 100 })
    await stage.add(20)
    await held.started.take(20)
    await stage.server.crash()
    held.release()
    await waitFor(() => stage.errors.all.some(({ message }) => message.startsWith('Cannot acknowledge')))
    await stage.server.restart()
    await eventually(async () => expect(await stage.pending()).toBe(0), { timeoutMs: 10_000 })
    const claims = await stage.calls('xautoclaim')
    await waitFor(async () => (await stage.calls('xautoclaim')) >= claims + 3)
    expect(held.started.all).toHaveLength(20)
    await consumer.stop()
    expect(warnings).toEqual([])
  })

  it('starts while Redis is away', async () => {
    await stage.server.crash()
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put)
    await stage.errors.next()
    await stage.server.restart()
    await stage.add(1)
    expect(numberOf(await handled.next())).toBe(0)
  })

  it('can be stopped while Redis is away', async () => {
    const consumer = stage.consume(() => {})
    await waitFor(() => isBlocked(stage))
    await stage.server.crash()
    await stage.errors.next()
    await consumer.stop()
    await stage.server.restart()
  })

  it('tells what Redis refuses, and tries again', async () => {
    await stage.redis.set(STREAM, 'no stream')
    const handled = new Inbox<Entry>('entry')
    stage.consume(handled.put)
    expect((await stage.errors.next()).message).toMatch(/^Cannot read the stream "orders": WRONGTYPE /)
    await stage.redis.del(STREAM)
    await stage.add(1)
    await handled.next()
    expect(stage.errors.all).toHaveLength(1)
  })
})
