/**
 * One connection, from open to close: decodes what comes in, runs each frame's effect strictly in order, answers
 * receipts and errors in that order, keeps both heart-beats, and closes exactly once. Knows STOMP; knows sockets and
 * the broker only by their interfaces.
 */
import { Command, FrameError, isConnect, Version, type Frame } from '../../frames/index.ts'
import type { Authenticator, Identity } from '../auth/authenticator.ts'
import type { Broker, BrokerSubscription, Subscriber } from '../broker/broker.ts'
import type { Due } from '../clock.ts'
import { ERRORS, ProtocolError, quoted } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { Acknowledgements } from './acknowledgements.ts'
import type { CommandContext } from './command.ts'
import { agree, identify } from './commands/connect.ts'
import { COMMAND_HANDLERS } from './commands/index.ts'
import { Deliveries } from './deliveries.ts'
import { Effects, type Effect } from './effects.ts'
import { closeReason, describeError } from './error-description.ts'
import { HeartBeats } from './heart-beats.ts'
import { Inbox, type FrameReceiver } from './inbox.ts'
import { Outbox } from './outbox.ts'
import type { Output } from './output-watch.ts'
import type { SessionServices } from './services.ts'
import { Disconnected, ShutDown, State } from './state.ts'
import { Subscriptions, type SubscriptionSource } from './subscriptions.ts'
import { Transactions } from './transactions.ts'

const ANONYMOUS: Identity = { user: undefined }

