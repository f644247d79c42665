/**
 * One connection, from open to close: decodes what comes in, runs each frame's effect strictly in order, answers
 * receipts and errors in that order, keeps both heart-beats, and closes exactly once. Knows STOMP; knows sockets and
 * the broker only by their interfaces.
 */
import { Command, FrameError, isConnect, type Frame } from '../../frames/index.ts'
import type { Identity } from '../auth/authenticator.ts'
import type { Due } from '../clock.ts'
import { ERRORS, ProtocolError, quoted } from '../errors.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { agree, identify, type Agreement } from './commands/connect.ts'
import { COMMAND_HANDLERS } from './commands/index.ts'
import { Effects, type Effect } from './effects.ts'
import { closeReason, describeError } from './error-description.ts'
import { HeartBeats } from './heart-beats.ts'
import { Inbox, type FrameReceiver } from './inbox.ts'
import type { SessionServices } from './services.ts'
import { SessionContext } from './session-context.ts'
import { Ending, State } from './state.ts'

type EffectQueue = Pick<Effects, 'addDone' | 'addPending'>

export class Session extends SessionContext implements SocketHandler, FrameReceiver, EffectQueue, Due {
  /** Milliseconds since 1970. */
  readonly openedAtMs = Date.now()
  framesReceived = 0
  dueSlot = 0

  readonly #socket: Socket
  readonly #onClosed: (session: Session) => void
  readonly #inbox: Inbox
  #state: State = State.connecting
  /** When any state but `connected` must be over. */
  #stateDeadline: number
  #isSocketOpen = true
  /** Nothing more will come; what is held back is still to be processed. */
  #hasEnded = false
  /** Undefined until the first effect is pending; see {@link addDone}. */
  #queue: Effects | undefined
  #boundProceed: (() => void) | undefined

