import { describe, expect, it } from 'vitest'
import { plainRecord, toBytes, toText, type FrameRecord } from '../../web-debugger/stomp/frame-record.ts'
import { toJsonLine, toJsonLines } from '../../web-debugger/stomp/log-export.ts'
import { Connection } from '../../web-debugger/stomp/connection.ts'
import { createProfile, withoutSecrets } from '../../web-debugger/stomp/profile.ts'
import { toFragment } from '../../web-debugger/stomp/profile-link.ts'
import { ProfileStore } from '../../web-debugger/stomp/profile-store.ts'
import {
  isSecretName,
  MASK,
  maskRaw,
  maskSubProtocols,
  maskText,
  maskUrl,
  stripUrl,
} from '../../web-debugger/stomp/secrets.ts'
import { FakePage, memoryStore } from './fake-page.ts'

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
    'ticket',
    'cookie',
  ])('%s is secret', (name) => expect(isSecretName(name)).toBe(true))
  it.each(['login', 'destination', 'receipt', 'content-type', 'tokenizer', 'tickets', 'ticket-id', 'passage'])(
    '%s is not',
    (name) => expect(isSecretName(name)).toBe(false),
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

describe('a secret that says who it is', () => {
  const SECRET = /s3cret/
  const renewal = 'SEND\nreceipt:r\ndestination:/bridge/renew\n\ns3cret.token\0'

  it('is hidden as the body of a renewal, and nowhere else', () => {
    expect(maskText(renewal)).toBe(renewal.replace('s3cret.token', MASK))
    expect(maskText(renewal.replaceAll('\n', '\r\n'))).not.toMatch(SECRET)
    expect(toText(maskRaw(frame(toBytes(renewal), 'SEND')))).toBe(renewal.replace('s3cret.token', MASK))
    for (const other of ['/bridge/renewal', '/app/bridge/renew']) {
      expect(maskText(renewal.replace('/bridge/renew', other))).toMatch(SECRET)
    }
    expect(maskText('SEND\ndestination:/a\n\ndestination:/bridge/renew\n\ns3cret\0')).toMatch(SECRET)
    const record = { ...frame(renewal, 'SEND'), destination: '/bridge/renew' }
    const options = { isShowingSecrets: false, secretNames: [] }
    expect(toJsonLine(record, options)).not.toMatch(SECRET)
    expect(toJsonLine(record, { ...options, isShowingSecrets: true })).toMatch(SECRET)
  })

  it('is hidden as a sub-protocol', () => {
    expect(maskSubProtocols(['v12.stomp', 'bearer.s3cret', ' Bearer.s3cret'])).toEqual([
      'v12.stomp',
      `bearer.${MASK}`,
      ` Bearer.${MASK}`,
    ])
  })

  const profile = {
    ...createProfile('ws://h/stomp?room=1&ticket=s3cret-1&access_token=s3cret-2'),
    subProtocol: 'custom' as const,
    customSubProtocols: 'v12.stomp, bearer.s3cret-3',
    passcode: 's3cret-4',
    token: 's3cret-5',
  }

  it('is in no saved profile, export or link, wherever it stands', () => {
    expect(withoutSecrets(profile)).toMatchObject({ url: 'ws://h/stomp?room=1', customSubProtocols: 'v12.stomp' })
    const storage = memoryStore()
    const store = new ProfileStore(storage)
    store.save(profile)
    expect([...storage.items.values()].join()).not.toMatch(SECRET)
    store.save({ ...profile, isSavingSecrets: true })
    // Used up or too old by then.
    expect(store.profiles.value[0]!.url).toBe('ws://h/stomp?room=1&access_token=s3cret-2')
    expect(store.exportJson()).not.toMatch(SECRET)
    const fragment = toFragment(profile).replace('profile=', '')
    expect(Buffer.from(fragment, 'base64url').toString()).not.toMatch(SECRET)
  })

  it('is in no line of the log and in no reason why', async () => {
    const page = new FakePage()
    const connection = new Connection('c', profile, page)
    connection.connect()
    await page.socket.accept()
    connection.renewal.token.value = 's3cret-6'
    connection.renew()
    connection.send({ destination: '/bridge/renew', body: 's3cret-7' })
    page.socket.end()
    connection.connect()
    page.socket.end()
    const { log, secretNames } = connection
    const lines = Array.from({ length: log.size }, (_, i) =>
      toJsonLine(log.at(log.firstSeq + i)!, { isShowingSecrets: false, secretNames }),
    )
    expect(lines.join('\n')).toContain('/bridge/renew')
    expect(lines.join('\n')).not.toMatch(SECRET)
    expect(connection.problem.value).not.toMatch(SECRET)
    expect(connection.title.value).not.toMatch(SECRET)
    connection.dispose()
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
