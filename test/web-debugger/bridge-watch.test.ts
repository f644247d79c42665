import { signal } from '@preact/signals'
import { describe, expect, it } from 'vitest'
import { createBridgeWatch } from '../../web-debugger/api/bridge-watch.ts'
import { ApiError } from '../../web-debugger/api/client.ts'
import { ratesBetween, routeKey } from '../../web-debugger/api/rates.ts'
import { formatRate } from '../../web-debugger/ui/format.ts'
import type { About, Bridge } from '../../web-debugger/api/types.ts'
import { BRIDGE, ROUTES } from './debug-answers.ts'

const ABOUT: About = { version: '0.1.0', path: '/debugger', stompPath: '/stomp', api: true, tokenNeeded: false }
const [OUTBOUND, INBOUND] = ROUTES as [(typeof ROUTES)[0], (typeof ROUTES)[0]]

/** Two seconds after {@link BRIDGE}, with these counts. */
function later(published: number, delivered: number, outbound: number): Bridge {
  return {
    ...BRIDGE,
    now: BRIDGE.now + 2000,
    totals: { ...BRIDGE.totals, messagesPublished: published, messagesDelivered: delivered },
    routes: [{ ...OUTBOUND, messages: outbound }, INBOUND],
  }
}

describe('rates from two answers', () => {
  it('are differences by the clock of the bridge', () => {
    const rates = ratesBetween(BRIDGE, later(16, 109, 15))
    expect(rates).toMatchObject({ published: 5, delivered: 50 })
    expect(rates?.routes).toEqual(
      new Map([
        [routeKey(OUTBOUND), 1.5],
        [routeKey(INBOUND), 0],
      ]),
    )
  })

  it('are never negative, when a worker was replaced', () => {
    const rates = ratesBetween(BRIDGE, later(0, 10, 0))
    expect(rates).toMatchObject({ published: 0, delivered: 0.5 })
    expect(rates?.routes.get(routeKey(OUTBOUND))).toBe(0)
  })

  it.each([
    ['the bridge has started anew', { ...BRIDGE, now: BRIDGE.now + 2000, startedAt: BRIDGE.startedAt + 1 }],
    ['another node answered', { ...BRIDGE, now: BRIDGE.now + 2000, node: 'other' }],
    ['no time has passed', BRIDGE],
    ['the clock was set back', { ...BRIDGE, now: BRIDGE.now - 1 }],
  ])('are not there when %s', (_subject, answer) => {
    expect(ratesBetween(BRIDGE, answer)).toBeUndefined()
  })

  it.each([
    [0, '0'],
    [0.04, '<0.1'],
    [0.44, '0.4'],
    [3, '3'],
    [12.6, '13'],
    [1234.5, '1,235'],
  ])('%d reads as %s', (rate, text) => {
    expect(formatRate(rate)).toBe(text)
  })
})

/** Answers each request with the next of these, the last one again and again. */
function setUp(answers: (Bridge | Error)[], about: About | Error = ABOUT, token = '') {
  const asked: string[] = []
  const watch = createBridgeWatch({
    token: signal(token),
    api: {
      about: async () => {
        asked.push('about')
        if (about instanceof Error) throw about
        return about
      },
      bridge: async () => {
        asked.push('bridge')
        const answer = answers.length > 1 ? answers.shift()! : answers[0]!
        if (answer instanceof Error) throw answer
        return answer
      },
    },
  })
  return { watch, asked }
}

describe('watching the bridge', () => {
  it('keeps the last answer, its rates and their history', async () => {
    const { watch } = setUp([BRIDGE, later(16, 109, 15)])
    expect(watch.access.value).toBe('unknown')
    await watch.refresh()
    expect(watch.access.value).toBe('on')
    expect(watch.rates.value).toBeUndefined()
    await watch.refresh()
    expect(watch.bridge.value?.totals.messagesPublished).toBe(16)
    expect(watch.history.value).toEqual([{ at: BRIDGE.now + 2000, published: 5, delivered: 50 }])
  })

  it('makes no rate of two answers that came at once', async () => {
    const soon = { ...later(16, 109, 15), now: BRIDGE.now + 10 }
    const { watch } = setUp([BRIDGE, soon, later(16, 109, 15)])
    await watch.refresh()
    await watch.refresh()
    expect(watch.bridge.value).toBe(soon)
    expect(watch.history.value).toEqual([])
    await watch.refresh()
    expect(watch.history.value).toEqual([{ at: BRIDGE.now + 2000, published: 5, delivered: 50 }])
  })

  it('holds five minutes of history', async () => {
    const answers = Array.from({ length: 200 }, (_, i) => ({ ...BRIDGE, now: BRIDGE.now + 2000 * i }))
    const { watch } = setUp([...answers])
    for (let i = 0; i < 200; i++) await watch.refresh()
    expect(watch.history.value).toHaveLength(150)
    expect(watch.history.value.at(-1)?.at).toBe(answers.at(-1)?.now)
  })

  it('does not ask an API that is off', async () => {
    const { watch, asked } = setUp([BRIDGE], { ...ABOUT, api: false })
    await watch.refresh()
    expect(watch.access.value).toBe('off')
    expect(asked).toEqual(['about'])
  })

  it('waits for a token where one is needed, then asks', async () => {
    const { watch, asked } = setUp([BRIDGE], { ...ABOUT, tokenNeeded: true })
    await watch.refresh()
    expect(watch.access.value).toBe('token-needed')
    expect(asked).toEqual(['about'])
    watch.token.value = 'a secret of the bridge'
    await watch.refresh()
    expect(watch.access.value).toBe('on')
  })

  it.each([
    [401, 'not-authenticated', 'token-wrong'],
    [403, 'forbidden-host', 'refused'],
    [500, 'internal', 'unreachable'],
    [0, 'unreachable', 'unreachable'],
  ])('says why there is nothing: %d %s is %s', async (status, code, access) => {
    const { watch } = setUp([new ApiError(code, status, 'No')], { ...ABOUT, tokenNeeded: true }, 'some token of 16')
    await watch.refresh()
    expect(watch.access.value).toBe(access)
    expect(watch.problem.value?.code).toBe(code)
  })

  it('keeps what it knew while the bridge is away, and asks anew what it is when it is back', async () => {
    const { watch, asked } = setUp([BRIDGE, new ApiError('unreachable', 0, 'Away'), later(6, 9, 12)])
    await watch.refresh()
    await watch.refresh()
    expect(watch.access.value).toBe('unreachable')
    expect(watch.bridge.value).toBe(BRIDGE)
    await watch.refresh()
    expect(watch.access.value).toBe('on')
    expect(asked).toEqual(['about', 'bridge', 'bridge', 'about', 'bridge'])
  })
})
