import { signal } from '@preact/signals'
import { describe, expect, it } from 'vitest'
import { ApiError, type Api } from '../../web-debugger/api/client.ts'
import type { Queue } from '../../web-debugger/api/types.ts'
import { createQueueReader } from '../../web-debugger/bridge/queue-reader.ts'
import { fakeApi } from './debug-answers.ts'

const refused = (status: number, code: string, text = 'No') => Promise.reject(new ApiError(code, status, text))
const idle = () => new Promise<void>((resolve) => setTimeout(resolve))

const pageOf = (id: string, more = false) => ({ messages: [{ id, body: '', headers: {} }], more })

/** A bridge with a queue that holds so many; what was asked of it, and how often its numbers were wanted anew. */
function bridgeOf(ready: number, dead: number, overrides: Partial<Api> = {}) {
  const asked: string[] = []
  const held = { ready, dead }
  let changes = 0
  const api = fakeApi({
    queueMessages: async (queue, isDead, limit) => {
      asked.push(`${queue} ${isDead ? 'dead' : 'ready'} ${limit}`)
      const all = isDead ? held.dead : held.ready
      const length = Math.min(limit, all)
      const messages = Array.from({ length }, (_, i) => ({ id: `queue:a-9-${i}`, body: `m${i}`, headers: {} }))
      return { messages, more: length < all }
    },
    purgeQueue: async (_queue, isDead) => {
      const count = isDead ? held.dead : held.ready
      held[isDead ? 'dead' : 'ready'] = 0
      return count
    },
    redriveQueue: async () => {
      const count = held.dead
      Object.assign(held, { ready: held.ready + count, dead: 0 })
      return count
    },
    ...overrides,
  })
  const onChange = async () => void changes++
  const reader = createQueueReader({ api, apiKey: signal('key'), onChange })
  const queue = (name = '/queue/a'): Queue => ({ queue: name, ready, pending: 0, consumers: 0, dead })
  return { reader, asked, held, queue, changes: () => changes }
}

describe('a queue that is open', () => {
  it('shows its oldest messages, few at first and then more, as many as the API lists', async () => {
    const { reader, asked, queue } = bridgeOf(5000, 1)
    reader.open(queue())
    await idle()
    expect(reader.view.value).toMatchObject({
      destination: '/queue/a',
      part: 'ready',
      hasMore: true,
      canReadMore: true,
    })
    for (let i = 0; i < 3; i++) await reader.readMore()
    expect([reader.view.value!.messages.length, reader.view.value!.hasMore, reader.view.value!.canReadMore]).toEqual([
      1000,
      true,
      false,
    ])
    await reader.read()
    expect(asked).toEqual([20, 100, 500, 1000, 1000].map((limit) => `/queue/a ready ${limit}`))
  })

  it('shows the dead ones at once where there is nothing else', async () => {
    const { reader, asked, queue } = bridgeOf(0, 3)
    reader.open(queue())
    await idle()
    expect([asked, reader.view.value!.messages.length, reader.view.value!.hasMore]).toEqual([
      ['/queue/a dead 20'],
      3,
      false,
    ])
    reader.part.value = 'ready'
    expect(reader.view.value).toBeUndefined()
    await idle()
    expect(reader.view.value).toMatchObject({ part: 'ready', messages: [] })
  })

  it('offers no more where the messages are so long that the API shows only some', async () => {
    const { reader, queue } = bridgeOf(2, 0, { queueMessages: async () => pageOf('long', true) })
    reader.open(queue())
    await idle()
    expect(reader.view.value).toMatchObject({ hasMore: true, canReadMore: false })
  })

  it('begins with few again where another is opened, and forgets them when it is closed', async () => {
    const { reader, asked, queue } = bridgeOf(50, 0)
    reader.open(queue())
    await reader.readMore()
    reader.open(queue('/queue/b'))
    expect(reader.view.value).toBeUndefined()
    await idle()
    expect(asked.at(-1)).toBe('/queue/b ready 20')
    reader.close()
    expect([reader.opened.value, reader.view.value]).toEqual([undefined, undefined])
  })

  it('is that which was opened last, whatever answers later', async () => {
    const answers: (() => void)[] = []
    const { reader, queue } = bridgeOf(1, 0, {
      queueMessages: (name) => new Promise((resolve) => answers.push(() => resolve(pageOf(name)))),
    })
    reader.open(queue('/queue/slow'))
    reader.open(queue('/queue/b'))
    answers[1]!()
    await idle()
    answers[0]!()
    await idle()
    expect([reader.view.value?.messages[0]?.id, reader.isBusy.value]).toEqual(['/queue/b', false])
  })

  it('says why it cannot be read, and keeps what was read before', async () => {
    const { reader, held, queue } = bridgeOf(1, 0, {
      queueMessages: () =>
        held.ready === 1 ? Promise.resolve(pageOf('x')) : refused(404, 'no-queue', '"/queue/a" is no work queue'),
    })
    reader.open(queue())
    await idle()
    held.ready = 0
    await reader.read()
    expect([reader.problem.value, reader.view.value?.messages.length]).toEqual(['"/queue/a" is no work queue.', 1])
  })
})

describe('what is done to a queue', () => {
  it('puts the dead ones back, and tells how many', async () => {
    const { reader, queue, changes } = bridgeOf(0, 3)
    reader.open(queue())
    await reader.redrive()
    expect(reader.done.value).toEqual({ isOk: true, text: '3 messages went back into /queue/a.' })
    expect([reader.view.value?.messages, changes()]).toEqual([[], 1])
    await reader.redrive()
    expect(reader.done.value?.text).toMatch(/^Nothing went back into \/queue\/a/)
  })

  it.each([
    ['ready', '1,200 messages of /queue/a deleted.', { ready: 0, dead: 1 }],
    ['dead', '1 dead message of /queue/a deleted.', { ready: 1200, dead: 0 }],
  ] as const)('deletes the part that is shown: %s', async (part, text, left) => {
    const { reader, held, queue } = bridgeOf(1200, 1)
    reader.open(queue())
    reader.part.value = part
    await reader.purge()
    expect([reader.done.value, held]).toEqual([{ isOk: true, text }, left])
  })

  it('says what key it takes', async () => {
    const { reader, queue } = bridgeOf(1, 0, {
      purgeQueue: () => refused(403, 'not-authorized', 'This API key does not have the scope "admin"'),
    })
    reader.open(queue())
    await reader.purge()
    expect(reader.done.value).toEqual({ isOk: false, text: expect.stringContaining('the scope "admin"') as string })
    expect(reader.done.value?.text).not.toContain('Part of it')
  })

  it('says that part of it may be done where the bridge, or Redis, goes away meanwhile', async () => {
    const { reader, queue } = bridgeOf(1, 0, { purgeQueue: () => refused(503, 'bus-unavailable') })
    reader.open(queue())
    await reader.purge()
    expect(reader.done.value?.text).toContain('Part of it may be done')
  })

  it('is nothing where none is open', async () => {
    const { reader, changes } = bridgeOf(1, 1)
    await reader.purge()
    await reader.redrive()
    await reader.read()
    expect([reader.done.value, changes()]).toEqual([undefined, 0])
  })
})
