/**
 * One connection, as a tab shows it: its profile, its log, and what can be done over it. It outlives its WebSockets,
 * which come and go in its {@link Line}.
 */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { Command, Version, type Frame, type FrameToEncode, type Header } from '../../frames/index.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { agreementOf, type Agreement } from './agreement.ts'
import { tokenOf, withToken } from './credential.ts'
import type { Environment } from './environment.ts'
import { formatSeconds } from '../ui/format.ts'
import { FrameLog } from './frame-log.ts'
import { plainRecord, RecordKind, type FrameRecord, type NewRecord, type WireData } from './frame-record.ts'
import { frameSize, type FrameSize } from './frame-size.ts'
import { HeartBeatWatch } from './heart-beat-watch.ts'
import { Line, type ConnectionState } from './line.ts'
import type { Place } from './place.ts'
import { createForm, readForm, type ProfileForm } from './profile-form.ts'
import { isSameConnection, problemsOf, secretNames, titleOf, type Profile, type ProfileProblems } from './profile.ts'
import { Pulse } from './pulse.ts'
import { refusalOf, type Refusal } from './refusal.ts'
import { remediesFor, type Remedy } from './remedies.ts'
import { Renewal } from './renewal.ts'
import { RoundTrips } from './round-trips.ts'
import { sendFrame, type SendOptions } from './send-frame.ts'
import { SentFrames } from './sent-frames.ts'
import { SoftErrors, type SoftError } from './soft-errors.ts'
import { Subscriptions, type SubscribeOptions, type SubscriptionEntry } from './subscriptions.ts'
import { Transactions } from './transactions.ts'
import { completeUrl } from './url.ts'

const PROBE_INTERVAL_MS = 2_000

/** Codes of errors that come again and again, however often it connects. */
const LASTING = ['not-authenticated', 'not-authorized', 'token-expired', 'revoked']

export class Connection {
  readonly id: string
  readonly environment: Environment
  /** What the next connection would be. What this one is, is `current`. */
  readonly profile: ProfileForm
  /** What it is connected with, or tries to be; without that, what the form holds. */
  readonly current: ReadonlySignal<Profile>
  /** Would connecting with what the form holds change something of what is there? */
  readonly hasChanges: ReadonlySignal<boolean>
  readonly title: ReadonlySignal<string>
  readonly problems: ReadonlySignal<ProfileProblems>
  readonly log = new FrameLog()
  /** Beats when the log or a count has changed. */
  readonly pulse: Pulse
  readonly transactions: Transactions
  readonly acknowledgements: Acknowledgements
  readonly roundTrips = new RoundTrips()
  readonly softErrors = new SoftErrors()
  readonly sentFrames = new SentFrames()
  readonly heartBeats: HeartBeatWatch
  readonly renewal = new Renewal()
  /** Is the round-trip time measured all the time? */
  readonly isProbing = signal(false)
  readonly #subscriptions: Subscriptions
  readonly #agreement = signal<Agreement | undefined>(undefined)
  readonly #refusal = signal<Refusal | undefined>(undefined)
  readonly #line: Line
  #probeTimer: unknown
  #receipts = 0

