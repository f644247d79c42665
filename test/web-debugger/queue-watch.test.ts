import { signal } from '@preact/signals'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../../web-debugger/api/client.ts'
import type { Queue } from '../../web-debugger/api/types.ts'
import { createQueueWatch } from '../../web-debugger/bridge/queue-watch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const queue = (name: string, counts: Partial<Queue> = {}): Queue => ({
  queue: `/queue/${name}`,
  ready: 0,
  pending: 0,
  consumers: 0,
  dead: 0,
  ...counts,
})

/** A bridge with these queues, which may be replaced, or by an error. `tookMs`: how long an answer takes. */
function bridgeOf(first: readonly Queue[] | ApiError, isVisible?: () => boolean) {
  const held = { answer: first, tookMs: 0, asked: 0 }
  const apiKey = signal('')
  const api = {
    queues: async () => {
      held.asked++
      if (held.tookMs > 0) await new Promise((resolve) => setTimeout(resolve, held.tookMs))
      if (held.answer instanceof ApiError) throw held.answer
      return held.answer
    },
  }
  const watch = createQueueWatch({ api, apiKey, ...(isVisible && { isVisible }) })
  const names = () => watch.found.value.map((each) => each.queue.slice('/queue/'.length))
  return { watch, held, apiKey, names }
}

const refused = (status: number, code = 'x', message = 'No') => new ApiError(code, status, message)

describe('the list of queues', () => {
  it('is asked for every three seconds while somebody looks', async () => {
    const { watch, held } = bridgeOf([queue('a')])
    const stop = watch.start()
    await vi.advanceTimersByTimeAsync(0)
    expect([held.asked, watch.queues.value, watch.access.value]).toEqual([1, [queue('a')], 'ok'])
    held.answer = [queue('a', { ready: 5 })]
    await vi.advanceTimersByTimeAsync(3000)
    expect([held.asked, watch.of('/queue/a').ready]).toEqual([2, 5])
    stop()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(held.asked).toBe(2)
  })

  it('is not asked for while the page is hidden', async () => {
    let isVisible = false
    const { watch, held } = bridgeOf([], () => isVisible)
    const stop = watch.start()
    await vi.advanceTimersByTimeAsync(9000)
    expect(held.asked).toBe(0)
    isVisible = true
    await vi.advanceTimersByTimeAsync(3000)
    expect(held.asked).toBe(1)
    stop()
  })

  it('is asked for less often where an answer takes long', async () => {
    const { watch, held } = bridgeOf([])
    const stop = watch.start()
    await vi.advanceTimersByTimeAsync(0)
    held.tookMs = 1000
    await vi.advanceTimersByTimeAsync(3000 + 1000 + 9999)
    expect(held.asked).toBe(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(held.asked).toBe(3)
    // But not for ever: what took so long may have been a Redis that was away.
    held.tookMs = 8000
    await vi.advanceTimersByTimeAsync(1000 + 10_000 + 8000 + 14_999)
    expect(held.asked).toBe(4)
    await vi.advanceTimersByTimeAsync(1)
    expect(held.asked).toBe(5)
    stop()
  })

  it('finds by a part of the name, and orders', async () => {
    const { watch, names } = bridgeOf([
      queue('a/mail', { ready: 1, dead: 2 }),
      queue('b/Mail', { ready: 7, pending: 1 }),
      queue('c/work', { ready: 1, consumers: 3 }),
    ])
    expect(names()).toEqual([])
    await watch.refresh()
    expect(names()).toEqual(['a/mail', 'b/Mail', 'c/work'])
    watch.order.value = 'ready'
    expect(names()).toEqual(['b/Mail', 'a/mail', 'c/work'])
    watch.order.value = 'dead'
    watch.search.value = ' mail '
    expect(names()).toEqual(['a/mail', 'b/Mail'])
    expect(watch.sum.value).toEqual({ ready: 9, pending: 1, consumers: 3, dead: 2 })
  })

  it('knows nothing of a queue that is not listed', async () => {
    const { watch } = bridgeOf([queue('a', { ready: 1 })])
    await watch.refresh()
    expect(watch.of('/queue/gone')).toEqual(queue('gone'))
  })

  it('stays as it was while Redis is away, and goes on', async () => {
    const { watch, held } = bridgeOf([queue('a')])
    const stop = watch.start()
    await vi.advanceTimersByTimeAsync(0)
    held.answer = refused(503, 'bus-unavailable', 'The queues cannot be reached')
    await vi.advanceTimersByTimeAsync(3000)
    expect([watch.queues.value, watch.access.value]).toEqual([[queue('a')], 'ok'])
    expect(watch.problem.value).toBe(
      'The bridge cannot do it now: The queues cannot be reached. Try again in a moment.',
    )
    held.answer = [queue('b')]
    await vi.advanceTimersByTimeAsync(3000)
    expect([watch.queues.value, watch.problem.value]).toEqual([[queue('b')], undefined])
    stop()
  })

  it('is given up where none is configured, until somebody looks again', async () => {
    const { watch, held } = bridgeOf(refused(404, 'not-found'))
    const stop = watch.start()
    await vi.advanceTimersByTimeAsync(9000)
    expect([held.asked, watch.access.value, watch.queues.value]).toEqual([1, 'no-queues', undefined])
    held.answer = []
    await watch.refresh()
    await vi.advanceTimersByTimeAsync(3000)
    expect([held.asked, watch.access.value]).toEqual([3, 'ok'])
    stop()
  })

  it('takes a key where the bridge wants one, and goes when that is taken away', async () => {
    const { watch, held, apiKey } = bridgeOf(refused(401))
    const stop = watch.start()
    await vi.advanceTimersByTimeAsync(9000)
    expect([held.asked, watch.access.value]).toEqual([1, 'no-key'])
    apiKey.value = 'wrong'
    await vi.advanceTimersByTimeAsync(9000)
    expect([held.asked, watch.access.value]).toEqual([2, 'wrong-key'])
    held.answer = [queue('a')]
    apiKey.value = 'right'
    await vi.advanceTimersByTimeAsync(0)
    expect([held.asked, watch.access.value]).toEqual([3, 'ok'])
    held.answer = refused(401)
    apiKey.value = ''
    await vi.advanceTimersByTimeAsync(0)
    expect([watch.queues.value, watch.access.value]).toEqual([undefined, 'no-key'])
    held.answer = refused(403, 'not-authorized', 'This API key does not have the scope "read"')
    apiKey.value = 'other'
    await vi.advanceTimersByTimeAsync(0)
    expect([watch.access.value, watch.problem.value]).toEqual(['unknown', expect.stringContaining('scope "read"')])
    stop()
  })

  it('is asked for by one timer, however often the key changes', async () => {
    const { watch, held, apiKey } = bridgeOf([])
    const stop = watch.start()
    for (const key of ['a', 'b', 'c']) apiKey.value = key
    await vi.advanceTimersByTimeAsync(0)
    expect(held.asked).toBe(4)
    await vi.advanceTimersByTimeAsync(3000)
    expect(held.asked).toBe(5)
    stop()
  })
})
