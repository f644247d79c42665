/** One subscription of one client. */
import type { Entry, Hold } from '../broker/broker.ts'
import type { Feed, Receiver } from '../delivery/feed.ts'
import type { Encoding, Marker, Message } from '../delivery/message.ts'
import type { Output } from '../delivery/output.ts'
import type { QueueConsumer } from '../queue/queue-consumer.ts'
import type { Ask } from '../recovery/ask.ts'

export const AckMode = { auto: 'auto', client: 'client', individual: 'client-individual' } as const
export type AckMode = (typeof AckMode)[keyof typeof AckMode]

/** What a client asks for. */
export interface SubscribeOptions {
  readonly destination: string
  /** As the client chose it; undefined where it chose none. */
  readonly id: string | undefined
  readonly ackMode: AckMode
  /** How the client reads messages. */
  readonly encoding: Encoding
  /** What its messages have beside the encoding. */
  readonly stamp: string
  /** Not what this client itself has sent. */
  readonly excludesOwn?: boolean
  /** Each of its messages is looked at by itself, so that it shares no bytes. */
  readonly isSingle?: boolean
  /** From where in the history of the destination it goes on. */
  readonly ask?: Ask | undefined
  /** Of a work queue: messages that it may have and not have settled. */
  readonly prefetch?: number | undefined
}

/** The client, as its subscriptions know it. */
export interface SubscriptionOwner {
  readonly output: Output
  /** A message that does not come with a group. */
  deliver(subscription: Subscription, message: Message, dropped: number): void
  tell(subscription: Subscription, marker: Marker): void
}

export class Subscription implements Receiver, Entry {
  readonly id: string | undefined
  readonly ackMode: AckMode
  /** Unlike the id never used again by this client. */
  readonly serial: number
  /** What it is in the broker; set before anybody else has this object. */
  feed!: Feed
  hold!: Hold
  /** Undefined if it is of no work queue. */
  work: QueueConsumer | undefined
  readonly #owner: SubscriptionOwner

  /** `id`: a text that nothing longer hangs on. */
  constructor(owner: SubscriptionOwner, id: string | undefined, ackMode: AckMode, serial: number) {
    this.#owner = owner
    this.id = id
    this.ackMode = ackMode
    this.serial = serial
  }

  get destination(): string {
    return this.feed.destination
  }

  get output(): Output {
    return this.#owner.output
  }

  deliver(message: Message, dropped: number): void {
    this.#owner.deliver(this, message, dropped)
  }

  tell(marker: Marker): void {
    this.#owner.tell(this, marker)
  }
}
