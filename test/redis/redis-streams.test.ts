import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { StreamRefusedError, type StreamEntry, type StreamFollower } from '../../src/history/stream.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { Recorder } from '../bus/recorder.ts'
import { busForTest, redisForTest } from './support.ts'

let redis: RedisServer
let outside: Redis
beforeAll(async () => {
  redis = await startRedis()
  outside = await redis.client()
})
afterAll(() => redis.stop())

/** What becomes of a stream, as text. */
class Follower extends Inbox<string> implements StreamFollower {
  constructor() {
    super('event of a stream')
  }

  stands(id: string): void {
    this.put(`stands ${id}`)
  }

  entry({ id, fields }: StreamEntry): void {
    this.put(`${id} ${[...fields].map(([name, value]) => `${name}=${new TextDecoder().decode(value)}`).join()}`)
  }

  lost(id: string, isAnew: boolean): void {
    this.put(`lost ${id}${isAnew ? ' anew' : ''}`)
  }

  refused(reason: string | undefined): void {
    this.put(reason === undefined ? 'taken' : `refused: ${reason}`)
  }
}

let streams = 0
const newStream = () => `s${++streams}`

async function follow(server: RedisServer, names: readonly string[], options = {}) {
  const recorder = new Recorder()
  const { bus, log } = busForTest(server.url, options, { recorder })
  await recorder.untilAvailable()
  const followers = names.map((name) => {
    const follower = new Follower()
    bus.streams.follow(name, follower)
    return follower
  })
  bus.streams.start()
  return { source: bus.streams, followers, log }
}

const killReaders = async () => {
  for (const line of String(await outside.client('LIST')).split('\n')) {
    const id = /\bid=(\d+) .*name=stomp-bridge-\w+-streams /.exec(line)?.[1]
    if (id !== undefined) await outside.client('KILL', 'ID', id)
  }
}

