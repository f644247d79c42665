/**
 * What `cmsgpack.pack` of a script makes of lists, texts and whole numbers, read back: one text in the answer of Redis
 * instead of one for each part, which costs both sides less.
 * Source: the MessagePack specification, formats `array`, `str` and `uint`.
 */
import { Buffer } from 'node:buffer'

/** Reads part by part: whoever packed it knows what is next. Errors: throws if something else is. */
export class PackedReader {
  readonly #octets: Buffer
  #at = 0
  /** Where the text begins that was stepped over last. */
  #start = 0

  constructor(octets: Uint8Array) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  }

  /** How many parts the list has that begins here. */
  list(): number {
    const format = this.#octets[this.#at++]!
    if (format >= 0x90 && format <= 0x9f) return format & 0x0f
    if (format === 0xdc || format === 0xdd) return this.#number(format - 0xdb)
    throw new Error(`Redis has packed something else than a list: format ${format}`)
  }

  number(): number {
    const format = this.#octets[this.#at++]!
    if (format <= 0x7f) return format
    if (format >= 0xcc && format <= 0xce) return this.#number(format - 0xcc)
    throw new Error(`Redis has packed something else than a small number: format ${format}`)
  }

  text(): string {
    const end = this.#endOfText()
    return this.#octets.toString('utf8', this.#start, end)
  }

  /** A view. */
  bytes(): Uint8Array {
    const end = this.#endOfText()
    const { buffer, byteOffset } = this.#octets
    return new Uint8Array(buffer, byteOffset + this.#start, end - this.#start)
  }

  /** Steps over a text; returns where it ends. */
  #endOfText(): number {
    const format = this.#octets[this.#at++]!
    let length: number
    if (format >= 0xa0 && format <= 0xbf) length = format & 0x1f
    else if (format >= 0xd9 && format <= 0xdb) length = this.#number(format - 0xd9)
    else throw new Error(`Redis has packed something else than a text: format ${format}`)
    this.#start = this.#at
    this.#at += length
    return this.#at
  }

  /** Of one, two or four octets. */
  #number(power: number): number {
    const octets = this.#octets
    const at = this.#at
    this.#at += 1 << power
    if (power === 0) return octets[at]!
    return power === 1 ? octets.readUInt16BE(at) : octets.readUInt32BE(at)
  }
}
