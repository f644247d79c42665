/** How STOMP clients read a message: a MESSAGE frame, one encoding for each version. STOMP 1.2 "MESSAGE". */
import { MessageTemplate, Version, type Header } from '../../frames/index.ts'
import type { Encoded, Encoding, MessageContent } from '../delivery/message.ts'

class StompEncoding implements Encoding {
  readonly key: string
  readonly isJoinable = true
  readonly #version: Version

  constructor(version: Version) {
    this.key = `stomp ${version}`
    this.#version = version
  }

  encode({ id, destination, headers, body, position }: MessageContent): Encoded {
    const own: Header[] = [
      ['message-id', id],
      ['destination', destination],
    ]
    if (position) own.push(['offset', position.offset], ['epoch', position.epoch])
    return new MessageTemplate([...own, ...headers], body, this.#version)
  }
}

/** The stamp of such a message is made by `messageStamp`. */
export const STOMP_ENCODINGS: Readonly<Record<Version, Encoding>> = {
  [Version.V1_0]: new StompEncoding(Version.V1_0),
  [Version.V1_1]: new StompEncoding(Version.V1_1),
  [Version.V1_2]: new StompEncoding(Version.V1_2),
}
