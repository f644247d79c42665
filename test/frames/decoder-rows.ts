/**
 * Wire bytes and what the decoder makes of them, as data: `decoder.test.ts` runs every row whole, in pieces and many
 * times over, and encodes the valid ones again. Numbers are those of the list of protocol requirements.
 */
import { Command, Version, VERSIONS, type DecoderLimits, type FrameErrorCode } from '../../frames/index.ts'

/** Command, headers in wire order, body: text is compared as UTF-8. */
export type ExpectedFrame = readonly [
  command: string,
  headers: readonly (readonly [name: string, value: string])[],
  body?: string | Uint8Array,
]

export interface DecoderRow {
  readonly name: string
  /** Left out: before negotiation. */
  readonly version?: Version | undefined
  readonly limits?: Partial<DecoderLimits>
  readonly input: string | Uint8Array
  /** What comes out, before the error if there is one. */
  readonly frames?: readonly ExpectedFrame[]
  readonly error?: FrameErrorCode
  /** The receipt that the error names. */
  readonly receipt?: string
  /** Bytes of an incomplete frame at the end. */
  readonly pendingBytes?: number
  /** Why the frames cannot be encoded so that they decode to the same. */
  readonly oneWay?: string
}

const utf8 = new TextEncoder()

/** Text and raw octets in a row, for what is not UTF-8. */
export function octets(...parts: readonly (string | number)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...utf8.encode(part)])))
}

const { V1_0, V1_1, V1_2 } = Version
const ESCAPING = [V1_1, V1_2] as const
const BODILESS = Object.values(Command).filter((command) => !['SEND', 'MESSAGE', 'ERROR'].includes(command))

/** A SEND whose headers are these lines. */
const send = (...lines: readonly string[]) => `SEND\n${lines.map((line) => `${line}\n`).join('')}\n\0`