  constructor(socket: Socket, sessionId: string, services: SessionServices, onClosed: (session: Session) => void) {
    super(socket, sessionId, services)
    const { options, deadlines, outputs } = services
    this.#socket = socket
    this.#onClosed = onClosed
    this.#inbox = new Inbox(socket, this, options.beforeConnect, {
      pauseAboveBytes: options.afterConnect.maxFrameBytes,
      maxBytes: options.maxHeldBackBytes,
    })
    this.#stateDeadline = deadlines.now() + options.connectTimeoutMs
    deadlines.schedule(this, this.#stateDeadline)
    outputs.add(this.outbox)
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress
  }

  // --- SocketHandler

  receive(data: string | Uint8Array, isBinary = false): void {
    if (this.#state >= State.finishing) return
    try {
      // A client whose CONNECT is binary reads nothing else (Go's NetConn closes on text).
      if (isBinary && this.#state === State.connecting) this.#socket.sendBinary()
      this.outbox.heartBeats?.received(this.services.deadlines.now())
      this.#inbox.push(data)
    } catch (error) {
      this.#crashed(error)
    }
  }

  ponged(): void {
    if (this.#state === State.connected) this.outbox.heartBeats?.ponged(this.services.deadlines.now())
  }

  /** As DISCONNECT without a receipt: what came before is finished and answered. */
  ended(): void {
    // It has its RECEIPT, and says with this that it leaves.
    if (this.#state === State.lingering) this.#close(1000, '')
    if (this.#state >= State.finishing) return
    this.#hasEnded = true
    this.#goOn()
  }

  /** Open and at once closed again: this node takes no more. Nothing is read, from now on. */
  refuse(closeCode: number, reason: string): void {
    this.#wait(State.closing)
    // The runtime does not have this handler before its `open` has returned: a close reported sooner would be lost.
    queueMicrotask(() => this.#socket.close(closeCode, closeReason(reason)))
  }

  closed(): void {
    if (!this.#isSocketOpen) return
    this.#isSocketOpen = false
    const { deadlines, outputs } = this.services
    deadlines.cancel(this)
    outputs.remove(this.outbox)
    this.endSubscriptions()
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
    const beats = this.outbox.heartBeats
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
    if (beats.isPingDue(now)) {
      beats.pinged(now)
      this.#socket.ping()
    }
    if (beats.isBeatDue(now)) this.outbox.heartBeat()
    return beats.nextDue()
  }

  closeAsSlow(reason: string): void {
    if (this.#state >= State.closing) return
    this.metrics.count.slowConsumersClosed++
    this.services.log.warn(
      { session: this.sessionId, unsentBytes: this.#socket.bufferedBytes, totalBytes: this.totalBytes, reason },
      'A client does not read and is closed',
    )
    // No ERROR frame: it would stand behind all that the client does not read.
    this.#close(ERRORS['slow-consumer'].close, reason)
  }

  // --- FrameReceiver: frames in, in order

  get isConnected(): boolean {
    return this.#state === State.connected
  }

  get isReading(): boolean {
    return this.#state <= State.connected
  }

  get isBusy(): boolean {
    const queue = this.#queue
    if (!queue) return false
    const { maxInFlight, maxInFlightBytes } = this.services.options
    return queue.size >= maxInFlight || queue.pendingBytes >= maxInFlightBytes
  }

  paused(): void {
    this.metrics.count.floodsPaused++
  }

  process(frame: Frame): void {
    this.metrics.count.framesReceived++
    this.framesReceived++
    const receipt = frame.headers.get('receipt')
    try {
      if (this.#state === State.connecting) {
        if (!isConnect(frame.command)) {
          throw new ProtocolError('connect-required', 'The first frame must be CONNECT or STOMP')
        }
        this.#connect(frame, receipt)
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
  #goOn(): void {
    try {
      if (!this.#inbox.isHeldBack) this.#inbox.run()
      if (this.#hasEnded && !this.#inbox.isHeldBack && this.#state <= State.connected) this.#disconnect(undefined)
    } catch (error) {
      this.#crashed(error)
    }
    if (!this.#isSocketOpen && !this.#isWaiting) this.#release()
  }

  /** The same, for promises. */
  get #proceed(): () => void {
    return (this.#boundProceed ??= () => this.#goOn())
  }

  // --- CONNECT, DISCONNECT

  #connect(frame: Frame, receipt: string | undefined): void {
    const agreement = agree(frame, this.sessionId, this.services.options)
    const identity = identify(frame, this.authenticator, this.#socket.remoteAddress)
    if (!(identity instanceof Promise)) {
      this.#connected(agreement, identity)
      return
    }
    const connected = identity.then(
      (found) => {
        if (this.#state === State.connecting && this.#isSocketOpen) this.#connected(agreement, found)
      },
      (error: unknown) => this.fail(error, receipt),
    )
    // STOMP 1.2 "RECEIPT": not defined for CONNECT, so no receipt
    this.#effects.addPending(undefined, connected, false, 0)
    this.#inbox.holdBack(connected, this.#proceed)
  }

  #connected({ version, intervals, headers }: Agreement, identity: Identity): void {
    const { options, deadlines, metrics } = this.services
    const { user } = (this.identity = identity)
    this.outbox.version = version
    this.#inbox.agree(version, options.afterConnect)
    this.#state = State.connected
    metrics.count.sessionsOpened++
    this.outbox.connected(user === undefined ? headers : [...headers, ['user-name', user]])
    if (intervals.outgoingMs === 0 && intervals.incomingMs === 0) return
    const { toleranceFactor, pongCounts } = options.heartBeat
    const asksByPing = pongCounts && this.#socket.transport === 'websocket'
    const beats = new HeartBeats(intervals, toleranceFactor, deadlines.now(), asksByPing)
    this.outbox.heartBeats = beats
    deadlines.schedule(this, beats.nextDue()!)
  }

  #disconnect(receipt: string | undefined): void {
    this.#finish()
    // Its turn comes when everything before it has been answered.
    this.#effects.addDone(receipt, new Ending(1000, '', receipt !== undefined))
  }

  /** Nothing more is accepted; when all that was read is finished, close with 1001. */
  shutDown(): void {
    if (this.#state >= State.finishing) return
    this.#finish()
    this.#effects.addDone(undefined, new Ending(ERRORS['shutting-down'].close, 'The server is shutting down'))
  }

  /** Somebody who operates the bridge wants it gone. */
  closeByOperator(): void {
    this.fail(new ProtocolError('closed-by-operator', 'The session was closed by an operator'))
  }

  /** The peer did not close in time, or nobody waits any more. */
  terminate(): void {
    this.#socket.terminate()
  }

  // --- Effects, in their turn

  get #effects(): EffectQueue {
    return this.#queue ?? this
  }

  /** As long as no effect was ever pending, each has its turn at once, and there is no queue: an idle client has none. */
  addDone(receipt: string | undefined, error?: unknown): void {
    this.#settled({ receipt, isDone: true, isAbandonable: false, error })
  }

  addPending(...effect: Parameters<Effects['addPending']>): void {
    this.#queue = new Effects((settled) => this.#settled(settled))
    this.#queue.addPending(...effect)
  }

  /** An effect's turn has come: answer its receipt, or end the session with its error. */
  #settled({ receipt, error }: Effect): void {
    if (this.#state >= State.lingering) return
    if (error === undefined) {
      if (receipt !== undefined) this.outbox.receipt(receipt)
    } else if (error instanceof Ending) {
      this.subscriptions.clear()
      if (receipt !== undefined) this.outbox.receipt(receipt)
      if (error.isLeftToClient) this.#wait(State.lingering)
      else this.#close(error.closeCode, error.reason)
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
    this.#startStateDeadline(this.services.options.settleTimeoutMs)
  }

  #sendError(error: unknown, receipt: string | undefined): void {
    const description = describeError(error)
    const { code, message } = description
    if (code === 'internal') this.services.log.error({ session: this.sessionId, error }, 'Internal error in a session')
    else this.services.log.info({ session: this.sessionId, code, reason: message }, 'A session ends with an error')
    this.subscriptions.clear() // STOMP 1.2 "ERROR": no frame comes after it
    this.outbox.error(description, receipt)
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
    this.#startStateDeadline(this.services.options.lingerMs)
  }

  #startStateDeadline(delayMs: number): void {
    const { deadlines } = this.services
    this.#stateDeadline = deadlines.now() + delayMs
    deadlines.cancel(this)
    if (this.#isSocketOpen) deadlines.schedule(this, this.#stateDeadline)
  }

  /** Is something that was received still to take effect? */
  get #isWaiting(): boolean {
    return (this.#queue?.size ?? 0) > 0 || this.#inbox.isHeldBack
  }

  /** The socket is gone, and nothing that came over it is left to do. */
  #release(): void {
    if (this.#state === State.closed) return
    this.#state = State.closed
    this.#queue?.clear()
    this.abortTransactions()
    this.#onClosed(this)
  }

  /** A fault of ours must end this connection only. */
  #crashed(error: unknown): void {
    this.services.log.error({ session: this.sessionId, error }, 'A session failed and is dropped')
    this.#socket.terminate()
  }
}
