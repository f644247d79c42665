import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { stompEncoding } from '../../src/stomp/encoding.ts'
import { bodyOf, framesOf } from '../support/fake-socket.ts'

const bytes = Uint8Array.of(0, 128, 255)
const message = (body: string | Uint8Array) => ({
  id: '1',
  destination: '/topic/a',
  headers: [['encoding', 'its own'] as const],
  body,
})
const read = (encoding: ReturnType<typeof stompEncoding>, body: string | Uint8Array) => {
  const data = encoding.encode(message(body)).stamp('subscription:0\n')
  const [frame] = framesOf([data], Version.V1_2)
  return {
    isText: typeof data === 'string',
    frame: frame!,
    body: bodyOf(frame!),
    encoding: frame!.headers.get('encoding'),
  }
}

describe('a message', () => {
  it.each(['sockjs-websocket', 'sockjs-xhr'] as const)(
    'that is no text leaves as base64 where there is text only: %s',
    (transport) => {
      const encoding = stompEncoding(Version.V1_2, transport)
      expect(read(encoding, bytes)).toMatchObject({
        isText: true,
        body: Buffer.from(bytes).toString('base64'),
        encoding: 'base64',
      })
      expect(read(encoding, 'text')).toMatchObject({ isText: true, body: 'text', encoding: 'its own' })
    },
  )

  it.each(['websocket', 'tcp'] as const)('that is no text leaves as it is elsewhere: %s', (transport) => {
    const { isText, frame, encoding } = read(stompEncoding(Version.V1_2, transport), bytes)
    expect([isText, encoding]).toEqual([false, 'its own'])
    expect([...frame.body]).toEqual([...bytes])
  })

  it('shares no bytes between the two', () => {
    const keys = (['websocket', 'sockjs-xhr'] as const).map((transport) => stompEncoding(Version.V1_2, transport).key)
    expect(new Set(keys).size).toBe(2)
  })
})