const framing: DecoderRow[] = [
  ...Object.values(Command).map((command) => ({
    name: `#1 takes a ${command} frame`,
    version: V1_2,
    input: `${command}\nreceipt:1\n\n\0`,
    frames: [[command, [['receipt', '1']]]] as const,
  })),
  ...VERSIONS.map((version) => ({
    name: `#1 takes command, headers in order and body in ${version}`,
    version,
    input: 'SEND\ndestination:/queue/a\nx-b:2\nx-a:1\n\nhello queue a\0',
    frames: [
      [
        'SEND',
        [
          ['destination', '/queue/a'],
          ['x-b', '2'],
          ['x-a', '1'],
        ],
        'hello queue a',
      ],
    ] as const,
  })),
  {
    name: '#1 takes CONNECT before negotiation',
    input: 'CONNECT\naccept-version:1.0,1.1,2.0\nhost:stomp.example.org\n\n\0',
    frames: [
      [
        'CONNECT',
        [
          ['accept-version', '1.0,1.1,2.0'],
          ['host', 'stomp.example.org'],
        ],
      ],
    ],
  },
  {
    name: '#31 takes STOMP before negotiation',
    input: 'STOMP\naccept-version:1.2\nhost:h\n\n\0',
    frames: [
      [
        'STOMP',
        [
          ['accept-version', '1.2'],
          ['host', 'h'],
        ],
      ],
    ],
  },
  { name: '#1 takes a frame without headers', version: V1_2, input: 'SEND\n\nbody\0', frames: [['SEND', [], 'body']] },
  {
    name: '#1 keeps `send` and `Destination` apart from SEND and destination',
    version: V1_2,
    input: 'send\nDestination:/a\ndestination:/b\n\n\0',
    frames: [
      [
        'send',
        [
          ['Destination', '/a'],
          ['destination', '/b'],
        ],
      ],
    ],
  },
  {
    name: '#1 keeps commands apart that only begin or end like known ones',
    version: V1_2,
    input: 'SENT\n\n\0SENDER\n\n\0SUBSCRIBED\n\n\0ANAC\n\n\0 ACK\n\n\0NACK\n\n\0',
    frames: ['SENT', 'SENDER', 'SUBSCRIBED', 'ANAC', ' ACK', 'NACK'].map((command) => [command, []] as const),
  },
  {
    name: '#116 hands an unknown command through, body and all',
    version: V1_2,
    input: 'PUBLISH NOW\nto:x\n\nbody\0',
    frames: [['PUBLISH NOW', [['to', 'x']], 'body']],
  },
  { name: '#1 waits for the NUL of a body', version: V1_2, input: 'SEND\n\nbody', pendingBytes: 10 },
  { name: '#1 waits for the blank line', version: V1_2, input: 'SEND\na:b\n', pendingBytes: 9 },
  { name: '#1 waits for the end of a command', version: V1_2, input: 'SEN', pendingBytes: 3 },
  {
    name: '#119 gives out what is complete and keeps the rest',
    version: V1_2,
    input: 'SEND\n\na\0\nSEND\n\nb\0SEND\nx:y',
    frames: [
      ['SEND', [], 'a'],
      ['SEND', [], 'b'],
    ],
    pendingBytes: 8,
  },
  {
    name: '#2 takes CR LF on every line in 1.2',
    version: V1_2,
    input: 'SEND\r\ndestination:/a\r\nx:y\r\n\r\nbody\r\n\0',
    frames: [
      [
        'SEND',
        [
          ['destination', '/a'],
          ['x', 'y'],
        ],
        'body\r\n',
      ],
    ],
  },
  {
    name: '#2 takes LF and CR LF mixed in one frame in 1.2',
    version: V1_2,
    input: 'SEND\ndestination:/a\r\nx:y\n\r\nbody\0SEND\r\na:b\n\n\0',
    frames: [
      [
        'SEND',
        [
          ['destination', '/a'],
          ['x', 'y'],
        ],
        'body',
      ],
      ['SEND', [['a', 'b']]],
    ],
  },
  {
    name: '#2 ends the head at CR LF CR LF though LF LF stands in the body',
    version: V1_2,
    input: 'SEND\r\n\r\na:b\n\nc\0',
    frames: [['SEND', [], 'a:b\n\nc']],
  },
  {
    name: '#3 takes CR LF before negotiation',
    input: 'CONNECT\r\naccept-version:1.1\r\nhost:h\r\n\r\n\0',
    frames: [
      [
        'CONNECT',
        [
          ['accept-version', '1.1'],
          ['host', 'h'],
        ],
      ],
    ],
  },
  ...[V1_0, V1_1].flatMap((version): DecoderRow[] => [
    {
      name: `#3 keeps a CR at the end of a value in ${version}`,
      version,
      input: send('a:b\r'),
      frames: [['SEND', [['a', 'b\r']]]],
      ...(version === V1_1 && { oneWay: '1.1 cannot escape a CR' }),
    },
    {
      name: `#3 keeps a CR inside command, name and value in ${version}`,
      version,
      input: 'SE\rND\nna\rme:va\rlue\n\n\0',
      frames: [['SE\rND', [['na\rme', 'va\rlue']]]],
      ...(version === V1_1 && { oneWay: '1.1 cannot escape a CR' }),
    },
    {
      name: `#3 takes CR LF for no blank line in ${version}`,
      version,
      input: 'SEND\na:b\r\n\r\nbody\0',
      error: 'bad-header',
    },
  ]),
  { name: '#4 refuses a CR inside a value in 1.2', version: V1_2, input: send('a:b\rc'), error: 'bad-line-ending' },
  { name: '#4 refuses a CR inside a name in 1.2', version: V1_2, input: send('a\rb:c'), error: 'bad-line-ending' },
  { name: '#4 refuses a CR inside a command in 1.2', version: V1_2, input: 'SE\rND\n\n\0', error: 'bad-line-ending' },
  { name: '#4 refuses CR CR LF in 1.2', version: V1_2, input: send('a:b\r\r'), error: 'bad-line-ending' },
  {
    name: '#4 refuses a blank line of CR CR LF in 1.2',
    version: V1_2,
    input: 'SEND\r\r\n\n\0',
    error: 'bad-line-ending',
  },
  {
    name: '#4 names the receipt when it refuses a CR',
    version: V1_2,
    input: send('receipt:r-1', 'a:b\rc'),
    error: 'bad-line-ending',
    receipt: 'r-1',
  },
  {
    name: '#4 refuses a CR without LF between frames',
    version: V1_2,
    input: '\r\n\rSEND\n\n\0',
    error: 'bad-line-ending',
  },
  ...[undefined, ...VERSIONS].map((version) => ({
    name: `#5 ignores LF and CR LF between frames (version ${version ?? 'not agreed'})`,
    version,
    input: '\n\n\r\nCONNECT\na:b\n\n\0\n\r\n\n\nCONNECT\n\n\0\r\n',
    frames: [
      ['CONNECT', [['a', 'b']]],
      ['CONNECT', []],
    ] as const,
  })),
  { name: '#53 takes nothing but EOLs', version: V1_2, input: '\n\r\n\n', frames: [] },
  { name: '#5 waits for the LF of a CR between frames', version: V1_2, input: '\n\r', pendingBytes: 1 },
]

