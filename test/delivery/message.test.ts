import { describe, expect, it } from 'vitest'
import { Message, type Encoding } from '../../src/delivery/message.ts'

/** Counts how often it encodes. */
function countingEncoding(key: string) {
  const encoding = {
    key,
    isJoinable: true,
    encoded: 0,
    encode: (message: { readonly id: string }) => {
      encoding.encoded++
      return { length: 1, stamp: (stamp: string) => `${key} ${message.id} ${stamp}` }
    },
  } satisfies Encoding & { encoded: number }
  return encoding
}

const content = { id: 'node-1', destination: '/topic/a', headers: [['x', 'yz']] as const, body: 'Test' }

describe('message', () => {
  it('is encoded once for each encoding, however often and in whatever order it is asked', () => {
    const message = new Message(content)
    const encodings = ['a', 'b', 'c'].map(countingEncoding)
    const first = encodings.map((encoding) => message.as(encoding))
    for (const i of [2, 0, 1, 1, 2, 0]) expect(message.as(encodings[i]!)).toBe(first[i])
    expect(encodings.map(({ encoded }) => encoded)).toEqual([1, 1, 1])
    expect(first.map((encoded) => encoded.stamp('s'))).toEqual(['a node-1 s', 'b node-1 s', 'c node-1 s'])
  })

  it('is about as long as all that is in it', () => {
    expect(new Message(content).length).toBe('node-1/topic/axyzTest'.length)
    expect(new Message({ ...content, headers: [], body: new Uint8Array(10) }).length).toBe('node-1/topic/a'.length + 10)
  })

  it('has what it was made of', () => {
    const position = { offset: '1-0', epoch: 'e' }
    const message = new Message({ ...content, position, sender: 'node-7' })
    expect({ ...message }).toMatchObject({ ...content, position, sender: 'node-7' })
    expect(new Message(content)).toMatchObject({ position: undefined, sender: undefined })
  })
})
