import { describe, expect, it } from 'vitest'
import { FreshReads } from '../src/fresh-reads.ts'
import { turn } from './support/fake-turn.ts'

/** Reads that end when they are told to, each with its number. */
function slowReads() {
  const ends: ((error?: Error) => void)[] = []
  const read = () =>
    new Promise<number>((resolve, reject) => {
      const number = ends.length + 1
      ends.push((error) => (error ? reject(error) : resolve(number)))
    })
  return { ends, read }
}

describe('reads that are shared', () => {
  it('are two for a thousand who come at once: nobody gets what was begun before it came', async () => {
    const reads = new FreshReads()
    const { ends, read } = slowReads()
    const first = reads.share('a', read)
    const others = Array.from({ length: 999 }, () => reads.share('a', read))
    expect(ends).toHaveLength(1)
    ends[0]!()
    expect(await first).toBe(1)
    await turn()
    expect(ends).toHaveLength(2)
    const later = reads.share('a', read)
    ends[1]!()
    expect(new Set(await Promise.all(others))).toEqual(new Set([2]))
    await turn()
    ends[2]!()
    expect(await later).toBe(3)
  })

  it('of something else are others', async () => {
    const reads = new FreshReads()
    const { ends, read } = slowReads()
    const both = [reads.share('a', read), reads.share('b', read)]
    for (const end of ends) end()
    expect(await Promise.all(both)).toEqual([1, 2])
  })

  it('that fail do so for all of theirs, and for nobody else', async () => {
    const reads = new FreshReads()
    const { ends, read } = slowReads()
    const failing = reads.share('a', read)
    const next = [reads.share('a', read), reads.share('a', read)]
    ends[0]!(new Error('away'))
    await expect(failing).rejects.toThrow('away')
    await turn()
    ends[1]!()
    expect(await Promise.all(next)).toEqual([2, 2])
  })
})
