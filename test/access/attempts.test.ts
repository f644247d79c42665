import { describe, expect, it } from 'vitest'
import { Attempts } from '../../src/access/attempts.ts'
import type { ProtocolError } from '../../src/errors.ts'
import { FakeClock } from '../support/fake-clock.ts'

function setUp(maxAddresses?: number) {
  const clock = new FakeClock()
  const attempts = new Attempts(clock, maxAddresses === undefined ? {} : { maxAddresses })
  const fail = (address: string, times = 1) => {
    for (let i = 0; i < times; i++) attempts.failed(address)
  }
  const waitOf = (address: string): string | undefined => {
    try {
      attempts.check(address)
      return undefined
    } catch (error) {
      expect((error as ProtocolError).code).toBe('too-many-attempts')
      return (error as ProtocolError).headers['retry-after']
    }
  }
  return { clock, attempts, fail, waitOf }
}

describe('attempts from an address', () => {
  it('are refused after ten that failed within a minute, until the oldest of them is a minute old', () => {
    const { clock, fail, waitOf } = setUp()
    for (let i = 0; i < 10; i++) {
      expect(waitOf('192.0.2.1')).toBeUndefined()
      fail('192.0.2.1')
      clock.advance(1000)
    }
    expect(waitOf('192.0.2.1')).toBe('50')
    clock.advance(49_999)
    expect(waitOf('192.0.2.1')).toBe('1')
    clock.advance(1)
    expect(waitOf('192.0.2.1')).toBeUndefined()
    fail('192.0.2.1')
    expect(waitOf('192.0.2.1')).toBe('1')
  })

  it('are let through if ten fail in more than a minute', () => {
    const { clock, fail, waitOf } = setUp()
    for (let i = 0; i < 100; i++) {
      fail('192.0.2.1')
      clock.advance(6_001)
      expect(waitOf('192.0.2.1')).toBeUndefined()
    }
  })

  it('do not disturb others', () => {
    const { fail, waitOf } = setUp()
    fail('192.0.2.1', 20)
    expect(waitOf('192.0.2.1')).toBe('60')
    expect(waitOf('192.0.2.2')).toBeUndefined()
    expect(waitOf('')).toBeUndefined()
  })

  it('count together for a network of IPv6, and for IPv4 however it is written', () => {
    const { fail, waitOf } = setUp()
    for (let i = 0; i < 10; i++) fail(`2001:db8:0:1::${i}`)
    expect(waitOf('2001:db8:0:1:ffff::1')).toBe('60')
    expect(waitOf('2001:db8:0:2::1')).toBeUndefined()
    fail('::ffff:192.0.2.1', 5)
    fail('192.0.2.1', 5)
    expect(waitOf('192.0.2.1')).toBe('60')
    expect(waitOf('::ffff:c000:201')).toBe('60')
    fail('no address', 10)
    expect(waitOf('no address')).toBe('60')
  })

  it('are kept of so many addresses, the latest, and not for longer than they count', () => {
    const { clock, attempts, fail, waitOf } = setUp(3)
    for (const last of [1, 2, 3, 1, 4]) fail(`192.0.2.${last}`, 10)
    expect(attempts.count).toBe(3)
    expect([1, 2, 3, 4].map((last) => waitOf(`192.0.2.${last}`))).toEqual(['60', undefined, '60', '60'])
    clock.advance(60_000)
    fail('192.0.2.9')
    expect(attempts.count).toBe(1)
  })
})
