/**
 * The data that a STOMP frame is: a command, ordered headers, a body. Shared by decoder and encoder; knows no wire
 * format.
 */

/** Every command of STOMP 1.0, 1.1 and 1.2. Case-sensitive. */
export const Command = {
  CONNECT: 'CONNECT',
  STOMP: 'STOMP',
  CONNECTED: 'CONNECTED',
  SEND: 'SEND',
  SUBSCRIBE: 'SUBSCRIBE',
  UNSUBSCRIBE: 'UNSUBSCRIBE',
  ACK: 'ACK',
  NACK: 'NACK',
  BEGIN: 'BEGIN',
  COMMIT: 'COMMIT',
  ABORT: 'ABORT',
  DISCONNECT: 'DISCONNECT',
  MESSAGE: 'MESSAGE',
  RECEIPT: 'RECEIPT',
  ERROR: 'ERROR',
} as const
export type Command = (typeof Command)[keyof typeof Command]

/** A header as it stands in a frame. */
export type Header = readonly [name: string, value: string]

/** Ordered headers; where a name is repeated the first value counts (STOMP 1.2 "Repeated Header Entries"). */
export class FrameHeaders implements Iterable<Header> {
  // name, value, name, value, …: one array instead of a pair per header
  readonly #flat: string[]

  /** `flat` is name, value, name, value, …; it is taken over, not copied. */
  constructor(flat: string[] = []) {
    this.#flat = flat
  }

  static from(headers: Iterable<Header> | Readonly<Record<string, string>>): FrameHeaders {
    const result = new FrameHeaders()
    for (const [name, value] of Symbol.iterator in headers ? headers : Object.entries(headers)) result.add(name, value)
    return result
  }

  /** Number of headers, repeated ones counted. */
  get size(): number {
    return this.#flat.length / 2
  }

  /** The first value of that name. */
  get(name: string): string | undefined {
    const flat = this.#flat
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1]
    return undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** Append; an earlier header of the same name keeps precedence. */
  add(name: string, value: string): void {
    this.#flat.push(name, value)
  }

  [Symbol.iterator](): Iterator<Header> {
    // A generator takes JSC three times as long.
    const pairs: Header[] = []
    const flat = this.#flat
    for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!])
    return pairs.values()
  }
}

/** A decoded frame. */
export interface Frame {
  /** One of {@link Command}, or whatever else stood on the command line. */
  readonly command: string
  readonly headers: FrameHeaders
  /** Opaque octets; empty if there are none. */
  readonly body: Uint8Array
}

/** May a frame with this command have a body? STOMP 1.1/1.2 "Body": only SEND, MESSAGE and ERROR. */
export function mayHaveBody(command: string): boolean {
  switch (command) {
    case Command.SEND: // first, for speed
      return true
    case Command.CONNECT:
    case Command.STOMP:
    case Command.CONNECTED:
    case Command.SUBSCRIBE:
    case Command.UNSUBSCRIBE:
    case Command.ACK:
    case Command.NACK:
    case Command.BEGIN:
    case Command.COMMIT:
    case Command.ABORT:
    case Command.DISCONNECT:
    case Command.RECEIPT:
      return false
    default:
      return true // an unknown command is for the session to refuse
  }
}

/** Are this command's headers escaped? STOMP 1.1/1.2 "Value Encoding": not those of CONNECT and CONNECTED. */
export function hasEscapedHeaders(command: string): boolean {
  return command !== Command.CONNECT && command !== Command.STOMP && command !== Command.CONNECTED
}

/** Does this command open a session? STOMP 1.2 "CONNECT or STOMP Frame": a server handles both alike. */
export function isConnect(command: string): boolean {
  return command === Command.CONNECT || command === Command.STOMP
}