const bodies: DecoderRow[] = [
  ...VERSIONS.map((version) => ({
    name: `#6 reads exactly content-length octets, NULs included, in ${version}`,
    version,
    input: 'SEND\ncontent-length:5\n\n\0a\0\0\n\0SEND\ncontent-length:1\n\n\0\0',
    frames: [
      ['SEND', [['content-length', '5']], '\0a\0\0\n'],
      ['SEND', [['content-length', '1']], '\0'],
    ] as const,
  })),
  {
    name: '#6 counts octets, not characters',
    version: V1_2,
    input: 'SEND\ncontent-length:7\n\nä😀\0\0',
    frames: [['SEND', [['content-length', '7']], 'ä😀\0']],
  },
  {
    name: '#6 refuses a content-length that is too short',
    version: V1_2,
    input: 'SEND\ncontent-length:3\n\nbody\0',
    error: 'missing-nul',
  },
  {
    name: '#6 names the receipt when the NUL is missing',
    version: V1_2,
    input: 'SEND\nreceipt:a\\cb\ncontent-length:0\n\nbody\0',
    error: 'missing-nul',
    receipt: 'a:b',
  },
  {
    name: '#6 waits for as many octets as content-length says',
    version: V1_2,
    input: 'SEND\ncontent-length:5\n\nbody\0',
    pendingBytes: 28,
  },
  {
    name: '#6 takes content-length 0',
    version: V1_2,
    input: 'SEND\ncontent-length:0\n\n\0',
    frames: [['SEND', [['content-length', '0']]]],
  },
  {
    name: '#6 takes a content-length with leading zeros',
    version: V1_2,
    input: 'SEND\ncontent-length:0004\n\nbody\0',
    frames: [['SEND', [['content-length', '0004']], 'body']],
  },
  {
    name: '#6 #14 reads heads behind bodies that are not ASCII, with and without content-length',
    version: V1_2,
    input: 'SEND\na:b\n\nä€😀\n\nx:y\0SEND\na:b\ncontent-length:7\n\n😀ä\0\0SEND\na:\\c\n\nb\0',
    frames: [
      ['SEND', [['a', 'b']], 'ä€😀\n\nx:y'],
      [
        'SEND',
        [
          ['a', 'b'],
          ['content-length', '7'],
        ],
        '😀ä\0',
      ],
      ['SEND', [['a', ':']], 'b'],
    ],
  },
  {
    name: '#6 #14 reads a head behind octets that are not UTF-8, as many as a text has characters',
    version: V1_2,
    input: octets('SEND\na:b\n\n', 0xff, 0xfe, '\0SEND\na:ä\n\n\0'),
    frames: [
      ['SEND', [['a', 'b']], octets(0xff, 0xfe)],
      ['SEND', [['a', 'ä']]],
    ],
  },
  {
    name: '#5 #23 goes by the backslashes and carriage returns of the head alone',
    version: V1_2,
    input: 'SEND\na:b\n\n\\t\r\0SEND\na:\\c\n\n\\t\r\0SEND\r\na:b\r\n\r\n\r\n\0SEND\na:b\n\n\r\0',
    frames: [
      ['SEND', [['a', 'b']], '\\t\r'],
      ['SEND', [['a', ':']], '\\t\r'],
      ['SEND', [['a', 'b']], '\r\n'],
      ['SEND', [['a', 'b']], '\r'],
    ],
  },
  {
    name: '#7 ends the body at the first NUL without content-length',
    version: V1_2,
    input: 'SEND\n\na\nb\n\nc\0\n',
    frames: [['SEND', [], 'a\nb\n\nc']],
  },
  ...[
    '',
    ' ',
    'x',
    '-1',
    '+5',
    '5 ',
    ' 5',
    '0x5',
    '1e3',
    '5.0',
    '5,5',
    'NaN',
    'Infinity',
    '٥',
    '9'.repeat(16),
    '9'.repeat(400),
  ].map((value): DecoderRow => ({
    name: `#8 refuses content-length ${JSON.stringify(value.slice(0, 20))}${value.length > 20 ? '…' : ''}`,
    version: V1_2,
    input: `SEND\ncontent-length:${value}\nreceipt:7\n\nbody\0`,
    error: 'bad-content-length',
    receipt: '7',
  })),
  {
    name: '#8 refuses a content-length over the limit before its body comes',
    version: V1_2,
    input: 'SEND\nreceipt:7\ncontent-length:999999999999999\n\n',
    error: 'frame-too-large',
    receipt: '7',
  },
  {
    name: '#16 takes a padded content-length in 1.0',
    version: V1_0,
    input: 'SEND\ncontent-length: 2\n\n\0\0\0',
    frames: [['SEND', [['content-length', '2']], '\0\0']],
  },
  {
    name: '#9 goes by the first of two content-length headers, the longer one',
    version: V1_2,
    input: 'SEND\ncontent-length:4\ncontent-length:2\n\nbody\0',
    frames: [
      [
        'SEND',
        [
          ['content-length', '4'],
          ['content-length', '2'],
        ],
        'body',
      ],
    ],
  },
  {
    name: '#9 goes by the first of two content-length headers, though the second is none',
    version: V1_2,
    input: 'SEND\ncontent-length:4\ncontent-length:x\n\nbody\0',
    frames: [
      [
        'SEND',
        [
          ['content-length', '4'],
          ['content-length', 'x'],
        ],
        'body',
      ],
    ],
  },
  {
    name: '#9 refuses the first of two content-length headers though the second would fit',
    version: V1_2,
    input: 'SEND\ncontent-length:2\ncontent-length:4\n\nbody\0',
    error: 'missing-nul',
  },
  ...BODILESS.flatMap((command): DecoderRow[] => [
    {
      name: `#10 refuses a body on ${command} in 1.2`,
      version: V1_2,
      input: `${command}\nreceipt:9\n\nbody\0`,
      error: 'body-not-allowed',
      receipt: '9',
    },
    {
      name: `#10 refuses a content-length on ${command} in 1.1`,
      version: V1_1,
      input: `${command}\nreceipt:9\ncontent-length:4\n\nbody\0`,
      error: 'body-not-allowed',
      receipt: '9',
    },
  ]),
  { name: '#10 refuses a body on CONNECT before negotiation', input: 'CONNECT\n\nbody\0', error: 'body-not-allowed' },
  ...['SEND', 'MESSAGE', 'ERROR'].map((command) => ({
    name: `#10 takes a body on ${command}`,
    version: V1_1,
    input: `${command}\n\nbody\0`,
    frames: [[command, [], 'body']] as const,
  })),
  {
    name: '#10 takes content-length 0 on SUBSCRIBE',
    version: V1_2,
    input: 'SUBSCRIBE\ncontent-length:0\n\n\0',
    frames: [['SUBSCRIBE', [['content-length', '0']]]],
  },
  {
    name: '#11 takes the body of a SUBSCRIBE in 1.0, for the session to ignore',
    version: V1_0,
    input: 'SUBSCRIBE\ndestination:/a\n\nbody\0SUBSCRIBE\ncontent-length:2\n\n\0\0\0',
    frames: [
      ['SUBSCRIBE', [['destination', '/a']], 'body'],
      ['SUBSCRIBE', [['content-length', '2']], '\0\0'],
    ],
  },
  {
    name: '#14 takes any octets for a body',
    version: V1_2,
    input: octets('SEND\n\n', 0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0),
    frames: [['SEND', [], octets(0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80)]],
  },
]

