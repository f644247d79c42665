import { describe, expect, it } from 'vitest'
import { answeredContent } from '../../src/snapshots/answered-content.ts'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const BINARY = Uint8Array.of(0, 0xff, 1)

describe('what a server answers', () => {
  it.each([
    ['JSON', octets('{"a": 1}'), 'application/json', '{"a": 1}', 'application/json'],
    ['JSON with its character set', octets('[]'), 'Application/JSON; charset=utf-8', '[]', 'application/json'],
    ['JSON that it does not call so', octets('[]'), 'text/plain;charset=UTF-8', '[]', 'application/json'],
    ['JSON that it calls octets', octets('[]'), 'application/octet-stream', '[]', 'application/json'],
    ['JSON of no type', octets('[]'), undefined, '[]', 'application/json'],
    ['JSON behind a byte order mark', octets('\uFEFF[]'), undefined, '[]', 'application/json'],
    ['text', octets('no\0 JSON'), 'text/plain', 'no\0 JSON', 'text/plain'],
    ['octets', BINARY, 'image/x-thing', BINARY, 'image/x-thing'],
    ['octets of no type', BINARY, undefined, BINARY, undefined],
    ['octets that it calls JSON', BINARY, 'application/json', BINARY, 'application/json'],
    ['text that it calls octets', octets('abc'), 'application/octet-stream', octets('abc'), 'application/octet-stream'],
  ])('arrives as it is: %s', (_what, answer, contentType, body, type) => {
    const headers = type === undefined ? [] : [['content-type', type]]
    expect(answeredContent(answer, contentType)).toEqual({ body, headers })
  })
})
