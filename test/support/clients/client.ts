/**
 * One face for the STOMP clients that people use, so that the same flows run with each. Every call asks the server for
 * a receipt and waits for it; what a client does in its own way (its headers, its chunks, its goodbye) stays its own.
 */
import { Inbox } from './inbox.ts'

export type Headers = Readonly<Record<string, string>>

export interface Message {
  readonly headers: Headers
  readonly body: string
  ack(): void
  nack(): void
}

/** What came for one subscription. */
export class Subscription extends Inbox<Message> {
  readonly id: string
  readonly unsubscribe: () => Promise<void>

  constructor(id: string, unsubscribe: () => Promise<void>) {
    super(`MESSAGE of ${id}`)
    this.id = id
    this.unsubscribe = unsubscribe
  }
}

export interface StompClient {
  /** Headers of the CONNECTED frame. */
  readonly connected: Headers
  /** Resolves when the subscription is live. */
  subscribe(destination: string, headers?: Headers): Promise<Subscription>
  /** Resolves when the server has handed the message over. */
  send(destination: string, body: string, headers?: Headers): Promise<void>
  /** Opens a transaction; what is sent in it comes at commit. */
  begin(): ClientTransaction
  /** Says goodbye as this client does it, and waits until the connection is closed. */
  disconnect(): Promise<void>
  /** Resolves when the connection has ended, whoever ended it, with the close code where there is one. */
  readonly closed: Promise<number | undefined>
}

export interface ClientTransaction {
  /** Resolves when the server has queued it. */
  send(destination: string, body: string): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

/** An ERROR frame, thrown by the call that it answers. */
export class ErrorFrame extends Error {
  override name = 'ErrorFrame'
  readonly headers: Headers

  constructor(headers: Headers) {
    super(headers['message'] ?? 'ERROR without a message')
    this.headers = headers
  }
}

/** Receipts that were asked for and have not come. */
export class Receipts {
  readonly #waiting = new Map<string, { arrive: () => void; fail: (error: Error) => void }>()
  #count = 0

  /** An id to ask the server for, and the promise of its RECEIPT. */
  request(): { id: string; arrived: Promise<void> } {
    const id = `receipt-${++this.#count}`
    const arrived = new Promise<void>((arrive, fail) => this.#waiting.set(id, { arrive, fail }))
    arrived.catch(() => {}) // Not everybody waits for it.
    return { id, arrived }
  }

  readonly arrived = (id: string | undefined): void => {
    this.#waiting.get(id ?? '')?.arrive()
    this.#waiting.delete(id ?? '')
  }

  /** The connection is over: no receipt comes any more. */
  readonly fail = (error: Error): void => {
    for (const { fail } of this.#waiting.values()) fail(error)
    this.#waiting.clear()
  }
}
