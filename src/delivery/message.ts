/**
 * One message on its way to subscribers, and how each kind of client reads it. A message is encoded once per encoding,
 * whoever and however many the subscribers are. Knows no protocol: the doors bring their encodings.
 */
import type { HeaderPair } from '../headers.ts'
import type { Position } from '../position.ts'

export interface MessageContent {
  /** The same on every node where the destination has history, else this node's own. */
  readonly id: string
  readonly destination: string
  /** None of those that only the server sets. */
  readonly headers: readonly HeaderPair[]
  /** Text where the octets may be sent as text. */
  readonly body: string | Uint8Array
  readonly position?: Position | undefined
  /** Id of the session that sent it. */
  readonly sender?: string | undefined
}

/** What a subscription is told of where it stands: before what follows from the history, or when something was lost. */
export interface Marker {
  /** Where the destination stands. */
  readonly position: Position
  /** Offset of the message before the first that follows. */
  readonly from: string
  /** Messages that follow from the history. */
  readonly count: number
  /** Is nothing missing since the position that was asked for? Undefined if none was. */
  readonly recovered: boolean | undefined
  /** Messages that are no longer held; undefined if that is not known. */
  readonly missed: number | undefined
}

/** What an encoding made of a message. */
export interface Encoded {
  /** Without the stamp; characters of text, or bytes. */
  readonly length: number
  /** The complete message for those who share this stamp. */
  stamp(stamp: string): string | Uint8Array
}

/** How one kind of client reads a message: a STOMP version, the plain body, JSON, an event. Stateless. */
export interface Encoding {
  /** Subscriptions with the same key and stamp get the same bytes. */
  readonly key: string
  /** May several share one WebSocket message? STOMP frames say where they end. */
  readonly isJoinable: boolean
  encode(message: MessageContent): Encoded
}

/** One message; made once per node, and the same object for all who get it. */
export class Message implements MessageContent {
  readonly id: string
  readonly destination: string
  readonly headers: readonly HeaderPair[]
  readonly body: string | Uint8Array
  readonly position: Position | undefined
  readonly sender: string | undefined
  /** About how long it is encoded: characters of text, or bytes. */
  readonly length: number
  /** Nearly always there is one encoding. */
  #encoding: Encoding | undefined
  #encoded: Encoded | undefined
  #others: Map<Encoding, Encoded> | undefined

  constructor({ id, destination, headers, body, position, sender }: MessageContent) {
    let length = id.length + destination.length + body.length
    for (const [name, value] of headers) length += name.length + value.length
    this.id = id
    this.destination = destination
    this.headers = headers
    this.body = body
    this.position = position
    this.sender = sender
    this.length = length
  }

  as(encoding: Encoding): Encoded {
    if (this.#encoding === encoding) return this.#encoded!
    const known = this.#others?.get(encoding)
    if (known) return known
    const encoded = encoding.encode(this)
    if (this.#encoding) (this.#others ??= new Map()).set(encoding, encoded)
    else {
      this.#encoding = encoding
      this.#encoded = encoded
    }
    return encoded
  }
}