const headers: DecoderRow[] = [
  {
    name: '#14 takes UTF-8 in command, name, value and body',
    version: V1_2,
    input: 'GRÜSSE\nnäme€:wért😀\n\nbödy\0',
    frames: [['GRÜSSE', [['näme€', 'wért😀']], 'bödy']],
  },
  {
    name: '#14 keeps a byte order mark',
    version: V1_2,
    input: '\uFEFFSEND\n\uFEFFa:\uFEFFb\n\n\uFEFF\0',
    frames: [['\uFEFFSEND', [['\uFEFFa', '\uFEFFb']], '\uFEFF']],
  },
  {
    name: '#14 takes U+FFFD and noncharacters',
    version: V1_2,
    input: send('a\uFFFD:\uFFFE\u{10FFFF}'),
    frames: [['SEND', [['a\uFFFD', '\uFFFE\u{10FFFF}']]]],
  },
  ...Object.entries({
    'a lone continuation byte': [0x80],
    'a cut sequence': [0xe2, 0x82],
    'an overlong NUL': [0xc0, 0x80],
    'an overlong colon': [0xc0, 0xba],
    'an overlong line feed': [0xe0, 0x80, 0x8a],
    'a surrogate': [0xed, 0xa0, 0x80],
    'a pair of surrogates': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
    'a code point past U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
    'Latin-1': [0xe4],
    'byte 255': [0xff],
  }).flatMap(([what, bytes]): DecoderRow[] => [
    {
      name: `#14 refuses ${what} in a value`,
      version: V1_2,
      input: octets('SEND\nreceipt:5\na:b', ...bytes, '\n\n\0'),
      error: 'bad-utf8',
      receipt: '5',
    },
    {
      name: `#14 refuses ${what} in a name`,
      version: V1_1,
      input: octets('SEND\na', ...bytes, ':b\n\n\0'),
      error: 'bad-utf8',
    },
    {
      name: `#14 refuses ${what} in a command`,
      version: V1_0,
      input: octets('SEND', ...bytes, '\n\n\0'),
      error: 'bad-utf8',
    },
    {
      name: `#14 refuses ${what} in a receipt and does not name it`,
      version: V1_2,
      input: octets('SEND\nreceipt:', ...bytes, '\n\n\0'),
      error: 'bad-utf8',
    },
  ]),
  ...ESCAPING.map((version) => ({
    name: `#15 leaves \`foo: bar \` untouched in ${version}`,
    version,
    input: send('foo: bar ', ' name :\tvalue\t', 'x:  '),
    frames: [
      [
        'SEND',
        [
          ['foo', ' bar '],
          [' name ', '\tvalue\t'],
          ['x', '  '],
        ],
      ],
    ] as const,
  })),
  {
    name: '#15 leaves `foo: bar ` untouched before negotiation',
    input: 'CONNECT\nfoo: bar \n\n\0',
    frames: [['CONNECT', [['foo', ' bar ']]]],
  },
  {
    name: '#16 trims leading spaces of values in 1.0, nothing else',
    version: V1_0,
    input: send('foo: bar ', ' name :  value', 'tab:\tvalue', 'mixed: \tvalue', 'nbsp: \u00a0value', 'x:  '),
    frames: [
      [
        'SEND',
        [
          ['foo', 'bar '],
          [' name ', 'value'],
          ['tab', '\tvalue'],
          ['mixed', '\tvalue'],
          ['nbsp', '\u00a0value'],
          ['x', ''],
        ],
      ],
    ],
  },
  {
    name: '#17 lets the first of repeated headers count, #18 keeping the others',
    version: V1_2,
    input: 'MESSAGE\nfoo:World\nbar:x\nfoo:Hello\nfoo:\n\n\0',
    frames: [
      [
        'MESSAGE',
        [
          ['foo', 'World'],
          ['bar', 'x'],
          ['foo', 'Hello'],
          ['foo', ''],
        ],
      ],
    ],
  },
  {
    name: '#17 names the first of two receipts',
    version: V1_2,
    input: send('receipt:1', 'receipt:2', 'x'),
    error: 'bad-header',
    receipt: '1',
  },
  {
    name: '#19 refuses a header line without colon',
    version: V1_2,
    input: send('a:b', 'nonsense', 'c:d'),
    error: 'bad-header',
  },
  {
    name: '#19 names a receipt behind the bad line',
    version: V1_2,
    input: send('nonsense', 'receipt:r:1'),
    error: 'bad-header',
    receipt: 'r:1',
  },
  {
    name: '#19 names a receipt before CR LF',
    version: V1_2,
    input: 'SEND\r\nreceipt:1\r\nnonsense\r\n\r\n\0',
    error: 'bad-header',
    receipt: '1',
  },
  {
    name: '#19 names a receipt that ends in CR in 1.1',
    version: V1_1,
    input: send('receipt:1\r', 'nonsense'),
    error: 'bad-header',
    receipt: '1\r',
  },
  {
    name: '#19 names a receipt without its padding in 1.0',
    version: V1_0,
    input: send('receipt: 1', 'nonsense'),
    error: 'bad-header',
    receipt: '1',
  },
  {
    name: '#19 does not take a receipt from the body',
    version: V1_2,
    input: 'SEND\nnonsense\n\nbody\nreceipt:1\n\0',
    error: 'bad-header',
  },
  {
    name: '#19 does not take a receipt from another name',
    version: V1_2,
    input: send('x-receipt:1', 'receipt2:1', 'nonsense'),
    error: 'bad-header',
  },
  { name: '#19 refuses an empty name', version: V1_2, input: send(':value'), error: 'bad-header' },
  { name: '#19 refuses a line that is a colon', version: V1_0, input: send(':'), error: 'bad-header' },
  {
    name: '#19 refuses a header line without colon before negotiation',
    input: 'CONNECT\r\nlogin\r\n\r\n\0',
    error: 'bad-header',
  },
  ...[undefined, ...VERSIONS].map((version) => ({
    name: `#19 takes an empty value (version ${version ?? 'not agreed'})`,
    version,
    input: 'CONNECT\nlogin:\npasscode:\n\n\0',
    frames: [
      [
        'CONNECT',
        [
          ['login', ''],
          ['passcode', ''],
        ],
      ],
    ] as const,
  })),
  ...VERSIONS.map((version) => ({
    name: `#20 keeps colons behind the first in ${version}`,
    version,
    input: send('a:b:c', 'url:http://h:80/', 'x:::'),
    frames: [
      [
        'SEND',
        [
          ['a', 'b:c'],
          ['url', 'http://h:80/'],
          ['x', '::'],
        ],
      ],
    ] as const,
  })),
  {
    name: '#20 keeps colons behind the first in CONNECT',
    input: 'CONNECT\npasscode:a:b\n\n\0',
    frames: [['CONNECT', [['passcode', 'a:b']]]],
    oneWay: 'before negotiation a colon cannot be sent',
  },
  ...['DISCONNECT', 'SUBSCRIBE', 'ACK', 'RECEIPT', 'CONNECT'].map((command) => ({
    name: `#21 takes a ${command} without blank line`,
    version: V1_2,
    input: `${command}\nreceipt:77\n\0\n${command}\r\nreceipt:78\r\n\0${command}\n\0`,
    frames: [
      [command, [['receipt', '77']]],
      [command, [['receipt', '78']]],
      [command, []],
    ] as const,
  })),
  {
    name: '#21 takes a DISCONNECT with content-length 0 without blank line',
    version: V1_2,
    input: 'DISCONNECT\ncontent-length:0\n\0SEND\n\n\0',
    frames: [
      ['DISCONNECT', [['content-length', '0']]],
      ['SEND', []],
    ],
  },
  ...['SEND', 'MESSAGE', 'ERROR', 'UNKNOWN'].map((command) => ({
    name: `#21 refuses a ${command} without blank line`,
    version: V1_2,
    input: `${command}\nreceipt:77\n\0`,
    error: 'bad-header' as const,
    receipt: '77',
  })),
  {
    name: '#21 refuses a content-length without blank line in 1.0',
    version: V1_0,
    input: 'SUBSCRIBE\ncontent-length:1\n\0\0',
    error: 'bad-header',
  },
  { name: '#21 refuses a NUL in a header line', version: V1_2, input: 'SEND\na:\0b\n\n\0', error: 'bad-header' },
  { name: '#21 refuses a NUL in a header name', version: V1_1, input: 'SEND\na\0:b\n\n\0', error: 'bad-header' },
  {
    name: '#21 names a receipt that a NUL cuts',
    version: V1_2,
    input: 'DISCONNECT\nreceipt:77\0',
    error: 'bad-header',
    receipt: '77',
  },
  { name: '#21 refuses a NUL in a command line', version: V1_2, input: 'SEND\0\na:b\n\n\0', error: 'bad-command' },
  {
    name: '#21 refuses a NUL between frames',
    version: V1_2,
    input: 'SEND\n\n\0\0',
    frames: [['SEND', []]],
    error: 'bad-command',
  },
]