export class Session
  implements SocketHandler, Subscriber, SubscriptionSource, CommandContext, FrameReceiver, Due, Output
{
  readonly sessionId: string
  readonly transport: 'websocket' | 'tcp'
  readonly broker: Broker
  readonly authenticator: Authenticator
  readonly metrics: Metrics
  readonly subscriptions: Subscriptions
  readonly transactions: Transactions
  readonly acknowledgements: Acknowledgements
  identity: Identity = ANONYMOUS
  dueSlot = 0

  readonly #socket: Socket
  readonly #services: SessionServices
  readonly #onClosed: (session: Session) => void
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  readonly #deliveries: Deliveries
  readonly #effects = new Effects((effect) => this.#settled(effect))
  #state: State = State.connecting
  #heartBeats: HeartBeats | undefined
  /** When any state but `connected` must be over. */
  #stateDeadline: number
  #isSocketOpen = true
  /** Nothing more will come; what is held back is still to be processed. */
  #hasEnded = false

  constructor(socket: Socket, sessionId: string, services: SessionServices, onClosed: (session: Session) => void) {
    const { options, broker, authenticator, metrics, deadlines, outputs } = services
    this.sessionId = sessionId
    this.transport = socket.transport
    this.broker = broker
    this.authenticator = authenticator
    this.metrics = metrics
    this.subscriptions = new Subscriptions(this, options.maxSubscriptions, options.maxPatterns)
    this.transactions = new Transactions(options)
    this.acknowledgements = new Acknowledgements(this.subscriptions, options.maxUnackedMessages)
    this.#socket = socket
    this.#outbox = new Outbox(socket, metrics, outputs)
    this.#deliveries = new Deliveries(this, this.#outbox, () => deadlines.now())
    this.#services = services
    this.#onClosed = onClosed
    this.#inbox = new Inbox(socket, this, options.beforeConnect, {
      pauseAboveBytes: options.afterConnect.maxFrameBytes,
      maxBytes: options.maxHeldBackBytes,
    })
    this.#stateDeadline = deadlines.now() + options.connectTimeoutMs
    deadlines.schedule(this, this.#stateDeadline)
    outputs.add(this)
  }

  get version(): Version {
    return this.#outbox.version ?? Version.V1_0
  }

  // --- SocketHandler

  receive(data: string | Uint8Array): void {
    if (this.#state >= State.finishing) return
    try {
      this.#heartBeats?.received(this.#services.deadlines.now())
      this.#inbox.push(data)
    } catch (error) {
      this.#crashed(error)
    }
  }

  /** As DISCONNECT without a receipt: what came before is finished and answered. */
  ended(): void {
    // It has its RECEIPT, and says with this that it leaves.
    if (this.#state === State.lingering) this.#close(1000, '')
    if (this.#state >= State.finishing) return
    this.#hasEnded = true
    this.#proceed()
  }

  /** Open and at once closed again: this node takes no more. Nothing is read, from now on. */
  refuse(closeCode: number, reason: string): void {
    this.#wait(State.closing)
    // Bun reports the close inside the call, and it does not have this handler before its own `open` has returned.
    queueMicrotask(() => this.#socket.close(closeCode, closeReason(reason)))
  }

  closed(): void {
    if (!this.#isSocketOpen) return
    this.#isSocketOpen = false
    const { deadlines, outputs } = this.#services
    deadlines.cancel(this)
    outputs.remove(this)
    this.subscriptions.clear()
    this.acknowledgements.clear()
    // Frames that were received before are still processed (STOMP 1.2 "DISCONNECT": a server may do so): what is held
    // back goes on, and #release comes when nothing is left.
    try {
      if (this.#state === State.connected) this.#inbox.run()
      if (this.#state === State.connected && this.#isWaiting) return
    } catch (error) {
      this.#crashed(error)
    }
    this.#release()
  }

  // --- Due: time limits and heart-beats

  due(now: number): number | undefined {
    try {
      return this.#isSocketOpen ? this.#dueNow(now) : undefined
    } catch (error) {
      this.#crashed(error)
      return undefined
    }
  }

  #dueNow(now: number): number | undefined {
    if (this.#state === State.connected) return this.#beat(now)
    if (now < this.#stateDeadline) return this.#stateDeadline
    if (this.#state === State.connecting) {
      this.#sendError(new ProtocolError('connect-timeout', 'No CONNECT frame came in time'), undefined)
    } else if (this.#state === State.finishing) {
      this.#close(ERRORS.internal.close, 'What was pending did not finish in time')
    } else if (this.#state === State.lingering) {
      this.#close(1000, '')
    } else {
      this.#socket.terminate()
    }
    return undefined
  }

  #beat(now: number): number | undefined {
    const beats = this.#heartBeats
    if (!beats) return undefined
    if (this.#inbox.isPaused) beats.received(now) // it is not the client that is silent
    if (beats.isPeerSilent(now)) {
      this.metrics.count.heartBeatTimeouts++
      this.#sendError(
        new ProtocolError('heart-beat-timeout', `Nothing was received for ${beats.patienceMs} ms`),
        undefined,
      )
      return undefined
    }
    if (beats.isBeatDue(now)) this.#outbox.heartBeat()
    return beats.nextDue()
  }

  // --- Output: what the slow-client watch asks

  get unsentBytes(): number {
    return this.#socket.bufferedBytes
  }

  get totalBytes(): number {
    let bytes = this.#outbox.written
    for (const subscription of this.subscriptions) bytes += this.broker.published(subscription.broker)
    return bytes
  }

  get isHolding(): boolean {
    return this.#deliveries.isHolding
  }

  get mayDropAll(): boolean {
    return this.#deliveries.mayDropAll
  }

  fallBehind(): void {
    if (this.#state === State.connected) this.#deliveries.fallBehind()
  }

  catchUp(mayWrite: () => boolean): void {
    if (this.#state === State.connected) this.#deliveries.catchUp(mayWrite)
  }

  closeAsSlow(reason: string): void {
    if (this.#state >= State.closing) return
    this.metrics.count.slowConsumersClosed++
    this.#services.log.warn(
      { session: this.sessionId, unsentBytes: this.unsentBytes, reason },
      'A client does not read and is closed',
    )
    // No ERROR frame: it would stand behind all that the client does not read.
    this.#close(ERRORS['slow-consumer'].close, reason)
  }

  // --- Subscriber: what the broker calls

  join(group: string): void {
    this.#socket.join(group)
  }

  leave(group: string): void {
    this.#socket.leave(group)
  }

  publish(data: string | Uint8Array): void {
    this.#outbox.publish(data)
  }

  deliver(...delivery: Parameters<Subscriber['deliver']>): void {
    this.#deliveries.deliver(...delivery)
  }

  // --- SubscriptionSource: what the subscription table asks

  isPattern(destination: string): boolean {
    return this.broker.isPattern(destination)
  }

  subscribe(destination: string, id: string | undefined, acknowledges: boolean): ReturnType<Broker['subscribe']> {
    return this.broker.subscribe({ destination, id, version: this.version, subscriber: this, acknowledges })
  }

  unsubscribe(subscription: BrokerSubscription): void {
    this.#deliveries.forget(subscription)
    const published = this.broker.unsubscribe(subscription) // it may write as well: so not in one with the next
    this.#outbox.written += published
  }

  // --- FrameReceiver: frames in, in order

  get isReading(): boolean {
    return this.#state <= State.connected
  }

  get isBusy(): boolean {
    const { maxInFlight, maxInFlightBytes } = this.#services.options
    return this.#effects.size >= maxInFlight || this.#effects.pendingBytes >= maxInFlightBytes
  }

  paused(): void {
    this.metrics.count.floodsPaused++
  }

  process(frame: Frame): void {
    this.metrics.count.framesReceived++
    const receipt = frame.headers.get('receipt')
    try {
      if (this.#state === State.connecting) {
        if (!isConnect(frame.command)) {
          throw new ProtocolError('connect-required', 'The first frame must be CONNECT or STOMP')
        }
        this.#connect(frame)
      } else if (frame.command === Command.DISCONNECT) {
        this.#disconnect(receipt)
      } else {
        if (isConnect(frame.command)) throw new ProtocolError('already-connected', 'The session is already connected')
        this.#execute(frame, receipt)
      }
    } catch (error) {
      this.fail(error, receipt)
    }
  }

  #execute(frame: Frame, receipt: string | undefined): void {
    const handler = COMMAND_HANDLERS.get(frame.command)
    if (!handler) throw new ProtocolError('unknown-command', `Unknown command ${quoted(frame.command)}`)
    // A SUBSCRIBE that was still waiting when the connection went has nobody to deliver to.
    if (!this.#isSocketOpen && frame.command === Command.SUBSCRIBE) return
    const pending = handler(this, frame)
    if (!pending) {
      this.#effects.addDone(receipt)
      return
    }
    const { done, heldBackUntil, isAbandonable = false } = pending
    this.#effects.addPending(receipt, done, isAbandonable, frame.body.length)
    done.then(this.#proceed, this.#proceed)
    if (heldBackUntil) this.#inbox.holdBack(heldBackUntil, this.#proceed)
  }

  /** Something that frames may have waited for is over. */
  readonly #proceed = (): void => {
    try {
      if (!this.#inbox.isHeldBack) this.#inbox.run()
      if (this.#hasEnded && !this.#inbox.isHeldBack && this.#state <= State.connected) this.#disconnect(undefined)
    } catch (error) {
      this.#crashed(error)
    }
    if (!this.#isSocketOpen && !this.#isWaiting) this.#release()
  }

  // --- CONNECT, DISCONNECT

  #connect(frame: Frame): void {
    const { options, deadlines, authenticator } = this.#services
    const { outgoingMs, incomingMs, toleranceFactor } = options.heartBeat
    const agreement = agree(frame, {
      sessionId: this.sessionId,
      server: options.server,
      heartBeat: { sendMs: outgoingMs, receiveMs: incomingMs },
    })
    const connected = identify(frame, authenticator, this.#socket.remoteAddress).then((identity) => {
      if (this.#state !== State.connecting || !this.#isSocketOpen) return
      this.identity = identity
      this.#outbox.version = agreement.version
      this.#inbox.agree(agreement.version, options.afterConnect)
      this.#state = State.connected
      this.metrics.count.sessionsOpened++
      const headers = [...agreement.headers]
      if (identity.user !== undefined) headers.push(['user-name', identity.user])
      this.#outbox.connected(headers)
      const beats = new HeartBeats(agreement.intervals, toleranceFactor, deadlines.now())
      if (beats.isNeeded) {
        this.#heartBeats = beats
        this.#outbox.onWrite = () => beats.sent(deadlines.now())
        deadlines.schedule(this, beats.nextDue()!)
      }
    })
    // STOMP 1.2 "RECEIPT": not defined for CONNECT, so no receipt
    this.#effects.addPending(undefined, connected, false, 0)
    this.#inbox.holdBack(connected, this.#proceed)
  }

  #disconnect(receipt: string | undefined): void {
    this.#finish()
    // Its turn comes when everything before it has been answered.
    this.#effects.addDone(receipt, new Disconnected(receipt !== undefined))
  }

  /** Nothing more is accepted; when all that was read is finished, close with 1001. */
  shutDown(): void {
    if (this.#state >= State.finishing) return
    this.#finish()
    this.#effects.addDone(undefined, new ShutDown())
  }

  /** The peer did not close in time, or nobody waits any more. */
  terminate(): void {
    this.#socket.terminate()
  }

  // --- Frames out

  /** An effect's turn has come: answer its receipt, or end the session with its error. */
  #settled({ receipt, error }: Effect): void {
    if (this.#state >= State.lingering) return
    if (error === undefined) {
      if (receipt !== undefined) this.#outbox.receipt(receipt)
    } else if (error instanceof Disconnected) {
      this.subscriptions.clear()
      if (receipt !== undefined) this.#outbox.receipt(receipt)
      // With a receipt the client closes when it has it; the server only sees to it that it happens.
      if (error.expectsReceipt) this.#wait(State.lingering)
      else this.#close(1000, '')
    } else if (error instanceof ShutDown) {
      this.#close(ERRORS['shutting-down'].close, 'The server is shutting down')
    } else {
      this.#sendError(error, receipt)
    }
  }

  /** The session ends with an ERROR frame, after the answers to what came before. */
  fail(error: unknown, receipt?: string): void {
    if (this.#state >= State.finishing) return
    this.#finish()
    const named = receipt ?? (error instanceof FrameError ? error.receipt : undefined)
    this.#effects.addDone(named, error)
  }

  /** Read nothing more; what is pending gets some time. */
  #finish(): void {
    this.#state = State.finishing
    this.#startStateDeadline(this.#services.options.settleTimeoutMs)
  }

  #sendError(error: unknown, receipt: string | undefined): void {
    const description = describeError(error)
    const { code, message } = description
    if (code === 'internal') this.#services.log.error({ session: this.sessionId, error }, 'Internal error in a session')
    else this.#services.log.info({ session: this.sessionId, code, reason: message }, 'A session ends with an error')
    this.subscriptions.clear() // STOMP 1.2 "ERROR": no frame comes after it
    this.#outbox.error(description, receipt)
    this.#close(description.closeCode, message)
  }

  // --- The end

  #close(code: number, reason: string): void {
    this.subscriptions.clear()
    this.#wait(State.closing)
    this.#socket.close(code, closeReason(reason))
  }

  #wait(state: typeof State.lingering | typeof State.closing): void {
    this.#state = state
    this.#startStateDeadline(this.#services.options.lingerMs)
  }

  #startStateDeadline(delayMs: number): void {
    const { deadlines } = this.#services
    this.#stateDeadline = deadlines.now() + delayMs
    deadlines.cancel(this)
    if (this.#isSocketOpen) deadlines.schedule(this, this.#stateDeadline)
  }

  /** Is something that was received still to take effect? */
  get #isWaiting(): boolean {
    return this.#effects.size > 0 || this.#inbox.isHeldBack
  }

  /** The socket is gone, and nothing that came over it is left to do. */
  #release(): void {
    if (this.#state === State.closed) return
    this.#state = State.closed
    this.#effects.clear()
    this.transactions.clear() // STOMP 1.2 "BEGIN": open ones are aborted when the connection is lost
    this.#onClosed(this)
  }

  /** A fault of ours must end this connection only. */
  #crashed(error: unknown): void {
    this.#services.log.error({ session: this.sessionId, error }, 'A session failed and is dropped')
    this.#socket.terminate()
  }
}
