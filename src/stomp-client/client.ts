/**
 * The client: one connection after the other, and what outlives them: subscriptions, credentials, patience. Everything
 * about one connection is in `connection.ts`, everything about one subscription in `subscription.ts`.
 */
import type { Client, IPublishParams, StompHeaders } from '@stomp/stompjs'
import { Backoff } from './backoff.ts'
import { systemClock, type Clock } from './clock.ts'
import { Connection, type Ending } from './connection.ts'
import { ClientError, ClientErrorCode } from './errors.ts'
import { ClientState, type ClientOptions } from './options.ts'
import { Receipts } from './receipts.ts'
import {
  Subscription,
  type Message,
  type SubscribeOptions,
  type SubscriptionHandle,
  type SubscriptionOwner,
} from './subscription.ts'

/** `destination`, `body` or `binaryBody`, `headers`. */
export interface Publication extends IPublishParams {
  /** With `true` the server is asked to confirm. */
  receipt?: boolean
}

/** So often in a row a lasting refusal is believed: the first one may have met a credential that had just expired. */
const MAX_REFUSALS = 2

/** Returns a client that does nothing until it is activated. */
export function createClient(options: ClientOptions): BridgeClient {
  return new BridgeClient(options)
}

export class BridgeClient {
  readonly #options: ClientOptions
  readonly #clock: Clock
  readonly #backoff: Backoff
  readonly #receipts = new Receipts()
  readonly #subscriptions = new Set<Subscription>()
  readonly #owner: SubscriptionOwner
  #connection: Connection | undefined
  #retryTimer: unknown
  #state: ClientState = ClientState.INACTIVE
  /** Should there be a connection? */
  #isActive = false
  #isClosing = false
  #refusals = 0
  #lastId = 0

