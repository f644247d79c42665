/**
 * The life of a connection: opens a WebSocket, with or without a STOMP session on it, and the next one when it is lost.
 * Knows nothing of what is said over it but CONNECTED and ERROR.
 */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { FrameToEncode, Version } from '../../frames/index.ts'
import { describeClose, describeRefusal, TICKET_IS_USED, type CloseContext } from './close-reason.ts'
import { isInHandshake, ticketIn, withToken } from './credential.ts'
import type { Environment } from './environment.ts'
import type { WireData } from './frame-record.ts'
import type { Farewell, LineEvents } from './line-events.ts'
import { isSameConnection, problemsOf, secretNames, socketUrl, subProtocolsOf, type Profile } from './profile.ts'
import { Reconnection, refusalKey } from './reconnection.ts'
import { maskSubProtocols, maskUrl } from './secrets.ts'
import { SockJsSocket, sockJsUrl, textIn } from './sockjs-socket.ts'
import { StompLink } from './stomp-link.ts'
import { TappedSocket, type Close } from './tapped-socket.ts'
import { isOnThisComputer } from './url.ts'
import { WireTap } from './wire-tap.ts'

/** `waiting` is for the next attempt; `closed` may have a problem. */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'closing' | 'waiting' | 'closed'

/** How long the server may take to answer CONNECT, and DISCONNECT. */
const CONNECT_TIMEOUT_MS = 15_000
const DISCONNECT_TIMEOUT_MS = 2_000
/** How long it may take to close after an ERROR. STOMP 1.2 "ERROR" wants it at once; RabbitMQ may go on instead. */
const ERROR_TIMEOUT_MS = 1_000

export class Line {
  readonly #environment: Environment
  readonly #events: LineEvents
  readonly #state = signal<ConnectionState>('idle')
  readonly #problem = signal<string | undefined>(undefined)
  readonly #nextAttemptAtMs = signal<number | undefined>(undefined)
  readonly #hasBeenConnected = signal(false)
  readonly #usedTicket = signal<string | undefined>(undefined)
  readonly #isOnline: Signal<boolean>
  readonly #isRefusedAgain = signal(false)
  readonly #isUnopened = signal(false)
  readonly #hasGoneOn = signal(false)
  readonly #endListening: () => void
  readonly #profile: Signal<Profile>
  /** To connect with as soon as what is there has ended. */
  #next: Profile | undefined
  #socket: TappedSocket | undefined
  #link: StompLink | undefined
  /** The limit of what is under way, or the next attempt. */
  #timer: unknown
  /** Until the server closes after an ERROR. */
  #errorTimer: unknown
  readonly #reconnection = new Reconnection()
  #isWanted = false
  /** Since `connect` was called. */
  #wasConnected = false
  #wasOpen = false
  /** What the server's silence said; it beats what a close code says. */
  #silence: string | undefined
  #farewell: Farewell | undefined

  constructor(environment: Environment, profile: Profile, events: LineEvents) {
    this.#environment = environment
    this.#profile = signal(profile)
    this.#events = events
    this.#isOnline = signal(environment.isOnline())
    this.#endListening = environment.onNetwork(() => this.#handleNetwork())
  }

  get state(): ReadonlySignal<ConnectionState> {
    return this.#state
  }

  /** Why it is not connected, in words; what the server said, if it said something. */
  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  /** Undefined too while it waits for the network. */
  get nextAttemptAtMs(): ReadonlySignal<number | undefined> {
    return this.#nextAttemptAtMs
  }

  /** Without a network only this computer can be reached. A signal stands behind it. */
  get isCutOff(): boolean {
    return !this.#isOnline.value && !isOnThisComputer(socketUrl(this.profile))
  }

  /** It has been refused twice in the same words, and is not tried again by itself. */
  get isRefusedAgain(): ReadonlySignal<boolean> {
    return this.#isRefusedAgain
  }

