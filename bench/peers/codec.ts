/**
 * Three parsers on the same bytes: ours, and those inside `@stomp/stompjs` and `stompit`. Arguments: seconds of a round,
 * number of rounds. Writes JSON: for each way to cut the bytes and each parser, MB/s of every round.
 */
import { createRequire } from 'node:module'
import { FrameDecoder, Version } from '../../frames/index.ts'
import { fromRoot } from '../contenders/paths.ts'

const FRAMES = 2_000
const FRAME_BYTES = 200

/** Reads all chunks and gives the number of frames in them. */
type Parse = (chunks: readonly Uint8Array[]) => number | Promise<number>

function sendFrame(): string {
  const head = 'SEND\ndestination:/app/orders\ncontent-type:application/json\n'
  const lengthOf = (body: number): string => `${head}content-length:${body}\n\n`
  const body = FRAME_BYTES - lengthOf(100).length - 1
  return `${lengthOf(body)}${'x'.repeat(FRAME_BYTES - lengthOf(body).length - 1)}\0`
}

// A Buffer, because stompit takes nothing else.
const bytes = Buffer.from(sendFrame().repeat(FRAMES))
const everyBytes = (size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    Buffer.from(bytes.subarray(i * size, (i + 1) * size)),
  )
const cuts: Record<string, readonly Uint8Array[]> = {
  '200-byte SENDs, one per chunk': everyBytes(FRAME_BYTES),
  '200-byte SENDs, 50 per chunk': everyBytes(FRAME_BYTES * 50),
  '200-byte SENDs, in pieces of 7 bytes': everyBytes(7),
}

const parsers: Record<string, Parse> = {
  'stomp-bridge': (chunks) => {
    const decoder = new FrameDecoder(undefined, Version.V1_2)
    let frames = 0
    for (const chunk of chunks) {
      decoder.push(chunk)
      while (decoder.next()) frames++
    }
    return frames
  },
  '@stomp/stompjs': await stompjs(),
  stompit: stompit(),
}

async function stompjs(): Promise<Parse> {
  // Not exported by the package, so by its path.
  const { Parser } = await import(fromRoot('node_modules/@stomp/stompjs/esm6/parser.js'))
  return (chunks) => {
    let frames = 0
    const parser = new Parser(
      () => frames++,
      () => {},
    )
    for (const chunk of chunks) parser.parseChunk(chunk)
    return frames
  }
}

function stompit(): Parse {
  const IncomingFrameStream = createRequire(import.meta.url)('stompit/lib/IncomingFrameStream')
  return async (chunks) => {
    let frames = 0
    const stream = new IncomingFrameStream()
    stream.setVersion('1.2')
    stream.on('data', (frame: NodeJS.ReadableStream) => {
      frames++
      frame.resume()
    })
    const ended = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
    for (const chunk of chunks) if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve))
    stream.end()
    await ended
    return frames
  }
}

/** MB/s */
async function round(parse: Parse, chunks: readonly Uint8Array[], seconds: number): Promise<number> {
  const begun = performance.now()
  let times = 0
  while (performance.now() - begun < seconds * 1_000) {
    const frames = await parse(chunks)
    if (frames !== FRAMES) throw new Error(`Of ${FRAMES} frames ${frames} were read`)
    times++
  }
  return (times * bytes.length) / 1e3 / (performance.now() - begun)
}

const seconds = Number(process.argv[2])
const rounds = Number(process.argv[3])
const results: { cut: string; parser: string; rounds: number[] }[] = []
for (const [cut, chunks] of Object.entries(cuts)) {
  const ofParser = Object.entries(parsers).map(([parser, parse]) => ({ cut, parser, parse, rounds: [] as number[] }))
  for (const { parse } of ofParser) await round(parse, chunks, seconds) // warm up
  for (let i = 0; i < rounds; i++) {
    for (const each of ofParser) each.rounds.push(await round(each.parse, chunks, seconds))
  }
  results.push(...ofParser.map(({ parse: _parse, ...result }) => result))
}
console.log(JSON.stringify(results))
