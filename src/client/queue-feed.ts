/** The subscription of a work queue, as the queue gives it messages. */
import type { Delivery } from '../delivery/delivery.ts'
import type { Message } from '../delivery/message.ts'
import type { Output } from '../delivery/output.ts'
import type { OutputWatch } from '../delivery/output-watch.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { QueueReceiver } from '../queue/queue-consumer.ts'
import type { Door } from './door.ts'
import { AckMode, type SubscribeOptions, type Subscription } from './subscription.ts'

/** Messages that a subscription may have and not have settled, if it does not say how many. */
export const DEFAULT_PREFETCH = 16

/** Errors: ProtocolError `bad-header` if one cannot subscribe a work queue so. */
export function requireOfQueue({ destination, ask, excludesOwn = false }: SubscribeOptions): void {
  const refuse = (why: string): never => {
    throw new ProtocolError('bad-header', `Cannot subscribe to ${quoted(destination)}: it is a work queue, ${why}`)
  }
  if (ask) refuse('whose messages are not there twice: leave out "since", "since-time" and "last"')
  if (excludesOwn) refuse('whose messages somebody has to work on: leave out "exclude-self"')
}

/** The client, as far as its queues look at it. */
interface Fed {
  readonly door: Door
  readonly output: Output
}

export class QueueFeed implements QueueReceiver {
  readonly #client: Fed
  readonly #subscription: Subscription
  readonly #delivery: Delivery
  readonly #outputs: OutputWatch

  constructor(client: Fed, subscription: Subscription, delivery: Delivery, outputs: OutputWatch) {
    this.#client = client
    this.#subscription = subscription
    this.#delivery = delivery
    this.#outputs = outputs
  }

  get isAuto(): boolean {
    return this.#subscription.ackMode === AckMode.auto
  }

  get room(): number {
    const { door, output } = this.#client
    if (!door.isOpen || this.#outputs.isBehind(output.unsentBytes)) return 0
    return this.isAuto ? Infinity : door.room
  }

  gather(): void {
    this.#client.output.gather()
  }

  flush(): void {
    this.#client.output.flush()
  }

  deliver(message: Message): void {
    this.#delivery.deliverTo(this.#subscription.feed, message)
  }

  forget(messageId: string): void {
    this.#client.door.forget(this.#subscription, messageId)
  }
}