const escapes: DecoderRow[] = [
  {
    name: '#23 decodes \\r \\n \\c \\\\ in names and values in 1.2',
    version: V1_2,
    input: send('a\\r\\n\\c\\\\:b\\r\\n\\c\\\\c', 'plain:x'),
    frames: [
      [
        'SEND',
        [
          ['a\r\n:\\', 'b\r\n:\\c'],
          ['plain', 'x'],
        ],
      ],
    ],
  },
  {
    name: '#24 decodes \\n \\c \\\\ in names and values in 1.1',
    version: V1_1,
    input: send('a\\n\\c\\\\:b\\n\\c\\\\c', 'plain:x'),
    frames: [
      [
        'SEND',
        [
          ['a\n:\\', 'b\n:\\c'],
          ['plain', 'x'],
        ],
      ],
    ],
  },
  { name: '#24 refuses \\r in 1.1', version: V1_1, input: send('a:\\r'), error: 'bad-escape' },
  {
    name: '#26 decodes nothing in 1.0',
    version: V1_0,
    input: send('a\\n\\c\\\\\\r:b\\t\\n\\c\\\\\\r\\', 'receipt:\\q'),
    frames: [
      [
        'SEND',
        [
          ['a\\n\\c\\\\\\r', 'b\\t\\n\\c\\\\\\r\\'],
          ['receipt', '\\q'],
        ],
      ],
    ],
  },
  ...ESCAPING.flatMap((version): DecoderRow[] => [
    {
      name: `#23 decodes each escape once, from the left, in ${version}`,
      version,
      input: send('a:\\\\n', 'b:\\\\c', 'c:\\\\\\n', 'd:\\\\\\\\c', 'e:\\\\\\\\', 'f:\\c\\c'),
      frames: [
        [
          'SEND',
          [
            ['a', '\\n'],
            ['b', '\\c'],
            ['c', '\\\n'],
            ['d', '\\\\c'],
            ['e', '\\\\'],
            ['f', '::'],
          ],
        ],
      ],
    },
    ...['\\t', '\\0', '\\N', '\\C', '\\:', '\\x41', '\\ ', '\\😀', '\\\\\\t'].flatMap((escape): DecoderRow[] => [
      {
        name: `#25 refuses ${escape} in a value in ${version}`,
        version,
        input: send(`a:b${escape}c`),
        error: 'bad-escape',
      },
    ]),
    { name: `#25 refuses \\t in a name in ${version}`, version, input: send('a\\tb:c'), error: 'bad-escape' },
    {
      name: `#25 refuses a lone trailing \\ in a value in ${version}`,
      version,
      input: send('a:b\\'),
      error: 'bad-escape',
    },
    {
      name: `#25 refuses a lone trailing \\ in a name in ${version}`,
      version,
      input: send('a\\:b'),
      error: 'bad-escape',
    },
    { name: `#25 refuses three trailing \\ in ${version}`, version, input: send('a:b\\\\\\'), error: 'bad-escape' },
    {
      name: `#25 names the decoded receipt in ${version}`,
      version,
      input: send('a:\\t', 'receipt:1\\c2'),
      error: 'bad-escape',
      receipt: '1:2',
    },
    {
      name: `#25 does not name a receipt that is the bad one in ${version}`,
      version,
      input: send('receipt:1\\t2'),
      error: 'bad-escape',
    },
  ]),
  {
    name: '#25 refuses a \\ before CR LF in 1.2',
    version: V1_2,
    input: 'SEND\r\na:b\\\r\n\r\n\0',
    error: 'bad-escape',
  },
  ...['CONNECT', 'STOMP', 'CONNECTED'].flatMap((command) =>
    [undefined, V1_1, V1_2].map((version) => ({
      name: `#28 does not decode ${command} (version ${version ?? 'not agreed'})`,
      version,
      input: `${command}\npasscode:a\\nb\\t\\c\\\n\n\0`,
      frames: [[command, [['passcode', 'a\\nb\\t\\c\\']]]] as const,
      oneWay: 'a backslash is not sent in such a frame',
    })),
  ),
  ...['ERROR', 'RECEIPT', 'MESSAGE'].map((command) => ({
    name: `#23 decodes ${command}`,
    version: V1_2,
    input: `${command}\nreceipt-id:a\\cb\n\n\0`,
    frames: [[command, [['receipt-id', 'a:b']]]] as const,
  })),
  {
    name: '#30 decodes nothing before a version is agreed',
    input: 'SUBSCRIBE\nid:a\\cb\n\n\0',
    frames: [['SUBSCRIBE', [['id', 'a\\cb']]]],
    oneWay: 'a backslash is not sent before negotiation',
  },
]

