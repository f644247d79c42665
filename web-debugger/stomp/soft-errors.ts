/**
 * Errors with which the session goes on: the server sends them to a subscription of the page's own, and here each finds
 * the frame that it is about. Only the newest are kept.
 */
import { Command, type Frame, type FrameToEncode } from '../../frames/index.ts'
import { toText, type FrameRecord } from './frame-record.ts'

const QUEUE = '/user/queue/errors'
/** Of the subscription to it. Nothing else gets this id. */
export const ERRORS_SUBSCRIPTION = 'soft-errors'

export interface SoftError {
  readonly code: string
  readonly text: string
  /** Where the refused frame wanted to go. */
  readonly destination: string | undefined
  /** The receipt that the refused frame asked for, and never gets. */
  readonly receipt: string | undefined
  /** Seconds after which it may be tried again. */
  readonly retryAfter: string | undefined
  /** What was refused; undefined if it cannot be told. */
  readonly refused: 'SEND' | 'SUBSCRIBE' | undefined
  /** Number of the record of what was refused. */
  readonly seq: number | undefined
  /** Id of the subscription that was refused. */
  readonly subscription: string | undefined
  readonly atMs: number
}

/** A frame that may still be refused. */
interface SentFrame {
  readonly seq: number
  readonly command: string
  readonly destination: string
  readonly receipt: string | undefined
  readonly id: string | undefined
  isRefused: boolean
}

/** The server answers in order, so what it refuses is among the last. */
const MAX_SENT = 1_000
/** Refused SENDs that are listed. */
const MAX_LISTED = 3

export class SoftErrors {
  readonly #sent: SentFrame[] = []
  /** By number of the record: of the error, and of the frame it is about. */
  readonly #bySeq = new Map<number, SoftError>()
  #isOn = false
  #sends: readonly SoftError[] = []
  #sendCount = 0

  /** Newest first. */
  get sends(): readonly SoftError[] {
    return this.#sends
  }

  /** All since they were last cleared. */
  get sendCount(): number {
    return this.#sendCount
  }

  /** What the record is about, or what became of it; undefined if nothing was refused. */
  of(record: Pick<FrameRecord, 'seq'>): SoftError | undefined {
    return this.#bySeq.get(record.seq)
  }

  /** A session has begun: from here on they are told. Comes before whatever could be refused. */
  begin(transmit: (frame: FrameToEncode) => boolean): void {
    this.#isOn = transmit({
      command: Command.SUBSCRIBE,
      headers: [
        ['id', ERRORS_SUBSCRIPTION],
        ['destination', QUEUE],
      ],
    })
  }

  end(): void {
    this.#isOn = false
    this.#sent.length = 0
  }

  clear(): void {
    this.#sends = []
    this.#sendCount = 0
  }

  sent({ seq }: FrameRecord, { command, headers }: Frame): void {
    if (!this.#isOn || (command !== Command.SEND && command !== Command.SUBSCRIBE)) return
    const destination = headers.get('destination') ?? ''
    this.#sent.push({
      seq,
      command,
      destination,
      receipt: headers.get('receipt'),
      id: command === Command.SUBSCRIBE ? headers.get('id') : undefined,
      isRefused: false,
    })
    if (this.#sent.length > MAX_SENT) this.#sent.shift()
  }

  /** Undefined if the message is none. */
  received(record: FrameRecord, { headers, body }: Frame): SoftError | undefined {
    if (!this.#isOn || !isOurs(record)) return undefined
    const text = toText(body)
    const destination = headers.get('refused-destination')
    const receipt = headers.get('receipt-id')
    const cause = this.#causeOf(destination, receipt, text)
    const error: SoftError = {
      code: headers.get('code') ?? 'no code',
      text,
      destination,
      receipt,
      retryAfter: headers.get('retry-after'),
      refused: cause ? (cause.command as 'SEND' | 'SUBSCRIBE') : refusedBy(text),
      seq: cause?.seq,
      subscription: cause?.id,
      atMs: record.atMs,
    }
    this.#bySeq.set(record.seq, error)
    if (cause) {
      cause.isRefused = true
      this.#bySeq.set(cause.seq, error)
    }
    if (error.refused === 'SEND') {
      this.#sends = [error, ...this.#sends].slice(0, MAX_LISTED)
      this.#sendCount++
    }
    return error
  }

  /** Records before this number are gone. */
  forgetBefore(seq: number): void {
    for (const known of this.#bySeq.keys()) if (known < seq) this.#bySeq.delete(known)
  }

  /** By its receipt; else the first to that destination that is not known to be refused, and that the text may mean. */
  #causeOf(destination: string | undefined, receipt: string | undefined, text: string): SentFrame | undefined {
    if (receipt !== undefined) return this.#sent.find((frame) => frame.receipt === receipt && !frame.isRefused)
    const meant = refusedBy(text)
    return this.#sent.find(
      (frame) =>
        frame.destination === destination &&
        frame.receipt === undefined &&
        !frame.isRefused &&
        (meant === undefined || frame.command === meant),
    )
  }
}

/** A server of STOMP 1.0 need not name the subscription. */
function isOurs({ subscription, destination }: FrameRecord): boolean {
  return subscription === undefined ? destination === QUEUE : subscription === ERRORS_SUBSCRIPTION
}

/** The headers do not say what was refused; the words of this bridge do. */
function refusedBy(text: string): SoftError['refused'] {
  if (/\bsubscri/i.test(text)) return Command.SUBSCRIBE
  return /\bsen[dt]\b/i.test(text) ? Command.SEND : undefined
}
