/**
 * Encodings for queues of one's own. A message to `/user/alice/queue/x` is one for all who get it; a client of hers has
 * subscribed `/user/queue/x`, and reads that.
 */
import { shownDestination } from '../access/addresses.ts'
import type { Encoded, Encoding, MessageContent } from '../delivery/message.ts'

class ShownEncoding implements Encoding {
  readonly key: string
  readonly isJoinable: boolean
  readonly #base: Encoding
  readonly #asUser: boolean

  constructor(base: Encoding, asUser: boolean) {
    this.key = `${base.key} as ${asUser ? 'user' : 'session'}`
    this.isJoinable = base.isJoinable
    this.#base = base
    this.#asUser = asUser
  }

  encode({ id, destination, headers, body, position, sender }: MessageContent): Encoded {
    const shown = shownDestination(destination, this.#asUser)
    return this.#base.encode({ id, destination: shown, headers, body, position, sender })
  }
}

/** Makes each once, so that clients share bytes. */
export class ShownEncodings {
  readonly #asUser = new Map<Encoding, Encoding>()
  readonly #asSession = new Map<Encoding, Encoding>()

  /** `asUser`: it is read as `/user/queue/…`, which is also what an anonymous client may call its session's queue. */
  of(base: Encoding, asUser: boolean): Encoding {
    const made = asUser ? this.#asUser : this.#asSession
    let encoding = made.get(base)
    if (!encoding) made.set(base, (encoding = new ShownEncoding(base, asUser)))
    return encoding
  }
}
