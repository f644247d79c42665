/**
 * One STOMP connection, from open to close: decodes what comes in, runs each frame's effect strictly in order, answers
 * receipts and errors in that order, keeps both heart-beats, and closes exactly once. What a client may do, and what it
 * gets, is not known here.
 */
import { Buffer } from 'node:buffer'
import {
  Command,
  FrameError,
  HEART_BEAT,
  isConnect,
  messageStamp,
  Version,
  type Frame,
  type Header,
} from '../../frames/index.ts'
import { bareHandshake, type Handshake } from '../access/handshake.ts'
import type { Identity } from '../access/identity.ts'
import type { Client } from '../client/client.ts'
import type { Door } from '../client/door.ts'
import { paceOf, type Pace } from '../client/pace.ts'
import { logFault } from '../client/session-end.ts'
import { isSoftError, tellDisallowed, tellSoftError } from '../client/soft-errors.ts'
import { AckMode, type Subscription } from '../client/subscription.ts'
import type { Due } from '../clock.ts'
import type { Marker, Message } from '../delivery/message.ts'
import { closeReason, ERRORS, ProtocolError, quoted } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { Acknowledgements } from './acknowledgements.ts'
import type { CommandContext, PendingEffect } from './command.ts'
import { COMMAND_HANDLERS } from './commands/index.ts'
import { agree, Login, type Agreement } from './connect.ts'
import { Effects, type Effect } from './effects.ts'
import { HeartBeats } from './heart-beats.ts'
import { Inbox, type FrameReceiver, type HeldLimits } from './inbox.ts'
import { connectedFrame, describeFailure, errorFrame, receiptFrame } from './responses.ts'
import { markerMessage } from './marker.ts'
import { renew } from './renewal.ts'
import type { SessionServices } from './services.ts'
import { Ending, State } from './state.ts'
import { Transactions } from './transactions.ts'

type EffectQueue = Pick<Effects, 'addDone' | 'addPending'>

/** Bytes of frames that may wait while it is found out who the client is. */
const HELD_BEFORE_CONNECTED: HeldLimits = { pauseAboveBytes: 16 * 1024, maxBytes: 16 * 1024 }

export class Session implements SocketHandler, Door, CommandContext, FrameReceiver, EffectQueue, Due {
  readonly protocol = 'stomp'
  readonly client: Client
  dueSlot = 0

  readonly #socket: Socket
  readonly #services: SessionServices
  readonly #onReleased: (client: Client) => void
  readonly #inbox: Inbox
  /** While it is found out who the client is, or whether it still is. */
  #login: Login | undefined
  #agreedVersion: Version | undefined
  #state: State = State.connecting
  /** When any state but `connected` must be over. */
  #stateDeadline: number
  #isSocketOpen = true
  /** Does it go on after what it may not? */
  #isSoft = false
  /** Nothing more will come; what is held back is still to be processed. */
  #hasEnded = false
  #heartBeats: HeartBeats | undefined
  /** Undefined where it may send as quickly as it wants. */
  #pace: Pace | undefined
  // What not every client uses is made when it is first asked for: most sessions are idle, and there are many of them.
  #transactions: Transactions | undefined
  #acknowledgements: Acknowledgements | undefined
  /** Undefined until the first effect is pending; see {@link addDone}. */
  #queue: Effects | undefined
  #boundProceed: (() => void) | undefined

