import { describe, expect, it, vi } from 'vitest'
import { Recent } from '../src/recent.ts'

describe('recent answers', () => {
  it('are asked for once, each for its own text', () => {
    const answerTo = vi.fn((text: string) => ({ text }))
    const recent = new Recent(10, answerTo)
    const [a, b, empty] = ['/app/a', '/app/é😀', ''].map((text) => recent.get(text))
    expect([a, b, empty]).toEqual([{ text: '/app/a' }, { text: '/app/é😀' }, { text: '' }])
    expect(recent.get('/app/a')).toBe(a)
    expect(recent.get('/app/é😀')).toBe(b)
    expect(recent.get('')).toBe(empty)
    expect(recent.get('__proto__')).toEqual({ text: '__proto__' })
    expect(answerTo).toHaveBeenCalledTimes(4)
  })

  it('are never more than they may be, and stay right', () => {
    const recent = new Recent(10, (text) => text.toUpperCase())
    for (let i = 0; i < 1000; i++) {
      expect(recent.get(`new ${i}`)).toBe(`NEW ${i}`)
      expect(recent.get('again')).toBe('AGAIN')
      expect(recent.size).toBeLessThanOrEqual(10)
    }
    expect(recent.size).toBeGreaterThan(0)
  })

  it('do not keep what could not be answered', () => {
    let isKnown = false
    const recent = new Recent(10, () => {
      if (!isKnown) throw new RangeError('unknown')
      return 'known'
    })
    expect(() => recent.get('a')).toThrow(RangeError)
    expect(() => recent.get('a')).toThrow(RangeError)
    expect(recent.size).toBe(0)
    isKnown = true
    expect(recent.get('a')).toBe('known')
  })
})