  constructor(id: string, profile: Profile, environment: Environment) {
    this.id = id
    this.environment = environment
    this.profile = createForm(profile)
    const form = computed(() => readForm(this.profile))
    this.current = computed(() => (this.#isOver ? form.value : this.#line.profile))
    this.hasChanges = computed(() => {
      if (this.#isOver) return false
      const { subscriptions } = form.value
      return subscriptions.length > 0 || !isSameConnection(this.#completed(form.value), this.#line.profile)
    })
    this.title = computed(() => {
      // Where the form holds another connection, its name is that one's.
      const { name } = this.hasChanges.value ? this.current.value : form.value
      return titleOf({ name, url: this.current.value.url })
    })
    this.problems = computed(() => problemsOf(form.value))
    this.pulse = new Pulse(environment)
    this.pulse.onBeat(() => {
      this.acknowledgements.forgetBefore(this.log.firstSeq)
      this.softErrors.forgetBefore(this.log.firstSeq)
      this.sentFrames.forgetBefore(this.log.firstSeq)
    })
    this.log.onClear(() => this.pulse.mark())
    this.heartBeats = new HeartBeatWatch(environment, {
      onLate: (ms) => this.#note(`No heart-beat for ${formatSeconds(ms)}: one is missed`),
      onHeardAgain: (ms) => this.#note(`The server is heard again, after ${formatSeconds(ms)}`),
      onStandstill: (ms) => this.#note(`The computer slept, or the page stood still, for ${formatSeconds(ms)}`),
      onLost: (ms) => {
        const agreed = formatSeconds(this.heartBeats.everyMs)
        this.#line.giveUp(
          `Connection lost: the server has sent nothing for ${formatSeconds(ms)}, and agreed was a heart-beat every ${agreed}.`,
        )
      },
    })
    const transmit = (frame: FrameToEncode) => this.#line.transmit(frame, true)
    this.transactions = new Transactions(transmit)
    this.acknowledgements = new Acknowledgements(transmit)
    this.#subscriptions = new Subscriptions(transmit)
    this.#line = new Line(environment, profile, {
      onNote: (text) => this.#note(text),
      onRecord: (record, frame) => this.#hear(record, frame),
      onConnected: () => {
        this.heartBeats.start(this.#agreement.peek()?.heartBeat.incomingMs ?? 0)
        this.#refusal.value = undefined
        // First of all, so that whatever is refused is told.
        if (this.#line.profile.hasSoftErrors && this.#line.profile.mode === 'stomp') this.softErrors.begin(transmit)
        this.#subscriptions.resume()
      },
      onEnded: (isExplained) => this.#handleEnd(isExplained),
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

  /** Does the browser say that the server cannot be reached? */
  get isCutOff(): boolean {
    return this.#line.isCutOff
  }

  get isRefusedAgain(): ReadonlySignal<boolean> {
    return this.#line.isRefusedAgain
  }

  /** The ERROR that ended the last session, or came in this one; undefined from the next one on. */
  get refusal(): ReadonlySignal<Refusal | undefined> {
    return this.#refusal
  }

  /** The session goes on although an ERROR came. */
  get hasGoneOn(): ReadonlySignal<boolean> {
    return this.#line.hasGoneOn
  }

  /** Somebody has read it. */
  forgetRefusal(): void {
    this.#refusal.value = undefined
  }

  /** What may help after a failure. */
  get remedies(): readonly Remedy[] {
    if (this.state.value !== 'closed') return []
    return remediesFor(readForm(this.profile), {
      isUnopened: this.#line.isUnopened.value,
      refusal: this.#refusal.value,
    })
  }

  /** Changes the settings as the remedy says. */
  apply({ change }: Remedy): void {
    for (const [field, value] of Object.entries(change)) {
      ;(this.profile[field as keyof Remedy['change']] as Signal<unknown>).value = value
    }
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

  /** Can the record be shown? Not any more after it was cleared, or cut. Signals stand behind it. */
  isKept(seq: number): boolean {
    void this.pulse.beat.value
    return this.log.at(seq) !== undefined
  }

  /** Bytes handed to the WebSocket that have not left. */
  get unsentBytes(): number {
    return this.#line.unsentBytes
  }

  /**
   * Connects with what the form holds; what is there already, and otherwise, ends first. False where the form cannot be
   * used. Completes the URL where its beginning is left out.
   */
  connect(): boolean {
    const wanted = this.#completed(readForm(this.profile))
    this.profile.url.value = wanted.url
    const state = this.state.value
    if ((state === 'connecting' || state === 'connected') && !this.hasChanges.value) return true
    // Subscriptions are the connection's own from now on, and no part of how it connects.
    const isUsed = this.#line.connect({ ...wanted, subscriptions: [] })
    if (isUsed || this.#isOver) this.#refusal.value = undefined
    if (isUsed) this.#subscribeSaved()
    return isUsed
  }

  /** The next attempt at once, where one is waited for: with the settings that were in use. */
  tryNow(): void {
    this.#line.tryNow()
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

  unsubscribeAll(): void {
    for (const entry of this.#subscriptions.entries.value) this.#subscriptions.remove(entry)
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
    const { transaction, hasContentLength = true, follower } = options
    const isSent = this.#line.transmit(
      sendFrame(options, () => this.#nextReceipt()),
      hasContentLength,
    )
    const frame = this.sentFrames.last
    if (isSent && frame) frame.follower = follower
    if (isSent && transaction !== undefined) this.transactions.countFrame(transaction)
    return isSent
  }

  /** How large the frame would be. */
  sizeOf(options: SendOptions): FrameSize {
    const frame = sendFrame(options, () => `receipt-${this.#receipts + 1}`)
    return frameSize(frame, this.version ?? Version.V1_2, options.hasContentLength ?? true)
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

  /** What the profile brings along, once: from then on it is what the person makes of it. */
  #subscribeSaved(): void {
    const { subscriptions } = this.profile
    const saved = subscriptions.value
    subscriptions.value = []
    for (const { destination, ack, headers } of saved) {
      if (this.#subscriptions.entries.value.some((entry) => entry.destination === destination)) continue
      // A secret header whose value was not saved would only be in the way.
      const given = headers.filter(({ name, value }) => name !== '' && value !== '')
      this.subscribe({ destination, ack, headers: given.map(({ name, value }) => [name, value] as const) })
    }
  }

  /** Is nothing there, and nothing on its way? */
  get #isOver(): boolean {
    return this.state.value === 'idle' || this.state.value === 'closed'
  }

  #completed(profile: Profile): Profile {
    return { ...profile, url: completeUrl(profile.url, this.environment.isSecurePage) }
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

  #handleEnd(isExplained: boolean): void {
    // An ERROR that a session went on after is no reason for its end.
    if (!isExplained) this.#refusal.value = undefined
    this.#agreement.value = undefined
    this.heartBeats.stop()
    this.sentFrames.end()
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
      if (frame) {
        this.softErrors.sent(record, frame)
        this.sentFrames.sent(record, frame)
      }
      return
    }
    this.heartBeats.heard(record.atMs)
    this.roundTrips.received(record.atMs)
    if (record.kind === RecordKind.heartBeat) this.roundTrips.heartBeat(record.atMs)
    else if (frame) this.#handleFrame(record, frame)
  }

  #handleFrame(record: FrameRecord, frame: Frame): void {
    const { command, headers } = frame
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
      this.sentFrames.answered(record, headers)
      const token = this.renewal.answered(headers)
      if (token !== undefined) this.#keepToken(token)
    } else if (command === Command.CONNECTED) {
      this.#agreement.value = agreementOf(headers, this.#line.profile, this.#line.subProtocol)
      this.renewal.begin(tokenOf(this.#line.profile))
    } else if (command === Command.ERROR) {
      this.#handleError(refusalOf(frame, this.sentFrames))
    }
  }

  #handleError(refusal: Refusal): void {
    const { code, message, details, cause, retryAfterMs } = refusal
    this.#refusal.value = refusal
    this.#subscriptions.refuseAsk(code ?? '', `${message} ${details}`)
    const firstLine = details.split('\n', 1)[0]!
    cause?.frame.follower?.refusedByError(code, firstLine === '' ? message : `${message}: ${firstLine}`)
    if (cause?.frame.receipt !== undefined) this.roundTrips.refused(cause.frame.receipt)
    this.#line.explain({
      message: `The server sent an ERROR: ${message}`,
      key: code ?? message,
      isLasting: LASTING.includes(code ?? ''),
      retryAfterMs,
    })
  }

  #handleSoftError(error: SoftError): void {
    if (error.refused === 'SUBSCRIBE') this.#subscriptions.refuse(error)
    if (error.receipt !== undefined) this.roundTrips.refused(error.receipt)
    if (error.seq !== undefined) this.sentFrames.at(error.seq)?.follower?.refused()
  }

  /** The next connection says who it is with the new one, unless the form holds somebody else's. */
  #keepToken(token: string): void {
    const form = readForm(this.profile)
    const isOwn = tokenOf(form) === tokenOf(this.#line.profile)
    this.#line.useToken(token)
    if (!isOwn) return
    const renewed = withToken(form, token)
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
