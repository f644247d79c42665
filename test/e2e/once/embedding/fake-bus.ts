/** A bus such as a program may write, on nothing but what the package exports. */
import { BusUnavailableError, type Bus, type BusListener, type BusMessage } from '../../../../src/index.ts'
import { Inbox } from '../../../support/clients/inbox.ts'

/** A bus that does as the test says. */
export class FakeBus implements Bus {
  readonly description = 'a fake'
  readonly published = new Inbox<BusMessage>('published message')
  readonly channels = new Set<string>()
  transactions = 0
  closed = 0
  /** What a message is refused with. */
  fault: Error | undefined
  unavailableReason: string | undefined
  #listener: BusListener | undefined
  #whenAvailable: (() => void)[] = []

  start(listener: BusListener): void {
    this.#listener = listener
    listener.onAvailability(this.unavailableReason)
  }

  become(reason: string | undefined): void {
    this.unavailableReason = reason
    if (reason === undefined) for (const resolve of this.#whenAvailable.splice(0)) resolve()
    this.#listener?.onAvailability(reason)
  }

  deliver(channel: string, payload: string): void {
    this.#listener?.onMessage(channel, new TextEncoder().encode(payload), undefined)
  }

  async publish(channel: string, payload: string | Uint8Array): Promise<void> {
    if (this.fault) throw this.fault
    if (this.unavailableReason !== undefined) throw new BusUnavailableError(this.unavailableReason)
    this.published.put({ channel, payload })
  }

  async publishAll(messages: readonly BusMessage[]): Promise<void> {
    this.transactions++
    for (const message of messages) await this.publish(message.channel, message.payload)
  }

  subscribe(channel: string): Promise<void> {
    this.channels.add(channel)
    if (this.unavailableReason === undefined) return Promise.resolve()
    return new Promise((resolve) => this.#whenAvailable.push(resolve))
  }

  unsubscribe(channel: string): void {
    this.channels.delete(channel)
  }

  psubscribe(pattern: string): Promise<void> {
    return this.subscribe(pattern)
  }

  punsubscribe(pattern: string): void {
    this.unsubscribe(pattern)
  }

  async close(): Promise<void> {
    this.closed++
  }
}
