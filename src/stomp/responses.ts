/** The frames with which a session answers: CONNECTED, RECEIPT and ERROR. */
import { Command, encodeFrame, FrameError, type FrameToEncode, type Header, type Version } from '../../frames/index.ts'
import type { Output } from '../delivery/output.ts'
import { describeError, type ErrorDescription } from '../errors.ts'
import type { Metrics } from '../metrics.ts'

export class Responses {
  /** Undefined before it is agreed, when nothing can be escaped. */
  version: Version | undefined
  readonly #output: Output
  readonly #metrics: Metrics

  constructor(output: Output, metrics: Metrics) {
    this.#output = output
    this.#metrics = metrics
  }

  connected(headers: readonly Header[]): void {
    this.#write({ command: Command.CONNECTED, headers })
  }

  receipt(receipt: string): void {
    this.#metrics.count.receiptsSent++
    this.#write({ command: Command.RECEIPT, headers: [['receipt-id', receipt]] })
  }

  /** STOMP 1.2 "ERROR": no frame comes after it. */
  error({ code, message, headers }: ErrorDescription, receipt: string | undefined): void {
    this.#metrics.count.errorsSent++
    const list: Header[] = [['message', message], ['code', code], ...Object.entries(headers)]
    if (receipt !== undefined) list.push(['receipt-id', receipt])
    list.push(['content-type', 'text/plain;charset=UTF-8'])
    this.#write({ command: Command.ERROR, headers: list, body: message })
  }

  #write(frame: FrameToEncode): void {
    this.#output.write(encodeFrame(frame, this.version))
  }
}

/** What the codec finds has a code of its own. */
export function describeFailure(error: unknown): ErrorDescription {
  if (!(error instanceof FrameError)) return describeError(error)
  return { code: error.code, message: error.message, headers: {}, closeCode: 1002 }
}
