/** How clients of a plain WebSocket read a message: the body alone, inside a JSON object, or the whole message as JSON. */
import { Buffer } from 'node:buffer'
import { JsonFrame } from '../client/json-frame.ts'
import type { Encoded, Encoding, MessageContent } from '../delivery/message.ts'

class PlainBody implements Encoded {
  readonly #body: string | Uint8Array

  constructor(body: string | Uint8Array) {
    this.#body = body
  }

  get length(): number {
    return this.#body.length
  }

  stamp(): string | Uint8Array {
    return this.#body
  }
}

export const PLAIN_BODY: Encoding = {
  key: 'raw',
  isJoinable: false,
  encode: ({ body }) => new PlainBody(body),
}

/** Its stamp is that of `droppedStamp`. */
export const JSON_FRAMES: Encoding = {
  key: 'raw json',
  isJoinable: false,
  encode: (message) => new JsonFrame(message),
}

/** Returns the encoding that sends `{"<field>": body}`; base64 where the body is binary. Make it once: clients of the same one share bytes. */
export function wrappedBody(field: string): Encoding {
  return {
    key: `raw wrapped ${field}`,
    isJoinable: false,
    encode({ body }: MessageContent) {
      const text = typeof body === 'string' ? body : Buffer.from(body).toString('base64')
      return new PlainBody(JSON.stringify({ [field]: text }))
    },
  }
}
