/** What is written to many sessions, made once: quoted, as a frame, as bytes. */
import { Buffer } from 'node:buffer'
import { messageFrame, quoteAll } from './frames.ts'

export type Data = string | Uint8Array

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })

export class QuotedMessages {
  /** As elements of a JSON array. */
  readonly text: string
  #line: Uint8Array | undefined

  constructor(messages: readonly Data[]) {
    this.text = quoteAll(messages.map(textOf))
  }

  /** The frame with these messages alone, as a line of a response. */
  get line(): Uint8Array {
    return (this.#line ??= Buffer.from(`${messageFrame(this.text)}\n`))
  }
}

/** SockJS has text only. Who speaks over it sends none but UTF-8; what is none is replaced by U+FFFD. */
export function textOf(data: Data): string {
  return typeof data === 'string' ? data : UTF8.decode(data)
}