const LIMITS = { maxFrameBytes: 40, maxHeaders: 3, maxHeaderBytes: 10 }

const limits: DecoderRow[] = [
  {
    name: '#22 takes exactly the largest frame without content-length',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\na:b\n\n${'x'.repeat(29)}\0`,
    frames: [['SEND', [['a', 'b']], 'x'.repeat(29)]],
    oneWay: 'content-length is one header more',
  },
  {
    name: '#22 refuses a frame one byte larger without content-length',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\nreceipt:1\n\n${'x'.repeat(24)}\0`,
    error: 'frame-too-large',
    receipt: '1',
  },
  {
    name: '#22 takes exactly the largest frame with content-length',
    version: V1_2,
    limits: { ...LIMITS, maxHeaderBytes: 20 },
    input: `SEND\ncontent-length:15\n\n${'x'.repeat(15)}\0`,
    frames: [['SEND', [['content-length', '15']], 'x'.repeat(15)]],
  },
  {
    name: '#22 refuses a frame one byte larger with content-length',
    version: V1_2,
    limits: { ...LIMITS, maxHeaderBytes: 20 },
    input: `SEND\ncontent-length:16\n\n${'x'.repeat(16)}\0`,
    error: 'frame-too-large',
  },
  {
    name: '#22 takes exactly the largest frame that is all head',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\na:${'x'.repeat(8)}\nb:${'x'.repeat(8)}\nc:${'x'.repeat(8)}\n\n\0`,
    frames: [['SEND', ['a', 'b', 'c'].map((name) => [name, 'x'.repeat(8)] as const)]],
  },
  {
    name: '#22 refuses a head one byte larger',
    version: V1_2,
    limits: LIMITS,
    input: `SEND1\na:${'x'.repeat(8)}\nb:${'x'.repeat(8)}\nc:${'x'.repeat(8)}\n\n\0`,
    error: 'frame-too-large',
  },
  {
    name: '#22 refuses a head one byte larger without blank line',
    version: V1_2,
    limits: LIMITS,
    input: `RECEIPT\na:${'x'.repeat(8)}\nb:${'x'.repeat(8)}\nc:${'x'.repeat(7)}\n\0`,
    error: 'frame-too-large',
  },
  {
    name: '#22 refuses a head without end, with the receipt it has',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\nreceipt:1\n${'a:b\n'.repeat(100)}`,
    error: 'frame-too-large',
    receipt: '1',
  },
  {
    name: '#22 refuses a body without end',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\n\n${'x'.repeat(100)}`,
    error: 'frame-too-large',
  },
  {
    name: '#22 does not count EOLs between frames',
    version: V1_2,
    limits: LIMITS,
    input: `${'\n'.repeat(100)}SEND\n\n\0${'\r\n'.repeat(100)}`,
    frames: [['SEND', []]],
  },
  {
    name: '#22 takes exactly as many headers as allowed, in lines as long as allowed',
    version: V1_2,
    limits: LIMITS,
    input: `${'S'.repeat(10)}\n${'a'.repeat(9)}:\nb:b\nb:c\n\n\0`,
    frames: [
      [
        'S'.repeat(10),
        [
          ['a'.repeat(9), ''],
          ['b', 'b'],
          ['b', 'c'],
        ],
      ],
    ],
  },
  {
    name: '#22 refuses one header more',
    version: V1_2,
    limits: LIMITS,
    input: 'SEND\nreceipt:1\na:b\na:b\na:b\n\n\0',
    error: 'too-many-headers',
    receipt: '1',
  },
  {
    name: '#22 refuses a header line one byte longer',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\nreceipt:1\na:${'b'.repeat(9)}\n\n\0`,
    error: 'header-too-long',
    receipt: '1',
  },
  {
    name: '#22 refuses a command line one byte longer',
    version: V1_2,
    limits: LIMITS,
    input: `${'S'.repeat(11)}\n\n\0`,
    error: 'header-too-long',
  },
  {
    name: '#22 does not count the CR of the EOL as part of a line',
    version: V1_2,
    limits: LIMITS,
    input: `${'S'.repeat(10)}\r\na:${'b'.repeat(8)}\r\n\r\n\0`,
    frames: [['S'.repeat(10), [['a', 'b'.repeat(8)]]]],
  },
  {
    name: '#22 refuses a header line one byte longer before CR LF',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\r\na:${'b'.repeat(9)}\r\n\r\n\0`,
    error: 'header-too-long',
  },
  {
    name: '#22 counts a CR as part of a line in 1.1',
    version: V1_1,
    limits: LIMITS,
    input: `SEND\na:${'b'.repeat(8)}\r\n\n\0`,
    error: 'header-too-long',
  },
  {
    name: '#22 counts a header line in octets',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\na:${'ä'.repeat(4)}b\n\n\0`,
    error: 'header-too-long',
  },
  {
    name: '#22 takes a header line of exactly as many octets',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\na:${'ä'.repeat(4)}\n\n\0`,
    frames: [['SEND', [['a', 'ääää']]]],
  },
  {
    name: '#22 counts a header line before its escapes are decoded',
    version: V1_2,
    limits: LIMITS,
    input: send('a:\\n\\n\\n\\n\\n'),
    error: 'header-too-long',
  },
  {
    name: '#22 refuses a header line that is too long without end',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\na:${'b'.repeat(9)}`,
    error: 'header-too-long',
  },
  {
    name: '#22 refuses a header line that is too long though a NUL ends it',
    version: V1_2,
    limits: LIMITS,
    input: `SEND\na:${'b'.repeat(9)}\0`,
    error: 'header-too-long',
  },
  {
    name: '#22 holds before negotiation',
    limits: { maxFrameBytes: 20 },
    input: 'CONNECT\nhost:12345\n\n\0',
    error: 'frame-too-large',
  },
  {
    name: '#22 lets exactly the largest frame through before negotiation',
    limits: { maxFrameBytes: 20 },
    input: 'CONNECT\nhost:1234\n\n\0',
    frames: [['CONNECT', [['host', '1234']]]],
  },
]

export const decoderRows: readonly DecoderRow[] = [...framing, ...bodies, ...headers, ...escapes, ...limits]
