/** The connections of ioredis that backends have: version 5 and 6, both protocols, and both ways in which 6 gives replies. */
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBackend, type Entry, type RedisConnection } from '../../src/backend/index.ts'
import { readMarkdown } from '../docs/markdown-files.ts'
import { listen } from '../support/clients/backend.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { eventually } from '../support/wait.ts'
import { GROUP, STREAM, useStage } from './stage.ts'

type Connection = RedisConnection & { disconnect(): void }

const CONNECTIONS: readonly (readonly [name: string, connect: (url: string) => Connection])[] = [
  ['ioredis 6', (url) => new Redis(url)],
  ['ioredis 6 with RESP2', (url) => new Redis(url, { protocol: 2 })],
  ['ioredis 6 with the replies of RESP3', (url) => new Redis(url, { protocol: 3, replyMapping: 'resp3' })],
  [
    'ioredis 6 with options that would end a read',
    (url) => new Redis(url, { commandTimeout: 50, socketTimeout: 1_000 }),
  ],
  ['ioredis 6 with numbers as text', (url) => new Redis(url, { stringNumbers: true })],
  ['ioredis 6 with pipelines of its own', (url) => new Redis(url, { enableAutoPipelining: true })],
  ['ioredis 6 with a prefix of its own', (url) => new Redis(url, { keyPrefix: 'own:' })],
  ['ioredis 5', (url) => new Redis5(url)],
  ['ioredis 5 with pipelines of its own', (url) => new Redis5(url, { enableAutoPipelining: true })],
]

describe.each(CONNECTIONS)('a connection of %s', (name, connect) => {
  const stage = useStage()
  const prefix = name.endsWith('prefix of its own') ? 'own:' : ''

  it('reads, claims, buries, renews, ends a read that blocks, and publishes', async () => {
    const redis = connect(stage.server.url)
    onTestFinished(() => redis.disconnect())
    const backend = createBackend(redis)
    const handled = new Inbox<Entry>('entry')
    const errors: string[] = []
    const consumer = backend.consume(
      STREAM,
      GROUP,
      'a',
      async (entry) => {
        handled.put(entry)
        if (entry.fields['kind'] === 'bad') throw new Error('bad')
      },
      {
        ...{ concurrency: 5, claimIdleMs: 200, blockMs: 20_000, maxDeliveries: 2, deadLetter: 'dead' },
        onError: ({ message }) => errors.push(message),
      },
    )
    await eventually(async () => expect(await stage.redis.exists(prefix + STREAM)).toBe(1))
    const [good, bad] = [
      await stage.redis.xadd(prefix + STREAM, '*', 'kind', 'good', 'text', 'Grüße 😀'),
      await stage.redis.xadd(prefix + STREAM, '*', 'kind', 'bad'),
    ]
    expect(await handled.take(3)).toEqual([
      { id: good, fields: { kind: 'good', text: 'Grüße 😀' }, deliveryCount: 1, redelivered: false },
      { id: bad, fields: { kind: 'bad' }, deliveryCount: 1, redelivered: false },
      { id: bad, fields: { kind: 'bad' }, deliveryCount: 2, redelivered: true },
    ])
    await eventually(async () =>
      expect(await stage.entries(`${prefix}dead`)).toEqual([{ kind: 'bad', reason: 'bad', stream: STREAM, id: bad }]),
    )
    await consumer.stop()
    expect(await stage.pending(prefix + STREAM)).toBe(0)
    expect(errors.map((message) => message.replace(/.*, /, ''))).toEqual([
      'delivery 1 of 2: bad',
      'delivery 2 of 2: bad',
    ])

    const broadcast = await listen(stage.server, 'BROADCAST-CHANNEL')
    await backend.notify('/topic/x', 'hello')
    expect(String(await broadcast.next())).toBe('{"topic":"/topic/x","message":"hello"}')
  })
})

describe('a user with the rights that docs/backend.md names', () => {
  const stage = useStage()

  it('can do all of it, with nothing refused', async () => {
    const { text } = readMarkdown('docs/backend.md')
    const rights = [...text.matchAll(/`(\+[^`]+)`/g)].flatMap(([, list]) => list!.split(/\s+/))
    expect(rights).toContain('+xreadgroup')
    await stage.redis.acl('SETUSER', 'worker', 'on', '>pw', '~*', '&*', '-@all', ...rights)
    const redis = await stage.server.client({ username: 'worker', password: 'pw', disableClientInfo: true })
    const handled = new Inbox<Entry>('entry')
    const handle = (entry: Entry) => {
      handled.put(entry)
      throw new Error('no')
    }
    const options = { redis, blockMs: 60_000, claimIdleMs: 200, maxDeliveries: 2, deadLetter: 'dead' }
    const consumer = stage.consume(handle, options)
    await stage.add(1)
    await handled.take(2)
    await eventually(async () => expect(await stage.entries('dead')).toHaveLength(1))
    const startedAt = performance.now()
    await consumer.stop()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    await createBackend(redis).notify('/topic/x', 'hello')
    expect(stage.errors.all.filter(({ entry }) => !entry)).toEqual([])
    // [log entries]: what the rights did not allow
    const denied = JSON.stringify(await stage.redis.acl('LOG'))
    expect(denied.match(/"object","[^"]+"/g) ?? []).toEqual([])
  })
})
