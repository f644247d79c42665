/** One subscription of a work queue: what it was given and has not settled, and how much more it may be given. */
import type { SettledEntries } from '../bus/queue-adder.ts'
import type { Message } from '../delivery/message.ts'
import { entryIdOf, messageIdOf } from './queue-messages.ts'
import type { Failure, Queue } from './queue.ts'

/** Whoever gets the messages. */
export interface QueueReceiver {
  /** Is a message settled as soon as it is written? */
  readonly isAuto: boolean
  /** How many it can take now, whatever its prefetch is. */
  readonly room: number
  deliver(message: Message): void
  /** What is delivered from here on, until `flush`, may be one write. */
  gather(): void
  flush(): void
  /** This message goes to somebody else: an acknowledgement of it means nothing any more. */
  forget(messageId: string): void
}

/** The queue, as its subscriptions know it. Ids are of entries; both promises reject with ProtocolError `bus-refused`. */
export interface ConsumerOwner {
  readonly queue: Queue
  settle(ids: readonly string[]): Promise<void>
  beginSettling(ids: readonly string[]): Settling
  giveBack(ids: readonly string[], failure: Failure): Promise<void>
  leave(consumer: QueueConsumer, unsettled: readonly string[]): void
}

/** What is settled together with something else, by whoever does that. */
export interface Settling {
  readonly entries: SettledEntries
  /** It was done. */
  done(): void
  /** It was not, or nobody knows: what was not goes to others. */
  failed(): void
}

export class QueueConsumer {
  readonly receiver: QueueReceiver
  readonly #owner: ConsumerOwner
  readonly #prefetch: number
  /** Ids of entries that it was given and has not settled. */
  readonly #unsettled = new Set<string>()

  /** `prefetch`: how many it may have that it has not settled. */
  constructor(owner: ConsumerOwner, receiver: QueueReceiver, prefetch: number) {
    this.#owner = owner
    this.receiver = receiver
    this.#prefetch = prefetch
  }

  get queue(): Queue {
    return this.#owner.queue
  }

  /** How many more it may be given, if its receiver can take them. */
  get free(): number {
    return Math.max(0, this.#prefetch - this.#unsettled.size)
  }

  /** How many more it is given now. */
  get room(): number {
    return this.free === 0 ? 0 : Math.min(this.free, this.receiver.room)
  }

  give(id: string, message: Message): void {
    if (!this.receiver.isAuto) this.#unsettled.add(id)
    this.receiver.deliver(message)
  }

  /** It has kept this one for too long. */
  takeBack(id: string): void {
    if (this.#unsettled.delete(id)) this.receiver.forget(messageIdOf(this.queue, id))
  }

  /** Resolves when the store has it. Rejects with ProtocolError `bus-refused`. */
  settle(messageIds: readonly string[]): Promise<void> {
    return this.#owner.settle(this.#release(messageIds))
  }

  /** They are no longer its own. */
  beginSettling(messageIds: readonly string[]): Settling {
    return this.#owner.beginSettling(this.#release(messageIds))
  }

  /** They come back, and count as failed. Resolves and rejects as `settle`. */
  reject(messageIds: readonly string[]): Promise<void> {
    return this.#owner.giveBack(this.#release(messageIds), 'nack')
  }

  /** What it has not settled goes to others. */
  leave(): void {
    const ids = [...this.#unsettled]
    this.#unsettled.clear()
    this.#owner.leave(this, ids)
  }

  #release(messageIds: readonly string[]): string[] {
    const ids: string[] = []
    for (const messageId of messageIds) {
      const id = entryIdOf(this.queue, messageId)
      if (this.#unsettled.delete(id)) ids.push(id)
    }
    return ids
  }
}