  /** `clock` and `random` are for tests. */
  constructor(options: ClientOptions, clock: Clock = systemClock, random: () => number = Math.random) {
    this.#options = options
    this.#clock = clock
    this.#backoff = new Backoff(options.backoff ?? {}, random)
    this.#owner = {
      call: (callback) => this.#call(callback),
      recovered: (recovery) => this.#call(() => options.onRecovery?.(recovery)),
      left: (subscription) => this.#subscriptions.delete(subscription),
      expectReceipt: (destination, arrived) => this.#receipts.expect({ destination, arrived }),
    }
  }

  get state(): ClientState {
    return this.#state
  }

  get isConnected(): boolean {
    return this.#state === ClientState.CONNECTED
  }

  /** The client of @stomp/stompjs of this connection, for what is not here, such as transactions. Each has its own. */
  get stomp(): Client | undefined {
    // STOMP 1.2 "DISCONNECT": nothing may be sent after it.
    return this.isConnected ? this.#connection?.stomp : undefined
  }

  /** Connects, and from now on connects again whenever the connection is lost. */
  activate(): void {
    if (this.#isActive) return
    this.#isActive = true
    this.#refusals = 0
    this.#backoff.reset()
    // While one is being closed, the next follows it.
    if (!this.#connection) this.#connect()
  }

  /**
   * Closes the connection and stays away. Subscriptions are kept for the next `activate`.
   *
   * Resolves when the connection has ended: the server has confirmed, or does not answer. Messages that come before
   * that are handed over.
   */
  async deactivate(): Promise<void> {
    this.#isActive = false
    this.#clock.clearTimeout(this.#retryTimer)
    const connection = this.#connection
    if (!connection) return this.#setState(ClientState.INACTIVE)
    this.#isClosing = true
    this.#detachAll()
    this.#setState(ClientState.CLOSING)
    await connection.close()
  }

  /**
   * Subscribes now, or with the next connection, and again with each one after that.
   *
   * Errors: throws TypeError for options that the server would refuse.
   */
  subscribe(
    destination: string,
    onMessage: (message: Message) => void,
    options: SubscribeOptions = {},
  ): SubscriptionHandle {
    const id = `sub-${++this.#lastId}`
    const subscription = new Subscription(id, destination, onMessage, options, this.#owner)
    this.#subscriptions.add(subscription)
    if (this.stomp) subscription.attach(this.stomp)
    return subscription
  }

  /**
   * Sends a message on the current connection.
   *
   * With `receipt: true` resolves with the headers of the RECEIPT. Without, nobody knows whether it has arrived.
   * Errors: throws or rejects with ClientError `disconnected` if there is no connection. A receipt also rejects with the
   *         ERROR that answers this message, or with `disconnected` if the connection ends first: it may have arrived.
   */
  publish(publication: Publication & { receipt: true }): Promise<StompHeaders>
  publish(publication: Publication): void
  publish({ receipt, ...params }: Publication): Promise<StompHeaders> | void {
    if (!receipt) return this.#publish(params)
    return new Promise((arrived, failed) => {
      const id = this.#receipts.expect({ arrived, failed })
      try {
        this.#publish({ ...params, headers: { ...params.headers, receipt: id } })
      } catch (error) {
        this.#receipts.take(id)
        throw error // rejects
      }
    })
  }

  #publish(params: IPublishParams): void {
    const { stomp } = this
    if (!stomp) {
      throw new ClientError(ClientErrorCode.DISCONNECTED, `Cannot publish to "${params.destination}": not connected`)
    }
    stomp.publish(params)
  }

  #connect(): void {
    const connection = new Connection(this.#options, this.#clock, {
      connected: (headers) => this.#connected(headers),
      receipt: (headers) => this.#receipts.take(headers['receipt-id'])?.arrived(headers),
      ended: (ending) => this.#ended(connection, ending),
    })
    this.#connection = connection
    this.#setState(ClientState.CONNECTING)
    // Whoever was told may have deactivated it.
    if (this.#connection === connection) void connection.open()
  }

  #connected(headers: StompHeaders): void {
    // Those that are made by a callback below subscribe themselves.
    const stomp = this.#connection!.stomp!
    for (const subscription of this.#subscriptions) subscription.attach(stomp)
    this.#setState(ClientState.CONNECTED)
    this.#call(() => this.#options.onConnected?.({ headers }))
  }

  #ended({ connectedAtMs }: Connection, { code, reason = '', error }: Ending): void {
    const wasConnected = connectedAtMs !== undefined
    const isReplaced = this.#isClosing && this.#isActive
    this.#connection = undefined
    this.#isClosing = false
    this.#detachAll()
    if (wasConnected && this.#clock.now() - connectedAtMs >= this.#backoff.stableMs) {
      this.#backoff.reset()
      this.#refusals = 0
    }
    this.#countRefusal(error, wasConnected)
    this.#failReceipts(error)
    const retryInMs = isReplaced ? 0 : this.#isActive ? this.#backoff.nextMs(error?.retryAfterMs ?? 0) : undefined
    if (retryInMs !== undefined) this.#retryTimer = this.#clock.setTimeout(() => this.#connect(), retryInMs)
    this.#setState(retryInMs === undefined ? ClientState.INACTIVE : ClientState.WAITING)
    if (error) this.#report(error)
    else if (!wasConnected && retryInMs !== undefined) {
      this.#report(new ClientError(ClientErrorCode.UNREACHABLE, `Cannot connect: closed with ${code} "${reason}"`))
    }
    if (wasConnected) this.#call(() => this.#options.onDisconnected?.({ code, reason, error, retryInMs }))
  }

  /** An attempt that was not answered says nothing about refusals. */
  #countRefusal(error: ClientError | undefined, wasConnected: boolean): void {
    if (error?.isLasting) this.#refusals++
    else if (wasConnected) this.#refusals = 0
    if (!this.#isActive || !error?.isLasting || this.#refusals < MAX_REFUSALS) return
    error.isFatal = true
    this.#isActive = false
  }

  /** An ERROR answers one frame, or none. */
  #failReceipts(error: ClientError | undefined): void {
    const refused = error && this.#receipts.take(error.headers['receipt-id'])
    if (refused) {
      error.destination = refused.destination
      refused.failed?.(error)
    }
    for (const waiting of this.#receipts.takeAll()) {
      const text = 'The connection has ended before the receipt came'
      waiting.failed?.(new ClientError(ClientErrorCode.DISCONNECTED, text, { cause: error }))
    }
  }

  #detachAll(): void {
    for (const subscription of this.#subscriptions) subscription.detach()
  }

  #setState(state: ClientState): void {
    if (this.#state === state) return
    this.#state = state
    this.#call(() => this.#options.onState?.(state))
  }

  #call(callback: () => void): void {
    try {
      callback()
    } catch (cause) {
      this.#report(
        new ClientError(ClientErrorCode.CALLBACK_FAILED, `A callback has thrown: ${String(cause)}`, { cause }),
      )
    }
  }

  #report(error: ClientError): void {
    try {
      if (this.#options.onError) this.#options.onError(error)
      else if (error.code === ClientErrorCode.CALLBACK_FAILED) throw error.cause
    } catch (thrown) {
      // As from any other callback of the runtime. The connection goes on.
      queueMicrotask(() => {
        throw thrown
      })
    }
  }
}
