import { describe, expect, it } from 'vitest'
import { isLater, readPosition } from '../../src/stomp-client/position.ts'

describe('a position', () => {
  it.each([
    ['0', '1'],
    ['9', '10'],
    ['5', '5-1'],
    ['5-9', '5-10'],
    ['5-10', '6-0'],
    ['9007199254740992', '9007199254740993'],
    ['18446744073709551614', '18446744073709551615'],
    ['1-18446744073709551614', '1-18446744073709551615'],
    ['0099', '100'],
  ])('with offset %s is before the one with %s', (before, after) => {
    const [a, b] = [before, after].map((offset) => ({ offset, epoch: 'e' }))
    expect([isLater(b!, a!), isLater(a!, b!), isLater(a!, a!)]).toEqual([true, false, false])
  })

  it('is the same with or without what counts nothing', () => {
    const [a, b] = ['7', '007-0'].map((offset) => ({ offset, epoch: 'e' }))
    expect([isLater(a!, b!), isLater(b!, a!)]).toEqual([false, false])
  })

  it('is read from headers and from JSON, and is no more than it needs to be', () => {
    expect(readPosition({ offset: '1-2', epoch: 'e', body: 'x' })).toEqual({ offset: '1-2', epoch: 'e' })
    expect(readPosition(JSON.parse('{"offset":"5","epoch":""}'))).toEqual({ offset: '5', epoch: '' })
  })

  it.each([[{}], [{ offset: '1' }], [{ epoch: 'e' }]])('is not read from %j, where a part is missing', (headers) => {
    expect(readPosition(headers)).toBeUndefined()
  })

  it.each(['', '-', '1-', '-1', '1-2-3', '1.5', ' 1', '1\n', 'x', '٣', '1'.repeat(21)])(
    'is not read from the offset %j',
    (offset) => expect(readPosition({ offset, epoch: 'e' })).toBeUndefined(),
  )

  it('is not read from a number, which has lost its last digits', () => {
    expect(readPosition({ offset: 5 as unknown as string, epoch: 'e' })).toBeUndefined()
  })
})