  constructor(
    socket: Socket,
    client: Client,
    handshake: Handshake,
    services: SessionServices,
    onReleased: (client: Client) => void,
  ) {
    const { options, access, deadlines } = services
    this.client = client
    this.#socket = socket
    this.#services = services
    this.#onReleased = onReleased
    this.#login = new Login(access, handshake)
    this.#inbox = new Inbox(socket, this, options.beforeConnect, HELD_BEFORE_CONNECTED)
    this.#pace = paceOf(options.pace, deadlines, () => this.#goOn())
    this.#stateDeadline = deadlines.now() + options.connectTimeoutMs
    deadlines.schedule(this, this.#stateDeadline)
  }

  // --- CommandContext: what the handlers work on

  get stompVersion(): Version {
    return this.#agreedVersion ?? Version.V1_0
  }

  get metrics(): Metrics {
    return this.#services.metrics
  }

  get tracing(): Tracing | undefined {
    return this.#services.tracing
  }

  get transactions(): Transactions {
    return (this.#transactions ??= new Transactions(this.#services.options))
  }

  get acknowledgements(): Acknowledgements {
    const { maxUnackedMessages } = this.#services.options
    return (this.#acknowledgements ??= new Acknowledgements(this.client.subscriptions, maxUnackedMessages))
  }

  renew(frame: Frame): PendingEffect {
    const login = new Login(this.#services.access, bareHandshake(this.client.remoteAddress))
    this.#login = login
    const done = Promise.resolve(login.identify(frame)).then((identity) =>
      renew(this.client, identity, (ended) => this.#acknowledgements?.release(ended)),
    )
    const forget = (): void => {
      if (this.#login === login) this.#login = undefined
    }
    done.then(forget, forget)
    return { done, heldBackUntil: done, isAbandonable: always }
  }

  // --- SocketHandler

  receive(data: string | Uint8Array, isBinary = false): void {
    if (this.#state >= State.finishing) return
    try {
      // A client whose CONNECT is binary reads nothing else (Go's NetConn closes on text).
      if (isBinary && this.#state === State.connecting) this.#socket.sendBinary()
      this.#heartBeats?.received(this.#services.deadlines.now())
      if (this.#pace && data.length > HEART_BEAT.length) this.#count(0, byteLength(data))
      this.#inbox.push(data)
    } catch (error) {
      this.#crashed(error)
    }
  }

  ponged(): void {
    if (this.#state === State.connected) this.#heartBeats?.ponged(this.#services.deadlines.now())
  }

  /** As DISCONNECT without a receipt: what came before is finished and answered. */
  ended(): void {
    // It has its RECEIPT, and says with this that it leaves.
    if (this.#state === State.lingering) this.#close(1000, '', 'client')
    if (this.#state >= State.finishing) return
    this.#hasEnded = true
    this.#goOn()
  }

  closed(code: number): void {
    if (!this.#isSocketOpen) return
    this.#isSocketOpen = false
    this.#services.deadlines.cancel(this)
    this.#endLogin()
    this.#endPace()
    // It had said that it leaves, however it then closed.
    if (this.#state === State.lingering) this.client.endsAs('client', code, '')
    this.client.close(code)
    this.#acknowledgements?.clear() // nothing is delivered any more, so there is nothing to acknowledge
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

  // --- Door

  get version(): Version | undefined {
    return this.#agreedVersion
  }

  get isOpen(): boolean {
    return this.#state < State.closing
  }

  deliver(subscription: Subscription, message: Message, dropped: number): void {
    const { id, ackMode, feed } = subscription
    const { stompVersion: version } = this
    const ack = ackMode === AckMode.auto ? undefined : this.acknowledgements.add(subscription, message.id)
    const stamp = messageStamp(id, version === Version.V1_2 ? ack : undefined, version)
    const data = message.as(feed.encoding).stamp(dropped > 0 ? `${stamp}dropped:${dropped}\n` : stamp)
    this.client.output.write(data)
  }

  tell({ id, feed }: Subscription, marker: Marker): void {
    const stamp = messageStamp(id, undefined, this.stompVersion)
    this.client.output.write(markerMessage(feed.topic.destination, marker).as(feed.encoding).stamp(stamp))
  }

  get room(): number {
    return this.#state === State.connected ? this.acknowledgements.room : 0
  }

  forget(subscription: Subscription, messageId: string): void {
    this.#acknowledgements?.forget(subscription, messageId)
  }

  disallow(ended: readonly Subscription[]): void {
    for (const each of ended) this.#acknowledgements?.release(each)
    tellDisallowed(this.client, this.#isSoft, ended)
  }

  closeAsSlow(reason: string): void {
    // No ERROR frame: it would stand behind all that the client does not read.
    this.#close(ERRORS['slow-consumer'].close, reason, 'slow-consumer')
  }

  /** Open and at once closed again. Nothing is read, from now on. */
  refuse(error: ProtocolError): void {
    this.#wait(State.closing)
    const description = describeFailure(error)
    // The runtime does not have this handler before its `open` has returned: a close reported sooner would be lost.
    queueMicrotask(() => {
      // TCP has no close code to say it with.
      if (this.client.transport === 'tcp') this.client.output.write(errorFrame(description, undefined, undefined))
      this.#socket.close(description.closeCode, closeReason(description.message))
    })
  }

  /** Nothing more is accepted; when all that was read is finished, close with 1001. */
  shutDown(): void {
    if (this.#state >= State.finishing) return
    this.#finish()
    this.#effects.addDone(
      undefined,
      new Ending(ERRORS['shutting-down'].close, 'The server is shutting down', 'shutting-down'),
    )
  }

  /** The peer did not close in time, or nobody waits any more. */
  terminate(): void {
    this.#socket.terminate()
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
      const text = this.#login?.isPending
        ? 'The login was not checked in time: the authenticator has not answered'
        : 'No CONNECT frame came in time'
      this.#sendError(new ProtocolError('connect-timeout', text), undefined)
    } else if (this.#state === State.finishing) {
      const failure = this.#queue?.failure
      if (failure) this.#sendError(failure.error, failure.receipt)
      else this.#close(ERRORS.internal.close, 'What was pending did not finish in time', 'internal')
    } else if (this.#state === State.lingering) {
      this.#close(1000, '', 'client')
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
      const text = `Nothing was received for ${beats.patienceMs} ms`
      this.#sendError(new ProtocolError('heart-beat-timeout', text), undefined)
      return undefined
    }
    if (beats.isPingDue(now)) {
      beats.pinged(now)
      this.#socket.ping()
    }
    if (beats.isBeatDue(now)) this.client.output.write(HEART_BEAT)
    return beats.nextDue()
  }

  /** For the client's output: a write of ours counts as a heart-beat. */
  wrote(): void {
    this.#heartBeats?.sent(this.#services.deadlines.now())
  }

  // --- FrameReceiver: frames in, in order

  get isReading(): boolean {
    return this.#state <= State.connected
  }

  get isBusy(): boolean {
    if (this.#pace?.isOver) return true
    const queue = this.#queue
    if (!queue) return false
    const { maxInFlight, maxInFlightBytes } = this.#services.options
    return queue.size >= maxInFlight || queue.pendingBytes >= maxInFlightBytes
  }

  paused(): void {
    this.metrics.count.floodsPaused++
  }

  process(frame: Frame): void {
    this.metrics.count.framesReceived++
    this.client.received++
    if (this.#pace) this.#count(1, 0)
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
      if (isSoftError(error, this.#isSoft)) {
        tellSoftError(this.client, error, frame.headers.get('destination') ?? '', receipt)
      } else this.fail(error, receipt)
    }
  }

  #count(frames: number, bytes: number): void {
    if (this.#pace?.take(frames, bytes)) this.metrics.count.throttled++
  }

  /** What still waits need not wait any longer: nobody can add to it. */
  #endPace(): void {
    this.#pace?.end()
    this.#pace = undefined
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
    const { done, heldBackUntil, isAbandonable } = pending
    this.#effects.addPending(receipt, done, isAbandonable, frame.body.length)
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
    const agreement = agree(frame, this.client.id, this.#services.options)
    const identity = this.#login!.identify(frame)
    if (!(identity instanceof Promise)) {
      this.#connected(agreement, identity)
      return
    }
    const connected = identity
      .then((found) => {
        if (this.#state === State.connecting && this.#isSocketOpen) this.#connected(agreement, found)
      })
      .catch((error: unknown) => this.fail(error, receipt))
    // STOMP 1.2 "RECEIPT": not defined for CONNECT, so no receipt. What ends the session does not wait for the answer.
    this.#effects.addPending(undefined, connected, always, 0)
    this.#inbox.holdBack(connected, this.#proceed)
  }

  /** Errors: ProtocolError `too-many-sessions-of-user`. */
  #connected({ version, intervals, headers, isSoft }: Agreement, identity: Identity): void {
    const { options, deadlines } = this.#services
    const { user } = identity
    this.client.identify(identity)
    this.#isSoft = isSoft || options.softErrors
    this.#login = undefined
    this.#agreedVersion = version
    this.#inbox.agree(version, options.afterConnect, options.heldBack)
    this.#state = State.connected
    this.client.begin()
    this.client.output.write(connectedFrame(user === undefined ? headers : [...headers, ['user-name', user]], version))
    if (intervals.outgoingMs === 0 && intervals.incomingMs === 0) return
    const { toleranceFactor, pongCounts } = options.heartBeat
    const { transport } = this.#socket
    const asksByPing = pongCounts && (transport === 'websocket' || transport === 'sockjs-websocket')
    this.#heartBeats = new HeartBeats(intervals, toleranceFactor, deadlines.now(), asksByPing)
    this.client.output.observer = this
    deadlines.schedule(this, this.#heartBeats.nextDue()!)
  }

  /** Whoever is still looking for the identity need not go on. */
  #endLogin(): void {
    this.#login?.abort()
    this.#login = undefined
  }

  #disconnect(receipt: string | undefined): void {
    this.#finish()
    // Its turn comes when everything before it has been answered.
    this.#effects.addDone(receipt, new Ending(1000, '', 'client', receipt !== undefined))
  }

  // --- Effects, in their turn

  get #effects(): EffectQueue {
    return this.#queue ?? this
  }

  /** As long as no effect was ever pending, each has its turn at once, and there is no queue: an idle client has none. */
  addDone(receipt: string | undefined, error?: unknown): void {
    this.#settled({ receipt, receiptHeaders: undefined, isDone: true, isAbandonable: undefined, error })
  }

  addPending(...effect: Parameters<Effects['addPending']>): void {
    this.#queue = new Effects({
      settled: (settled) => this.#settled(settled),
      progressed: this.#proceed,
      failed: () => this.#finish(),
    })
    this.#queue.addPending(...effect)
  }

  /** An effect's turn has come: answer its receipt, or end the session with its error. */
  #settled({ receipt, receiptHeaders, error }: Effect): void {
    if (this.#state >= State.lingering) return
    if (error === undefined) {
      if (receipt !== undefined) this.#answer(receipt, receiptHeaders)
    } else if (error instanceof Ending) {
      this.client.unsubscribeAll()
      if (receipt !== undefined) this.#answer(receipt)
      if (error.isLeftToClient) this.#wait(State.lingering)
      else this.#close(error.closeCode, error.reason, error.code)
    } else {
      this.#sendError(error, receipt)
    }
  }

  /** What one answer of Redis settles are often many frames of a client: their receipts leave in one write. */
  #answer(receipt: string, headers?: readonly Header[]): void {
    this.metrics.count.receiptsSent++
    this.#services.turnEnd.gather(this.client.output)
    this.client.output.write(receiptFrame(receipt, headers, this.#agreedVersion))
  }

  /** The session ends with an ERROR frame, after the answers to what came before. */
  fail(error: unknown, receipt?: string): void {
    if (this.#state >= State.finishing) return
    this.#finish()
    const named = receipt ?? (error instanceof FrameError ? error.receipt : undefined)
    // An authenticator may throw anything, and without an error this would be an answer that all is well.
    this.#effects.addDone(named, error ?? new Error('failed without a reason'))
  }

  /** Read nothing more; what is pending gets some time. */
  #finish(): void {
    if (this.#state >= State.finishing) return
    this.#state = State.finishing
    this.#startStateDeadline(this.#services.options.settleTimeoutMs)
  }

  #sendError(error: unknown, receipt: string | undefined): void {
    const description = describeFailure(error)
    logFault(this.#services.log, this.client.id, error, description)
    this.client.unsubscribeAll() // STOMP 1.2 "ERROR": no frame comes after it
    this.metrics.count.errorsSent++
    this.metrics.refused(description.code)
    this.client.output.write(errorFrame(description, receipt, this.#agreedVersion))
    this.#close(description.closeCode, description.message, description.code)
  }

  // --- The end

  /** `why`: see `SessionEnd.code`. */
  #close(code: number, reason: string, why: string): void {
    this.client.endsAs(why, code, reason)
    this.client.unsubscribeAll()
    this.client.output.flush()
    this.#wait(State.closing)
    this.#socket.close(code, closeReason(reason))
  }

  #wait(state: typeof State.lingering | typeof State.closing): void {
    this.#state = state
    this.#endLogin()
    this.#endPace()
    this.client.leave()
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
    return (this.#queue?.size ?? 0) > 0 || this.#inbox.isHeldBack
  }

  /** The socket is gone, and nothing that came over it is left to do. */
  #release(): void {
    if (this.#state === State.closed) return
    this.#state = State.closed
    this.#queue?.clear()
    this.#transactions?.clear() // STOMP 1.2 "BEGIN": open ones are aborted when the connection is lost
    this.#onReleased(this.client)
  }

  /** A fault of ours must end this connection only. */
  #crashed(error: unknown): void {
    this.#services.log.error({ session: this.client.id, error }, 'A session failed and is dropped')
    this.metrics.refused('internal')
    this.client.endsAs('internal', ERRORS.internal.close, 'Internal error')
    this.#socket.terminate()
  }
}

const always = (): boolean => true

function byteLength(data: string | Uint8Array): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.length
}
