/**
 * What the command handlers of one session work on. A session is one; this part of it knows no states and reads nothing.
 * What not every client uses is made when it is first asked for: most sessions are idle, and there are many of them.
 */
import { Version } from '../../frames/index.ts'
import type { Authenticator, Identity } from '../auth/authenticator.ts'
import type { Broker } from '../broker/broker.ts'
import type { Metrics } from '../metrics.ts'
import type { Socket } from '../socket.ts'
import { Acknowledgements } from './acknowledgements.ts'
import type { CommandContext } from './command.ts'
import { Outbox, type OutputOwner } from './outbox.ts'
import type { SessionServices } from './services.ts'
import { Subscriptions } from './subscriptions.ts'
import { Transactions } from './transactions.ts'

const ANONYMOUS: Identity = { user: undefined }

export abstract class SessionContext implements CommandContext, OutputOwner {
  readonly sessionId: string
  readonly subscriptions: Subscriptions
  identity: Identity = ANONYMOUS
  protected readonly services: SessionServices
  protected readonly outbox: Outbox
  #transactions: Transactions | undefined
  #acknowledgements: Acknowledgements | undefined

  constructor(socket: Socket, sessionId: string, services: SessionServices) {
    const { maxSubscriptions, maxPatterns } = services.options
    this.sessionId = sessionId
    this.services = services
    this.outbox = new Outbox(this, socket, services)
    this.subscriptions = new Subscriptions(this.outbox, maxSubscriptions, maxPatterns)
  }

  abstract readonly isConnected: boolean
  abstract closeAsSlow(reason: string): void

  /** Undefined before CONNECTED. */
  get agreedVersion(): Version | undefined {
    return this.outbox.version
  }

  get transport(): Outbox['transport'] {
    return this.outbox.transport
  }

  get unsentBytes(): number {
    return this.outbox.unsentBytes
  }

  get version(): Version {
    return this.outbox.version ?? Version.V1_0
  }

  get broker(): Broker {
    return this.services.broker
  }

  get authenticator(): Authenticator {
    return this.services.authenticator
  }

  get metrics(): Metrics {
    return this.services.metrics
  }

  get transactions(): Transactions {
    return (this.#transactions ??= new Transactions(this.services.options))
  }

  get acknowledgements(): Acknowledgements {
    const { maxUnackedMessages } = this.services.options
    return (this.#acknowledgements ??= new Acknowledgements(this.subscriptions, maxUnackedMessages))
  }

  /** Handed to the socket since it opened. */
  get totalBytes(): number {
    return this.outbox.totalBytes
  }

  /** Nothing is delivered any more, so there is nothing to acknowledge. */
  protected endSubscriptions(): void {
    this.subscriptions.clear()
    this.#acknowledgements?.clear()
  }

  /** STOMP 1.2 "BEGIN": open ones are aborted when the connection is lost. */
  protected abortTransactions(): void {
    this.#transactions?.clear()
  }
}
