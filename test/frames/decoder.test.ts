/** Runs the table of decoder rows, each in six ways, and tests what a table cannot say. */
import { describe, expect, it } from 'vitest'
import {
  type Command,
  DEFAULT_DECODER_LIMITS,
  decodeFrames,
  encodeFrame,
  FrameDecoder,
  FrameError,
  Version,
  type Frame,
} from '../../frames/index.ts'
import { decoderRows, octets, type DecoderRow, type ExpectedFrame } from './decoder-rows.ts'
import { bytesOf, decodeAll, plain, type Outcome, type PlainFrame } from './outcome.ts'

describe.each(decoderRows)('decoder', (row) => {
  const input = bytesOf(row.input)
  const limits = { ...DEFAULT_DECODER_LIMITS, ...row.limits }
  const decode = (chunks: Iterable<string | Uint8Array>) => decodeAll(chunks, row.version, limits)
  const expected = expectedOutcome(row)

  it(`${row.name}: decoded whole`, () => {
    expect(decode([input])).toEqual(expected)
    if (typeof row.input === 'string') expect(decode([row.input])).toEqual(expected)
  })

  it(`${row.name}: a byte at a time`, () => {
    expect(decode(Array.from(input, (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })

  it(`${row.name}: cut in two at every offset`, () => {
    for (let at = 1; at < input.length; at++) {
      expect(decode([input.subarray(0, at), input.subarray(at)]), `cut at ${at}`).toEqual(expected)
    }
  })

  it(`${row.name}: many in one buffer`, () => {
    // few, and more than the decoder looks at as text
    for (const count of [3, Math.ceil(20_000 / input.length)]) {
      const before = expected.error || expected.bufferedBytes ? bytesOf('A\n\n\0') : input
      const frames = Array.from({ length: count - 1 }, () => decodeAll([before], row.version, limits).frames)
      const { length } = before
      const buffer = new Uint8Array((count - 1) * length + input.length)
      for (let i = 0; i < count - 1; i++) buffer.set(before, i * length)
      buffer.set(input, (count - 1) * length)
      expect(decode([buffer])).toEqual({ ...expected, frames: [...frames.flat(), ...expected.frames] })
    }
  })

  if (row.error || row.pendingBytes !== undefined || row.oneWay) return
  it(`${row.name}: encoded again and decoded`, () => {
    const withoutLength = ({ command, headers, body }: PlainFrame) => ({
      command,
      headers: headers.filter(([name]) => name !== 'content-length'),
      body,
    })
    const frames = expected.frames.map(withoutLength)
    const encoded = frames.map(({ command, headers, body }) =>
      bytesOf(encodeFrame({ command: command as Command, headers, body: Uint8Array.from(body) }, row.version)),
    )
    const generous = { ...limits, maxHeaders: limits.maxHeaders + 1, maxHeaderBytes: limits.maxHeaderBytes + 20 }
    const again = decodeAll(encoded, row.version, { ...generous, maxFrameBytes: limits.maxFrameBytes + 20 })
    expect({ ...again, frames: again.frames.map(withoutLength) }).toEqual({ ...expected, frames })
  })
})

function expectedOutcome(row: DecoderRow): Outcome {
  const frames = (row.frames ?? []).map(([command, headers, body]: ExpectedFrame) => ({
    command,
    headers: headers.map(([name, value]) => [name, value] as [string, string]),
    body: [...bytesOf(body ?? '')],
  }))
  return { frames, error: row.error, receipt: row.receipt, bufferedBytes: row.pendingBytes ?? 0 }
}

describe('decoder', () => {
  it('#119 returns nothing until the NUL arrives', () => {
    const decoder = new FrameDecoder(DEFAULT_DECODER_LIMITS, Version.V1_2)
    for (const chunk of ['SE', 'ND\ndestin', 'ation:/a\n', '\n', 'bo', 'dy']) {
      decoder.push(chunk)
      expect(decoder.next()).toBeUndefined()
    }
    decoder.push('\0')
    expect(plain(decoder.next()!)).toEqual({
      command: 'SEND',
      headers: [['destination', '/a']],
      body: [...bytesOf('body')],
    })
    expect(decoder.next()).toBeUndefined()
    expect(decoder.bufferedBytes).toBe(0)
  })

  it('#120 takes text and bytes in turn, inside one frame too', () => {
    const outcome = decodeAll(['SEND\na:', octets(0xc3), octets(0xa4, '\n\nb'), 'ö', octets('d'), 'y\0'], Version.V1_2)
    expect(outcome.frames).toEqual([{ command: 'SEND', headers: [['a', 'ä']], body: [...bytesOf('bödy')] }])
  })

  it('#120 takes a multi-byte character cut anywhere, in header and body', () => {
    const input = bytesOf('SEND\n€😀:ä😀\n\n€😀\0')
    for (let first = 1; first < input.length; first++) {
      for (let second = first; second < input.length; second++) {
        const chunks = [input.subarray(0, first), input.subarray(first, second), input.subarray(second)]
        expect(decodeAll(chunks, Version.V1_2).frames[0]).toMatchObject({ headers: [['€😀', 'ä😀']] })
      }
    }
  })

  it('#14 sends a lone surrogate in text on as U+FFFD', () => {
    expect(decodeAll(['SEND\na:\ud800\n\n\udc00\0'], Version.V1_2).frames).toEqual([
      { command: 'SEND', headers: [['a', '\uFFFD']], body: [...bytesOf('\uFFFD')] },
    ])
  })

  it('#30 goes by the version from the moment it is agreed, also for frames already pushed', () => {
    const decoder = new FrameDecoder()
    decoder.push('CONNECT\npasscode:a\\cb\n\n\0SEND\na:b\\cc\n\n\0CONNECT\npasscode:a\\cb\n\n\0')
    expect(decoder.next()!.headers.get('passcode')).toBe('a\\cb')
    decoder.agree(Version.V1_1)
    expect(decoder.next()!.headers.get('a')).toBe('b:c')
    expect(decoder.next()!.headers.get('passcode')).toBe('a\\cb') // #28
  })

  it('#22 goes by the limits from the moment they are agreed, also for bytes already pushed', () => {
    const body = 'x'.repeat(100)
    const input = `CONNECT\n\n\0SEND\n\n${body}\0`
    const small = { ...DEFAULT_DECODER_LIMITS, maxFrameBytes: 50 }
    const decoder = new FrameDecoder(small)
    decoder.push(input)
    decoder.next()
    decoder.agree(Version.V1_2, DEFAULT_DECODER_LIMITS)
    expect(decoder.next()!.body.length).toBe(100)

    const strict = new FrameDecoder(small)
    strict.push(input)
    strict.next()
    strict.agree(Version.V1_2)
    expect(() => strict.next()).toThrow(FrameError)
  })

  it('#22 buffers nothing past the limit and nothing after an error', () => {
    const limits = { ...DEFAULT_DECODER_LIMITS, maxFrameBytes: 1000 }
    for (const head of ['', 'SEND\n\n', 'SEND\ncontent-length:970\n\n', 'SEND\ncontent-length:971\n\n']) {
      const decoder = new FrameDecoder(limits, Version.V1_2)
      decoder.push(head)
      let most = 0
      let error: unknown
      for (let i = 0; i < 200; i++) {
        decoder.push('x'.repeat(10))
        most = Math.max(most, decoder.bufferedBytes)
        try {
          decoder.next()
        } catch (thrown) {
          error ??= thrown
          expect(thrown).toBe(error)
          expect(decoder.bufferedBytes).toBe(0)
        }
      }
      expect(error, head).toBeInstanceOf(FrameError)
      expect(most, head).toBeLessThanOrEqual(1010)
    }
  })

  it('#8 refuses a content-length over the limit while it holds only the head', () => {
    const decoder = new FrameDecoder({ ...DEFAULT_DECODER_LIMITS, maxFrameBytes: 1000 }, Version.V1_2)
    decoder.push('SEND\ncontent-length:975\n\n')
    expect(() => decoder.next()).toThrow('A frame may have at most 1000 bytes')
  })

  it('lets go of its input when all of it is given out', () => {
    const decoder = new FrameDecoder()
    decoder.push('\n')
    expect(decoder.next()).toBeUndefined()
    expect(decoder.bufferedBytes).toBe(0)
    decoder.push('CONNECT\n\n\0\r\n')
    expect(decoder.next()!.command).toBe('CONNECT')
    expect(decoder.bufferedBytes).toBe(2)
    expect(decoder.next()).toBeUndefined()
    expect(decoder.bufferedBytes).toBe(0)
  })

  it('gives the same error again, whatever is pushed after it', () => {
    for (const { input, version, limits, error } of decoderRows.filter((row) => row.error)) {
      const decoder = new FrameDecoder({ ...DEFAULT_DECODER_LIMITS, ...limits }, version)
      decoder.push(input)
      const thrown = [0, 1].map(() => {
        try {
          while (decoder.next());
        } catch (failure) {
          decoder.push('SEND\n\n\0')
          return failure
        }
        return undefined
      })
      expect(thrown[0]).toMatchObject({ name: 'FrameError', code: error })
      expect(thrown[1]).toBe(thrown[0])
    }
  })

  it('#5 #23 looks for carriage returns and backslashes in each chunk anew', () => {
    const plainFrame = `SEND\na:b\n\n${'x'.repeat(50)}\0`
    for (const [line, value] of [
      ['a:b\r', 'b'],
      ['a:\\c', ':'],
    ]) {
      const chunk = `SEND\n${line}\n\n\0`.padEnd(60, '\n')
      const { frames } = decodeAll([plainFrame, chunk, plainFrame, chunk + chunk], Version.V1_2)
      expect(frames.map(({ headers }) => headers[0]![1])).toEqual(['b', value, 'b', value, value])
    }
  })

  it('never changes a body it gave out', () => {
    const decoder = new FrameDecoder(DEFAULT_DECODER_LIMITS, Version.V1_2)
    const frames: Frame[] = []
    for (let i = 0; i < 300; i++) {
      // cuts that drift, so that every frame starts in the chunk of the one before
      const text = `SEND\n\nbody ${i}\0`
      decoder.push(text.slice(0, i % text.length))
      for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame)
      decoder.push(text.slice(i % text.length))
    }
    for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame)
    expect(frames.map(({ body }) => new TextDecoder().decode(body))).toEqual(
      Array.from({ length: 300 }, (_, i) => `body ${i}`),
    )
  })

  it('never changes a body it gave out, though it reads on in the same memory, beside other decoders', () => {
    const decoders = Array.from({ length: 3 }, () => new FrameDecoder(DEFAULT_DECODER_LIMITS, Version.V1_2))
    const given = decoders.map((): Frame[] => [])
    // sizes around those at which memory of its own is taken, grown and given up
    const sizes = [0, 1, 100, 243, 244, 245, 500, 1500, 1530, 1540, 20, 9000, 1, 1, 30_000, 7, 7, 7]
    const bodies = sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size))
    const input = bytesOf(bodies.map((body) => `SEND\n\n${body}\0`).join(''))
    for (const piece of [3, 16, 17, 250]) {
      for (let at = 0; at < input.length; at += piece) {
        for (const [i, decoder] of decoders.entries()) {
          const bytes = input.subarray(at, at + piece)
          decoder.push(i === 1 ? new TextDecoder().decode(bytes) : bytes)
          for (let frame = decoder.next(); frame; frame = decoder.next()) given[i]!.push(frame)
        }
      }
    }
    for (const frames of given) {
      expect(frames.map(({ body }) => new TextDecoder().decode(body))).toEqual(Array(4).fill(bodies).flat())
    }
  })

  it('reads a large frame a few bytes at a time in linear time', () => {
    const body = 'x'.repeat(60_000)
    const input = bytesOf(`SEND\n${'a:b\n'.repeat(60)}\n${body}\0`)
    const started = performance.now()
    const chunks = Array.from({ length: Math.ceil(input.length / 3) }, (_, i) => input.subarray(3 * i, 3 * i + 3))
    expect(decodeAll(chunks, Version.V1_2).frames[0]!.body.length).toBe(60_000)
    expect(performance.now() - started).toBeLessThan(2000) // quadratic: 20,000 scans of 60 KB
  })
})

describe('decodeFrames', () => {
  it('gives all frames of a text', () => {
    expect(decodeFrames('SEND\n\na\0\nSEND\n\nb\0\n', Version.V1_2).map(({ body }) => body[0])).toEqual([97, 98])
  })

  it.each(['SEND\n\nbody', 'SEND', '\r'])('refuses left-over bytes: %j', (text) => {
    expect(() => decodeFrames(text, Version.V1_2)).toThrow(expect.objectContaining({ code: 'missing-nul' }))
  })
})
