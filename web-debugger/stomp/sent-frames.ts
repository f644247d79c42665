/**
 * What was sent in this session, and what became of it: which RECEIPT belongs to which frame, and which frame it was
 * that the server did not like. Only the newest are known.
 */
import { Command, type Frame, type FrameHeaders } from '../../frames/index.ts'
import type { FrameRecord } from './frame-record.ts'

/** Who wants to know what becomes of a frame. */
export interface FrameFollower {
  answered(pair: ReceiptPair): void
  /** By a soft error: the session goes on. */
  refused(): void
  /** By an ERROR, after which a server should end the session. */
  refusedByError(code: string | undefined, message: string): void
  sessionEnded(): void
}

export interface SentFrame {
  /** Number of its record. */
  readonly seq: number
  readonly command: string
  readonly destination: string | undefined
  /** Of a SUBSCRIBE. */
  readonly id: string | undefined
  readonly receipt: string | undefined
  readonly atMs: number
  follower: FrameFollower | undefined
}

/** A frame and its RECEIPT, by the numbers of their records. */
export interface ReceiptPair {
  readonly frameSeq: number
  readonly receiptSeq: number
  readonly ms: number
}

export interface Cause {
  readonly frame: SentFrame
  /** The server has named it; else it is the last one before the ERROR. */
  readonly isNamed: boolean
}

const KEPT = 10_000
const KEPT_PAIRS = 20_000

export class SentFrames {
  readonly #frames: SentFrame[] = []
  /** Those that wait for a RECEIPT, by its id. */
  readonly #waiting = new Map<string, SentFrame>()
  /** By number of either record. */
  readonly #pairs = new Map<number, ReceiptPair>()

  /** Undefined if nothing was sent in this session. */
  get last(): SentFrame | undefined {
    return this.#frames.at(-1)
  }

  sent({ seq, atMs }: FrameRecord, { command, headers }: Frame): void {
    const receipt = headers.get('receipt')
    const frame = {
      seq,
      command,
      destination: headers.get('destination'),
      id: command === Command.SUBSCRIBE ? headers.get('id') : undefined,
      receipt,
      atMs,
      follower: undefined,
    }
    this.#frames.push(frame)
    if (receipt !== undefined) this.#waiting.set(receipt, frame)
    if (this.#frames.length <= KEPT) return
    const oldest = this.#frames.shift()!
    if (oldest.receipt !== undefined && this.#waiting.get(oldest.receipt) === oldest)
      this.#waiting.delete(oldest.receipt)
  }

  /** A RECEIPT has come: it and its frame are a pair from now on. */
  answered(receipt: FrameRecord, headers: FrameHeaders): void {
    const id = headers.get('receipt-id') ?? ''
    const frame = this.#waiting.get(id)
    if (!frame) return
    this.#waiting.delete(id)
    const pair = { frameSeq: frame.seq, receiptSeq: receipt.seq, ms: receipt.atMs - frame.atMs }
    this.#pairs.set(pair.frameSeq, pair).set(pair.receiptSeq, pair)
    for (const seq of this.#pairs.keys()) {
      if (this.#pairs.size <= KEPT_PAIRS) break
      this.#pairs.delete(seq)
    }
    frame.follower?.answered(pair)
  }

  pairOf(record: FrameRecord): ReceiptPair | undefined {
    return this.#pairs.get(record.seq)
  }

  /** The frame of that record, if it is of this session. */
  at(seq: number): SentFrame | undefined {
    return this.#frames.findLast((frame) => frame.seq === seq)
  }

  /** What an ERROR is about: by its receipt, else by what its text names, else the last frame before it. */
  causeOf({ headers }: Frame, text: string): Cause | undefined {
    const receipt = headers.get('receipt-id')
    const named =
      this.#frames.findLast((frame) => receipt !== undefined && frame.receipt === receipt) ??
      this.#frames.findLast(({ destination }) => isQuoted(destination, text)) ??
      this.#frames.findLast(({ id }) => isQuoted(id, text))
    const frame = named ?? this.last
    return frame && { frame, isNamed: named !== undefined }
  }

  /** Records before this number are gone. */
  forgetBefore(seq: number): void {
    for (const known of this.#pairs.keys()) if (known < seq) this.#pairs.delete(known)
  }

  /** The session is over. */
  end(): void {
    const followers = new Set(this.#frames.map(({ follower }) => follower))
    this.#frames.length = 0
    this.#waiting.clear()
    for (const follower of followers) follower?.sessionEnded()
  }
}

/** This bridge quotes with ", others with '. */
function isQuoted(name: string | undefined, text: string): boolean {
  return name !== undefined && (text.includes(`"${name}"`) || text.includes(`'${name}'`))
}
