/** What each codec writes for a body and reads from a payload, as data. */
import type { HeaderPair } from '../../src/headers.ts'
import type { PayloadCodec } from '../../src/routes/payload.ts'

export const TEXT = 'text/plain;charset=UTF-8'
export const JSON_TYPE = 'application/json'
export const BINARY = 'application/octet-stream'

export interface DecodeRow {
  readonly name: string
  readonly codec: PayloadCodec
  /** Text, or octets in hexadecimal after `0x`. */
  readonly payload: string
  readonly contentType?: string
  /** The body, as text or as octets; undefined if the payload cannot be read. */
  readonly body: string | { readonly octets: string } | undefined
  /** What is said of a payload that cannot be read. */
  readonly error?: RegExp
  readonly headers?: readonly HeaderPair[]
}

const text = (type: string = TEXT): { headers: HeaderPair[] } => ({ headers: [['content-type', type]] })
const json = text(JSON_TYPE)

export const decodeRows: readonly DecodeRow[] = [
  // json-string: what Jackson writes for a String, and what it reads as one
  { name: 'a string', codec: 'json-string', payload: '"Test"', body: 'Test', ...text() },
  { name: 'a string that is JSON', codec: 'json-string', payload: '"{\\"a\\":1}"', body: '{"a":1}', ...text() },
  { name: 'a quoted string', codec: 'json-string', payload: '"\\"Test\\""', body: '"Test"', ...text() },
  { name: 'the empty string', codec: 'json-string', payload: '""', body: '', ...text() },
  { name: 'white space around it', codec: 'json-string', payload: ' \t"a"\r\n', body: 'a', ...text() },
  { name: 'escapes', codec: 'json-string', payload: '"\\u00e9\\n\\/\\ud83d\\ude00"', body: 'é\n/😀', ...text() },
  { name: 'NUL in a string', codec: 'json-string', payload: '"a\\u0000b"', body: 'a\0b', ...text() },
  { name: 'raw UTF-8', codec: 'json-string', payload: '"é😀"', body: 'é😀', ...text() },
  { name: 'an integer', codec: 'json-string', payload: '42', body: '42', ...text() },
  { name: 'a number as it is written', codec: 'json-string', payload: ' -1.50e3\n', body: '-1.50e3', ...text() },
  {
    name: 'more digits than a double has',
    codec: 'json-string',
    payload: '12345678901234567890',
    body: '12345678901234567890',
    ...text(),
  },
  { name: 'true', codec: 'json-string', payload: 'true', body: 'true', ...text() },
  { name: 'false', codec: 'json-string', payload: 'false', body: 'false', ...text() },
  {
    name: 'a content type of the route',
    codec: 'json-string',
    payload: '"{}"',
    contentType: JSON_TYPE,
    body: '{}',
    ...json,
  },
  {
    name: 'text of a binary route',
    codec: 'json-string',
    payload: '"a"',
    contentType: BINARY,
    body: { octets: '61' },
    ...text(BINARY),
  },
  { name: 'null', codec: 'json-string', payload: 'null', body: undefined, error: /not a JSON string/ },
  { name: 'an array', codec: 'json-string', payload: '["a"]', body: undefined, error: /not a JSON string/ },
  { name: 'an object', codec: 'json-string', payload: '{"a":1}', body: undefined, error: /not a JSON string/ },
  { name: 'bare text', codec: 'json-string', payload: 'Test', body: undefined, error: /not JSON/ },
  { name: 'single quotes', codec: 'json-string', payload: "'Test'", body: undefined, error: /not JSON/ },
  { name: 'a string cut short', codec: 'json-string', payload: '"Tes', body: undefined, error: /not JSON/ },
  { name: 'two values', codec: 'json-string', payload: '"a" "b"', body: undefined, error: /not JSON/ },
  { name: 'nothing', codec: 'json-string', payload: '', body: undefined, error: /not JSON/ },
  { name: 'a byte order mark', codec: 'json-string', payload: '\uFEFF"a"', body: undefined, error: /not JSON/ },
  { name: 'invalid UTF-8', codec: 'json-string', payload: '0x22ff22', body: undefined, error: /not UTF-8/ },
  { name: 'a cut UTF-8 character', codec: 'json-string', payload: '0x22c322', body: undefined, error: /not UTF-8/ },

  // json: the text as it is, if it is JSON
  { name: 'an object', codec: 'json', payload: '{"b":1, "a":2}', body: '{"b":1, "a":2}', ...json },
  { name: 'a string', codec: 'json', payload: '"Test"', body: '"Test"', ...json },
  { name: 'null', codec: 'json', payload: 'null', body: 'null', ...json },
  { name: 'an array', codec: 'json', payload: '[1,2]', body: '[1,2]', ...json },
  { name: 'a prototype key', codec: 'json', payload: '{"__proto__":1}', body: '{"__proto__":1}', ...json },
  {
    name: 'a content type of the route',
    codec: 'json',
    payload: '{}',
    contentType: 'application/x+json',
    body: '{}',
    ...text('application/x+json'),
  },
  { name: 'bare text', codec: 'json', payload: 'Test', body: undefined, error: /not JSON/ },
  { name: 'nothing', codec: 'json', payload: '', body: undefined, error: /not JSON/ },
  { name: 'a byte order mark', codec: 'json', payload: '\uFEFF{}', body: undefined, error: /not JSON/ },
  { name: 'invalid UTF-8', codec: 'json', payload: '0x7bff7d', body: undefined, error: /not UTF-8/ },

  // raw: the octets
  { name: 'text', codec: 'raw', payload: 'Test', body: 'Test', ...text() },
  { name: 'nothing', codec: 'raw', payload: '', body: '', ...text() },
  { name: 'quotes and spaces', codec: 'raw', payload: ' "Test" ', body: ' "Test" ', ...text() },
  { name: 'a byte order mark', codec: 'raw', payload: '\uFEFFa', body: '\uFEFFa', ...text() },
  { name: 'NULs', codec: 'raw', payload: 'a\0b', body: 'a\0b', ...text() },
  { name: 'invalid UTF-8', codec: 'raw', payload: '0xfffe00', body: { octets: 'fffe00' }, ...text(BINARY) },
  { name: 'an overlong encoding', codec: 'raw', payload: '0xc080', body: { octets: 'c080' }, ...text(BINARY) },
  { name: 'a surrogate', codec: 'raw', payload: '0xeda080', body: { octets: 'eda080' }, ...text(BINARY) },
  { name: 'text of a JSON route', codec: 'raw', payload: '{}', contentType: JSON_TYPE, body: '{}', ...json },
  {
    name: 'text that is declared binary',
    codec: 'raw',
    payload: 'abc',
    contentType: BINARY,
    body: { octets: '616263' },
    ...text(BINARY),
  },
  {
    name: 'invalid UTF-8 of a text route',
    codec: 'raw',
    payload: '0xff',
    contentType: 'text/x',
    body: { octets: 'ff' },
    ...text('text/x'),
  },

  // envelope
  { name: 'a body alone', codec: 'envelope', payload: '{"body":"Test"}', body: 'Test', ...text() },
  { name: 'an empty body', codec: 'envelope', payload: '{"body":""}', body: '', ...text() },
  {
    name: 'its content type',
    codec: 'envelope',
    payload: '{"body":"a","content-type":"text/x"}',
    body: 'a',
    ...text('text/x'),
  },
  {
    name: 'a content type of the route',
    codec: 'envelope',
    payload: '{"body":"a","content-type":"text/x"}',
    contentType: 'text/y',
    body: 'a',
    ...text('text/y'),
  },
  {
    name: 'a content type that is no text',
    codec: 'envelope',
    payload: '{"body":"a","content-type":1}',
    body: 'a',
    ...text(),
  },
  { name: 'a body that is an object', codec: 'envelope', payload: '{"body":{"a":1}}', body: '{"a":1}', ...json },
  { name: 'a body that is an array', codec: 'envelope', payload: '{"body":[]}', body: '[]', ...json },
  { name: 'a body that is a number', codec: 'envelope', payload: '{"body":1}', body: '1', ...json },
  { name: 'a body that is null', codec: 'envelope', payload: '{"body":null}', body: 'null', ...json },
  {
    name: 'a base64 body',
    codec: 'envelope',
    payload: '{"body":"//4A","encoding":"base64"}',
    body: { octets: 'fffe00' },
    ...text(BINARY),
  },
  {
    name: 'a base64 body that is text',
    codec: 'envelope',
    payload: '{"body":"VGVzdA==","encoding":"base64"}',
    body: 'Test',
    ...text(),
  },
  {
    name: 'a base64 body without padding',
    codec: 'envelope',
    payload: '{"body":"VGVzdA","encoding":"base64"}',
    body: 'Test',
    ...text(),
  },
  {
    name: 'an encoding that is null',
    codec: 'envelope',
    payload: '{"body":"Test","encoding":null}',
    body: 'Test',
    ...text(),
  },
  {
    name: 'a body that is no base64',
    codec: 'envelope',
    payload: '{"body":"Zm9v YmFy","encoding":"base64"}',
    body: undefined,
    error: /not Base64/,
  },
  {
    name: 'a base64 body that is an object',
    codec: 'envelope',
    payload: '{"body":{"a":1},"encoding":"base64"}',
    body: undefined,
    error: /not a string/,
  },
  ...['"gzip"', '"utf-8"', '""', 'true'].map((encoding) => ({
    name: `the encoding ${encoding}`,
    codec: 'envelope' as const,
    payload: `{"body":"x","encoding":${encoding}}`,
    body: undefined,
    error: /"encoding" is not "base64"/,
  })),
  {
    name: 'a base64 body that is text and declared binary',
    codec: 'envelope',
    payload: `{"body":"VGVzdA==","encoding":"base64","content-type":"${BINARY}"}`,
    body: { octets: '54657374' },
    ...text(BINARY),
  },
  {
    name: 'text that is declared binary',
    codec: 'envelope',
    payload: `{"body":"abc","content-type":"${BINARY}"}`,
    body: { octets: '616263' },
    ...text(BINARY),
  },
  {
    name: 'headers of any scalar type',
    codec: 'envelope',
    payload: '{"body":"a","headers":{"x":"1","n":2,"t":true,"f":false,"e":"","skipped":null}}',
    body: 'a',
    headers: [
      ['content-type', TEXT],
      ['x', '1'],
      ['n', '2'],
      ['t', 'true'],
      ['f', 'false'],
      ['e', ''],
    ],
  },
  {
    name: 'a content type among its headers',
    codec: 'envelope',
    payload: '{"body":"a","headers":{"content-type":"text/x","y":"1"}}',
    body: 'a',
    headers: [
      ['content-type', TEXT],
      ['y', '1'],
    ],
  },
  {
    name: 'prototype keys among its headers',
    codec: 'envelope',
    payload: '{"body":"a","headers":{"__proto__":"1","constructor":"2","toString":"3"}}',
    body: 'a',
    headers: [
      ['content-type', TEXT],
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ],
  },
  {
    name: 'fields that it does not know',
    codec: 'envelope',
    payload: '{"body":"a","session":"s","z":[1]}',
    body: 'a',
    ...text(),
  },
  { name: 'no body', codec: 'envelope', payload: '{"headers":{}}', body: undefined, error: /no "body"/ },
  {
    name: 'a body in its prototype',
    codec: 'envelope',
    payload: '{"__proto__":{"body":"a"}}',
    body: undefined,
    error: /no "body"/,
  },
  { name: 'a string', codec: 'envelope', payload: '"Test"', body: undefined, error: /no "body"/ },
  { name: 'null', codec: 'envelope', payload: 'null', body: undefined, error: /no "body"/ },
  { name: 'an array', codec: 'envelope', payload: '[{"body":"a"}]', body: undefined, error: /no "body"/ },
  {
    name: 'headers that are an array',
    codec: 'envelope',
    payload: '{"body":"a","headers":[["x","1"]]}',
    body: undefined,
    error: /"headers"/,
  },
  {
    name: 'headers that are null',
    codec: 'envelope',
    payload: '{"body":"a","headers":null}',
    body: undefined,
    error: /"headers"/,
  },
  {
    name: 'a header that is an object',
    codec: 'envelope',
    payload: '{"body":"a","headers":{"x":{}}}',
    body: undefined,
    error: /header "x"/,
  },
  {
    name: 'a header that is an array',
    codec: 'envelope',
    payload: '{"body":"a","headers":{"x":["1"]}}',
    body: undefined,
    error: /header "x"/,
  },
  { name: 'bare text', codec: 'envelope', payload: 'Test', body: undefined, error: /not JSON/ },
  { name: 'nothing', codec: 'envelope', payload: '', body: undefined, error: /not JSON/ },
  { name: 'invalid UTF-8', codec: 'envelope', payload: '0x7bff7d', body: undefined, error: /not UTF-8/ },
]

