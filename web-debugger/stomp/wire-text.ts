/** Data of the wire with everything visible in it: what is printed, and signs for what is not. */
import type { WireData } from './frame-record.ts'

/** Text as it is, or a sign that stands for something else. */
export interface Fragment {
  readonly text: string
  readonly isSign: boolean
}

/** Printable in a `pre`: not a control character, a lone surrogate or something that changes the direction of the text. */

const SIGNS =
  /[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const NAMES: Readonly<Record<string, string>> = { '\0': 'NUL', '\n': '↵\n', '\r': 'CR', '\t': 'TAB', '\x1b': 'ESC' }

/** Line ends are shown and kept. Bytes that are no UTF-8 are signs such as `\xff`. */
export function toFragments(data: WireData): Fragment[] {
  const fragments: Fragment[] = []
  for (const { text, isSign } of typeof data === 'string' ? [{ text: data, isSign: false }] : decodeBytes(data)) {
    if (isSign) fragments.push({ text, isSign })
    else addVisible(fragments, text)
  }
  return fragments
}

function addVisible(fragments: Fragment[], text: string): void {
  let from = 0
  for (const match of text.matchAll(SIGNS)) {
    if (match.index > from) fragments.push({ text: text.slice(from, match.index), isSign: false })
    fragments.push({ text: signFor(match[0]), isSign: true })
    from = match.index + match[0].length
  }
  if (from < text.length) fragments.push({ text: text.slice(from), isSign: false })
}

function signFor(character: string): string {
  const name = NAMES[character]
  if (name !== undefined) return name
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Length of a UTF-8 sequence by its first byte; 0 if none begins with it. */
function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1
  if (byte >= 0xc2 && byte < 0xe0) return 2
  if (byte >= 0xe0 && byte < 0xf0) return 3
  return byte >= 0xf0 && byte < 0xf5 ? 4 : 0
}

function decodeBytes(bytes: Uint8Array): Fragment[] {
  const fragments: Fragment[] = []
  let from = 0
  let at = 0
  const flush = () => {
    if (at > from) fragments.push({ text: decoder.decode(bytes.subarray(from, at)), isSign: false })
  }
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]!)
    if (length > 0 && isSequence(bytes.subarray(at, at + length), length)) {
      at += length
      continue
    }
    flush()
    fragments.push({ text: `\\x${bytes[at]!.toString(16).padStart(2, '0')}`, isSign: true })
    from = ++at
  }
  flush()
  return fragments
}

function isSequence(bytes: Uint8Array, length: number): boolean {
  if (bytes.length < length) return false
  if (length === 1) return true
  try {
    decoder.decode(bytes)
    return true
  } catch {
    // Continuation bytes are missing, or it is an overlong form.
    return false
  }
}

/** 16 bytes, or what is left of them. */
export interface HexRow {
  /** Of the first of them. */
  readonly at: number
  /** As wide as 16 of them. */
  readonly hex: string
  /** What is printable; a dot for each other byte. */
  readonly text: string
}

export function toHexRows(bytes: Uint8Array): HexRow[] {
  const rows: HexRow[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16)
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('')
    rows.push({ at, hex: hex.padEnd(47), text })
  }
  return rows
}