describe('streams in Redis', () => {
  it('are read from what is added after the start, each in order', async () => {
    const [one, two] = [newStream(), newStream()]
    await outside.xadd(one, '1-1', 'a', 'old')
    const { followers } = await follow(redis, [one, two])
    expect(await followers[0]!.next()).toBe('stands 1-1')
    expect(await followers[1]!.next()).toBe('stands 0-0')
    for (let i = 2; i < 300; i++) await outside.xadd(one, `1-${i}`, 'a', String(i))
    await outside.xadd(two, '5-1', 'b', 'ü', 'c', '')
    expect(await followers[0]!.take(298)).toEqual(Array.from({ length: 298 }, (_, i) => `1-${i + 2} a=${i + 2}`))
    expect(await followers[1]!.next()).toBe('5-1 b=ü,c=')
  })

  it('have the key prefix before their names', async () => {
    const name = newStream()
    const { followers, source } = await follow(redis, [name], { keyPrefix: 'p:' })
    await followers[0]!.next()
    await outside.xadd(name, '1-1', 'a', 'other')
    await outside.xadd(`p:${name}`, '2-1', 'a', 'own')
    expect(await followers[0]!.next()).toBe('2-1 a=own')
    expect(await source.info(name)).toMatchObject({ newest: '2-1', oldest: '2-1', length: 1 })
  })

  it('go on after the last id when the connection was away', async () => {
    const name = newStream()
    const { followers, log } = await follow(redis, [name])
    await followers[0]!.next()
    await outside.xadd(name, '1-1', 'a', '1')
    await followers[0]!.next()
    await killReaders()
    await outside.xadd(name, '1-2', 'a', '2')
    expect(await followers[0]!.next()).toBe('1-2 a=2')
    expect(log.messages('warn')).toEqual(['The connection that reads streams is away'])
    expect(log.messages('error')).toEqual([])
  })

  it('come whole when they are large and many', async () => {
    const name = newStream()
    const { followers } = await follow(redis, [name])
    await followers[0]!.next()
    const transaction = outside.multi()
    for (let i = 1; i <= 150; i++) transaction.xadd(name, `1-${i}`, 'a', 'x'.repeat(100_000))
    await transaction.exec()
    const ids = (await followers[0]!.take(150)).map((text) => text.split(' ')[0])
    expect(ids).toEqual(Array.from({ length: 150 }, (_, i) => `1-${i + 1}`))
  })

  it('say when something was trimmed that had not been read', async () => {
    const name = newStream()
    const server = await redisForTest()
    const client = await server.client()
    const { followers, source } = await follow(server, [name])
    await followers[0]!.next()
    await client.xadd(name, '1-1', 'a', '1')
    await followers[0]!.next()
    // In one step, so that it cannot be read in between.
    await client.multi().xadd(name, '1-2', 'a', '2').xadd(name, '1-3', 'a', '3').xtrim(name, 'MAXLEN', 1).exec()
    // It comes at once, or after a look if the connection was away.
    expect(await followers[0]!.next()).toBe('1-3 a=3')
    source.reconnect()
    await client.multi().xadd(name, '1-4', 'a', '4').xadd(name, '1-5', 'a', '5').xtrim(name, 'MAXLEN', 1).exec()
    expect(await followers[0]!.take(2)).toEqual(['lost 1-3', '1-5 a=5'])
    source.reconnect()
    // All that is gone was read before.
    await client.multi().xadd(name, '1-6', 'a', '6').xtrim(name, 'MAXLEN', 1).exec()
    expect(await followers[0]!.next()).toMatch(/^(1-6 a=6|lost 1-5)$/)
  })

  it('that begin anew are read from their beginning', async () => {
    const name = newStream()
    const { followers } = await follow(redis, [name])
    await followers[0]!.next()
    await outside.xadd(name, '5-1', 'a', '1')
    await followers[0]!.next()
    await outside.del(name)
    await outside.xadd(name, '1-1', 'a', 'new')
    await killReaders()
    expect(await followers[0]!.take(2)).toEqual(['lost 0-0 anew', '1-1 a=new'])
  })

  it('that have lost their end are not read again', async () => {
    const name = newStream()
    for (const id of ['1-1', '1-2']) await outside.xadd(name, id, 'a', id)
    const { followers } = await follow(redis, [name])
    expect(await followers[0]!.next()).toBe('stands 1-2')
    await outside.xadd(name, '1-3', 'a', '3')
    await followers[0]!.next()
    // As a replica that was behind by one.
    await outside.del(name)
    for (const id of ['1-1', '1-2']) await outside.xadd(name, id, 'a', id)
    await killReaders()
    expect(await followers[0]!.next()).toBe('stands 1-2')
    await outside.xadd(name, '1-4', 'a', '4')
    expect(await followers[0]!.next()).toBe('1-4 a=4')
  })

  it('that Redis refuses hold up no other', async () => {
    const [wrong, forbidden, good] = [newStream(), newStream(), newStream()]
    const server = await redisForTest()
    const client = await server.client()
    await client.set(wrong, 'text')
    await client.acl('SETUSER', 'default', 'resetkeys', `~${wrong}`, `~${good}`)
    const { followers, log, source } = await follow(server, [wrong, forbidden, good])
    expect(await followers[0]!.next()).toMatch(/^refused: WRONGTYPE/)
    expect(await followers[1]!.next()).toMatch(/^refused: NOPERM/)
    expect(await followers[2]!.next()).toBe('stands 0-0')
    await client.xadd(good, '1-1', 'a', '1')
    expect(await followers[2]!.next()).toBe('1-1 a=1')
    expect(log.messages('warn').filter((text) => text === 'Redis refuses a stream')).toHaveLength(2)
    await expect(source.info(wrong)).rejects.toThrow(StreamRefusedError)
    await expect(source.forward(forbidden, '-', 1)).rejects.toThrow(StreamRefusedError)
    await client.del(wrong)
    expect(await followers[0]!.take(2)).toEqual(['taken', 'stands 0-0'])
  })

  it('become refused while they are read, and hold up no other', async () => {
    const [wrong, good] = [newStream(), newStream()]
    const { followers } = await follow(redis, [wrong, good])
    await Promise.all(followers.map((each) => each.next()))
    await outside.set(wrong, 'text')
    await outside.xadd(good, '1-1', 'a', '1')
    expect(await followers[1]!.next()).toBe('1-1 a=1')
    expect(await followers[0]!.next()).toMatch(/^refused: WRONGTYPE/)
    await outside.xadd(good, '1-2', 'a', '2')
    expect(await followers[1]!.next()).toBe('1-2 a=2')
  })

  it('are read by who may not look at them otherwise', async () => {
    const name = newStream()
    const server = await redisForTest()
    const client = await server.client()
    await client.xadd(name, '1-1', 'a', '1')
    await client.acl('SETUSER', 'default', '-xinfo')
    const { followers, source } = await follow(server, [name])
    expect(await followers[0]!.next()).toBe('stands 1-1')
    await client.xadd(name, '1-2', 'a', '2')
    expect(await followers[0]!.next()).toBe('1-2 a=2')
    expect(await source.info(name)).toMatchObject({ newest: '1-2', oldest: '1-1', added: undefined })
  })

  it('are read in both directions', async () => {
    const name = newStream()
    onTestFinished(async () => void (await outside.del(name)))
    for (let i = 1; i <= 5; i++) await outside.xadd(name, `1-${i}`, 'a', String(i))
    const { source } = await follow(redis, [])
    const idsOf = (entries: readonly StreamEntry[]) => entries.map(({ id }) => id)
    expect(idsOf(await source.forward(name, '1-2', 2))).toEqual(['1-2', '1-3'])
    expect(idsOf(await source.backward(name, '1-4', false, 2))).toEqual(['1-4', '1-3'])
    expect(idsOf(await source.backward(name, '1-4', true, 9))).toEqual(['1-3', '1-2', '1-1'])
    expect(await source.info('none')).toMatchObject({ newest: '0-0', oldest: undefined, length: 0 })
  })
})
