/**
 * What goes out to one client. Encodes the frames that are its own, is the subscriber that the broker knows, joins the
 * socket to groups, whose messages then do not pass here, and tells the slow-client watch how much of all that is unsent.
 */
import {
  Command,
  encodeFrame,
  HEART_BEAT,
  type Header,
  type MessageTemplate,
  type Version,
} from '../../frames/index.ts'
import type { Broker, BrokerSubscription, DeliveredHeaders, Subscriber } from '../broker/broker.ts'
import type { Tally } from '../broker/tally.ts'
import type { Socket } from '../socket.ts'
import { Deliveries, type DeliveryContext } from './deliveries.ts'
import type { ErrorDescription } from './error-description.ts'
import type { HeartBeats } from './heart-beats.ts'
import type { Output } from './output-watch.ts'
import type { SessionServices } from './services.ts'
import type { SubscriptionSource } from './subscriptions.ts'

/** The session, as far as its output goes. */
export interface OutputOwner extends DeliveryContext {
  /** Is it neither before CONNECTED nor at its end? */
  readonly isConnected: boolean
  closeAsSlow(reason: string): void
}

export class Outbox implements Subscriber, SubscriptionSource, Output, Tally {
  /** Characters of text and bytes of binary frames written; so never more than the bytes. */
  written = 0
  look = 0
  lengthSinceLook = 0
  /** Undefined before negotiation: then nothing can be escaped. */
  version: Version | undefined
  /** Told of each write: it counts as a heart-beat. */
  heartBeats: HeartBeats | undefined
  readonly #owner: OutputOwner
  readonly #socket: Socket
  readonly #services: SessionServices
  /** Made when one of them is needed: by far the most messages go through groups. */
  #deliveries: Deliveries | undefined

  constructor(owner: OutputOwner, socket: Socket, services: SessionServices) {
    this.#owner = owner
    this.#socket = socket
    this.#services = services
  }

  get shareOfAll(): number {
    return 0
  }

  // --- Frames

  write(data: string | Uint8Array): void {
    this.#count(data.length)
    this.#socket.send(data)
    this.#services.outputs.wrote(this, data.length)
  }

  heartBeat(): void {
    this.write(HEART_BEAT)
  }

  connected(headers: readonly Header[]): void {
    this.write(encodeFrame({ command: Command.CONNECTED, headers }, this.version))
  }

  receipt(receipt: string): void {
    this.#services.metrics.count.receiptsSent++
    this.write(encodeFrame({ command: Command.RECEIPT, headers: [['receipt-id', receipt]] }, this.version))
  }

  /** The caller closes after it. */
  error({ code, message, headers }: ErrorDescription, receipt: string | undefined): void {
    this.#services.metrics.count.errorsSent++
    const list: Header[] = [['message', message], ['code', code], ...Object.entries(headers)]
    if (receipt !== undefined) list.push(['receipt-id', receipt])
    list.push(['content-type', 'text/plain;charset=UTF-8'])
    this.write(encodeFrame({ command: Command.ERROR, headers: list, body: message }, this.version))
  }

  // --- Subscriber: what the broker calls

  get transport(): 'websocket' | 'tcp' {
    return this.#socket.transport === 'tcp' ? 'tcp' : 'websocket' // no session is over anything else
  }

  join(group: string): void {
    this.#socket.join(group)
  }

  leave(group: string): void {
    this.#socket.leave(group)
  }

  /** Write what the broker tells the meter itself. */
  publish(messages: readonly (string | Uint8Array)[]): void {
    let length = 0
    for (const data of messages) length += data.length
    this.#count(length)
    if (messages.length === 1) this.#socket.send(messages[0]!)
    else this.#socket.sendAll(messages)
  }

  #count(length: number): void {
    this.written += length
    this.heartBeats?.sent(this.#services.deadlines.now())
  }

  deliver(broker: BrokerSubscription, template: MessageTemplate, messageId: string, headers: DeliveredHeaders): void {
    this.#obtainDeliveries().deliver(broker, template, messageId, headers)
  }

  // --- SubscriptionSource: what the subscription table asks

  isPattern(destination: string): boolean {
    return this.#services.broker.isPattern(destination)
  }

  subscribe(destination: string, id: string | undefined, acknowledges: boolean): ReturnType<Broker['subscribe']> {
    const { broker } = this.#services
    return broker.subscribe({ destination, id, version: this.#owner.version, subscriber: this, acknowledges })
  }

  unsubscribe(subscription: BrokerSubscription): void {
    const { broker } = this.#services
    this.#deliveries?.forget(subscription)
    const published = broker.unsubscribe(subscription) // it may write as well: so not in one with the next
    this.written += published
  }

  // --- Output: what the slow-client watch asks

  get unsentBytes(): number {
    return this.#socket.bufferedBytes
  }

  get totalBytes(): number {
    let bytes = this.written
    for (const { broker } of this.#owner.subscriptions) bytes += this.#services.broker.published(broker)
    return bytes
  }

  get isHolding(): boolean {
    return this.#deliveries?.isHolding ?? false
  }

  get mayDropAll(): boolean {
    const { subscriptions } = this.#owner
    if (subscriptions.size === 0) return false
    for (const { broker } of subscriptions) if (!broker.slowPolicy) return false
    return true
  }

  fallBehind(): void {
    if (this.#owner.isConnected) this.#obtainDeliveries().fallBehind()
  }

  catchUp(mayWrite: () => boolean): void {
    if (this.#owner.isConnected) this.#deliveries?.catchUp(mayWrite)
  }

  closeAsSlow(reason: string): void {
    this.#owner.closeAsSlow(reason)
  }

  #obtainDeliveries(): Deliveries {
    return (this.#deliveries ??= new Deliveries(this.#owner, this, this.#services.deadlines))
  }
}
