/** Sends what a form holds, once or many times, and remembers what was sent. */
import { computed, signal, type ReadonlySignal } from '@preact/signals'
import type { Connection } from './connection.ts'
import type { WireData } from './frame-record.ts'
import { brokenLimit, type FrameSize, type Limits } from './frame-size.ts'
import { MessageForm, type Draft, type Message } from './message-form.ts'
import { toNumber } from './profile-form.ts'
import type { SendOptions } from './send-frame.ts'
import { SendOutcome } from './send-outcome.ts'

export interface Progress {
  readonly sent: number
  readonly total: number
}

/** Drafts that can be filled in again. */
const KEPT = 20
/** What may wait in the browser while frames are sent as fast as they go. */
const MAX_UNSENT_BYTES = 1_048_576
const MAX_TIMES = 1_000_000
/** The most that is sent before the page gets a turn. */
const BURST = 200

export class Sender {
  readonly form = new MessageForm()
  readonly wantsReceipt = signal(false)
  readonly hasContentLength = signal(true)
  /** Id of the transaction to send in; empty is none. */
  readonly transaction = signal('')
  readonly times = signal('1')
  readonly everyMs = signal('1000')
  readonly #connection: Connection
  readonly #recent = signal<readonly Draft[]>([])
  readonly #offered: ReadonlySignal<readonly Draft[]>
  readonly #progress = signal<Progress | undefined>(undefined)
  readonly #problem = signal<string | undefined>(undefined)
  readonly #outcome = signal<SendOutcome | undefined>(undefined)
  readonly #size: ReadonlySignal<FrameSize | undefined> = computed(() => this.#measure())
  readonly #limits: ReadonlySignal<Limits | undefined>
  #timer: unknown

  /** `limits`: of the server, where they are known. */
  constructor(connection: Connection, limits: ReadonlySignal<Limits | undefined> = signal(undefined)) {
    this.#connection = connection
    this.#limits = limits
    this.#offered = computed(() => {
      const sent = this.#recent.value
      const saved = connection.profile.messages.value.map((message): Draft => ({ ...message, file: undefined }))
      return [...sent, ...saved.filter((draft) => !sent.some((other) => isSame(other, draft)))].slice(0, KEPT)
    })
  }

  /** Newest first, then those of the profile. */
  get recent(): ReadonlySignal<readonly Draft[]> {
    return this.#offered
  }

  /** Of a repetition; undefined if none runs. */
  get progress(): ReadonlySignal<Progress | undefined> {
    return this.#progress
  }

  /** Why the last one was not sent. */
  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  /** What became of what was sent last. */
  get outcome(): ReadonlySignal<SendOutcome | undefined> {
    return this.#outcome
  }

  /** Of the frame that the form holds; undefined if it is not complete, or no STOMP. */
  get size(): ReadonlySignal<FrameSize | undefined> {
    return this.#size
  }

  /** Undefined if they are not known. */
  get limits(): ReadonlySignal<Limits | undefined> {
    return this.#limits
  }

  /** Which limit of the server the frame would break, in words. */
  get brokenLimit(): string | undefined {
    const limits = this.#limits.value
    return this.#size.value && limits && brokenLimit(this.#size.value, limits)
  }

  /** Sends as often as the form says. False, with the reason in `problem`, if it cannot. */
  send(): boolean {
    if (this.#progress.value) return false
    const times = toNumber(this.times.value)
    const everyMs = toNumber(this.everyMs.value)
    if (!Number.isInteger(times) || times < 1 || times > MAX_TIMES) {
      return this.#refuse(`Repeat: a whole number from 1 to ${MAX_TIMES.toLocaleString('en')}`)
    }
    if (times > 1 && !(everyMs >= 0)) return this.#refuse('Interval: milliseconds, 0 for as fast as it goes')
    const outcome = new SendOutcome(this.#connection.environment.now(), this.#isStomp && this.wantsReceipt.value)
    const send = this.#reader(outcome)
    if (typeof send === 'string') return this.#refuse(send)
    const once = () => {
      const isSent = send()
      if (isSent) outcome.countSent()
      return isSent
    }
    if (!once()) return this.#refuse('Not connected: connect first, then send')
    this.#problem.value = undefined
    this.#outcome.value = outcome
    this.#remember(this.form.read())
    if (times > 1) this.#repeat(once, times, everyMs)
    return true
  }

  stop(): void {
    this.#connection.environment.clearTimeout(this.#timer)
    this.#progress.value = undefined
  }

  /** Fills the form with what is there already, such as a frame of the log. */
  fill(draft: Draft): void {
    this.form.fill(draft)
    this.#problem.value = undefined
  }

  /** What sends the message once, read from the form as it is now; a text says why not. */
  #reader(outcome: SendOutcome): (() => boolean) | string {
    const connection = this.#connection
    if (!this.#isStomp) {
      const body = this.form.readBody()
      return body.problem ?? (() => connection.sendRaw((body as { value: WireData }).value))
    }
    const message = this.form.readMessage()
    if (message.problem !== undefined) return message.problem
    return this.#senderOf(message.value, outcome)
  }

  get #isStomp(): boolean {
    return this.#connection.current.value.mode === 'stomp'
  }

  #measure(): FrameSize | undefined {
    if (!this.#isStomp) return undefined
    const message = this.form.readMessage()
    return message.problem === undefined ? this.#connection.sizeOf(this.#optionsFor(message.value)) : undefined
  }

  #optionsFor(message: Message): SendOptions {
    return {
      ...message,
      receipt: this.wantsReceipt.value,
      transaction: this.transaction.value || undefined,
      hasContentLength: this.hasContentLength.value,
    }
  }

  #senderOf(message: Message, follower: SendOutcome): (() => boolean) | string {
    const transaction = this.transaction.value || undefined
    if (transaction !== undefined && !this.#connection.transactions.isOpen(transaction)) {
      return `Transaction ${transaction} is not open any more: begin one, or send outside`
    }
    const options = { ...this.#optionsFor(message), follower }
    return () => this.#connection.send(options)
  }

  /** The first one has gone already. Late timers are made up for. */
  #repeat(once: () => boolean, total: number, everyMs: number): void {
    const { environment } = this.#connection
    const startMs = environment.now()
    let sent = 1
    const step = () => {
      const due = everyMs === 0 ? total : Math.min(total, 1 + Math.floor((environment.now() - startMs) / everyMs))
      for (let burst = 0; burst < BURST && sent < due; burst++) {
        if (this.#connection.unsentBytes > MAX_UNSENT_BYTES) break
        if (!once()) {
          this.stop()
          this.#problem.value = `Stopped after ${sent} of ${total}: the connection is gone`
          return
        }
        sent++
      }
      this.#progress.value = sent < total ? { sent, total } : undefined
      if (sent < total) this.#timer = environment.setTimeout(step, Math.max(0, Math.min(everyMs, 1000)))
    }
    this.#progress.value = { sent, total }
    this.#timer = environment.setTimeout(step, everyMs)
  }

  #remember(draft: Draft): void {
    const others = this.#recent.value.filter((other) => !isSame(other, draft))
    this.#recent.value = [draft, ...others].slice(0, KEPT)
  }

  #refuse(problem: string): false {
    this.#problem.value = problem
    return false
  }
}

function isSame(a: Draft, b: Draft): boolean {
  const { destination, bodyKind, text, file } = a
  const hasSameBody = bodyKind === b.bodyKind && text === b.text && file === b.file
  return destination === b.destination && hasSameBody && JSON.stringify(a.headers) === JSON.stringify(b.headers)
}