  /** The server has sent an ERROR, and the session is there all the same. */
  get hasGoneOn(): ReadonlySignal<boolean> {
    return this.#hasGoneOn
  }

  /** The last attempt did not even open a WebSocket, nor did one before it. */
  get isUnopened(): ReadonlySignal<boolean> {
    return this.#isUnopened
  }

  get hasBeenConnected(): ReadonlySignal<boolean> {
    return this.#hasBeenConnected
  }

  /** The ticket that opened a connection last: it opens no other. */
  get usedTicket(): ReadonlySignal<string | undefined> {
    return this.#usedTicket
  }

  /** The one in use, or used last. A signal stands behind it. */
  get profile(): Profile {
    return this.#profile.value
  }

  /** Undefined without a STOMP session. */
  get version(): Version | undefined {
    return this.#link?.version
  }

  /** The WebSocket sub-protocol; empty if there is none. */
  get subProtocol(): string {
    return this.#socket?.protocol ?? ''
  }

  /** Bytes handed to the WebSocket that have not left. */
  get unsentBytes(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  /** Ends first what is there. False where the profile cannot be used: then what is there goes on. */
  connect(profile: Profile): boolean {
    const state = this.#state.value
    const isThere = state === 'connecting' || state === 'connected' || state === 'closing'
    const [problem] = Object.values(problemsOf(profile))
    if (problem !== undefined) {
      if (!isThere && state !== 'waiting') this.#fail(problem)
      return false
    }
    if (isThere) {
      this.#end()
      this.#next = profile
    } else this.#begin(profile)
    return true
  }

  /** The next attempt at once, where one is waited for. */
  tryNow(): void {
    if (this.#state.value === 'waiting') this.#begin(this.profile)
  }

  /** The second time, or where the server does not answer, it is not polite any more. */
  disconnect(): void {
    const state = this.#state.value
    this.#isWanted = false
    this.#next = undefined
    if (state === 'waiting') {
      this.#stopTimer()
      this.#state.value = 'closed'
    }
    if (state === 'closing') this.#socket?.abandon()
    this.#end()
  }

  /** The next attempt says who it is with this token, where it did so with a token. */
  useToken(token: string): void {
    this.#profile.value = withToken(this.profile, token)
  }

  /** At once, without a word. */
  abandon(): void {
    this.#endListening()
    this.disconnect()
    this.#socket?.abandon()
  }

  /** The server has sent an ERROR; a close should follow. */
  explain(farewell: Farewell): void {
    this.#farewell = farewell
    this.#problem.value = farewell.message
    this.#environment.clearTimeout(this.#errorTimer)
    this.#errorTimer = this.#environment.setTimeout(() => this.#handleNoClose(), ERROR_TIMEOUT_MS)
  }

  /** The server is gone, though the WebSocket does not know it. */
  giveUp(silence: string): void {
    this.#silence = silence
    this.#events.onNote(silence)
    this.#socket?.abandon()
  }

  /** False if there is no STOMP session, or its DISCONNECT is sent: STOMP 1.2 "DISCONNECT" wants nothing after it. */
  transmit(frame: FrameToEncode, hasContentLength: boolean): boolean {
    if (this.#state.value !== 'connected' || !this.#canCarry(frame.body ?? '')) return false
    return this.#link?.transmit(frame, { hasContentLength }) ?? false
  }

  /** Data as it is. False unless a WebSocket without STOMP is open. */
  sendRaw(data: WireData): boolean {
    if (this.#link || !this.#socket?.isOpen || !this.#canCarry(data)) return false
    this.#socket.send(data)
    return true
  }

  #canCarry(data: WireData): boolean {
    if (!this.profile.isSockJs || textIn(data) !== undefined) return true
    this.#events.onNote('Not sent: SockJS carries text only, and this is no UTF-8')
    return false
  }

  get #shownUrl(): string {
    return maskUrl(socketUrl(this.profile), secretNames(this.profile))
  }

  get #ticket(): string | undefined {
    return ticketIn(this.profile.url)
  }

  get #isTicketUsed(): boolean {
    return this.#ticket !== undefined && this.#ticket === this.#usedTicket.value
  }

