/** What breaks the protocol: each fault is answered by one complete ERROR and the end of the connection. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { Command, Version, VERSIONS } from '../../../frames/index.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

interface Fault {
  readonly name: string
  readonly versions?: readonly Version[]
  readonly input: string | Uint8Array
  readonly code: string
  /** Named by the ERROR. */
  readonly receipt?: string
}

const { V1_1, V1_2 } = Version
const ESCAPING = [V1_1, V1_2]
const DESTINATION = 'destination:/topic/faults'

/** A SEND with these header lines. */
const send = (...lines: readonly string[]) => `SEND\n${[DESTINATION, ...lines].join('\n')}\n\nbody\0`

const FAULTS: readonly Fault[] = [
  { name: '#1 a command line without LF', input: 'SEND\0', code: 'bad-command' },
  { name: '#1 #116 a command in lower case', input: 'send\nreceipt:r1\n\n\0', code: 'unknown-command', receipt: 'r1' },
  { name: '#1 #116 a command with a space', input: 'SEND \nreceipt:r1\n\n\0', code: 'unknown-command', receipt: 'r1' },
  { name: '#116 an unknown command', input: 'PUBLISH\nreceipt:r1\n\n\0', code: 'unknown-command', receipt: 'r1' },
  {
    name: '#116 an unknown command with a body',
    input: 'PUBLISH\nreceipt:r1\n\nx\0',
    code: 'unknown-command',
    receipt: 'r1',
  },
  {
    name: '#4 a CR inside a value',
    versions: [V1_2],
    input: send('receipt:r1', 'x:a\rb'),
    code: 'bad-line-ending',
    receipt: 'r1',
  },
  { name: '#4 a CR between frames', versions: [V1_2], input: '\n\rSEND\n\n\0', code: 'bad-line-ending' },
  {
    name: '#6 a body longer than content-length',
    input: send('receipt:r1', 'content-length:3'),
    code: 'missing-nul',
    receipt: 'r1',
  },
  ...['x', '', '-1', '+4', '4.0', '0x4', '4,4', '1e1', '4 '].map((value) => ({
    name: `#8 a content-length of "${value}"`,
    input: send('receipt:r1', `content-length:${value}`),
    code: 'bad-content-length',
    receipt: 'r1',
  })),
  {
    name: '#8 #22 a content-length beyond the limit, before its body comes',
    input: `SEND\n${DESTINATION}\nreceipt:r1\ncontent-length:65536\n\n`,
    code: 'frame-too-large',
    receipt: 'r1',
  },
  {
    name: '#8 a content-length beyond all numbers',
    input: `SEND\n${DESTINATION}\ncontent-length:${'9'.repeat(400)}\n\n`,
    code: 'bad-content-length',
  },
  ...['SUBSCRIBE', 'UNSUBSCRIBE', 'BEGIN', 'COMMIT', 'ABORT', 'ACK', 'NACK', 'DISCONNECT'].flatMap((command) => [
    {
      name: `#10 a body on ${command}`,
      versions: ESCAPING,
      input: `${command}\n${DESTINATION}\nid:1\ntransaction:1\nreceipt:r1\n\nbody\0`,
      code: 'body-not-allowed',
      receipt: 'r1',
    },
  ]),
  {
    name: '#10 a content-length on SUBSCRIBE',
    versions: ESCAPING,
    input: `SUBSCRIBE\n${DESTINATION}\nid:1\nreceipt:r1\ncontent-length:4\n\nbody\0`,
    code: 'body-not-allowed',
    receipt: 'r1',
  },
  {
    name: '#14 octets in a value that are not UTF-8',
    input: Buffer.concat([
      Buffer.from(`SEND\n${DESTINATION}\nreceipt:r1\nx:`),
      Uint8Array.of(0xff, 0xfe),
      Buffer.from('\n\n\0'),
    ]),
    code: 'bad-utf8',
    receipt: 'r1',
  },
  {
    name: '#14 octets in a command that are not UTF-8',
    input: Buffer.concat([Buffer.from('SEN'), Uint8Array.of(0xc3), Buffer.from(`\n${DESTINATION}\n\n\0`)]),
    code: 'bad-utf8',
  },
  { name: '#19 a header line without colon', input: send('receipt:r1', 'nonsense'), code: 'bad-header', receipt: 'r1' },
  {
    name: '#19 a header line without colon before the receipt',
    input: send('x', 'receipt:r1'),
    code: 'bad-header',
    receipt: 'r1',
  },
  { name: '#19 a header line without name', input: send('receipt:r1', ':value'), code: 'bad-header', receipt: 'r1' },
  {
    name: '#21 a SEND without blank line',
    input: `SEND\n${DESTINATION}\nreceipt:r1\n\0`,
    code: 'bad-header',
    receipt: 'r1',
  },
  {
    name: '#19 #21 a header line without LF',
    input: `DISCONNECT\nreceipt:r1\0`,
    code: 'bad-header',
    receipt: 'r1',
  },
  ...[
    ['\\t', ESCAPING],
    ['\\C', ESCAPING],
    ['\\:', ESCAPING],
    ['\\ü', ESCAPING],
    ['\\', ESCAPING],
    ['\\\\\\', ESCAPING],
    ['\\r', [V1_1]],
  ].map(([escape, versions]) => ({
    name: `#24 #25 the escape "${escape as string}" in a value`,
    versions: versions as readonly Version[],
    input: send('receipt:r1', `x:a${escape as string}`),
    code: 'bad-escape',
    receipt: 'r1',
  })),
  {
    name: '#25 an undefined escape in a name',
    versions: ESCAPING,
    input: send('receipt:r1', 'x\\t:a'),
    code: 'bad-escape',
    receipt: 'r1',
  },
  {
    name: '#25 an undefined escape in the receipt itself',
    versions: ESCAPING,
    input: send('receipt:a\\tb'),
    code: 'bad-escape',
  },
  ...[Command.CONNECTED, Command.MESSAGE, Command.RECEIPT, Command.ERROR].map((command) => ({
    name: `#117 ${command}, which only a server sends`,
    input: frameText(command, { destination: '/topic/faults', 'message-id': '1', receipt: 'r1' }),
    code: 'unknown-command',
    receipt: 'r1',
  })),
]

