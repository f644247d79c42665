import { describe, expect, it } from 'vitest'
import type { Codec, Route } from '../../web-debugger/api/types.ts'
import { curlNotification, redisPublish, shellQuote } from '../../web-debugger/backend/commands.ts'
import { decodePayload, encodePayload, prettyPayload } from '../../web-debugger/backend/payload.ts'
import { fixedChannels, matchChannel, readTemplate } from '../../web-debugger/backend/route-match.ts'
import { ROUTES } from './debug-answers.ts'

describe('the codec helper', () => {
  it.each<[Codec, string, string]>([
    ['json-string', 'Say "hi"\n', '"Say \\"hi\\"\\n"'],
    ['raw', 'Say "hi"', 'Say "hi"'],
    ['json', '{"id": 7}', '{"id": 7}'],
    ['envelope', 'hi', '{"body":"hi"}'],
  ])('writes %s as a backend would', (codec, text, payload) => {
    expect(encodePayload(codec, text)).toEqual({ payload })
  })

  it('says what is wrong with text that should be JSON', () => {
    expect(encodePayload('json', '{id: 7}')).toEqual({ problem: expect.stringContaining('wants JSON') })
  })

  it.each<[Codec, string]>([
    ['json-string', 'grüße "€"'],
    ['raw', 'grüße'],
    ['json', '[1, 2]'],
    ['envelope', 'hi'],
  ])('reads what it has written: %s', (codec, text) => {
    const encoded = encodePayload(codec, text)
    expect('payload' in encoded && decodePayload(codec, encoded.payload)).toEqual({ body: text })
  })

  it.each<[Codec, string]>([
    ['json-string', 'hi'],
    ['json-string', '{"a":1}'],
    ['json', '{'],
    ['envelope', '"hi"'],
    ['envelope', '{"text":"hi"}'],
  ])('says why a subscriber would not get it: %s %s', (codec, payload) => {
    expect(decodePayload(codec, payload)).toHaveProperty('problem')
  })

  it('reads a body that is no string as its JSON', () => {
    expect(decodePayload('envelope', '{"body":{"a":1}}')).toEqual({ body: '{"a":1}' })
  })

  it('indents objects and lists and leaves the rest alone', () => {
    expect(prettyPayload('{"a":1}')).toBe('{\n  "a": 1\n}')
    expect(prettyPayload('"hi"')).toBe('"hi"')
    expect(prettyPayload('hi')).toBe('hi')
  })
})

describe('finding the route of a channel', () => {
  const convention: Route = {
    direction: 'inbound',
    destination: '/topic/{*name}',
    channel: 'topic:{*name}',
    codec: 'json-string',
    kind: 'channel',
    isConvention: true,
    messages: 0,
  }
  const prices: Route = { ...convention, destination: '/topic/p/{s}', channel: 'topic:p:{s}', isConvention: false }

  it('takes the route that names it, in the right direction', () => {
    expect(matchChannel(ROUTES, 'inbound', 'GREETING_CHANNEL_INBOUND')?.destination).toBe('/topic/greetings')
    expect(matchChannel(ROUTES, 'inbound', 'GREETING_CHANNEL_OUTBOUND')).toBeUndefined()
  })

  it('fills in variables, and leaves the convention for last', () => {
    expect(matchChannel([convention, prices], 'inbound', 'topic:p:ACME')?.destination).toBe('/topic/p/ACME')
    expect(matchChannel([convention, prices], 'inbound', 'topic:a/b')?.destination).toBe('/topic/a/b')
  })

  it('takes no slash into a variable of one segment, and regular expressions literally', () => {
    expect(readTemplate('a.{x}', 'a.b/c')).toBeUndefined()
    expect(readTemplate('a.{x}', 'aXb')).toBeUndefined()
    expect(readTemplate('a.{x}', 'a.b')).toEqual(new Map([['x', 'b']]))
  })

  it('has no stream for a channel', () => {
    const stream: Route = { ...prices, direction: 'outbound', kind: 'stream', channel: 'TEST' }
    expect(matchChannel([stream], 'outbound', 'TEST')).toBeUndefined()
    expect(fixedChannels([stream], 'outbound')).toEqual([])
  })

  it('proposes only channels that need nothing filled in', () => {
    expect(fixedChannels([...ROUTES, convention], 'inbound')).toEqual(['GREETING_CHANNEL_INBOUND'])
  })
})

describe('commands to copy', () => {
  it('quote what a shell would read otherwise', () => {
    expect(shellQuote('plain:name')).toBe('plain:name')
    expect(shellQuote(`it's "$HOME"`)).toBe(`'it'\\''s "$HOME"'`)
    expect(shellQuote('')).toBe(`''`)
  })

  it('do what the forms do', () => {
    expect(redisPublish('GREETING_CHANNEL_INBOUND', '"hi"')).toBe(`redis-cli PUBLISH GREETING_CHANNEL_INBOUND '"hi"'`)
    expect(curlNotification('http://127.0.0.1:8080', '/topic/toast', 'hi')).toBe(
      `curl http://127.0.0.1:8080/api/notification -H 'content-type: application/json' ` +
        `-d '{"topic":"/topic/toast","message":"hi"}'`,
    )
  })
})
