/** What holds for any frame, any cut and any junk. Seeds are random: a failure prints the one to repeat it with. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DEFAULT_DECODER_LIMITS,
  decodeFrames,
  encodeFrame,
  escapeHeader,
  escapeHeaderName,
  FrameDecoder,
  FrameError,
  unescapeHeader,
  utf8Length,
  Version,
  VERSIONS,
} from '../../frames/index.ts'
import {
  almostFrames,
  bodies,
  cut,
  cuts,
  cutText,
  damage,
  frames,
  headerNames,
  headerValues,
  hits,
  junk,
  versions,
  type ArbitraryFrame,
} from './arbitraries.ts'
import { bytesOf, decodeAll, type PlainFrame } from './outcome.ts'

const RUNS = { numRuns: 1000 }
const FEWER_RUNS = { numRuns: 300 }

const encodeAll = (all: readonly ArbitraryFrame[], version: Version) =>
  Uint8Array.from(all.flatMap((frame) => [...bytesOf(encodeFrame(frame, version))]))

/** What is to come out: `content-length` is added where there is a body. */
function plainOf({ command, headers, body }: ArbitraryFrame): PlainFrame {
  const length: [string, string][] = body.length > 0 ? [['content-length', `${body.length}`]] : []
  return {
    command,
    headers: [...headers.map(([name, value]): [string, string] => [name, value]), ...length],
    body: [...body],
  }
}

describe.each(VERSIONS)('codec, any frame in %s', (version) => {
  it('#6 #23 #24 #26 #27 decodes what it encoded', () => {
    fc.assert(
      fc.property(frames(version), (frame) => {
        expect(decodeAll([encodeAll([frame], version)], version).frames).toEqual([plainOf(frame)])
      }),
      RUNS,
    )
  })

  it('#119 decodes frames one behind the other as each for itself, cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(frames(version), { maxLength: 5 }), cuts, (all, at) => {
        const expected = { frames: all.map(plainOf), error: undefined, receipt: undefined, bufferedBytes: 0 }
        expect(decodeAll(cut(encodeAll(all, version), at), version)).toEqual(expected)
      }),
      FEWER_RUNS,
    )
  })

  it('#5 takes any EOLs between frames', () => {
    const eols = fc.array(fc.constantFrom('\n', '\r\n'), { maxLength: 4 }).map((all) => all.join(''))
    fc.assert(
      fc.property(fc.array(fc.tuple(eols, frames(version)), { maxLength: 4 }), eols, cuts, (all, last, at) => {
        const bytes = all.flatMap(([eol, frame]) => [...bytesOf(eol), ...encodeAll([frame], version)])
        const outcome = decodeAll(cut(Uint8Array.from([...bytes, ...bytesOf(last)]), at), version)
        expect(outcome.frames).toEqual(all.map(([, frame]) => plainOf(frame)))
        expect(outcome.bufferedBytes).toBe(0)
      }),
      FEWER_RUNS,
    )
  })

  it('#14 decodes the text that it encoded, as text or bytes', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 50 })
    fc.assert(
      fc.property(texts, (body) => {
        const encoded = encodeFrame({ command: 'SEND', headers: [], body }, version)
        for (const data of [encoded, bytesOf(encoded)]) {
          const [frame, ...more] = decodeFrames(data, version)
          expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(frame!.body)).toBe(body)
          expect(more).toEqual([])
        }
      }),
      FEWER_RUNS,
    )
  })

  it('#23 #24 #26 unescapes what it escaped, and puts nothing on the wire that ends a line', () => {
    fc.assert(
      fc.property(headerNames(version), headerValues(version), (name, value) => {
        expect(escapeHeaderName(name, version)).not.toMatch(version === Version.V1_2 ? /[\r\n:\0]/ : /[\n:\0]/)
        expect(escapeHeader(value, version)).not.toMatch(/[\n\0]/)
        expect(unescapeHeader(escapeHeaderName(name, version), version)).toBe(name)
        expect(unescapeHeader(escapeHeader(value, version), version)).toBe(value)
      }),
      RUNS,
    )
  })

  it('#22 refuses whatever is over a limit, and nothing else', () => {
    const limits = fc.record({
      maxFrameBytes: fc.integer({ min: 8, max: 120 }),
      maxHeaders: fc.integer({ min: 0, max: 6 }),
      maxHeaderBytes: fc.integer({ min: 8, max: 40 }),
    })
    fc.assert(
      fc.property(frames(version), limits, cuts, (frame, limit, at) => {
        const bytes = encodeAll([frame], version)
        const { headers } = plainOf(frame)
        const lines = headers.map(
          ([name, value]) => `${escapeHeaderName(name, version)}:${escapeHeader(value, version)}`,
        )
        const over = [
          bytes.length > limit.maxFrameBytes && 'frame-too-large',
          headers.length > limit.maxHeaders && 'too-many-headers',
          [frame.command, ...lines].some((line) => utf8Length(line) > limit.maxHeaderBytes) && 'header-too-long',
        ].filter((code) => code !== false)
        const { error, frames: decoded } = decodeAll(cut(bytes, at), version, limit)
        if (over.length > 0) expect(over).toContain(error)
        else expect({ error, decoded }).toEqual({ error: undefined, decoded: [plainOf(frame)] })
      }),
      RUNS,
    )
  })
})

