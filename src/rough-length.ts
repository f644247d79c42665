/** How long what is written is, for who watches output: exact where it matters, cheap where it does not. */
import { Buffer } from 'node:buffer'

/** Texts from this length on are measured, in characters. */
const LONG = 16_384

/** Bytes of a long text and of octets, characters of a short text; so never more than the bytes. */
export function roughLength(data: string | Uint8Array): number {
  return typeof data === 'string' && data.length >= LONG ? Buffer.byteLength(data) : data.length
}