export interface EncodeRow {
  readonly name: string
  readonly codec: PayloadCodec
  /** Text, or octets in hexadecimal after `0x`. */
  readonly body: string
  readonly headers?: readonly HeaderPair[]
  readonly user?: string
  /** Text, or octets; undefined if the codec cannot carry the body. */
  readonly payload: string | { readonly octets: string } | undefined
}

const envelope = { destination: '/app/x', session: 's-1', headers: {}, timestamp: 1_700_000_000_000 }

export const encodeRows: readonly EncodeRow[] = [
  { name: 'text', codec: 'json-string', body: 'Test', payload: '"Test"' },
  { name: 'text in quotes', codec: 'json-string', body: '"Test"', payload: '"\\"Test\\""' },
  { name: 'nothing', codec: 'json-string', body: '', payload: '""' },
  { name: 'JSON', codec: 'json-string', body: '{"a":1}', payload: '"{\\"a\\":1}"' },
  { name: 'a number', codec: 'json-string', body: '42', payload: '"42"' },
  { name: 'control characters', codec: 'json-string', body: 'a\0\n\u001f', payload: '"a\\u0000\\n\\u001f"' },
  { name: 'characters beyond ASCII', codec: 'json-string', body: 'é😀\u2028', payload: '"é😀\u2028"' },
  { name: 'a byte order mark', codec: 'json-string', body: '\uFEFFa', payload: '"\uFEFFa"' },
  { name: 'invalid UTF-8', codec: 'json-string', body: '0xff', payload: undefined },

  { name: 'JSON as it is written', codec: 'json', body: '{"b":1, "a":2}', payload: '{"b":1, "a":2}' },
  { name: 'a JSON string', codec: 'json', body: '"Test"', payload: '"Test"' },
  { name: 'bare text', codec: 'json', body: 'Test', payload: undefined },
  { name: 'nothing', codec: 'json', body: '', payload: undefined },
  { name: 'a byte order mark', codec: 'json', body: '\uFEFF{}', payload: undefined },
  { name: 'invalid UTF-8', codec: 'json', body: '0xff', payload: undefined },

  { name: 'text', codec: 'raw', body: 'Test', payload: { octets: '54657374' } },
  { name: 'nothing', codec: 'raw', body: '', payload: { octets: '' } },
  { name: 'any octets', codec: 'raw', body: '0xfffe00', payload: { octets: 'fffe00' } },

  { name: 'text', codec: 'envelope', body: 'Test', payload: JSON.stringify({ body: 'Test', ...envelope }) },
  { name: 'nothing', codec: 'envelope', body: '', payload: JSON.stringify({ body: '', ...envelope }) },
  {
    name: 'octets that are no text',
    codec: 'envelope',
    body: '0xfffe00',
    payload: JSON.stringify({ body: '//4A', encoding: 'base64', ...envelope }),
  },
  {
    name: 'headers, a user and a content type',
    codec: 'envelope',
    body: 'a',
    user: 'ann',
    headers: [
      ['x', '1'],
      ['content-type', 'text/x'],
      ['y', ''],
    ],
    payload: JSON.stringify({
      body: 'a',
      destination: '/app/x',
      'content-type': 'text/x',
      session: 's-1',
      user: 'ann',
      headers: { y: '', x: '1' },
      timestamp: 1_700_000_000_000,
    }),
  },
  {
    name: 'a repeated header, of which the first counts,',
    codec: 'envelope',
    body: 'a',
    headers: [
      ['x', 'first'],
      ['x', 'second'],
    ],
    payload: JSON.stringify({ body: 'a', ...envelope, headers: { x: 'first' } }),
  },
  {
    name: 'a header called __proto__',
    codec: 'envelope',
    body: 'a',
    headers: [['__proto__', '1']],
    payload: JSON.stringify({ body: 'a', ...envelope }).replace('"headers":{}', '"headers":{"__proto__":"1"}'),
  },
]
