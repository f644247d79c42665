import { describe, expect, it } from 'vitest'
import { encodeFrame, type Header } from '../../frames/index.ts'
import { draftOf } from '../../web-debugger/console/draft-of.ts'
import { partsOf, previewOf, toBytes, type FrameRecord, type NewRecord } from '../../web-debugger/stomp/frame-record.ts'
import { WireTap } from '../../web-debugger/stomp/wire-tap.ts'

/** What the tap writes down of messages that come in, or go out. */
function hear(messages: readonly (string | Uint8Array)[], { isStomp = true, direction = 'in' } = {}): FrameRecord[] {
  const records: NewRecord[] = []
  const tap = new WireTap({ isStomp, now: () => 5, listener: (record) => records.push(record) })
  for (const data of messages) {
    if (direction === 'in') tap.received(data)
    else tap.sent(data)
  }
  return records.map((record, seq) => ({ seq, ...record }))
}

const message = (headers: Header[], body: string | Uint8Array) =>
  encodeFrame(
    { command: 'MESSAGE', headers: [['destination', '/topic/a'], ['subscription', 's'], ...headers], body },
    '1.2',
  )

describe('a record', () => {
  it('has the facts of its frame, and the size on the wire in bytes', () => {
    const data = message([], 'hé')
    expect(hear([data])).toEqual([
      {
        seq: 0,
        atMs: 5,
        direction: 'in',
        kind: 'frame',
        command: 'MESSAGE',
        destination: '/topic/a',
        subscription: 's',
        raw: data,
        bytes: toBytes(data).length,
        version: undefined,
        problem: undefined,
      },
    ])
  })

  it('is taken apart with the escapes of the session', () => {
    const [connected, record] = hear(['CONNECTED\nversion:1.2\nserver:a\\c\n\n\0', 'MESSAGE\na:x\\c\\n\na:2\n\nhé\0'])
    expect(partsOf(connected!).headers).toContainEqual(['server', 'a\\c'])
    expect(partsOf(record!)).toEqual({
      headers: [
        ['a', 'x:\n'],
        ['a', '2'],
      ],
      body: toBytes('hé'),
      text: 'hé',
    })
  })

  it('of 1.0 keeps what 1.2 would take for an escape', () => {
    const [, record] = hear(['CONNECTED\nsession:x\n\n\0', 'MESSAGE\na: \\q\n\n\0'])
    expect(partsOf(record!).headers).toEqual([['a', '\\q']])
  })

  it('without STOMP is all body', () => {
    const [text, bytes] = hear(['SEND\n\n\0', new Uint8Array([255])], { isStomp: false })
    expect([text!.command, partsOf(text!).text]).toEqual(['TEXT', 'SEND\n\n\0'])
    expect([bytes!.command, partsOf(bytes!).text]).toEqual(['BINARY', undefined])
  })
})

describe('a row', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['the body on one line', message([], 'a\n  b\tc\0d'), 'a   b c\ufffdd'],
    ['text that would be read backwards', message([], 'a\u202egnp.exe'), 'a\ufffdgnp.exe'],
    ['a binary body as far as it is text', message([], toBytes('héy')), 'héy'],
    ['bytes that are no text in hex', message([], Uint8Array.of(0xff, 0, 0x41)), 'ff 00 41'],
    ['the first of many bytes', message([], new Uint8Array(500).fill(0xfe)), Array(24).fill('fe').join(' ')],
    ['the head where there is no body', 'RECEIPT\nreceipt-id:r-1\n\n\0', 'receipt-id:r-1'],
    [
      'the head with CR LF',
      'CONNECTED\r\nversion:1.2\r\nheart-beat:0,0\r\nsession:x\r\n\r\n\0\n',
      'version:1.2  session:x',
    ],
    ['what is wrong', 'RECEIPT\nno colon\n\n\0', 'A header line must be "name:value"'],
    ['nothing of a heart-beat', '\n', ''],
  ])('shows %s', (_what, data, preview) => expect(previewOf(hear([data])[0]!)).toBe(preview))

  it('shows no more than a line of a long body', () => {
    expect(previewOf(hear([message([], 'x'.repeat(100_000))])[0]!).length).toBeLessThanOrEqual(200)
  })
})

describe('a message to send again', () => {
  const draft = (headers: Header[], body: string | Uint8Array) => {
    const [record] = hear([message(headers, body)])
    return draftOf(record!, partsOf(record!))
  }

  it('loses the headers that belong to the one that came', () => {
    expect(
      draft(
        [
          ['message-id', '1'],
          ['x', 'y'],
          ['ack', 'z'],
        ],
        'hi',
      ),
    ).toEqual({
      destination: '/topic/a',
      headers: [{ name: 'x', value: 'y' }],
      bodyKind: 'text',
      text: 'hi',
      file: undefined,
    })
  })

  it('is JSON where it says so and is, hex where it is no text', () => {
    const type: Header[] = [['content-type', 'application/json']]
    expect(draft(type, '{"a":1}').bodyKind).toBe('json')
    expect(draft(type, '{oops').bodyKind).toBe('text')
    expect(draft([], new Uint8Array([255, 0]))).toMatchObject({ bodyKind: 'hex', text: 'ff 00' })
  })
})
