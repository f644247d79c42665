import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, octetsOf, splitWords } from '../../src/redis-commands/words.ts'

const words = (line: string) => splitWords(line)?.map((word) => bytesOf(word).toString())

describe('a command line', () => {
  it.each<[string, string[] | undefined]>([
    ['SET foo 10', ['SET', 'foo', '10']],
    ['  SET\tfoo\n10\r ', ['SET', 'foo', '10']],
    ['SET foo "a b"', ['SET', 'foo', 'a b']],
    ["SET foo 'a b'", ['SET', 'foo', 'a b']],
    ['SET "" \'\'', ['SET', '', '']],
    ['SET a"b c" x', ['SET', 'ab c', 'x']],
    [String.raw`SET "\n\r\t\b\a\"\\\q"`, ['SET', '\n\r\t\b\x07"\\q']],
    [String.raw`SET '\n\'\"'`, ['SET', String.raw`\n'\"`]],
    [String.raw`SET a\nb`, ['SET', String.raw`a\nb`]],
    ['SET žluť "žluť 😀"', ['SET', 'žluť', 'žluť 😀']],
    [String.raw`SET "\x41\xc5\xbe\xg1"`, ['SET', 'Ažxg1']],
    ['', []],
    [' \n', []],
    ['SET "a', undefined],
    ["SET 'a", undefined],
    ['SET "a"b', undefined],
    ['SET \'a\'"b"', undefined],
    [String.raw`SET "a\"`, undefined],
    ['SET a\0b', undefined],
  ])('%j is %j', (line, expected) => {
    expect(words(line)).toEqual(expected)
  })

  it('keeps any octets', () => {
    expect(splitWords(String.raw`"\x00\xff"`)).toEqual(['\x00\xff'])
    expect([...bytesOf('\x00\xff')]).toEqual([0, 255])
  })

  it('is read as it was quoted, whatever the words', () => {
    const quote = (word: string) =>
      `"${[...Buffer.from(word)].map((octet) => `\\x${octet.toString(16).padStart(2, '0')}`).join('')}"`
    const single = (word: string) => `'${word.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (list) => {
        expect(splitWords(list.map(quote).join(' '))).toEqual(list.map(octetsOf))
        const safe = list.map((word) => word.replace(/[\\\0]/g, ''))
        expect(splitWords(safe.map(single).join('\t'))).toEqual(safe.map(octetsOf))
      }),
    )
  })

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', "'", '\\', ' ', 'x', 'f', 'a', '\n', '😀') }), (line) => {
        const found = splitWords(line)
        if (found) expect(found.join('').length).toBeLessThanOrEqual(octetsOf(line).length)
      }),
    )
  })
})
