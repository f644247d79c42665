import { describe, expect, it } from 'vitest'
import { headerOf, type HeaderPair } from '../../src/headers.ts'
import { entryIdOf, fieldsOf, messageIdOf, peekedMessage, takenMessage } from '../../src/queue/queue-messages.ts'
import { newQueue } from './contract.ts'

const queue = newQueue()
const entry = (fields: Readonly<Record<string, string | Uint8Array>>, deliveries = 1) => ({
  id: '1700000000000-3',
  deliveries,
  fields: new Map(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? new TextEncoder().encode(value) : value,
    ]),
  ),
})
const headersOf = (headers: string): readonly HeaderPair[] =>
  takenMessage(queue, entry({ body: 'x', headers }))!.headers.filter(
    ([name]) => name !== 'content-type' && name !== 'delivery-count',
  )

describe('a message of a queue', () => {
  it('has an id that goes there and back', () => {
    const id = messageIdOf(queue, '17-3')
    expect(id).toBe(`${queue.stream}-17-3`)
    expect(entryIdOf(queue, id)).toBe('17-3')
  })

  it('is written as a body, a content type, and its other headers as an object', () => {
    expect(fieldsOf([])).toEqual([['content-type', '']])
    expect(fieldsOf([['a', '1']])).toEqual([
      ['content-type', ''],
      ['headers', '{"a":"1"}'],
    ])
    expect(fieldsOf([['content-type', 'text/x']])).toEqual([['content-type', 'text/x']])
    expect(
      fieldsOf([
        ['a', '1'],
        ['content-type', 'text/x'],
        ['a', '2'],
        ['b', 'ü"\\'],
      ]),
    ).toEqual([
      ['content-type', 'text/x'],
      ['headers', '{"b":"ü\\"\\\\","a":"1"}'],
    ])
  })

  it('is read as it was written', () => {
    const headers: HeaderPair[] = [
      ['content-type', 'text/x'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['a', '1'],
    ]
    const fields = Object.fromEntries([['body', 'x'], ...fieldsOf(headers)])
    const message = takenMessage(queue, entry(fields))!
    for (const [name, value] of headers) expect([name, headerOf(message.headers, name)]).toEqual([name, value])
  })

  it('says how often it was given', () => {
    const counts = (deliveries: number) => {
      const { headers } = takenMessage(queue, entry({ body: 'x' }, deliveries))!
      return [headerOf(headers, 'delivery-count'), headerOf(headers, 'redelivered')]
    }
    expect([counts(1), counts(2), counts(31)]).toEqual([
      ['1', undefined],
      ['2', 'true'],
      ['31', 'true'],
    ])
  })

  it.each([
    ['text', {}, 'ü', 'text/plain;charset=UTF-8', 'ü'],
    ['nothing', {}, '', 'text/plain;charset=UTF-8', ''],
    ['text that says what it is', { 'content-type': 'application/json' }, '{}', 'application/json', '{}'],
    ['text without a type', { 'content-type': '' }, 'x', undefined, 'x'],
    ['octets without a type', { 'content-type': '' }, Uint8Array.of(0xff, 0), undefined, Uint8Array.of(0xff, 0)],
    ['octets', {}, Uint8Array.of(0xff, 0), 'application/octet-stream', Uint8Array.of(0xff, 0)],
    [
      'octets that could be text',
      { 'content-type': 'application/octet-stream' },
      'abc',
      'application/octet-stream',
      new TextEncoder().encode('abc'),
    ],
  ])('holds %s', (_what, fields, body, type, expected) => {
    const message = takenMessage(queue, entry({ ...fields, body }))!
    expect(message.body).toEqual(expected)
    expect(headerOf(message.headers, 'content-type')).toBe(type)
    expect(message).toMatchObject({ id: `${queue.stream}-1700000000000-3`, destination: queue.destination })
  })

  it('is none without a body', () => {
    expect(takenMessage(queue, entry({}))).toBeUndefined()
    expect(takenMessage(queue, entry({ Body: 'x' }))).toBeUndefined()
  })

  it.each(['', 'no JSON', '[]', '[["a","b"]]', 'null', '1', '"text"', '{}', '{"a":null}', '{"a":{"b":1}}', '{"":"x"}'])(
    'has no headers where a backend has written %j',
    (headers) => {
      expect(headersOf(headers)).toEqual([])
    },
  )

  it('has those of a backend that are plain, as text', () => {
    expect(headersOf('{"a":"x","b":1.5,"c":true,"d":[1],"e":null}')).toEqual([
      ['a', 'x'],
      ['b', '1.5'],
      ['c', 'true'],
    ])
  })

  it('has none of a backend that only the bridge may set', () => {
    const forged = [
      'message-id',
      'delivery-count',
      'redelivered',
      'ack',
      'destination',
      'subscription',
      'ack\n',
      'receipt',
    ]
    expect(headersOf(JSON.stringify(Object.fromEntries(forged.map((name) => [name, 'x']))))).toEqual([])
    const message = takenMessage(queue, entry({ body: 'x', headers: '{"content-type":"text/forged"}' }))!
    expect(message.headers.filter(([name]) => name === 'content-type')).toHaveLength(1)
  })
})

describe('a message that somebody looks at', () => {
  it('says why it is dead, and nothing of deliveries', () => {
    const { headers, body } = peekedMessage(queue, entry({ body: 'x', headers: '{"a":"1"}', reason: 'nack' }))
    expect([headerOf(headers, 'reason'), headerOf(headers, 'a'), body]).toEqual(['nack', '1', 'x'])
    expect(headerOf(headers, 'delivery-count')).toBeUndefined()
    expect(headerOf(peekedMessage(queue, entry({ body: 'x' })).headers, 'reason')).toBeUndefined()
    // Whoever sent it may have had a header of that name.
    const forged = peekedMessage(queue, entry({ body: 'x', headers: '{"reason":"mine"}', reason: 'timeout' }))
    expect(headerOf(forged.headers, 'reason')).toBe('timeout')
  })

  it('may be none', () => {
    const { body, headers, id } = peekedMessage(queue, entry({ other: 'x', reason: 'unreadable' }))
    expect([body, headers, id]).toEqual(['', [['reason', 'unreadable']], `${queue.stream}-1700000000000-3`])
  })
})
