/** Who waits for which RECEIPT on the current connection. None comes on another one. */
import type { StompHeaders } from '@stomp/stompjs'
import type { ClientError } from './errors.ts'

export interface Waiting {
  /** Of a SUBSCRIBE. */
  readonly destination?: string
  arrived(headers: StompHeaders): void
  failed?(error: ClientError): void
}

export class Receipts {
  readonly #waiting = new Map<string, Waiting>()
  #lastId = 0

  /** Returns the value of the header `receipt`. */
  expect(waiting: Waiting): string {
    const id = `receipt-${++this.#lastId}`
    this.#waiting.set(id, waiting)
    return id
  }

  /** Returns who waits for it, and forgets them. */
  take(id: string | undefined): Waiting | undefined {
    const waiting = this.#waiting.get(id!)
    this.#waiting.delete(id!)
    return waiting
  }

  /** Returns all who wait in vain, and forgets them. */
  takeAll(): Waiting[] {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    return all
  }
}
