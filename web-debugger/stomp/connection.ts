/**
 * One connection, as a tab shows it: its profile, its log, and what can be done over it. It outlives its WebSockets,
 * which come and go in its {@link Line}.
 */
import { computed, signal, type ReadonlySignal } from '@preact/signals'
import { Command, type Frame, type FrameToEncode, type Header, type Version } from '../../frames/index.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { agreementOf, type Agreement } from './agreement.ts'
import { tokenOf, withToken } from './credential.ts'
import type { Environment } from './environment.ts'
import { FrameLog } from './frame-log.ts'
import { plainRecord, RecordKind, toText, type FrameRecord, type NewRecord, type WireData } from './frame-record.ts'
import { Line, type ConnectionState } from './line.ts'
import type { Place } from './place.ts'
import { createForm, readForm, type ProfileForm } from './profile-form.ts'
import { problemsOf, secretNames, titleOf, type Profile, type ProfileProblems } from './profile.ts'
import { Pulse } from './pulse.ts'
import { Renewal } from './renewal.ts'
import { RoundTrips } from './round-trips.ts'
import { SoftErrors, type SoftError } from './soft-errors.ts'
import { Subscriptions, type SubscribeOptions, type SubscriptionEntry } from './subscriptions.ts'
import { Transactions } from './transactions.ts'

export interface SendOptions {
  readonly destination: string
  /** Repeated names are sent repeated. */
  readonly headers?: Iterable<Header> | Readonly<Record<string, string>>
  readonly body: WireData
  /** Ask for a RECEIPT. */
  readonly receipt?: boolean
  readonly transaction?: string | undefined
  /** False leaves `content-length` out, if the body is text: some brokers take messages without it for text. */
  readonly hasContentLength?: boolean
}

const PROBE_INTERVAL_MS = 2_000

/** Codes of errors that come again and again, however often it connects. */
const LASTING = ['not-authenticated', 'not-authorized', 'token-expired', 'revoked']

export class Connection {
  readonly id: string
  readonly environment: Environment
  readonly profile: ProfileForm
  readonly title: ReadonlySignal<string>
  readonly problems: ReadonlySignal<ProfileProblems>
  readonly log = new FrameLog()
  /** Beats when the log or a count has changed. */
  readonly pulse: Pulse
  readonly transactions: Transactions
  readonly acknowledgements: Acknowledgements
  readonly roundTrips = new RoundTrips()
  readonly softErrors = new SoftErrors()
  readonly renewal = new Renewal()
  /** Is the round-trip time measured all the time? */
  readonly isProbing = signal(false)
  readonly #subscriptions: Subscriptions
  readonly #agreement = signal<Agreement | undefined>(undefined)
  readonly #line: Line
  #probeTimer: unknown
  #receipts = 0

