/** Reads what a stream has been sent as browsers do, by a parser of others. */
import { createParser } from 'eventsource-parser'
import type { FakeClient } from '../support/fake-socket.ts'

export interface ReadEvent {
  readonly event: string | undefined
  readonly data: string
}

export class StreamReader {
  /** Milliseconds that readers are told to wait before they come back, in order. */
  readonly retries: number[] = []
  comments = 0
  readonly #events: ReadEvent[] = []
  readonly #client: FakeClient
  #read = 0
  readonly #parser = createParser({
    onEvent: ({ event, data }) => void this.#events.push({ event, data }),
    onRetry: (retryMs) => void this.retries.push(retryMs),
    onComment: () => void this.comments++,
    onError: (error) => {
      throw error
    },
  })

  constructor(client: FakeClient) {
    this.#client = client
  }

  /** The events since the last call. */
  take(): ReadEvent[] {
    const { sent } = this.#client.socket
    for (const piece of sent.slice(this.#read)) {
      this.#parser.feed(typeof piece === 'string' ? piece : new TextDecoder().decode(piece))
    }
    this.#read = sent.length
    return this.#events.splice(0)
  }
}
