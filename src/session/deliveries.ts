/**
 * The messages of one session that do not go through its groups: those that are acknowledged, and, while the client is
 * behind, those of destinations whose policy is to drop messages rather than the client.
 */
import { messageStamp, Version, type MessageTemplate } from '../../frames/index.ts'
import type { Broker, BrokerSubscription, DeliveredHeaders } from '../broker/broker.ts'
import type { Deadlines } from '../clock.ts'
import type { Metrics } from '../metrics.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import { HeldMessages } from './held-messages.ts'
import type { SessionSubscription, Subscriptions } from './subscriptions.ts'

/** What deliveries need of their session. */
export interface DeliveryContext {
  readonly version: Version
  readonly broker: Broker
  readonly metrics: Metrics
  readonly subscriptions: Subscriptions
  readonly acknowledgements: Acknowledgements
}

/** Where they are written. */
export interface DeliveryOutbox {
  written: number
  write(data: string | Uint8Array): void
}

export class Deliveries {
  readonly #context: DeliveryContext
  readonly #outbox: DeliveryOutbox
  readonly #deadlines: Deadlines
  readonly #held = new Map<BrokerSubscription, HeldMessages>()

  constructor(context: DeliveryContext, outbox: DeliveryOutbox, deadlines: Deadlines) {
    this.#context = context
    this.#outbox = outbox
    this.#deadlines = deadlines
  }

  /** Is anything held back from a client that is behind? */
  get isHolding(): boolean {
    return this.#held.size > 0
  }

  deliver(broker: BrokerSubscription, template: MessageTemplate, messageId: string, headers: DeliveredHeaders): void {
    const held = this.#held.get(broker)
    if (held) {
      const { key } = broker.slowPolicy!
      const keyValue = key === undefined ? undefined : headers.find(([name]) => name === key)?.[1]
      this.#context.metrics.count.messagesDropped += held.push(
        { template, messageId, atMs: this.#deadlines.now() },
        keyValue,
      )
      return
    }
    const subscription = this.#find(broker)
    if (subscription) this.#write(subscription, template, messageId, 0)
  }

  /** The client is behind: hold back what may be dropped. */
  fallBehind(): void {
    for (const { broker } of this.#context.subscriptions) {
      if (!broker.slowPolicy || this.#held.has(broker)) continue
      this.#held.set(broker, new HeldMessages(broker.slowPolicy))
      const published = this.#context.broker.detach(broker) // it may write as well: so not in one with the next
      this.#outbox.written += published
    }
  }

  /** The client reads again: send what is held, as long as `mayWrite` says so; what has caught up joins its group again. */
  catchUp(mayWrite: () => boolean): void {
    for (const [broker, held] of this.#held) {
      const subscription = this.#find(broker)!
      while (mayWrite()) {
        const before = held.dropped
        const next = held.take(this.#deadlines.now())
        this.#context.metrics.count.messagesDropped += next ? next.dropped - before : held.dropped - before
        if (!next) break
        this.#write(subscription, next.message.template, next.message.messageId, next.dropped)
      }
      // A write may have closed the client, and what has ended meanwhile must not join a group.
      const isOver = this.#held.get(broker) !== held
      // what was dropped is still to be told, with the next message
      if (isOver || !held.isEmpty || held.dropped > 0) continue
      this.#held.delete(broker)
      this.#context.broker.attach(broker)
    }
  }

  /** The subscription has ended. */
  forget(broker: BrokerSubscription): void {
    this.#held.delete(broker)
  }

  #find(broker: BrokerSubscription): SessionSubscription | undefined {
    const own = broker.id === undefined ? undefined : this.#context.subscriptions.get(broker.id)
    return own ?? [...this.#context.subscriptions].find((subscription) => subscription.broker === broker)
  }

  #write(subscription: SessionSubscription, template: MessageTemplate, messageId: string, dropped: number): void {
    const { version, acknowledgements } = this.#context
    const { id, acknowledges } = subscription.broker
    const ack = acknowledges ? acknowledgements.add(subscription, messageId) : undefined
    const stamp = messageStamp(id, version === Version.V1_2 ? ack : undefined, version)
    this.#outbox.write(template.stamp(dropped > 0 ? `${stamp}dropped:${dropped}\n` : stamp))
  }
}
