import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { HeaderPair } from '../../src/headers.ts'
import { ProtocolError } from '../../src/errors.ts'
import {
  bodyOf,
  decodeBroadcast,
  decodePayload,
  encodeBroadcast,
  encodeNotification,
  encodePayload,
  PayloadError,
  type OutboundMessage,
} from '../../src/routes/payload.ts'
import { unusualJson } from '../support/unusual-json.ts'
import { BINARY, decodeRows, encodeRows, JSON_TYPE, TEXT } from './payload-rows.ts'

/** Any characters, no lone surrogates: what UTF-8 can carry. */
const texts = fc
  .array(fc.oneof(fc.nat(0x7f), fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })))
  .map((points) => String.fromCodePoint(...points))

const octets = (data: string): Uint8Array =>
  data.startsWith('0x') ? new Uint8Array(Buffer.from(data.slice(2), 'hex')) : new TextEncoder().encode(data)
const plain = (body: string | Uint8Array) =>
  typeof body === 'string' ? body : { octets: Buffer.from(body).toString('hex') }

const outbound = (body: string, headers: readonly HeaderPair[] = [], user?: string): OutboundMessage => ({
  destination: '/app/x',
  body: octets(body),
  headers,
  session: 's-1',
  user,
})

const named = <Row extends { codec: string; name: string }>(rows: readonly Row[]) =>
  rows.map((row) => [row.codec, row.name, row] as const)

