import { describe, expect, it } from 'vitest'
import { Command, FrameHeaders, hasEscapedHeaders, isConnect, mayHaveBody } from '../../frames/index.ts'

describe('FrameHeaders', () => {
  const headers = FrameHeaders.from([
    ['foo', 'World'],
    ['bar', ''],
    ['foo', 'Hello'],
  ])

  it('#17 gives the first of repeated headers', () => {
    expect(headers.get('foo')).toBe('World')
    headers.add('bar', 'late')
    expect(headers.get('bar')).toBe('')
  })

  it('#18 keeps all of them in order', () => {
    expect([...headers].slice(0, 3)).toEqual([
      ['foo', 'World'],
      ['bar', ''],
      ['foo', 'Hello'],
    ])
    expect(headers.size).toBe(4)
  })

  it('tells an empty header from a missing one, and the case of names (#1)', () => {
    expect(headers.has('bar')).toBe(true)
    expect(headers.has('World')).toBe(false)
    expect(headers.get('Foo')).toBeUndefined()
  })

  it('is made from a record, too', () => {
    expect([...FrameHeaders.from({ b: '1', a: '2' })]).toEqual([
      ['b', '1'],
      ['a', '2'],
    ])
  })

  it('can be iterated twice, and while it grows', () => {
    const growing = FrameHeaders.from({ a: '1' })
    for (const [name] of growing) if (name === 'a') growing.add('b', '2')
    expect([...growing]).toEqual([...growing])
    expect(growing.size).toBe(2)
    expect([...new FrameHeaders()]).toEqual([])
  })
})

describe('commands', () => {
  const those = (is: (command: string) => boolean) => Object.values(Command).filter(is)

  it('#10 only SEND, MESSAGE and ERROR may have a body', () => {
    expect(those(mayHaveBody)).toEqual(['SEND', 'MESSAGE', 'ERROR'])
    expect(mayHaveBody('send')).toBe(true) // unknown: the session refuses it
  })

  it('#28 CONNECT, STOMP and CONNECTED are not escaped', () => {
    expect(those((command) => !hasEscapedHeaders(command))).toEqual(['CONNECT', 'STOMP', 'CONNECTED'])
  })

  it('#31 CONNECT and STOMP open a session', () => {
    expect(those(isConnect)).toEqual(['CONNECT', 'STOMP'])
  })
})
