import { describe, expect, it } from 'vitest'
import { encodeFrame } from '../../frames/index.ts'
import { toBytes, toText } from '../../web-debugger/stomp/frame-record.ts'
import { FrameSplitter } from '../../web-debugger/stomp/frame-splitter.ts'

const first = 'MESSAGE\ndestination:/topic/a\nsubscription:0\nmessage-id:1\n\nfirst\0'
const second = 'MESSAGE\ndestination:/topic/b\nsubscription:0\nmessage-id:2\n\nsécond\0'

const rawOf = (splitter: FrameSplitter, data: string | Uint8Array) => splitter.push(data).map(({ raw }) => raw)

describe('FrameSplitter', () => {
  it('gives a message of one frame as the very data that came', () => {
    const bytes = toBytes(first)
    expect(new FrameSplitter().push(bytes)[0]!.raw).toBe(bytes)
    expect(rawOf(new FrameSplitter(), first)).toEqual([first])
  })

  it('cuts a message of several frames where one ends, line ends with the frame before', () => {
    expect(rawOf(new FrameSplitter(), `${first}\n${second}\n\n`)).toEqual([`${first}`, `\n${second}\n\n`])
  })

  it('joins a frame of several messages, cut at every offset', () => {
    const bytes = toBytes(second)
    for (let at = 1; at < bytes.length; at++) {
      const splitter = new FrameSplitter()
      expect(splitter.push(bytes.slice(0, at))).toEqual([])
      const pieces = splitter.push(bytes.slice(at))
      expect(pieces).toHaveLength(1)
      expect(toText(pieces[0]!.raw)).toBe(second)
      expect(pieces[0]!.frame?.headers.get('destination')).toBe('/topic/b')
    }
  })

  it('keeps the rest of a message for the next one', () => {
    const splitter = new FrameSplitter()
    const all = first + second
    expect(rawOf(splitter, all.slice(0, first.length + 10))).toEqual([first])
    expect(rawOf(splitter, all.slice(first.length + 10))).toEqual([second])
  })

  it.each([
    ['text', '\n'],
    ['bytes', new Uint8Array([10])],
    ['CR LF', '\r\n'],
    ['several', '\n\n'],
  ] as const)('takes line ends alone for a heart-beat: %s', (_kind, data) => {
    const pieces = new FrameSplitter().push(data)
    expect(pieces).toEqual([{ raw: data, frame: undefined, problem: undefined }])
  })

  it('does not take a line end in the middle of a frame for a heart-beat', () => {
    const splitter = new FrameSplitter()
    expect(splitter.push('SEND\ndestination:/a')).toEqual([])
    expect(splitter.push('\n')).toEqual([])
    expect(rawOf(splitter, '\nbody\0')).toEqual(['SEND\ndestination:/a\n\nbody\0'])
  })

  it('says what is wrong with data that is no frame, and goes on with the next message', () => {
    const splitter = new FrameSplitter()
    const [good, bad] = splitter.push(`${first}MESSAGE\nno colon\n\nbody\0`)
    expect(good!.raw).toBe(first)
    expect(bad).toEqual({
      raw: 'MESSAGE\nno colon\n\nbody\0',
      frame: undefined,
      problem: 'A header line must be "name:value"',
    })
    expect(rawOf(splitter, second)).toEqual([second])
  })

  it('reads escapes of the version that is agreed on between two frames of one message', () => {
    const splitter = new FrameSplitter()
    const connected = 'CONNECTED\nversion:1.2\n\n\0'
    const message = 'MESSAGE\ndestination:/a\\cb\n\n\0'
    const pieces = splitter.push(connected + message, (frame) => {
      if (frame.command === 'CONNECTED') splitter.agree('1.2')
    })
    expect(pieces[1]!.frame?.headers.get('destination')).toBe('/a:b')
  })

  it('keeps a binary body as bytes', () => {
    const body = new Uint8Array([0xff, 0, 0xfe])
    const data = encodeFrame({ command: 'SEND', headers: [['destination', '/a']], body }, '1.2') as Uint8Array
    const double = new Uint8Array([...data, ...data])
    const pieces = new FrameSplitter().push(double)
    expect(pieces.map(({ frame }) => frame?.body)).toEqual([body, body])
    expect(pieces.map(({ raw }) => raw)).toEqual([data, data])
  })
})
