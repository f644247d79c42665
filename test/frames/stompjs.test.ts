/** The codec against that of the client that most browsers run: @stomp/stompjs reads what we write, and the reverse. */
import { FrameImpl, Parser, type IRawFrameType } from '@stomp/stompjs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrames, encodeFrame, HEART_BEAT, unescapeHeader, type Command } from '../../frames/index.ts'
import { bodies, cut, cuts, frames, headerValues } from './arbitraries.ts'
import { bytesOf } from './outcome.ts'

const RUNS = { numRuns: 500 }

/** Its parser's frames, and how many heart-beats it saw. */
function parse(chunks: readonly (string | Uint8Array)[]): { raw: IRawFrameType[]; beats: number } {
  const raw: IRawFrameType[] = []
  let beats = 0
  const parser = new Parser(
    (frame) => raw.push(frame),
    () => beats++,
  )
  for (const chunk of chunks) parser.parseChunk(typeof chunk === 'string' ? chunk : Uint8Array.from(chunk).buffer)
  return { raw, beats }
}

describe('@stomp/stompjs parser', () => {
  // its TextDecoder drops a byte order mark at the beginning of a name or value
  const readable = frames('1.2').filter(({ headers }) => !headers.flat().some((text) => text.startsWith('\uFEFF')))

  it('#119 reads what encodeFrame writes in 1.2, cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(readable, { maxLength: 3 }), cuts, (all, at) => {
        const bytes = Uint8Array.from(all.flatMap((frame) => [...bytesOf(encodeFrame(frame, '1.2'))]))
        const { raw } = parse(cut(bytes, at))
        expect(raw.map(({ command }) => command)).toEqual(all.map(({ command }) => command))
        raw.forEach(({ headers, binaryBody }, i) => {
          const { headers: sent, body } = all[i]!
          const read = headers.map(([name, value]) => [unescapeHeader(name, '1.2'), unescapeHeader(value, '1.2')])
          expect(read).toEqual([...sent, ...(body.length > 0 ? [['content-length', `${body.length}`]] : [])])
          expect(binaryBody).toEqual(body)
        })
      }),
      RUNS,
    )
  })

  it('#27 gives the values that were sent, but for the space around them and escaped backslashes', () => {
    // it trims values and decodes `\\\\n` wrongly
    const values = headerValues('1.2').map((value) => value.replaceAll('\\', '').trim())
    fc.assert(
      fc.property(values, (value) => {
        const { raw } = parse([encodeFrame({ command: 'MESSAGE', headers: [['x', value]] }, '1.2')])
        expect(FrameImpl.fromRawFrame(raw[0]!, true).headers).toEqual({ x: value })
      }),
      RUNS,
    )
  })

  it('#52 takes our heart-beat for one', () => {
    expect(parse([HEART_BEAT, HEART_BEAT])).toEqual({ raw: [], beats: 2 })
  })
})

describe('decoder', () => {
  const names = fc.stringMatching(/^[a-z][a-z-]{0,9}$/).filter((name) => name !== 'content-length')
  const command = fc.constantFrom<Command>('SEND', 'MESSAGE', 'ERROR')

  it('#23 #119 reads what FrameImpl.marshall writes in 1.2', () => {
    const content = fc.oneof(
      bodies.map((binaryBody) => ({ binaryBody })),
      fc.string({ unit: 'binary' }).map((body) => ({ body })),
    )
    fc.assert(
      fc.property(command, fc.dictionary(names, headerValues('1.2')), content, (command, headers, body) => {
        const wire = FrameImpl.marshall({ command, headers, ...body, escapeHeaderValues: true })
        const [frame, ...more] = decodeFrames(typeof wire === 'string' ? wire : new Uint8Array(wire), '1.2')
        expect(more).toEqual([])
        expect(frame!.command).toBe(command)
        expect([...frame!.headers].filter(([name]) => name !== 'content-length')).toEqual(Object.entries(headers))
        expect(frame!.body).toEqual('body' in body ? bytesOf(body.body) : body.binaryBody)
      }),
      RUNS,
    )
  })

  it('#28 reads its CONNECT, which it does not escape', () => {
    const values = fc.string({ unit: fc.constantFrom('a', ':', '\\', 'c', ' ', 'ä'), maxLength: 10 })
    fc.assert(
      fc.property(fc.dictionary(names, values), (headers) => {
        const wire = FrameImpl.marshall({ command: 'CONNECT', headers, escapeHeaderValues: true })
        expect([...decodeFrames(wire as string)[0]!.headers]).toEqual(Object.entries(headers))
      }),
      RUNS,
    )
  })

  it('#7 reads a frame that it sends without content-length', () => {
    const wire = FrameImpl.marshall({
      command: 'SEND',
      headers: { destination: '/a' },
      body: 'bödy',
      skipContentLengthHeader: true,
    })
    const [frame] = decodeFrames(wire as string, '1.2')
    expect([...frame!.headers]).toEqual([['destination', '/a']])
    expect(frame!.body).toEqual(bytesOf('bödy'))
  })
})
