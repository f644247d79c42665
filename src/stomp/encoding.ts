/**
 * How STOMP clients read a message: a MESSAGE frame, one encoding for each version. STOMP 1.2 "MESSAGE". Where a client can
 * be sent text only, a binary body comes as base64, and a header says so.
 */
import { Buffer } from 'node:buffer'
import { MessageTemplate, Version, type Header } from '../../frames/index.ts'
import type { Encoded, Encoding, MessageContent } from '../delivery/message.ts'
import type { Transport } from '../socket.ts'

class StompEncoding implements Encoding {
  readonly key: string
  readonly isJoinable = true
  readonly #version: Version
  readonly #isTextOnly: boolean

  constructor(version: Version, isTextOnly = false) {
    this.key = isTextOnly ? `stomp ${version} text` : `stomp ${version}`
    this.#version = version
    this.#isTextOnly = isTextOnly
  }

  encode({ id, destination, headers, body, position }: MessageContent): Encoded {
    const own: Header[] = [
      ['message-id', id],
      ['destination', destination],
    ]
    if (position) own.push(['offset', position.offset], ['epoch', position.epoch])
    if (typeof body === 'string' || !this.#isTextOnly) {
      return new MessageTemplate([...own, ...headers], body, this.#version)
    }
    // As JSON frames have it. STOMP 1.2 "Repeated Header Entries": ours comes first, and counts.
    own.push(['encoding', 'base64'])
    return new MessageTemplate([...own, ...headers], Buffer.from(body).toString('base64'), this.#version)
  }
}

/** The stamp of such a message is made by `messageStamp`. */
export const STOMP_ENCODINGS: Readonly<Record<Version, Encoding>> = {
  [Version.V1_0]: new StompEncoding(Version.V1_0),
  [Version.V1_1]: new StompEncoding(Version.V1_1),
  [Version.V1_2]: new StompEncoding(Version.V1_2),
}

const TEXT_ENCODINGS: Readonly<Record<Version, Encoding>> = {
  [Version.V1_0]: new StompEncoding(Version.V1_0, true),
  [Version.V1_1]: new StompEncoding(Version.V1_1, true),
  [Version.V1_2]: new StompEncoding(Version.V1_2, true),
}

/** Returns the encoding for a client that is connected in this way. */
export function stompEncoding(version: Version, transport: Transport): Encoding {
  const isTextOnly = transport === 'sockjs-websocket' || transport === 'sockjs-xhr'
  return (isTextOnly ? TEXT_ENCODINGS : STOMP_ENCODINGS)[version]
}