  constructor(id: string, profile: Profile, environment: Environment) {
    this.id = id
    this.environment = environment
    this.profile = createForm(profile)
    this.title = computed(() => titleOf({ name: this.profile.name.value, url: this.profile.url.value }))
    this.problems = computed(() => problemsOf(readForm(this.profile)))
    this.pulse = new Pulse(environment)
    this.pulse.onBeat(() => {
      this.acknowledgements.forgetBefore(this.log.firstSeq)
      this.softErrors.forgetBefore(this.log.firstSeq)
    })
    const transmit = (frame: FrameToEncode) => this.#line.transmit(frame, true)
    this.transactions = new Transactions(transmit)
    this.acknowledgements = new Acknowledgements(transmit)
    this.#subscriptions = new Subscriptions(transmit)
    this.#line = new Line(environment, profile, () => this.profile.isReconnecting.peek(), {
      onNote: (text) => this.#note(text),
      onRecord: (record, frame) => this.#hear(record, frame),
      onConnected: () => {
        // First of all, so that whatever is refused is told.
        if (this.#line.profile.hasSoftErrors && this.#line.profile.mode === 'stomp') this.softErrors.begin(transmit)
        this.#subscriptions.resume()
      },
      onEnded: () => this.#handleEnd(),
    })
  }

  get state(): ReadonlySignal<ConnectionState> {
    return this.#line.state
  }

  /** Why it is not connected, in words; what the server said, if it said something. */
  get problem(): ReadonlySignal<string | undefined> {
    return this.#line.problem
  }

  get nextAttemptAtMs(): ReadonlySignal<number | undefined> {
    return this.#line.nextAttemptAtMs
  }

  /** The ticket that opened a connection last: it opens no other. */
  get usedTicket(): ReadonlySignal<string | undefined> {
    return this.#line.usedTicket
  }

  get hasBeenConnected(): ReadonlySignal<boolean> {
    return this.#line.hasBeenConnected
  }

  /** What CONNECTED said; undefined without a session. */
  get agreement(): ReadonlySignal<Agreement | undefined> {
    return this.#agreement
  }

  get subscriptions(): ReadonlySignal<readonly SubscriptionEntry[]> {
    return this.#subscriptions.entries
  }

  /** The version of the session; undefined if there is none. */
  get version(): Version | undefined {
    return this.#line.version
  }

  /** Names that are secret here because the profile's token goes there. */
  get secretNames(): readonly string[] {
    return secretNames(this.#line.profile)
  }

  /** Bytes handed to the WebSocket that have not left. */
  get unsentBytes(): number {
    return this.#line.unsentBytes
  }

  connect(): void {
    this.#line.connect(readForm(this.profile))
  }

  /** The second time, or where the server does not answer, at once. */
  disconnect(): void {
    this.#line.disconnect()
  }

  /** Without a session it is subscribed when there is one. */
  subscribe(options: SubscribeOptions): SubscriptionEntry {
    const entry = this.#subscriptions.add(options)
    this.pulse.mark()
    return entry
  }

  unsubscribe(entry: SubscriptionEntry): void {
    this.#subscriptions.remove(entry)
  }

  /** The offset seen last at this destination. */
  placeOf(destination: string): Place | undefined {
    return this.#subscriptions.placeOf(destination)
  }

  /** Asks again for one that was refused. */
  retry(entry: SubscriptionEntry): void {
    this.#subscriptions.retry(entry)
    this.pulse.mark()
  }

  /** Asks the server to go on with the token in `renewal`. False, with the reason there, if nothing was sent. */
  renew(): boolean {
    return this.renewal.send(this.#nextReceipt(), (frame) => this.#line.transmit(frame, true))
  }

  /** Also one that is no longer listed. */
  findSubscription(id: string | undefined): SubscriptionEntry | undefined {
    return this.#subscriptions.find(id)
  }

  /** False if there is no session. */
  send(options: SendOptions): boolean {
    const { destination, body, receipt, transaction, hasContentLength = true } = options
    const headers: Header[] = [['destination', destination], ...headerList(options.headers)]
    if (transaction !== undefined) headers.push(['transaction', transaction])
    if (receipt) headers.push(['receipt', this.#nextReceipt()])
    const isSent = this.#line.transmit({ command: Command.SEND, headers, body }, hasContentLength)
    if (isSent && transaction !== undefined) this.transactions.countFrame(transaction)
    return isSent
  }

  /** Data as it is, over a connection without STOMP. False if it is not open. */
  sendRaw(data: WireData): boolean {
    return this.#line.sendRaw(data)
  }

  ack(record: FrameRecord, transaction?: string): boolean {
    return this.#acknowledge(record, true, transaction)
  }

  nack(record: FrameRecord, transaction?: string): boolean {
    return this.#acknowledge(record, false, transaction)
  }

  /** Measures one round trip: an empty transaction asks for a receipt and changes nothing. */
  measure(): boolean {
    const receipt = this.#nextReceipt()
    const transaction: Header = ['transaction', receipt]
    return (
      this.#line.transmit({ command: Command.BEGIN, headers: [transaction] }, true) &&
      this.#line.transmit({ command: Command.ABORT, headers: [transaction, ['receipt', receipt]] }, true)
    )
  }

  setProbing(isProbing: boolean): void {
    this.isProbing.value = isProbing
    this.environment.clearTimeout(this.#probeTimer)
    if (isProbing) this.#probe()
  }

  /** Ends it for good. */
  dispose(): void {
    this.setProbing(false)
    this.#line.abandon()
  }

  #probe(): void {
    this.measure()
    this.#probeTimer = this.environment.setTimeout(() => this.#probe(), PROBE_INTERVAL_MS)
  }

  #acknowledge(record: FrameRecord, isAccepted: boolean, transaction: string | undefined): boolean {
    const isSent = this.acknowledgements.acknowledge(record, isAccepted, this.version, transaction)
    if (isSent && transaction !== undefined) this.transactions.countFrame(transaction)
    return isSent
  }

  #nextReceipt(): string {
    return `receipt-${++this.#receipts}`
  }

  #handleEnd(): void {
    this.#agreement.value = undefined
    this.#subscriptions.suspend()
    this.transactions.lose()
    this.acknowledgements.lose()
    this.roundTrips.reset()
    this.softErrors.end()
    this.renewal.end()
    this.pulse.mark()
  }

  #hear(fresh: NewRecord, frame: Frame | undefined): void {
    const record = this.log.append(fresh)
    this.pulse.mark()
    if (record.direction === 'out') {
      const receipt = frame?.headers.get('receipt')
      if (receipt !== undefined) this.roundTrips.asked(receipt, record.atMs)
      if (frame) this.softErrors.sent(record, frame)
      return
    }
    this.roundTrips.received(record.atMs)
    if (record.kind === RecordKind.heartBeat) this.roundTrips.heartBeat(record.atMs)
    else if (frame) this.#handleFrame(record, frame)
  }

  #handleFrame(record: FrameRecord, frame: Frame): void {
    const { command, headers, body } = frame
    if (command === Command.MESSAGE) {
      const error = this.softErrors.received(record, frame)
      if (error) {
        this.#handleSoftError(error)
        return
      }
      const entry = this.#subscriptions.find(record.subscription) ?? this.#findByDestination(record.destination)
      if (!entry) return
      const { origin } = record
      if (origin) entry.follow(origin, record.destination, headers.get('redelivered') === 'true')
      // A marker is no message: nobody has sent it, and it has no `ack`.
      if (origin?.marker) return
      entry.countMessage(record.atMs, record.bytes)
      this.acknowledgements.expect(record, entry)
    } else if (command === Command.RECEIPT) {
      this.roundTrips.answered(headers.get('receipt-id') ?? '', record.atMs)
      const token = this.renewal.answered(headers)
      if (token !== undefined) this.#keepToken(token)
    } else if (command === Command.CONNECTED) {
      this.#agreement.value = agreementOf(headers, this.#line.profile, this.#line.subProtocol)
      this.renewal.begin(tokenOf(this.#line.profile))
    } else if (command === Command.ERROR) {
      const text = toText(body)
      const message = headers.get('message') ?? (text.trim() || 'no message')
      const code = headers.get('code') ?? ''
      this.#subscriptions.refuseAsk(code, `${message} ${text}`)
      this.#line.explain(`The server sent an ERROR: ${message}`, LASTING.includes(code))
    }
  }

  #handleSoftError(error: SoftError): void {
    if (error.refused === 'SUBSCRIBE') this.#subscriptions.refuse(error)
    if (error.receipt !== undefined) this.roundTrips.refused(error.receipt)
  }

  /** The next connection says who it is with the new one. */
  #keepToken(token: string): void {
    this.#line.useToken(token)
    const renewed = withToken(readForm(this.profile), token)
    for (const field of ['token', 'passcode', 'url'] as const) this.profile[field].value = renewed[field]
  }

  /** A server of STOMP 1.0 need not name the subscription. */
  #findByDestination(destination: string | undefined): SubscriptionEntry | undefined {
    return this.#subscriptions.entries.peek().find((entry) => entry.destination === destination)
  }

  #note(text: string): void {
    this.log.append(plainRecord(this.environment.now(), 'note', RecordKind.note, text, undefined))
    this.pulse.mark()
  }
}

function headerList(headers: SendOptions['headers']): Header[] {
  if (headers === undefined) return []
  return Symbol.iterator in headers ? [...headers] : Object.entries(headers)
}
