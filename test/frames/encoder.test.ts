import { describe, expect, it } from 'vitest'
import {
  Command,
  decodeFrames,
  encodeFrame,
  escapeHeader,
  escapeHeaderName,
  FrameHeaders,
  HEART_BEAT,
  MessageTemplate,
  messageStamp,
  stripHeader,
  utf8Length,
  Version,
  VERSIONS,
  type Header,
} from '../../frames/index.ts'
import { bytesOf } from './outcome.ts'

const { V1_0, V1_1, V1_2 } = Version
const SPECIAL = 'a\\b\rc\nd:e\0f'

describe('escapeHeader', () => {
  it.each([
    [V1_2, 'a\\\\b\\rc\\nd\\cef'],
    [V1_1, 'a\\\\bc\\nd\\cef'],
    [V1_0, 'a\\b\rcd:ef'],
  ])('#27 escapes in a value of %s what that version can, and leaves out what it cannot carry', (version, value) => {
    expect(escapeHeader(SPECIAL, version)).toBe(value)
  })

  it.each(VERSIONS)('#15 leaves spaces and other text as they are in %s', (version) => {
    for (const text of ['', ' a ', '\t', 'äöü€😀', '\uFEFF', '\u0001\u007f\u0085\u2028', '/topic/a-b.c?d=e&f#g%20']) {
      expect(escapeHeader(text, version)).toBe(text)
      expect(escapeHeaderName(text, version)).toBe(text)
    }
  })

  it('#27 escapes a backslash before what it adds itself', () => {
    expect(escapeHeader('\\n', V1_2)).toBe('\\\\n')
    expect(escapeHeader('\\\n', V1_1)).toBe('\\\\\\n')
    expect(escapeHeader('::\\\\', V1_2)).toBe('\\c\\c\\\\\\\\')
  })
})

describe('escapeHeaderName', () => {
  it.each([
    [V1_2, 'a\\b\rc\nd:e', 'a\\\\b\\rc\\nd\\ce'],
    [V1_2, 'a\0b', ''],
    [V1_1, 'a\nb:c', 'a\\nb\\cc'],
    [V1_1, 'content\r-length', ''],
    [V1_0, 'a\\b\rc', 'a\\b\rc'],
    [V1_0, 'content\n-length', ''],
    [V1_0, 'content-length:', ''],
  ])('#27 gives in %s the whole name %j or nothing, never a part of it', (version, name, wire) => {
    expect(escapeHeaderName(name, version)).toBe(wire)
  })
})

describe('stripHeader', () => {
  it('#29 puts a space for what would need escaping', () => {
    expect(stripHeader(SPECIAL)).toBe('a b c d e f')
    expect(stripHeader('plain text')).toBe('plain text')
  })
})

describe('utf8Length', () => {
  it.each([
    '',
    'ascii',
    '\x7f\x80\u07ff\u0800\uffff\u{10000}\u{10ffff}',
    'ä€😀',
    '\ud800',
    '\udc00',
    '\ud800x',
    '\ud800ä',
    '\ud83d€',
    'x\ud83d',
    '\udc00\ud800',
    '\ud800\ud800\udc00',
  ])('#6 counts the octets that %j is sent as', (text) => {
    expect(utf8Length(text)).toBe(bytesOf(text).length)
  })
})

