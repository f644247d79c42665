/** One subscription of the application, over all connections: the same id, one callback, one place in the history. */
import type { Client, IMessage, StompHeaders } from '@stomp/stompjs'
import type { Position } from './position.ts'
import { isMarker, Track, type Recovery, type TrackOptions } from './track.ts'

/** Of @stomp/stompjs: `body`, `binaryBody`, `headers`, `ack()`, `nack()`. */
export type Message = IMessage

export interface SubscribeOptions extends TrackOptions {
  /** `auto` unless told. A message counts as handed over when the callback was called, acknowledged or not. */
  readonly ack?: 'auto' | 'client' | 'client-individual' | undefined
  /** More headers of SUBSCRIBE. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Called on each connection when the subscription is live: what is published from now on arrives. */
  readonly onLive?: (() => void) | undefined
}

/** What the application holds of its subscription. */
export interface SubscriptionHandle {
  readonly id: string
  readonly destination: string
  /** Of the last message that was handed over. Undefined as long as it is not known. */
  readonly position: Position | undefined
  /** From here on the callback is not called. More than once is fine. */
  unsubscribe(): void
}

/** What a subscription needs of its client. */
export interface SubscriptionOwner {
  /** Runs a callback of the application. */
  call(callback: () => void): void
  recovered(recovery: Recovery): void
  left(subscription: Subscription): void
  /** Returns the receipt to ask for. */
  expectReceipt(destination: string, arrived: () => void): string
}

export class Subscription implements SubscriptionHandle {
  readonly id: string
  readonly destination: string
  readonly #onMessage: (message: Message) => void
  readonly #options: SubscribeOptions
  readonly #owner: SubscriptionOwner
  readonly #track: Track
  /** Of the connection on which it is subscribed. */
  #stomp: Client | undefined
  #isOver = false

  /** Errors: throws TypeError for options that the server would refuse. */
  constructor(
    id: string,
    destination: string,
    onMessage: (message: Message) => void,
    options: SubscribeOptions,
    owner: SubscriptionOwner,
  ) {
    this.id = id
    this.destination = destination
    this.#onMessage = onMessage
    this.#options = options
    this.#owner = owner
    this.#track = new Track(destination, options)
  }

  get position(): Position | undefined {
    return this.#track.position
  }

  /** Sends SUBSCRIBE on this connection. */
  attach(stomp: Client): void {
    const { ack, headers, onLive } = this.#options
    this.#stomp = stomp
    const receipt = this.#owner.expectReceipt(this.destination, () => {
      if (onLive && !this.#isOver) this.#owner.call(onLive)
    })
    const own: StompHeaders = { ...(ack && { ack }), ...this.#track.ask(), id: this.id, receipt }
    stomp.subscribe(this.destination, (message) => this.#receive(message), { ...headers, ...own })
  }

  /** The connection has gone. */
  detach(): void {
    this.#stomp = undefined
  }

  unsubscribe(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.left(this)
    this.#stomp?.unsubscribe(this.id)
  }

  #receive(message: Message): void {
    const { headers } = message
    if (this.#isOver) return
    if (isMarker(message)) {
      const recovery = this.#track.mark(headers)
      if (recovery) this.#owner.recovered(recovery)
    } else if (this.#track.accept(headers)) this.#owner.call(() => this.#onMessage(message))
    // Nobody else will. Not with `client`, where it would acknowledge earlier ones too.
    else if (this.#options.ack === 'client-individual') message.ack()
  }
}
