import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/stomp-client/index.ts'
import { bodyOf, headLines, jsonLine, visible } from '../../src/terminal/message-text.ts'

const AT = new Date('2026-01-31T12:00:00.007Z')

function message(body: string | Uint8Array, headers: Record<string, string> = {}): Message {
  const binaryBody = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return { headers: { destination: '/topic/x', ...headers }, binaryBody } as unknown as Message
}

describe('a printed message', () => {
  it('cannot command the terminal', () => {
    const hostile = 'a\x1b]0;pwned\x07\x1b[2Jb\r\x9b'
    expect(visible(hostile)).toBe('a\\x1b]0;pwned\\x07\\x1b[2Jb\\x0d\\x9b')
    expect(bodyOf(message(hostile), true)).toBe('a\\x1b]0;pwned\\x07\\x1b[2Jb\\x0d\\x9b\n')
    expect(headLines(message('', { 'x\x1b': 'y\nz\x1b' }), AT)).toContain('  x\\x1b: y\\nz\\x1b\n')
  })

  it('cannot turn around what is read of it', () => {
    expect(visible('a\u202egnp.exe\u2069')).toBe('a\\u202egnp.exe\\u2069')
  })

  it('is exact for a program', () => {
    const bytes = Uint8Array.of(0xff, 0, 10)
    expect(bodyOf(message('a\x1bb'), false)).toBe('a\x1bb\n')
    expect(bodyOf(message(bytes), false)).toBe(bytes)
    expect(bodyOf(message(bytes), true)).toContain('3 bytes')
  })

  it('is one line of JSON, with base64 for what is no text', () => {
    expect(JSON.parse(jsonLine(message('{"a":1}\n', { 'message-id': '7' }), AT))).toEqual({
      receivedAt: '2026-01-31T12:00:00.007Z',
      destination: '/topic/x',
      headers: { destination: '/topic/x', 'message-id': '7' },
      body: '{"a":1}\n',
    })
    const line = jsonLine(message(Uint8Array.of(0xff, 0)), AT)
    expect(line).toMatch(/^[^\n]*\n$/)
    expect(JSON.parse(line)).toMatchObject({ bodyBase64: '/wA=' })
    expect(JSON.parse(line)).not.toHaveProperty('body')
  })
})
