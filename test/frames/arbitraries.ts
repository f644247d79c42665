/** Arbitrary frames, cuts and wire bytes, for the properties. */
import fc from 'fast-check'
import { Command, Version, VERSIONS, type Header } from '../../frames/index.ts'

export interface ArbitraryFrame {
  readonly command: Command
  readonly headers: Header[]
  readonly body: Uint8Array<ArrayBuffer>
}

export const versions = fc.constantFrom(...VERSIONS)

/** Any text, and text that is dense with what STOMP treats specially. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(':', '\\', '\n', '\r', '\0', ' ', 'c', 'n', 'r', 't', 'ä', '€', '😀', '\uFEFF', '\uFFFD'),
    maxLength: 12,
  }),
)

/** What cannot stand in a header of that version, be it escaped. */
const NOT_CARRIED = { '1.0': /[\n\0]/g, '1.1': /[\r\0]/g, '1.2': /\0/g }

export function headerNames(version: Version): fc.Arbitrary<string> {
  return texts
    .map((text) => text.replace(NOT_CARRIED[version], ''))
    .map((text) => (version === Version.V1_0 ? text.replaceAll(':', '') : text))
    .filter((name) => name !== '' && name !== 'content-length')
}

export function headerValues(version: Version): fc.Arbitrary<string> {
  const values = texts.map((text) => text.replace(NOT_CARRIED[version], ''))
  // leading spaces are padding there
  return version === Version.V1_0 ? values.map((value) => value.replace(/^ +/, '')) : values
}

export const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.array(fc.constantFrom(0, 10, 13, 58, 92, 195, 255), { maxLength: 20 }).map((bytes) => Uint8Array.from(bytes)),
)

/** Frames that the version can carry unchanged. */
export function frames(version: Version): fc.Arbitrary<ArbitraryFrame> {
  const headers = fc.array(fc.tuple(headerNames(version), headerValues(version)), { maxLength: 6 })
  const escaped = Object.values(Command).filter((command) => !command.startsWith('CONNECT') && command !== 'STOMP')
  return fc
    .record({ command: fc.constantFrom(...escaped), headers, body: bodies })
    .map((frame) =>
      ['SEND', 'MESSAGE', 'ERROR'].includes(frame.command) ? frame : { ...frame, body: new Uint8Array() },
    )
}

/** The same bytes in chunks, empty ones among them. */
export function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const offsets = at.map((offset) => offset % (bytes.length + 1)).sort((a, b) => a - b)
  return [...offsets, bytes.length].map((offset, i) => bytes.subarray(offsets[i - 1] ?? 0, offset))
}

/** The same text in pieces of these sizes in turn, never cut inside a surrogate pair. */
export function cutText(text: string, sizes: readonly number[]): string[] {
  const characters = [...text]
  const parts: string[] = []
  for (let at = 0, i = 0; at < characters.length; i++) {
    const size = sizes[i % sizes.length]!
    parts.push(characters.slice(at, at + size).join(''))
    at += size
  }
  return parts
}

export const cuts = fc.array(fc.nat(1000), { maxLength: 12 })

/** Wire text near the grammar: most of it is broken somewhere. */
export const almostFrames = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom(...'\n|\n\n|\r\n|\r|\0|\n\n\0|:|a:b\n|SEND\n|SUBSCRIBE\n|CONNECT\n'.split('|')),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          ...'receipt:1\n|content-length:3\n|content-length:0\n|abc|\\c|\\n|\\\\|\\t|\\| |ä'.split('|'),
        ),
      },
      { weight: 2, arbitrary: fc.constant('SEND\ndestination:/a\nreceipt:r\\c1\n\nbody\0') },
      { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
    ),
    { maxLength: 30 },
  )
  .map((parts) => new TextEncoder().encode(parts.join('')))

/** Bytes without any sense, with some of those that frames are made of. */
export const junk = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.array(fc.constantFrom(0, 10, 13, 58, 92, 65, 195, 164), { maxLength: 80 }).map((bytes) => Uint8Array.from(bytes)),
  almostFrames,
)

/** A byte changed, put in or taken out here and there. */
export function damage(
  bytes: Uint8Array,
  hits: readonly (readonly [at: number, byte: number, how: number])[],
): Uint8Array {
  const result = [...bytes]
  for (const [at, byte, how] of hits) {
    const insert = how === 1 ? [] : [byte]
    result.splice(at % (result.length + 1), how === 2 ? 0 : 1, ...insert)
  }
  return Uint8Array.from(result)
}

export const hits = fc.array(
  fc.tuple(fc.nat(1000), fc.oneof(fc.constantFrom(0, 10, 13, 58, 92, 255), fc.nat(255)), fc.nat(2)),
  { maxLength: 3 },
)
