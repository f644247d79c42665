/**
 * One receiving connection of a session over HTTP: a response whose lines are frames. It ends with its first frame when
 * it is a poll, and when much has been sent when it is a stream, so that browsers let go of what they have kept.
 */
import type { Socket } from '../socket.ts'

export type Receiving = 'poll' | 'stream'

/** A response is over when so many bytes were sent. 0.3.3 "XhrStreaming" */
const MOST_BYTES: Readonly<Record<Receiving, number>> = { poll: 1, stream: 131_072 }

/** Browsers keep the beginning of a response to themselves until it is so long. */
const PRELUDE = `${'h'.repeat(2048)}\n`

export class Receiver {
  readonly #connection: Socket
  readonly #mostBytes: number
  #bytes = 0

  constructor(connection: Socket, kind: Receiving) {
    this.#connection = connection
    this.#mostBytes = MOST_BYTES[kind]
    if (kind === 'stream') connection.send(PRELUDE)
  }

  /** Has it been sent all that it takes? */
  get isFull(): boolean {
    return this.#bytes >= this.#mostBytes
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes
  }

  get drains(): number {
    return this.#connection.drains
  }

  /** `line`: a frame and the end of its line. */
  give(line: Uint8Array): void {
    this.#bytes += line.length
    this.#connection.send(line)
  }

  end(): void {
    // A runtime may report the end inside the call, and has nobody to tell before its `open` has returned.
    queueMicrotask(() => this.#connection.close(1000, ''))
  }

  drop(): void {
    queueMicrotask(() => this.#connection.terminate())
  }
}
