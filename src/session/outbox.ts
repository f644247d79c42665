/** What goes out to one client: encodes frames for the agreed version, counts, and remembers when the last one left. */
import { Command, encodeFrame, HEART_BEAT, type Header, type Version } from '../../frames/index.ts'
import type { Metrics } from '../metrics.ts'
import type { Socket } from '../socket.ts'
import type { ErrorDescription } from './error-description.ts'
import type { OutputMeter, Tally } from '../broker/tally.ts'

export class Outbox implements Tally {
  /** Characters of text and bytes of binary frames written; so never more than the bytes. */
  written = 0
  look = 0
  lengthSinceLook = 0
  /** Undefined before negotiation: then nothing can be escaped. */
  version: Version | undefined
  /** Called with each write: it counts as a heart-beat. */
  onWrite: (() => void) | undefined
  readonly #socket: Socket
  readonly #metrics: Metrics
  readonly #meter: OutputMeter

  constructor(socket: Socket, metrics: Metrics, meter: OutputMeter) {
    this.#socket = socket
    this.#metrics = metrics
    this.#meter = meter
  }

  write(data: string | Uint8Array): void {
    this.publish(data)
    this.#meter.wrote(this, data.length)
  }

  /** Write what the caller tells the meter itself. */
  publish(data: string | Uint8Array): void {
    this.written += data.length
    this.onWrite?.()
    this.#socket.send(data)
  }

  heartBeat(): void {
    this.write(HEART_BEAT)
  }

  connected(headers: readonly Header[]): void {
    this.write(encodeFrame({ command: Command.CONNECTED, headers }, this.version))
  }

  receipt(receipt: string): void {
    this.#metrics.count.receiptsSent++
    this.write(encodeFrame({ command: Command.RECEIPT, headers: [['receipt-id', receipt]] }, this.version))
  }

  /** The caller closes after it. */
  error({ code, message, headers }: ErrorDescription, receipt: string | undefined): void {
    this.#metrics.count.errorsSent++
    const list: Header[] = [['message', message], ['code', code], ...Object.entries(headers)]
    if (receipt !== undefined) list.push(['receipt-id', receipt])
    list.push(['content-type', 'text/plain;charset=UTF-8'])
    this.write(encodeFrame({ command: Command.ERROR, headers: list, body: message }, this.version))
  }
}
