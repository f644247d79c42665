import { describe, expect, it } from 'vitest'
import { inspectTogether, MERGE, mostSubscribed, type Inspect, type ProcessView } from '../../src/debug/inspection.ts'
import type { SessionView } from '../../src/debug/schema.ts'

const totals = (each: number) => ({
  sessions: each,
  subscriptions: each,
  unsentBytes: each,
  framesReceived: each,
  messagesReceived: each,
  messagesPublished: each,
  messagesDelivered: each,
  sessionsOpened: each,
  errors: each,
  recovered: each,
  notRecovered: each,
  gapsFilled: each,
  gapsNotFilled: each,
  historyReads: each,
  broadcastPublished: each,
  broadcastReceived: each,
})

const view = (more: Partial<ProcessView>): ProcessView => ({
  workers: 1,
  startedAt: 1000,
  totals: totals(1),
  routeMessages: [1, 2],
  destinations: [],
  errors: [],
  histories: [],
  streamLagSeconds: null,
  ...more,
})

const session = (id: string, openedAt: number): SessionView => ({
  id,
  user: null,
  remoteAddress: '::1',
  protocol: 'stomp',
  transport: 'tcp',
  version: null,
  openedAt,
  unsentBytes: 0,
  framesReceived: 0,
  subscriptions: [],
  subscriptionCount: 0,
})

describe('the views of several workers', () => {
  it('are one: numbers are added up, the start is that of the first', () => {
    const merged = MERGE.process(
      [
        view({
          startedAt: 2000,
          destinations: [{ destination: '/a', subscriptions: 3 }],
          errors: [{ code: 'no-route', count: 3 }],
          histories: [{ rule: '/a', messages: 3, ageSeconds: 1 }],
          streamLagSeconds: 2,
        }),
        view({
          totals: totals(10),
          routeMessages: [10, 0],
          destinations: [
            { destination: '/b', subscriptions: 4 },
            { destination: '/a', subscriptions: 2 },
          ],
          errors: [
            { code: 'bad-body', count: 4 },
            { code: 'no-route', count: 2 },
          ],
          histories: [
            { rule: '/a', messages: 2, ageSeconds: 9 },
            { rule: '/b', messages: 0, ageSeconds: 0 },
          ],
        }),
      ],
      null,
    )
    expect(merged).toEqual({
      workers: 2,
      startedAt: 1000,
      totals: totals(11),
      routeMessages: [11, 2],
      destinations: [
        { destination: '/a', subscriptions: 5 },
        { destination: '/b', subscriptions: 4 },
      ],
      errors: [
        { code: 'no-route', count: 5 },
        { code: 'bad-body', count: 4 },
      ],
      histories: [
        { rule: '/a', messages: 3, ageSeconds: 1 },
        { rule: '/b', messages: 0, ageSeconds: 0 },
      ],
      streamLagSeconds: 2,
    })
  })

  it('name a hundred destinations at most', () => {
    const destinations = Array.from({ length: 100 }, (_, i) => ({ destination: `/a/${i}`, subscriptions: 1 }))
    const others = Array.from({ length: 100 }, (_, i) => ({ destination: `/b/${i}`, subscriptions: 2 }))
    const merged = MERGE.process([view({ destinations }), view({ destinations: others })], null)
    expect(merged.destinations).toEqual(others)
  })

  it('of sessions are the newest of all', () => {
    const one = { total: 5, sessions: [session('a-2', 30), session('a-1', 10)] }
    const other = { total: 1, sessions: [session('b-1', 20)] }
    const ids = (limit: number) => MERGE.sessions([one, other], { limit, search: '' }).sessions.map(({ id }) => id)
    expect(ids(10)).toEqual(['a-2', 'b-1', 'a-1'])
    expect(ids(2)).toEqual(['a-2', 'b-1'])
    expect(MERGE.sessions([one, other], { limit: 1, search: '' }).total).toBe(6)
  })

  it('say that a session is being closed when one had it', () => {
    expect(MERGE.closeSession([false, true, false], 'a-1')).toBe(true)
    expect(MERGE.closeSession([false], 'a-1')).toBe(false)
  })
})

describe('asking all workers', () => {
  const alone: Inspect = async (name) => (name === 'closeSession' ? true : undefined) as never

  it('merges what they say, and passes the question on as plain data', async () => {
    const requests: unknown[] = []
    const inspect = inspectTogether(async (request) => {
      requests.push(request)
      return [false, false]
    }, alone)
    expect(await inspect('closeSession', 'a-1')).toBe(false)
    expect(requests).toEqual([{ name: 'closeSession', question: 'a-1' }])
  })

  it('asks this process when nobody answers for all', async () => {
    expect(await inspectTogether(async () => [], alone)('closeSession', 'a-1')).toBe(true)
  })
})

describe('mostSubscribed', () => {
  it('gives the largest counts, largest first, equal ones in their order', () => {
    const counts: [string, number][] = [
      ['a', 1],
      ['b', 5],
      ['c', 1],
      ['d', 3],
      ['e', 5],
      ['f', 2],
    ]
    const names = (max: number) =>
      mostSubscribed(counts, max)
        .map(({ destination }) => destination)
        .join('')
    expect(names(10)).toBe('bedfac')
    expect(names(4)).toBe('bedf')
    expect(names(1)).toBe('b')
    expect(mostSubscribed([], 3)).toEqual([])
  })

  it('agrees with sorting everything', () => {
    const counts = Array.from({ length: 1000 }, (_, i): [string, number] => [`${i}`, (i * 7919) % 101])
    const sorted = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 100)
    expect(mostSubscribed(counts, 100)).toEqual(
      sorted.map(([destination, subscriptions]) => ({ destination, subscriptions })),
    )
  })
})
