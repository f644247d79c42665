/** One subscription of one client. */
import type { Entry } from '../broker/broker.ts'
import type { Receiver } from '../delivery/feed.ts'
import type { Encoding, Message } from '../delivery/message.ts'
import type { Output } from '../delivery/output.ts'
import { ownCopy } from '../text.ts'

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
}

/** The client, as its subscriptions know it. */
export interface SubscriptionOwner {
  readonly output: Output
  /** A message that does not come with a group. */
  deliver(subscription: Subscription, message: Message, dropped: number): void
}

export class Subscription implements Receiver {
  readonly id: string | undefined
  readonly ackMode: AckMode
  /** Unlike the id never used again by this client. */
  readonly serial: number
  /** In the broker; set before anybody else has this object. */
  entry!: Entry
  readonly #owner: SubscriptionOwner

  constructor(owner: SubscriptionOwner, { id, ackMode }: SubscribeOptions, serial: number) {
    this.#owner = owner
    this.id = id === undefined ? undefined : ownCopy(id)
    this.ackMode = ackMode
    this.serial = serial
  }

  get destination(): string {
    return this.entry.feed.destination
  }

  get output(): Output {
    return this.#owner.output
  }

  deliver(message: Message, dropped: number): void {
    this.#owner.deliver(this, message, dropped)
  }
}