describe('encodeFrame', () => {
  const encode = (command: Command, headers: Header[], body: string | Uint8Array | undefined, version?: Version) =>
    encodeFrame({ command, headers, ...(body !== undefined && { body }) }, version)

  it.each([
    [V1_2, 'n\\c:v\\\\\\r\\n\\c\n'],
    [V1_1, 'n\\c:v\\\\\\n\\c\n'],
    [V1_0, ''],
    [undefined, 'n :v    \n'],
  ])('#27 #30 escapes names and values for version %s, and leaves out a name it cannot carry', (version, line) => {
    expect(encode(Command.RECEIPT, [['n:', 'v\\\r\n:']], undefined, version)).toBe(`RECEIPT\n${line}\n\0`)
  })

  it.each([undefined, ...VERSIONS])('#28 never escapes CONNECTED, nor lets it be broken (version %s)', (version) => {
    expect(encode(Command.CONNECTED, [['server', 'a:b\n\n\0c\\']], undefined, version)).toBe(
      'CONNECTED\nserver:a:b   c\\\n\n\0',
    )
  })

  it('#28 never escapes CONNECT and STOMP', () => {
    expect(encode(Command.CONNECT, [['a', 'b:c']], undefined, V1_2)).toBe('CONNECT\na:b:c\n\n\0')
    expect(encode(Command.STOMP, [['a', 'b:c']], undefined, V1_1)).toBe('STOMP\na:b:c\n\n\0')
  })

  it('#29 keeps what needs escaping out of the headers of an ERROR before negotiation, not out of its body', () => {
    expect(encode(Command.ERROR, [['message', 'bad: "\\t"\r\n']], 'a:b\\c\r\n\0')).toBe(
      'ERROR\nmessage:bad  " t"  \ncontent-length:8\n\na:b\\c\r\n\0\0',
    )
  })

  it.each([
    [V1_0, [':', '\n', '\0', '']],
    [V1_1, ['\r', '\0', '']],
    [V1_2, ['\0', '']],
    [undefined, ['']],
  ])('#19 leaves out a header of whose name nothing can be sent in %s', (version, names) => {
    const headers = names.map((name): Header => [name, 'lost'])
    expect(encode(Command.RECEIPT, [...headers, ['a', 'b']], undefined, version)).toBe('RECEIPT\na:b\n\n\0')
  })

  it.each(['hello', 'ä€', '😀', 'a\0b', '\ud800x', '\n'])(
    '#12 sends content-length in octets with the text %j',
    (body) => {
      const frame = encode(Command.SEND, [['destination', '/a']], body, V1_2)
      expect(frame).toBe(`SEND\ndestination:/a\ncontent-length:${bytesOf(body).length}\n\n${body}\0`)
      expect(decodeFrames(frame, V1_2)[0]!.body).toEqual(bytesOf(body))
    },
  )

  it.each([
    ['absent', undefined],
    ['empty text', ''],
  ])('#12 sends no content-length where the body is %s', (_kind, body) => {
    expect(encode(Command.SEND, [], body, V1_2)).toBe('SEND\n\n\0')
  })

  it('#12 sends no content-length with an empty binary body', () => {
    expect(encode(Command.SEND, [], new Uint8Array(0), V1_2)).toEqual(bytesOf('SEND\n\n\0'))
  })

  it('#121 gives text for a text body and bytes for a binary one, the same on the wire', () => {
    const text = encode(Command.SEND, [['näme', 'ä\n']], 'bödy\0', V1_2)
    const bytes = encode(Command.SEND, [['näme', 'ä\n']], bytesOf('bödy\0'), V1_2)
    expect(typeof text).toBe('string')
    expect(bytes).toBeInstanceOf(Uint8Array)
    expect(bytes).toEqual(bytesOf(text))
  })

  it('#121 sends octets that are not UTF-8 as they are', () => {
    const body = Uint8Array.of(0, 0xff, 0xc0, 0x80, 0)
    expect(encode(Command.MESSAGE, [], body, V1_2)).toEqual(
      Uint8Array.from([...bytesOf('MESSAGE\ncontent-length:5\n\n'), ...body, 0]),
    )
  })

  it('does not keep the body that it was given', () => {
    const body = bytesOf('body')
    const frame = encode(Command.SEND, [], body, V1_2)
    body.fill(0)
    expect(frame).toEqual(bytesOf('SEND\ncontent-length:4\n\nbody\0'))
  })

  it('takes the headers of a decoded frame, repeated ones in order', () => {
    const headers = FrameHeaders.from([
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ])
    expect(encodeFrame({ command: Command.SEND, headers }, V1_2)).toBe('SEND\na:1\nb:2\na:3\n\n\0')
  })

  it('#122 ends every frame with a NUL, and beats with one LF (#52)', () => {
    for (const command of Object.values(Command)) expect(encode(command, [], undefined, V1_2)).toBe(`${command}\n\n\0`)
    expect(HEART_BEAT).toBe('\n')
  })
})

describe('MessageTemplate', () => {
  const headers: Header[] = [
    ['destination', '/topic/a:b'],
    ['message-id', 'n-1\\2'],
    ['x-ä', ' line\none '],
  ]
  const ids = [undefined, 'sub-0', 'a:b\\c\r\nd', 'ä😀', '']
  const acks = [undefined, 'ack-1', ':']

  it.each(
    VERSIONS.flatMap((version) =>
      (
        [
          ['text', 'bödy\0😀'],
          ['no', ''],
          ['binary', Uint8Array.of(1, 0, 255, 0)],
          ['empty binary', new Uint8Array(0)],
        ] as const
      ).map(([kind, body]) => [version, kind, body] as const),
    ),
  )('stamps what encodeFrame would give in %s with %s body', (version, _kind, body) => {
    const template = new MessageTemplate(headers, body, version)
    for (const id of ids) {
      for (const ack of acks) {
        const all: Header[] = [
          ...(id === undefined ? [] : [['subscription', id] as const]),
          ...(ack === undefined ? [] : [['ack', ack] as const]),
          ...headers,
        ]
        expect(template.stamp(messageStamp(id, ack, version))).toEqual(
          encodeFrame({ command: Command.MESSAGE, headers: all, body }, version),
        )
      }
    }
  })

  it('does not keep the body that it was given, and gives each receiver bytes of its own', () => {
    const body = bytesOf('body')
    const template = new MessageTemplate([], body, V1_2)
    body.fill(0)
    const first = template.stamp('') as Uint8Array
    first.fill(0)
    expect(template.stamp('')).toEqual(bytesOf('MESSAGE\ncontent-length:4\n\nbody\0'))
  })
})

describe('messageStamp', () => {
  it('#76 has a subscription header only if there is an id, #77 an ack header only if there is an ack', () => {
    expect(messageStamp(undefined, undefined, V1_0)).toBe('')
    expect(messageStamp('0', undefined, V1_1)).toBe('subscription:0\n')
    expect(messageStamp('0', '1', V1_2)).toBe('subscription:0\nack:1\n')
  })

  it('#30 escapes for its version', () => {
    expect(messageStamp('a:b', 'c\r', V1_2)).toBe('subscription:a\\cb\nack:c\\r\n')
    expect(messageStamp('a:b\n', undefined, V1_0)).toBe('subscription:a:b\n')
  })
})
