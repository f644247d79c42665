/** A SEND as somebody asks for it, and the frame that it becomes. */
import { Command, type FrameToEncode, type Header } from '../../frames/index.ts'
import type { WireData } from './frame-record.ts'
import type { FrameFollower } from './sent-frames.ts'

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
  /** Is told what becomes of it. */
  readonly follower?: FrameFollower | undefined
}

/** `nextReceipt` is called if it asks for one. */
export function sendFrame(options: SendOptions, nextReceipt: () => string): FrameToEncode {
  const { destination, headers, body, receipt, transaction } = options
  const all: Header[] = [['destination', destination], ...headerList(headers)]
  if (transaction !== undefined) all.push(['transaction', transaction])
  if (receipt) all.push(['receipt', nextReceipt()])
  return { command: Command.SEND, headers: all, body }
}

function headerList(headers: SendOptions['headers']): Header[] {
  if (headers === undefined) return []
  return Symbol.iterator in headers ? [...headers] : Object.entries(headers)
}