  get #isStomp(): boolean {
    return this.profile.mode === 'stomp'
  }

  #begin(profile: Profile): void {
    // From `waiting` it is the next attempt, only sooner, unless it goes elsewhere.
    const isNext = this.#state.value === 'waiting' && isSameConnection(profile, this.profile)
    if (!isNext) this.#wasConnected = false
    this.#profile.value = profile
    this.#reconnection.reset()
    this.#isWanted = true
    this.#open()
  }

  /** Politely; nothing where nothing is under way. */
  #end(): void {
    const state = this.#state.value
    if (state !== 'connecting' && state !== 'connected') return
    this.#state.value = 'closing'
    this.#startTimer(DISCONNECT_TIMEOUT_MS, () => {
      this.#events.onNote('No answer to the close: the connection is dropped')
      this.#socket?.abandon()
    })
    if (this.#link) this.#link.disconnect()
    else this.#socket?.close()
  }

  #open(): void {
    const protocols = subProtocolsOf(this.profile)
    const offer = protocols.length > 0 ? `, offering ${maskSubProtocols(protocols).join(', ')}` : ''
    this.#stopTimer()
    this.#state.value = 'connecting'
    this.#problem.value = undefined
    this.#silence = undefined
    this.#farewell = undefined
    this.#isRefusedAgain.value = false
    this.#isUnopened.value = false
    this.#wasOpen = false
    this.#events.onNote(`Opening ${this.#shownUrl}${this.profile.isSockJs ? ' with SockJS' : offer}`)
    try {
      this.#socket = this.#openSocket(protocols)
    } catch (error) {
      this.#fail(describeRefusal(error, this.#shownUrl))
      return
    }
    if (this.#isStomp) {
      this.#link = new StompLink(this.#socket, this.profile, () => this.#handleConnected())
    }
    this.#startTimer(CONNECT_TIMEOUT_MS, () => this.#handleTimeout())
  }

  #openSocket(protocols: readonly string[]): TappedSocket {
    const tap = new WireTap({
      isStomp: this.#isStomp,
      now: () => this.#environment.now(),
      listener: (record, frame) => this.#events.onRecord(record, frame),
    })
    const url = socketUrl(this.profile)
    const socket = this.profile.isSockJs
      ? new SockJsSocket(this.#environment.openSocket(sockJsUrl(url, Math.random), protocols))
      : this.#environment.openSocket(url, protocols)
    return new TappedSocket(socket, tap, {
      onOpen: () => this.#handleOpen(),
      onClose: (close) => this.#handleClose(close),
    })
  }

  #handleOpen(): void {
    this.#wasOpen = true
    this.#usedTicket.value = this.#ticket ?? this.#usedTicket.value
    this.#events.onNote(`WebSocket open, ${this.subProtocol ? `sub-protocol ${this.subProtocol}` : 'no sub-protocol'}`)
    if (!this.#isStomp) this.#handleConnected()
  }

  #handleConnected(): void {
    if (this.#state.value !== 'connecting') return
    this.#stopTimer()
    this.#reconnection.connected(this.#environment.now())
    this.#wasConnected = true
    this.#hasBeenConnected.value = true
    this.#state.value = 'connected'
    this.#events.onConnected()
  }

  /** Before CONNECTED there is nothing to go on with. */
  #handleNoClose(): void {
    if (this.#state.value === 'connected') {
      this.#events.onNote('The server has not closed after its ERROR: the session goes on')
      this.#farewell = undefined
      this.#problem.value = undefined
      this.#hasGoneOn.value = true
    } else {
      this.#events.onNote('The server has not closed after its ERROR: the connection is dropped')
      this.#socket?.abandon()
    }
  }

  #handleTimeout(): void {
    const seconds = CONNECT_TIMEOUT_MS / 1000
    this.#events.onNote(`Not connected within ${seconds} s`)
    if (this.#wasOpen)
      this.#silence = `The server did not answer CONNECT within ${seconds} s. Does it speak STOMP there?`
    this.#socket?.abandon()
  }

  #handleClose(close: Close): void {
    this.#stopTimer()
    this.#environment.clearTimeout(this.#errorTimer)
    this.#hasGoneOn.value = false
    const context = {
      url: this.#shownUrl,
      wasOpen: this.#wasOpen,
      hasWorked: this.#wasConnected,
      isStomp: this.#isStomp,
      inUrl: this.#inUrl(),
    }
    const wasConnected = this.#state.value === 'connected'
    const farewell = this.#farewell
    const problem = farewell?.message ?? this.#silence ?? describeClose(close, { ...context, wasConnected })
    const isRepeated = this.#reconnection.ended(this.#environment.now(), refusalKey(farewell?.key, close.code))
    this.#isUnopened.value = !this.#wasOpen && !this.#wasConnected
    this.#events.onNote(`Closed${close.reason === '' ? '' : `: ${close.reason}`} (code ${close.code})`)
    this.#link?.dispose()
    this.#link = undefined
    this.#socket = undefined
    const next = this.#next
    this.#next = undefined
    if (next) {
      this.#events.onEnded(false)
      this.#begin(next)
      return
    }
    if (!this.#isWanted) this.#state.value = 'closed'
    else if (farewell?.isLasting) this.#fail(problem)
    else if (wasConnected && this.#isTicketUsed) this.#fail(`${problem} ${TICKET_IS_USED}`)
    // Where the first attempt fails something else is wrong than a server that is gone for a moment.
    else if (!this.profile.isReconnecting || !this.#wasConnected) this.#fail(problem + this.#offlineWords)
    else if (isRepeated) this.#stopAsking(problem)
    else this.#waitForNext(problem, farewell?.retryAfterMs ?? 0)
    this.#events.onEnded(farewell !== undefined)
  }

  #inUrl(): CloseContext['inUrl'] {
    if (this.#ticket !== undefined) return this.#isTicketUsed ? 'used ticket' : 'ticket'
    return isInHandshake(this.profile) ? 'token' : undefined
  }

  #fail(problem: string): void {
    this.#isWanted = false
    this.#state.value = 'closed'
    this.#problem.value = problem
  }

  /** The server refuses what is sent at the beginning of each session. */
  #stopAsking(problem: string): void {
    this.#isRefusedAgain.value = true
    this.#events.onNote('Refused twice in a row for the same reason: not tried again')
    this.#fail(problem)
  }

  #waitForNext(problem: string, leastMs: number): void {
    const delayMs = this.#reconnection.nextMs(leastMs)
    this.#state.value = 'waiting'
    this.#problem.value = problem
    if (this.isCutOff) return
    this.#startTimer(delayMs, () => this.#open())
    this.#nextAttemptAtMs.value = this.#environment.now() + delayMs
  }

  get #offlineWords(): string {
    return this.isCutOff ? ' The browser says that this computer is offline.' : ''
  }

  #handleNetwork(): void {
    const isOnline = this.#environment.isOnline()
    if (isOnline === this.#isOnline.value) return
    this.#isOnline.value = isOnline
    const state = this.#state.value
    if (state === 'idle' || state === 'closed') return
    this.#events.onNote(`The browser says that this computer is ${isOnline ? 'online again' : 'offline'}`)
    if (state !== 'waiting' || isOnThisComputer(socketUrl(this.profile))) return
    if (isOnline) this.#open()
    else this.#stopTimer()
  }

  #startTimer(delayMs: number, callback: () => void): void {
    this.#stopTimer()
    this.#timer = this.#environment.setTimeout(callback, delayMs)
  }

  #stopTimer(): void {
    this.#environment.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#nextAttemptAtMs.value = undefined
  }
}
