import { describe, expect, it } from 'vitest'
import { Settlements } from '../../src/queue/settlements.ts'

describe('what is to be settled', () => {
  it('is settled together, and says so to all who wait', async () => {
    const settlements = new Settlements(10)
    const { done } = settlements.add(['1', '2'])
    expect(settlements.add(['3']).done).toBe(done)
    expect(settlements.isEmpty).toBe(false)
    const settlement = settlements.take()!
    expect(settlement.ids).toEqual(['1', '2', '3'])
    expect(settlements.isEmpty).toBe(true)
    expect(settlements.take()).toBeUndefined()
    settlement.resolve()
    await expect(done).resolves.toBeUndefined()
  })

  it('waits for another time once that is enough', () => {
    const settlements = new Settlements(2)
    const first = settlements.add(['1', '2', '3'])
    const second = settlements.add(['4'])
    expect(second).not.toBe(first)
    expect(settlements.ids).toEqual(['1', '2', '3', '4'])
    expect(settlements.take()).toBe(first)
    expect(settlements.take()).toBe(second)
  })

  it('comes first again when it could not be settled, with those who wait for it', async () => {
    const settlements = new Settlements(2)
    const { done } = settlements.add(['1', '2'])
    const failed = settlements.take()!
    settlements.add(['3'])
    settlements.putBack(failed)
    expect(settlements.ids).toEqual(['1', '2', '3'])
    const again = settlements.take()!
    again.reject(new Error('refused'))
    await expect(done).rejects.toThrow('refused')
  })

  it('may be of nobody who waits', () => {
    const settlements = new Settlements(2)
    settlements.add(['1'])
    const settlement = settlements.take()!
    settlement.reject(new Error('nobody hears it'))
    expect(settlement.ids).toEqual(['1'])
  })
})