describe('decodePayload', () => {
  it.each(named(decodeRows.filter((row) => row.body !== undefined)))('%s reads %s', (_codec, _name, row) => {
    const { body, headers } = decodePayload(row.codec, octets(row.payload), row.contentType)
    expect(plain(body)).toEqual(row.body)
    expect(headers).toEqual(row.headers)
  })

  it.each(named(decodeRows.filter((row) => row.body === undefined)))('%s refuses %s', (_codec, _name, row) => {
    const decode = () => decodePayload(row.codec, octets(row.payload), row.contentType)
    expect(decode).toThrow(PayloadError)
    expect(decode).toThrow(row.error)
  })

  it('keeps why JSON could not be read', () => {
    expect(() => decodePayload('json', octets('{'))).toThrow(
      expect.objectContaining({ cause: expect.any(SyntaxError) as Error }) as Error,
    )
  })

  it('throws nothing but PayloadError, whatever comes', () => {
    const payloads = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record(
          {
            body: fc.jsonValue(),
            headers: fc.jsonValue(),
            encoding: fc.jsonValue(),
            topic: fc.jsonValue(),
            message: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map((value) => new TextEncoder().encode(JSON.stringify(value))),
    )
    fc.assert(
      fc.property(
        fc.constantFrom('json-string', 'raw', 'json', 'envelope', 'broadcast'),
        payloads,
        (codec, payload) => {
          try {
            const { headers } = codec === 'broadcast' ? decodeBroadcast(payload).message : decodePayload(codec, payload)
            for (const [name, value] of headers) expect([typeof name, typeof value]).toEqual(['string', 'string'])
          } catch (error) {
            if (!(error instanceof PayloadError)) throw error
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('encodePayload', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  it.each(named(encodeRows.filter((row) => row.payload !== undefined)))('%s writes %s', (_codec, _name, row) => {
    const payload = encodePayload(row.codec, outbound(row.body, row.headers, row.user))
    expect(plain(payload)).toEqual(row.payload)
  })

  it.each(named(encodeRows.filter((row) => row.payload === undefined)))('%s refuses %s', (_codec, _name, row) => {
    const encode = () => encodePayload(row.codec, outbound(row.body, row.headers))
    expect(encode).toThrow(ProtocolError)
    expect(encode).toThrow(
      expect.objectContaining({ code: 'bad-body', message: expect.stringContaining('/app/x') as string }) as Error,
    )
  })

  it.each(['json-string', 'raw', 'envelope'] as const)('%s is read as it was written, for any text', (codec) => {
    fc.assert(
      fc.property(texts, (text) => {
        const written = encodePayload(codec, { ...outbound(''), body: new TextEncoder().encode(text) })
        const { body } = decodePayload(codec, typeof written === 'string' ? new TextEncoder().encode(written) : written)
        expect(body).toBe(text)
      }),
    )
  })

  it.each(['raw', 'envelope'] as const)('#63 %s keeps any octets', (codec) => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const written = encodePayload(codec, { ...outbound(''), body: bytes })
        const { body } = decodePayload(codec, typeof written === 'string' ? new TextEncoder().encode(written) : written)
        expect(Buffer.from(body).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
      }),
    )
  })
})

describe('encodeNotification', () => {
  it.each([
    ['text', '"Test"', '{"topic":"/topic/a","message":"Test"}'],
    ['an object', '{"b": 1, "a":[null]}', '{"topic":"/topic/a","message":{"b": 1, "a":[null]}}'],
    ['a number', '10.50', '{"topic":"/topic/a","message":10.50}'],
    ['null', 'null', '{"topic":"/topic/a","message":null}'],
    ['quotes', '"\\""', '{"topic":"/topic/a","message":"\\""}'],
  ])('writes %s as topic and message and nothing else', (_name, message, json) => {
    expect(encodeNotification('/topic/a', message)).toBe(json)
  })

  it('writes a topic of any characters', () => {
    expect(decodeBroadcast(octets(encodeNotification('/topic/"\\\n', '"x"'))).topic).toBe('/topic/"\\\n')
  })
})

describe('decodeBroadcast', () => {
  const decode = (json: string) => {
    const { topic, message } = decodeBroadcast(octets(json))
    return { topic, body: plain(message.body), headers: message.headers }
  }

  it.each([
    ['text', '{"topic":"/topic/a","message":"Test"}', 'Test', TEXT],
    ['empty text', '{"topic":"/topic/a","message":""}', '', TEXT],
    ['an object', '{"topic":"/topic/a","message":{"b": 1}}', '{"b": 1}', JSON_TYPE],
    ['a number', '{"topic":"/topic/a","message":0}', '0', JSON_TYPE],
    ['null', '{"topic":"/topic/a","message":null}', 'null', JSON_TYPE],
    ['an array', '{"topic":"/topic/a","message":["a"]}', '["a"]', JSON_TYPE],
    ['fields in another order', '{"message":"Test","topic":"/topic/a"}', 'Test', TEXT],
    ['fields that it does not know', '{"topic":"/topic/a","message":"Test","sender":"x"}', 'Test', TEXT],
    [
      'two messages, of which the last counts',
      '{"message":{"a":1},"topic":"/topic/a","message":{"b":2.0}}',
      '{"b":2.0}',
      JSON_TYPE,
    ],
    ['two topics, of which the last counts', '{"topic":1,"message":[1.0],"topic":"/topic/a"}', '[1.0]', JSON_TYPE],
    ['an escaped name', '{"topic":"/topic/a","\\u006dessage":[1.0]}', '[1.0]', JSON_TYPE],
    ['a member called __proto__', '{"__proto__":{"message":1},"topic":"/topic/a","message":2.0}', '2.0', JSON_TYPE],
    ['prototype keys', '{"topic":"/topic/a","message":{"__proto__":1}}', '{"__proto__":1}', JSON_TYPE],
    ['octets', '{"topic":"/topic/a","message":"/wA=","encoding":"base64"}', { octets: 'ff00' }, BINARY],
    ['text that is packed', '{"topic":"/topic/a","message":"VGVzdA","encoding":"base64"}', 'Test', TEXT],
    ['an encoding that is null', '{"topic":"/topic/a","message":"Test","encoding":null}', 'Test', TEXT],
  ])('reads a notification with %s', (_name, json, body, type) => {
    expect(decode(json)).toEqual({ topic: '/topic/a', body, headers: [['content-type', type]] })
  })

  it.each([
    ['nothing', ''],
    ['bare text', 'Test'],
    ['a string', '"Test"'],
    ['null', 'null'],
    ['an array', '["/topic/a","Test"]'],
    ['no topic', '{"message":"Test"}'],
    ['a topic that is no text', '{"topic":1,"message":"Test"}'],
    ['no message', '{"topic":"/topic/a"}'],
    ['a topic in its prototype', '{"__proto__":{"topic":"/topic/a"},"message":"Test"}'],
    ['headers that are an object', '{"topic":"/topic/a","message":"","headers":{"a":"b"}}'],
    ['headers that are null', '{"topic":"/topic/a","message":"","headers":null}'],
    ['a header without a value', '{"topic":"/topic/a","message":"","headers":[["a"]]}'],
    ['a header with a number', '{"topic":"/topic/a","message":"","headers":[["a",1]]}'],
    ['a header of three', '{"topic":"/topic/a","message":"","headers":[["a","b","c"]]}'],
    ['headers and a message that is no text', '{"topic":"/topic/a","message":{},"headers":[]}'],
    ['no Base64', '{"topic":"/topic/a","message":"!!","encoding":"base64"}'],
    ['headers and no Base64', '{"topic":"/topic/a","message":"!!","encoding":"base64","headers":[]}'],
    ['an encoding that it does not know', '{"topic":"/topic/a","message":"x","encoding":"gzip"}'],
    ['JSON that is said to be packed', '{"topic":"/topic/a","message":{},"encoding":"base64"}'],
    ['a byte order mark', '\uFEFF{"topic":"/topic/a","message":"Test"}'],
    ['invalid UTF-8', '0x7bff7d'],
  ])('refuses %s', (_name, json) => {
    expect(() => decode(json)).toThrow(PayloadError)
  })
})

describe('the text of a JSON value', () => {
  it.each(unusualJson)('stays as it is written: %s', (json) => {
    const typed = { body: json, headers: [['content-type', JSON_TYPE]] }
    expect(decodeBroadcast(octets(encodeNotification('/topic/a', json))).message).toEqual(typed)
    expect(decodeBroadcast(octets(` { "message" :\n${json}\t, "topic" : "/topic/a" } `)).message).toEqual(typed)
    expect(decodePayload('envelope', octets(`{"headers":{},"body": ${json} ,"z":{"body":0}}`))).toEqual(typed)
    expect(decodePayload('json', octets(json))).toEqual(typed)
    expect(encodePayload('json', outbound(json))).toBe(json)
  })

  it.each(['1784563209871234567', '-0', '10.50', '1e400', '1E+2', '0.1000', '123456789012345678901234567890'])(
    'stays as it is written for a number alone: %s',
    (number) => {
      expect(decodePayload('json-string', octets(` ${number}\n`)).body).toBe(number)
      expect(decodeBroadcast(octets(`{"topic":"/topic/a","message":${number}}`)).message.body).toBe(number)
      const { headers } = decodePayload('envelope', octets(`{"headers":{"n": ${number} ,"s":"1"},"body":""}`))
      expect(headers.slice(1)).toEqual([
        ['n', number],
        ['s', '1'],
      ])
    },
  )

  it('stays as it is written for any JSON, with any white space', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(4), fc.json(), (value, indent, other) => {
        fc.pre(typeof value !== 'string')
        const json = JSON.stringify(value, null, indent)
        const broadcast = `{"x":${other},"message":${json},"topic":"/topic/a","y":{"message":${other}}}`
        expect(decodeBroadcast(octets(broadcast)).message.body).toBe(json)
        expect(decodePayload('envelope', octets(`{"body":${json},"z":[${other}]}`)).body).toBe(json)
      }),
    )
  })

  it('may be 1000 levels deep with what is around it; beyond that it is refused, at any depth', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    const broadcast = (levels: number) => () =>
      decodeBroadcast(octets(`{"topic":"/topic/a","message":${nested(levels)}}`)).message.body
    const envelope = (levels: number) => () => decodePayload('envelope', octets(`{"body":${nested(levels)}}`)).body
    for (const read of [broadcast, envelope]) {
      expect(read(999)()).toBe(nested(999))
      for (const levels of [1000, 10_000, 1_000_000]) expect(read(levels), `${levels}`).toThrow(PayloadError)
    }
    const header = `{"body":"","z":${nested(2000)},"headers":{"n":1}}`
    expect(() => decodePayload('envelope', octets(header))).toThrow(/nested too deeply/)
  })
})

describe('encodeBroadcast', () => {
  it('writes topic, message, headers and sender of a SEND', () => {
    const message = { ...outbound('Test', [['x', '1']]), destination: '/topic/a' }
    expect(encodeBroadcast(message)).toBe('{"topic":"/topic/a","message":"Test","headers":[["x","1"]],"sender":"s-1"}')
  })

  it('#59 #63 is read as it was written: headers in order and repeated, body octets unchanged, no content type invented', () => {
    const headers = fc.array(fc.tuple(fc.string(), fc.string()))
    const types = fc.constantFrom(undefined, TEXT, JSON_TYPE, BINARY, `${BINARY};x=1`)
    const bodies = fc.oneof(
      fc.uint8Array(),
      fc.string().map((text) => new TextEncoder().encode(text)),
    )
    fc.assert(
      fc.property(headers, types, bodies, (given, type, body) => {
        const all: HeaderPair[] = type === undefined ? given : [['content-type', type], ...given]
        const sent = { ...outbound('', all), body, destination: '/topic/a' }
        const { topic, message } = decodeBroadcast(new TextEncoder().encode(encodeBroadcast(sent)))
        expect(topic).toBe('/topic/a')
        expect(message.headers).toEqual(all)
        expect(Buffer.from(message.body).toString('hex')).toBe(Buffer.from(body).toString('hex'))
        if (type?.startsWith(BINARY)) expect(message.body).toBeInstanceOf(Uint8Array)
      }),
    )
  })

  it.each([
    ['text', 'abc', undefined, true],
    ['text with a byte order mark', '\uFEFFabc', undefined, true],
    ['text declared binary', 'abc', BINARY, false],
    ['octets that are no text', '0xff', undefined, false],
    ['octets that are no text, declared as text', '0xff', 'text/plain', false],
  ])('#121 keeps %s apart', (_name, body, type, isText) => {
    const headers: HeaderPair[] = type === undefined ? [] : [['content-type', type]]
    const { message } = decodeBroadcast(
      octets(encodeBroadcast({ ...outbound(body, headers), destination: '/topic/a' })),
    )
    expect(typeof message.body === 'string').toBe(isText)
    expect(typeof bodyOf(octets(body), type) === 'string').toBe(isText)
  })
})
