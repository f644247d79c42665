import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rates, type Rated, type RateSettings } from '../../src/client/rates.ts'

const newSession = (): Rated => ({ rates: undefined })

const send = (destination: string, count: number, perSeconds: number): RateSettings => ({
  action: 'send',
  destination,
  count,
  perSeconds,
})

describe('a rate', () => {
  it('of one in five seconds refuses a second one until they are over', () => {
    const rates = new Rates([send('/app/checkbox', 1, 5)])
    const session = newSession()
    const at = (ms: number) => rates.take(session, 'send', '/app/checkbox', ms)
    expect(at(1000)).toBeUndefined()
    expect(at(1000)).toBe(5)
    expect(at(1001)).toBe(5)
    expect(at(2000)).toBe(4)
    expect(at(5999)).toBe(1)
    expect(at(6000)).toBeUndefined()
    expect(at(10_999)).toBe(1)
    expect(at(11_000)).toBeUndefined()
  })

  it('takes a burst, then only as old ones leave the span', () => {
    const rates = new Rates([send('/app/x', 3, 10)])
    const session = newSession()
    const at = (ms: number) => rates.take(session, 'send', '/app/x', ms)
    expect([at(0), at(1000), at(5000)]).toEqual([undefined, undefined, undefined])
    expect(at(6000)).toBe(4)
    expect(at(10_000)).toBeUndefined()
    expect(at(10_500)).toBe(1)
    expect(at(11_000)).toBeUndefined()
    expect(at(11_000)).toBe(4)
  })

  it('does not count what it refuses', () => {
    const rates = new Rates([send('/app/x', 1, 1)])
    const session = newSession()
    for (let ms = 0; ms < 1000; ms += 10) rates.take(session, 'send', '/app/x', ms)
    expect(rates.take(session, 'send', '/app/x', 1000)).toBeUndefined()
  })

  it('is for each session', () => {
    const rates = new Rates([send('/app/x', 1, 5)])
    const [a, b] = [newSession(), newSession()]
    expect(rates.take(a, 'send', '/app/x', 0)).toBeUndefined()
    expect(rates.take(b, 'send', '/app/x', 0)).toBeUndefined()
    expect(rates.take(a, 'send', '/app/x', 0)).toBe(5)
  })

  it('counts all that its pattern matches together, and nothing else', () => {
    const rates = new Rates([send('/app/*/x', 2, 5)])
    const session = newSession()
    const to = (destination: string) => rates.take(session, 'send', destination, 0)
    expect([to('/app/a/x'), to('/app/b/x'), to('/app/c/x')]).toEqual([undefined, undefined, 5])
    expect([to('/app/a/y'), to('/app/x'), to('/app//x')]).toEqual([undefined, undefined, undefined])
    expect(rates.take(session, 'subscribe', '/app/a/x', 0)).toBeUndefined()
  })

  it('of SUBSCRIBE counts patterns that could match its destination', () => {
    const rates = new Rates([{ action: 'subscribe', destination: '/topic/a', count: 1, perSeconds: 5 }])
    const session = newSession()
    const to = (destination: string) => rates.take(session, 'subscribe', destination, 0)
    expect([to('/topic/?'), to('/topic/**'), to('/topic/a'), to('/topic/b*')]).toEqual([undefined, 5, 5, undefined])
  })

  it('that is over refuses, whatever others say, and then none counts', () => {
    const rates = new Rates([send('/app/**', 3, 10), send('/app/x', 1, 2), send('/app/y', 1, 60)])
    const session = newSession()
    const at = (destination: string, ms: number) => rates.take(session, 'send', destination, ms)
    expect(at('/app/x', 0)).toBeUndefined()
    expect(at('/app/x', 500)).toBe(2)
    expect(at('/app/y', 500)).toBeUndefined()
    expect(at('/app/z', 600)).toBeUndefined()
    expect(at('/app/z', 700)).toBe(10)
    expect(at('/app/y', 700)).toBe(60)
  })

  it('makes nothing for a session to which none applies', () => {
    const rates = new Rates([send('/app/x', 1, 1)])
    const session = newSession()
    rates.take(session, 'send', '/app/y', 0)
    rates.take(session, 'subscribe', '/app/x', 0)
    expect(session.rates).toBeUndefined()
  })

  it.each([1, 2, 32, 33, 100, 10_000])(
    'never lets more than %d through in any span, and the burst again after it',
    (count) => {
      const rates = new Rates([send('/app/x', count, 10)])
      const session = newSession()
      for (let i = 0; i < count; i++) expect(rates.take(session, 'send', '/app/x', 50)).toBeUndefined()
      expect(rates.take(session, 'send', '/app/x', 10_049)).toBe(1)
      for (let i = 0; i < count; i++) expect(rates.take(session, 'send', '/app/x', 10_050)).toBeUndefined()
      expect(rates.take(session, 'send', '/app/x', 10_050)).toBe(10)
    },
  )

  it('keeps a few numbers, however much is counted', () => {
    const rates = new Rates([send('/app/x', 10_000, 10)])
    const session = newSession()
    for (let ms = 0; ms < 30_000; ms++) rates.take(session, 'send', '/app/x', ms)
    expect(JSON.stringify([...session.rates!.values()]).length).toBeLessThan(1000)
  })

  it('holds for any times, says truly when to come back, and is exact for small counts', () => {
    const gaps = fc.array(fc.nat(900), { minLength: 1, maxLength: 150 })
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 7, 40, 60), fc.constantFrom(1, 3, 10), gaps, (count, perSeconds, times) => {
        const rates = new Rates([send('/app/x', count, perSeconds)])
        const session = newSession()
        const taken: number[] = []
        const perMs = perSeconds * 1000
        let now = 0
        for (const gap of times) {
          now += gap
          const recent = taken.filter((time) => time + perMs > now).length
          const wait = rates.take(session, 'send', '/app/x', now)
          if (wait === undefined) {
            expect(recent).toBeLessThan(count)
            taken.push(now)
          } else {
            expect(Number.isInteger(wait) && wait >= 1 && wait <= perSeconds).toBe(true)
            // what is kept as one may be up to a batch too late
            const late = taken.filter((time) => time + perMs + perMs / 32 > now).length
            expect(count <= 32 ? recent : late).toBeGreaterThanOrEqual(count)
            const copy = { rates: structuredClone(session.rates) }
            expect(rates.take(copy, 'send', '/app/x', now + wait * 1000)).toBeUndefined()
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
