/**
 * A piece of a response body that goes on, as the bytes that go over the wire, each form built once for however many
 * clients get it. For runtimes whose HTTP servers let bytes be written; knows no socket.
 */
import { Buffer } from 'node:buffer'
import { bytesOf, concatenate } from './bytes.ts'

const CRLF = Buffer.from('\r\n')

/** RFC 9112 section 7.1: what ends a chunked body. */
export const LAST_CHUNK = '0\r\n\r\n'

export class BodyPiece {
  /** For a body that ends with the connection: HTTP/1.0 knows no other. */
  readonly plain: Uint8Array
  #chunk: Uint8Array | undefined

  constructor(messages: readonly (string | Uint8Array)[]) {
    this.plain = bytesOf(messages)
  }

  /** For a chunked body. Nothing stays nothing: a chunk without content would be the last one. */
  get chunk(): Uint8Array {
    this.#chunk ??= this.#build()
    return this.#chunk
  }

  #build(): Uint8Array {
    const { plain } = this
    if (plain.length === 0) return plain
    return concatenate([Buffer.from(`${plain.length.toString(16)}\r\n`), plain, CRLF])
  }
}
