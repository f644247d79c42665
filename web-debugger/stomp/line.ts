/**
 * The life of a connection: opens a WebSocket, with or without a STOMP session on it, and the next one when it is lost.
 * Knows nothing of what is said over it but CONNECTED and ERROR.
 */
import { signal, type ReadonlySignal } from '@preact/signals'
import type { Frame, FrameToEncode, Version } from '../../frames/index.ts'
import { Backoff } from '../../src/stomp-client/backoff.ts'
import { describeClose, describeRefusal, TICKET_IS_USED, type CloseContext } from './close-reason.ts'
import { isInHandshake, ticketIn, withToken } from './credential.ts'
import type { Environment } from './environment.ts'
import type { NewRecord, WireData } from './frame-record.ts'
import { problemsOf, secretNames, socketUrl, subProtocolsOf, type Profile } from './profile.ts'
import { maskSubProtocols, maskUrl } from './secrets.ts'
import { SockJsSocket, sockJsUrl, textIn } from './sockjs-socket.ts'
import { StompLink } from './stomp-link.ts'
import { TappedSocket, type Close } from './tapped-socket.ts'
import { WireTap } from './wire-tap.ts'

/** `waiting` is for the next attempt; `closed` may have a problem. */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'closing' | 'waiting' | 'closed'

export interface LineEvents {
  /** Something happened that a log should tell. */
  onNote(text: string): void
  /** Everything on the wire, in order. */
  onRecord(record: NewRecord, frame: Frame | undefined): void
  /** From here on frames, or raw data, can be sent. */
  onConnected(): void
  /** From here on they cannot. */
  onEnded(): void
}

/** How long the server may take to answer CONNECT, and DISCONNECT. */
const CONNECT_TIMEOUT_MS = 15_000
const DISCONNECT_TIMEOUT_MS = 2_000

export class Line {
  readonly #environment: Environment
  readonly #events: LineEvents
  readonly #isReconnecting: () => boolean
  readonly #state = signal<ConnectionState>('idle')
  readonly #problem = signal<string | undefined>(undefined)
  readonly #nextAttemptAtMs = signal<number | undefined>(undefined)
  readonly #hasBeenConnected = signal(false)
  readonly #usedTicket = signal<string | undefined>(undefined)
  #profile: Profile
  #socket: TappedSocket | undefined
  #link: StompLink | undefined
  /** The limit of what is under way, or the next attempt. */
  #timer: unknown
  /** As `stomp-bridge/client` has it. */
  readonly #backoff = new Backoff({}, Math.random)
  #connectedAtMs = 0
  #isWanted = false
  /** Since `connect` was called. */
  #wasConnected = false
  #wasOpen = false
  /** What the server, or its silence, said; it beats what a close code says. */
  #reason: string | undefined
  /** It would say the same again. */
  #isReasonLasting = false

  constructor(environment: Environment, profile: Profile, isReconnecting: () => boolean, events: LineEvents) {
    this.#environment = environment
    this.#profile = profile
    this.#isReconnecting = isReconnecting
    this.#events = events
  }

  get state(): ReadonlySignal<ConnectionState> {
    return this.#state
  }

  /** Why it is not connected, in words; what the server said, if it said something. */
  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  get nextAttemptAtMs(): ReadonlySignal<number | undefined> {
    return this.#nextAttemptAtMs
  }

  get hasBeenConnected(): ReadonlySignal<boolean> {
    return this.#hasBeenConnected
  }

  /** The ticket that opened a connection last: it opens no other. */
  get usedTicket(): ReadonlySignal<string | undefined> {
    return this.#usedTicket
  }

  /** The one in use, or used last. */
  get profile(): Profile {
    return this.#profile
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

  connect(profile: Profile): void {
    const state = this.#state.value
    if (state !== 'idle' && state !== 'waiting' && state !== 'closed') return
    // From `waiting` it is the next attempt, only sooner.
    if (state !== 'waiting') this.#wasConnected = false
    this.#stopTimer()
    const [problem] = Object.values(problemsOf(profile))
    if (problem !== undefined) {
      this.#fail(problem)
      return
    }
    this.#profile = profile
    this.#backoff.reset()
    this.#isWanted = true
    this.#open()
  }

  /** The second time, or where the server does not answer, it is not polite any more. */
  disconnect(): void {
    this.#isWanted = false
    const state = this.#state.value
    if (state === 'waiting') {
      this.#stopTimer()
      this.#state.value = 'closed'
    }
    if (state === 'closing') this.#socket?.abandon()
    if (state !== 'connecting' && state !== 'connected') return
    this.#state.value = 'closing'
    this.#startTimer(DISCONNECT_TIMEOUT_MS, () => {
      this.#events.onNote('No answer to the close: the connection is dropped')
      this.#socket?.abandon()
    })
    if (this.#link) this.#link.disconnect()
    else this.#socket?.close()
  }

