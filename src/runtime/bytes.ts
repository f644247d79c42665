/** Bytes of what a socket is given to write, for those that know no messages. */
import { Buffer } from 'node:buffer'

/** Returns the messages one after the other, text as UTF-8. A single one is not copied. */
export function bytesOf(messages: readonly (string | Uint8Array)[]): Uint8Array {
  return concatenate(messages.map(toBytes))
}

/** Returns text as UTF-8, bytes as they are. */
export function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data
}

/** Returns them one after the other; a single one as it is. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