export function errors(stage: Stage): void {
  describe('a fault', () => {
    for (const version of VERSIONS) {
      const faults = FAULTS.filter(({ versions = VERSIONS }) => versions.includes(version))
      it.each(faults)(
        `$name is answered by ERROR $code in ${version} (#104 #105 #106 #108 #109)`,
        async ({ input, code, receipt }) => {
          const peer = await stage.connect(version)
          peer.send(input)
          await expectError(peer, code, { receipt })
        },
      )
    }

    it.each(VERSIONS)(
      '#99 #104 is answered after what came before it, and hides what came after it, in %s',
      async (version) => {
        const name = unique()
        const ear = await stage.listen(`app:${name}`)
        const peer = await stage.connect(version)
        const send = (body: string) => frameText('SEND', { destination: `/app/${name}`, receipt: body }, body)
        peer.send(send('1') + send('2') + frameText('NONSENSE', { receipt: '3' }) + send('4'))
        await peer.receipt('1')
        await peer.receipt('2')
        await expectError(peer, 'unknown-command', { receipt: '3' })
        await stage.redis.publish(`app:${name}`, 'fence')
        expect([await ear.next(), await ear.next(), await ear.next()]).toEqual(['"1"', '"2"', 'fence'])
      },
    )

    it.each(['auto', 'client'])('#72 #104 ends the messages of a subscription with ack:%s', async (ack) => {
      const name = unique()
      const peer = await stage.watch('1.2', `/topic/${name}`, { ack })
      const publish = () => Promise.all(Array.from({ length: 300 }, () => stage.redis.publish(`topic:${name}`, '"x"')))
      const published = publish()
      await expectMessage(peer, 'x')
      peer.send(frameText('NONSENSE'))
      await published
      let frame = await peer.frame()
      while (frame.command === Command.MESSAGE) frame = await peer.frame()
      expect([frame.command, frame.headers.get('code')]).toEqual([Command.ERROR, 'unknown-command'])
      await publish()
      await peer.closed
      expect(peer.afterError).toBe(0)
    })

    it('#109 comes after all that was sent before', async () => {
      const name = unique()
      const peer = await stage.watch('1.2', `/topic/${name}`)
      const body = 'x'.repeat(10_000)
      for (let i = 0; i < 50; i++) peer.send(frameText('SEND', { destination: `/topic/${name}`, n: `${i}` }, body))
      for (let i = 0; i < 50; i++) await expectMessage(peer, body, { n: `${i}` })
      peer.send(frameText('NONSENSE'))
      await expectError(peer, 'unknown-command')
    })

    it('#107 #110 is named by code and message, without any of our internals', async () => {
      const peer = await stage.connect()
      peer.send(frameText('NONSENSE', { receipt: 'r1' }))
      const error = await expectError(peer, 'unknown-command', { receipt: 'r1' })
      expect(error.headers.get('message')).toContain('NONSENSE')
      expect([...error.headers].map(([name]) => name).sort()).toEqual(
        ['code', 'content-length', 'content-type', 'message', 'receipt-id'].sort(),
      )
    })

    it.each([
      ['a long unknown command', frameText('N'.repeat(5000)), 'unknown-command'],
      ['a long unknown command of other letters', frameText('Ü€😀'.repeat(500)), 'unknown-command'],
      ['a long destination', frameText('SEND', { destination: `/queue/${'q'.repeat(5000)}` }), 'bad-destination'],
      [
        'a long destination of other letters',
        frameText('SEND', { destination: `/queue/${'ü€😀'.repeat(500)}` }),
        'bad-destination',
      ],
      [
        'a destination with control characters',
        frameText('SEND', { destination: '/queue/\\n\\r\x1b[31m' }),
        'no-route',
      ],
    ])('#104 #123 of %s is closed with a reason of at most 123 bytes', async (_what, input, code) => {
      const peer = await stage.connect()
      peer.send(input)
      await expectError(peer, code)
      const { reason } = await peer.closed
      if (stage.isWebSocket) expect(reason).toMatch(/^[\x20-\x7e]{10,123}$/)
    })

    it('#104 of one session leaves the others alone', async () => {
      const destination = `/topic/${unique()}`
      const [good, bad] = await Promise.all([stage.watch('1.2', destination), stage.watch('1.2', destination)])
      bad.send(frameText('NONSENSE'))
      await expectError(bad, 'unknown-command')
      good.send(frameText('SEND', { destination }, 'still here'))
      await expectMessage(good, 'still here')
    })
  })
}