describe('decoder, any bytes', () => {
  const maybeVersions = fc.option(versions, { nil: undefined })
  const limits = fc.constantFrom(
    DEFAULT_DECODER_LIMITS,
    { maxFrameBytes: 30, maxHeaders: 2, maxHeaderBytes: 12 },
    { maxFrameBytes: 20, maxHeaders: 1, maxHeaderBytes: 100 },
  )

  it('#119 gives the same frames, error and receipt wherever damaged frames are cut', () => {
    const damaged = fc
      .tuple(fc.array(frames('1.2'), { minLength: 1, maxLength: 3 }), hits)
      .map(([all, where]) => damage(encodeAll(all, '1.2'), where))
    fc.assert(
      fc.property(fc.oneof(damaged, almostFrames), maybeVersions, limits, cuts, (bytes, version, limit, at) => {
        const whole = decodeAll([bytes], version, limit)
        expect(decodeAll(cut(bytes, at), version, limit)).toEqual(whole)
        expect(
          decodeAll(
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
            version,
            limit,
          ),
        ).toEqual(whole)
      }),
      { numRuns: 3000 },
    )
  })

  it('#120 makes the same of text and of its bytes', () => {
    fc.assert(
      fc.property(almostFrames, maybeVersions, limits, (bytes, version, limit) => {
        const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
        expect(decodeAll([text], version, limit)).toEqual(decodeAll([bytes], version, limit))
      }),
      RUNS,
    )
  })

  it('#119 #120 makes the same of pieces of text, of bytes, and of both in turn, short or long', () => {
    const pieces = fc.array(fc.constantFrom(1, 5, 15, 16, 17, 60, 600, 2000), { minLength: 1, maxLength: 4 })
    const texts = fc
      .array(
        fc.oneof(
          almostFrames.map((bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)),
          fc.constantFrom('x', 'ä', '€', '😀').map((text) => `SEND\na:b\n\n${text.repeat(700)}\0`),
        ),
        { maxLength: 4 },
      )
      .map((all) => all.join(''))
    fc.assert(
      fc.property(texts, pieces, maybeVersions, (text, sizes, version) => {
        const parts = cutText(text, sizes)
        const whole = decodeAll([text], version)
        expect(decodeAll(parts, version)).toEqual(whole)
        expect(decodeAll(parts.map(bytesOf), version)).toEqual(whole)
        expect(
          decodeAll(
            parts.map((part, i) => (i % 3 === 0 ? bytesOf(part) : part)),
            version,
          ),
        ).toEqual(whole)
      }),
      FEWER_RUNS,
    )
  })

  it('#22 throws nothing but FrameError, comes to an end, and never holds more than the limit and a chunk', () => {
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 8 }), maybeVersions, limits, (chunks, version, limit) => {
        const decoder = new FrameDecoder(limit, version)
        for (const chunk of chunks) {
          decoder.push(chunk)
          expect(decoder.bufferedBytes).toBeLessThanOrEqual(limit.maxFrameBytes + chunk.length)
          try {
            let left = decoder.bufferedBytes
            while (decoder.next()) {
              expect(decoder.bufferedBytes).toBeLessThan(left)
              left = decoder.bufferedBytes
            }
            expect(decoder.bufferedBytes).toBeLessThanOrEqual(limit.maxFrameBytes)
          } catch (error) {
            if (!(error instanceof FrameError)) throw error
            expect(decoder.bufferedBytes).toBe(0)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('#6 takes any octets that content-length announces', () => {
    fc.assert(
      fc.property(bodies, versions, cuts, (body, version, at) => {
        const bytes = Uint8Array.from([...bytesOf(`SEND\ncontent-length:${body.length}\n\n`), ...body, 0])
        expect(decodeAll(cut(bytes, at), version).frames[0]!.body).toEqual([...body])
      }),
      RUNS,
    )
  })
})
