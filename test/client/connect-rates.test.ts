import { describe, expect, it } from 'vitest'
import { ConnectRates, type ConnectLimits } from '../../src/client/connect-rates.ts'

const NONE: ConnectLimits = {
  connectsPerSecond: 0,
  connectBurst: 0,
  connectsPerSecondPerAddress: 0,
  connectBurstPerAddress: 0,
}

function setUp(limits: Partial<ConnectLimits>, options?: { maxAddresses: number }) {
  let now = 5000
  const rates = new ConnectRates({ ...NONE, ...limits }, () => now, options)
  const take = (remoteAddress = '192.0.2.1') => rates.take({ remoteAddress })
  /** How many of so many may come. */
  const taken = (tries: number, address?: string) =>
    Array.from({ length: tries }, () => take(address)).filter((refusal) => refusal === undefined).length
  return { rates, take, taken, advance: (ms: number) => void (now += ms) }
}

describe('the rate of connects', () => {
  it('asks nobody for an address where nothing is limited by it', () => {
    const { rates } = setUp({ connectsPerSecond: 1 })
    const comer = { get remoteAddress(): string { return expect.fail('asked') } } // prettier-ignore
    expect([rates.take(comer), rates.take(comer)]).toEqual([undefined, 'rate'])
    expect(setUp({}).rates.take(comer)).toBeUndefined()
  })

  it('lets in those of one second at once, then one after the other', () => {
    const { taken, advance, take } = setUp({ connectsPerSecond: 50 })
    expect(taken(80)).toBe(50)
    expect(take()).toBe('rate')
    advance(20)
    expect(taken(5)).toBe(1)
    advance(200)
    expect(taken(50)).toBe(10)
    advance(60_000)
    expect(taken(80)).toBe(50)
  })

  it('lets in no more in any second than a burst and what the rate has room for', () => {
    const { taken, advance } = setUp({ connectsPerSecond: 10, connectBurst: 3 })
    expect(taken(10)).toBe(3)
    let total = 0
    for (let ms = 0; ms < 10_000; ms += 7) {
      advance(7)
      total += taken(3)
    }
    expect(total).toBe(100)
  })

  it('counts each address for itself, and who is refused takes nothing from the others', () => {
    const { taken, take } = setUp({ connectsPerSecond: 10, connectsPerSecondPerAddress: 4 })
    expect(taken(100, '192.0.2.1')).toBe(4)
    expect(take('192.0.2.1')).toBe('address-rate')
    expect(taken(100, '192.0.2.2')).toBe(4)
    expect(taken(4, '192.0.2.3')).toBe(2)
    expect(take('192.0.2.3')).toBe('rate')
    // The node had no room: the address has its own still.
    expect(take('192.0.2.4')).toBe('rate')
  })

  it('takes one network of IPv6 for one address, and IPv4 for what it is however it is written', () => {
    const { taken, advance } = setUp({ connectsPerSecondPerAddress: 2 })
    expect([taken(1, '2001:db8::1'), taken(1, '2001:db8::2'), taken(1, '2001:db8:0:0:ffff::3')]).toEqual([1, 1, 0])
    expect(taken(1, '2001:db8:0:1::1')).toBe(1)
    advance(1000)
    expect([taken(2, '::ffff:192.0.2.1'), taken(1, '192.0.2.1')]).toEqual([2, 0])
  })

  it('forgets addresses that are over, and the oldest of too many', () => {
    const { rates, taken, advance } = setUp({ connectsPerSecondPerAddress: 1 }, { maxAddresses: 100 })
    for (let i = 0; i < 1000; i++) taken(1, `10.0.${i >> 8}.${i & 255}`)
    expect(rates.addresses).toBe(100)
    expect([taken(1, '10.0.3.231'), taken(1, '10.0.0.1')]).toEqual([0, 1])
    advance(1001)
    for (let i = 0; i < 100; i++) taken(1, '198.51.100.1')
    for (let i = 0; i < 60; i++) {
      advance(1001)
      taken(1, '198.51.100.1')
    }
    expect(rates.addresses).toBe(1)
  })
})