  /** The next attempt says who it is with this token, where it did so with a token. */
  useToken(token: string): void {
    this.#profile = withToken(this.#profile, token)
  }

  /** At once, without a word. */
  abandon(): void {
    this.disconnect()
    this.#socket?.abandon()
  }

  /** The server gave a reason; a close follows. After a lasting one it is not tried again by itself. */
  explain(reason: string, isLasting: boolean): void {
    this.#reason = reason
    this.#isReasonLasting = isLasting
    this.#problem.value = reason
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
    if (!this.#profile.isSockJs || textIn(data) !== undefined) return true
    this.#events.onNote('Not sent: SockJS carries text only, and this is no UTF-8')
    return false
  }

  get #shownUrl(): string {
    return maskUrl(socketUrl(this.#profile), secretNames(this.#profile))
  }

  get #ticket(): string | undefined {
    return ticketIn(this.#profile.url)
  }

  get #isTicketUsed(): boolean {
    return this.#ticket !== undefined && this.#ticket === this.#usedTicket.value
  }

  get #isStomp(): boolean {
    return this.#profile.mode === 'stomp'
  }

  #open(): void {
    const protocols = subProtocolsOf(this.#profile)
    const offer = protocols.length > 0 ? `, offering ${maskSubProtocols(protocols).join(', ')}` : ''
    this.#stopTimer()
    this.#state.value = 'connecting'
    this.#problem.value = undefined
    this.#reason = undefined
    this.#isReasonLasting = false
    this.#wasOpen = false
    this.#events.onNote(`Opening ${this.#shownUrl}${this.#profile.isSockJs ? ' with SockJS' : offer}`)
    try {
      this.#socket = this.#openSocket(protocols)
    } catch (error) {
      this.#fail(describeRefusal(error, this.#shownUrl))
      return
    }
    if (this.#isStomp) {
      this.#link = new StompLink(this.#socket, this.#profile, {
        onConnected: () => this.#handleConnected(),
        onHeartBeatLost: () =>
          this.#events.onNote('The server was silent for twice the time agreed for heart-beats: it counts as lost'),
      })
    }
    this.#startTimer(CONNECT_TIMEOUT_MS, () => this.#handleTimeout())
  }

  #openSocket(protocols: readonly string[]): TappedSocket {
    const tap = new WireTap({
      isStomp: this.#isStomp,
      now: () => this.#environment.now(),
      listener: (record, frame) => this.#events.onRecord(record, frame),
    })
    const url = socketUrl(this.#profile)
    const socket = this.#profile.isSockJs
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
    this.#connectedAtMs = this.#environment.now()
    this.#wasConnected = true
    this.#hasBeenConnected.value = true
    this.#state.value = 'connected'
    this.#events.onConnected()
  }

  #handleTimeout(): void {
    const seconds = CONNECT_TIMEOUT_MS / 1000
    this.#events.onNote(`Not connected within ${seconds} s`)
    if (this.#wasOpen)
      this.#reason = `The server did not answer CONNECT within ${seconds} s. Does it speak STOMP there?`
    this.#socket?.abandon()
  }

  #handleClose(close: Close): void {
    this.#stopTimer()
    const context = {
      url: this.#shownUrl,
      wasOpen: this.#wasOpen,
      hasWorked: this.#wasConnected,
      isStomp: this.#isStomp,
      inUrl: this.#inUrl(),
    }
    const wasConnected = this.#state.value === 'connected'
    const { stableMs } = this.#backoff
    if (wasConnected && this.#environment.now() - this.#connectedAtMs >= stableMs) this.#backoff.reset()
    const problem = this.#reason ?? describeClose(close, { ...context, wasConnected })
    this.#events.onNote(`Closed${close.reason === '' ? '' : `: ${close.reason}`} (code ${close.code})`)
    this.#link?.dispose()
    this.#link = undefined
    this.#socket = undefined
    if (!this.#isWanted) this.#state.value = 'closed'
    else if (this.#isReasonLasting) this.#fail(problem)
    else if (wasConnected && this.#isTicketUsed) this.#fail(`${problem} ${TICKET_IS_USED}`)
    // Where the first attempt fails something else is wrong than a server that is gone for a moment.
    else if (this.#isReconnecting() && this.#wasConnected) this.#waitForNext(problem)
    else this.#fail(problem)
    this.#events.onEnded()
  }

  #inUrl(): CloseContext['inUrl'] {
    if (this.#ticket !== undefined) return this.#isTicketUsed ? 'used ticket' : 'ticket'
    return isInHandshake(this.#profile) ? 'token' : undefined
  }

  #fail(problem: string): void {
    this.#isWanted = false
    this.#state.value = 'closed'
    this.#problem.value = problem
  }

  #waitForNext(problem: string): void {
    const delayMs = this.#backoff.nextMs(0)
    this.#state.value = 'waiting'
    this.#problem.value = problem
    this.#startTimer(delayMs, () => this.#open())
    this.#nextAttemptAtMs.value = this.#environment.now() + delayMs
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
