import { describe, expect, it } from 'vitest'
import { eventually, waitFor } from './wait.ts'

describe('waitFor', () => {
  it('gives the first truthy value of the probe', async () => {
    let calls = 0
    expect(await waitFor(() => (++calls === 3 ? 'there' : undefined), { intervalMs: 1 })).toBe('there')
    expect(calls).toBe(3)
  })

  it('rejects with the last value at the time limit', async () => {
    await expect(waitFor(async () => 0, { timeoutMs: 5, intervalMs: 1 })).rejects.toThrow(
      'Waited 5 ms in vain; last: 0',
    )
  })

  it('rejects at once when the probe throws', async () => {
    await expect(
      waitFor(() => {
        throw new Error('broken probe')
      }),
    ).rejects.toThrow('broken probe')
  })
})

describe('eventually', () => {
  it('resolves when the assertions hold', async () => {
    let calls = 0
    await eventually(() => expect(++calls).toBe(3), { intervalMs: 1 })
  })

  it('rejects with the last failure at the time limit', async () => {
    await expect(eventually(() => expect(1).toBe(2), { timeoutMs: 5, intervalMs: 1 })).rejects.toThrow(
      'expected 1 to be 2',
    )
  })
})
