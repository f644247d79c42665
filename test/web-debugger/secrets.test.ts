import { describe, expect, it } from 'vitest'
import { plainRecord, toBytes, toText, type FrameRecord } from '../../web-debugger/stomp/frame-record.ts'
import { toJsonLine, toJsonLines } from '../../web-debugger/stomp/log-export.ts'
import { isSecretName, MASK, maskRaw, maskText, maskUrl, stripUrl } from '../../web-debugger/stomp/secrets.ts'

const CONNECT = 'CONNECT\naccept-version:1.2\nlogin:ada\npasscode:hush\nAuthorization:Bearer abc\nX-Key:own\n\n\0'

function frame(raw: string | Uint8Array, command = 'CONNECT'): FrameRecord {
  return { ...plainRecord(1_790_000_000_123, 'out', 'frame', raw, undefined), command, seq: 0 }
}

describe('secrets', () => {
  it.each([
    'passcode',
    'Passcode',
    'password',
    'Authorization',
    'proxy-authorization',
    'token',
    'access_token',
    'X-Auth-Token',
    'api-key',
    'jwt',
    'cookie',
  ])('%s is secret', (name) => expect(isSecretName(name)).toBe(true))
  it.each(['login', 'destination', 'receipt', 'content-type', 'tokenizer', 'passage'])('%s is not', (name) =>
    expect(isSecretName(name)).toBe(false),
  )

  it('hides the values of secret headers and nothing else', () => {
    expect(maskText(CONNECT, ['X-Key'])).toBe(
      CONNECT.replace('hush', MASK).replace('Bearer abc', MASK).replace('own', MASK),
    )
  })

  it('leaves a body alone, even where it looks like a header', () => {
    const send = 'SEND\ndestination:/a\npasscode:x\n\npasscode:in the body\0'
    expect(maskText(send)).toBe(send.replace('passcode:x', `passcode:${MASK}`))
  })

  it('hides them in part of a frame, and in bytes without touching the body', () => {
    expect(maskText('CONNECT\npasscode:hu')).toBe(`CONNECT\npasscode:${MASK}`)
    expect(maskText('SEND\n\n\0\nCONNECT\npasscode:hush\n\n\0')).toBe(`SEND\n\n\0\nCONNECT\npasscode:${MASK}\n\n\0`)
    const raw = new Uint8Array([...toBytes('SEND\nname:é\ntoken:é\n\n'), 0xff, 0xfe, 0])
    const masked = maskRaw(frame(raw, 'SEND')) as Uint8Array
    expect(toText(masked.subarray(0, -3))).toBe(`SEND\nname:é\ntoken:${MASK}\n\n`)
    expect([...masked.subarray(-3)]).toEqual([0xff, 0xfe, 0])
  })

  it('hides them in URLs', () => {
    expect(maskUrl('ws://ada:pw@host/stomp?x=1&token=abc&y=2')).toBe(
      `ws://ada:${MASK}@host/stomp?x=1&token=${MASK}&y=2`,
    )
    expect(stripUrl('ws://ada:pw@host/stomp?token=abc&y=2')).toBe('ws://ada@host/stomp?y=2')
    expect(stripUrl('ws://host/stomp?own=abc', ['own'])).toBe('ws://host/stomp')
    expect(maskUrl('ws://host/stomp')).toBe('ws://host/stomp')
  })

  it('stay hidden in exports unless they are shown', () => {
    const hidden = toJsonLine(frame(CONNECT), { isShowingSecrets: false, secretNames: ['X-Key'] })
    expect(hidden).not.toMatch(/hush|abc|own/)
    expect(JSON.parse(hidden)).toMatchObject({
      command: 'CONNECT',
      headers: expect.arrayContaining([['login', 'ada']]),
    })
    const shown = toJsonLine(frame(CONNECT), { isShowingSecrets: true, secretNames: [] })
    expect(shown).toMatch(/hush/)
    const typed = { ...plainRecord(0, 'out', 'text', CONNECT, undefined), seq: 0 }
    expect(toJsonLine(typed, { isShowingSecrets: false, secretNames: [] })).not.toMatch(/hush/)
    const broken = { ...plainRecord(0, 'out', 'broken', 'CONNECT\npasscode:hush\nno colon\n\n\0', 'why'), seq: 0 }
    expect(toJsonLine(broken, { isShowingSecrets: false, secretNames: [] })).not.toMatch(/hush/)
  })
})

describe('JSON lines', () => {
  const options = { isShowingSecrets: false, secretNames: [] }

  it('hold headers in order, repeated ones too, and the body as text or Base64', () => {
    const raw = 'MESSAGE\na:1\na:2\n\nhé\0'
    expect(JSON.parse(toJsonLine({ ...frame(raw, 'MESSAGE'), direction: 'in' }, options))).toEqual({
      time: '2026-09-21T14:13:20.123Z',
      direction: 'in',
      kind: 'frame',
      command: 'MESSAGE',
      bytes: toBytes(raw).length,
      headers: [
        ['a', '1'],
        ['a', '2'],
      ],
      body: 'hé',
    })
    const binary = new Uint8Array([...toBytes('SEND\ncontent-length:2\n\n'), 0xff, 0x00, 0])
    expect(JSON.parse(toJsonLine(frame(binary, 'SEND'), options))).toMatchObject({ bodyBase64: '/wA=' })
  })

  it('are one for each record, in parts', () => {
    const records = Array.from({ length: 2500 }, () => frame(CONNECT))
    const parts = [...toJsonLines(records, options)]
    expect(parts).toHaveLength(3)
    const lines = parts.join('').split('\n')
    expect(lines.pop()).toBe('')
    expect(lines).toHaveLength(2500)
  })
})
