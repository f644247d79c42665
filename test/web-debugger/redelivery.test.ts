import { describe, expect, it } from 'vitest'
import { decodeFrames, encodeFrame } from '../../frames/index.ts'
import { readPrefetch } from '../../web-debugger/stomp/prefetch.ts'
import { redeliveryOf, redeliveryWords } from '../../web-debugger/stomp/redelivery.ts'

function redelivery(headers: Readonly<Record<string, string>>) {
  const frame = { command: 'MESSAGE' as const, headers: Object.entries(headers), body: 'x' }
  return redeliveryOf(decodeFrames(encodeFrame(frame, '1.2'), '1.2')[0]!)
}

describe('a message of a work queue', () => {
  it.each<[Readonly<Record<string, string>>, string | undefined]>([
    [{}, undefined],
    [{ 'delivery-count': '1' }, undefined],
    [{ 'delivery-count': '2', redelivered: 'true' }, 'delivery 2'],
    [{ 'delivery-count': '1200' }, 'delivery 1,200'],
    // Other servers do not count.
    [{ redelivered: 'true' }, 'redelivered'],
    [{ redelivered: 'true', 'delivery-count': 'many' }, 'redelivered'],
    [{ redelivered: 'false' }, undefined],
  ])('with %j is %s', (headers, words) => {
    const found = redelivery(headers)
    expect(found && redeliveryWords(found)).toBe(words)
  })
})

describe('how many messages a subscription takes at a time', () => {
  it.each(['1', ' 16 ', '1000', '007'])('may be %j', (text) => {
    expect(readPrefetch(text)).toEqual([['prefetch-count', text.trim()]])
  })

  it('is left to the server where nothing is said', () => {
    expect(readPrefetch(' ')).toEqual([])
  })

  it.each(['0', '1001', '-1', '1.5', 'x'])('cannot be %j', (text) => {
    expect(readPrefetch(text)).toContain('1 to 1,000')
  })
})
