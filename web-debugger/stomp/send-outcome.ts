/** What became of what a form has sent: one message, or all of a repetition. Changes; the pulse says when to look. */
import type { FrameFollower, ReceiptPair } from './sent-frames.ts'

export class SendOutcome implements FrameFollower {
  /** When the first one went. */
  readonly atMs: number
  /** Whether each asks for a RECEIPT. */
  readonly wantsReceipt: boolean
  #sent = 0
  #answered = 0
  #slowestMs = 0
  #pair: ReceiptPair | undefined
  #refused = 0
  #error: { readonly code: string | undefined; readonly message: string } | undefined
  #isSessionOver = false
  #isCutOff = false

  constructor(atMs: number, wantsReceipt: boolean) {
    this.atMs = atMs
    this.wantsReceipt = wantsReceipt
  }

  get sent(): number {
    return this.#sent
  }

  /** RECEIPTs that came. */
  get answeredCount(): number {
    return this.#answered
  }

  get slowestMs(): number {
    return this.#slowestMs
  }

  /** The RECEIPT that came last, with its frame. */
  get pair(): ReceiptPair | undefined {
    return this.#pair
  }

  /** Refused while the session went on. */
  get refusedCount(): number {
    return this.#refused
  }

  /** The ERROR that one of them has caused. */
  get error(): { readonly code: string | undefined; readonly message: string } | undefined {
    return this.#error
  }

  /** The session in which they went has ended. */
  get isSessionOver(): boolean {
    return this.#isSessionOver
  }

  /** The session has ended before everything was answered. */
  get isCutOff(): boolean {
    return this.#isCutOff
  }

  countSent(): void {
    this.#sent++
  }

  answered(pair: ReceiptPair): void {
    this.#answered++
    this.#slowestMs = Math.max(this.#slowestMs, pair.ms)
    this.#pair = pair
  }

  refused(): void {
    this.#refused++
  }

  refusedByError(code: string | undefined, message: string): void {
    this.#error = { code, message }
  }

  sessionEnded(): void {
    const isOpen = this.wantsReceipt && this.#sent > this.#answered + this.#refused
    if (isOpen && !this.#error) this.#isCutOff = true
    this.#isSessionOver = true
  }
}
