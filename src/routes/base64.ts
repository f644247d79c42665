/** Base64 in payloads that other programs have written. Pure text. */
import { Buffer } from 'node:buffer'

/**
 * Returns the octets of Base64 (RFC 4648, section 4), with padding or without; undefined for what is none. What a runtime
 * decodes by itself skips characters that it does not know.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  if (padding > 0 && text.length % 4 !== 0) return undefined
  const digits = padding > 0 ? text.slice(0, -padding) : text
  if (digits.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(digits)) return undefined
  return new Uint8Array(Buffer.from(digits, 'base64'))
}
