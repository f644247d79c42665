/** The frames with which a session answers: CONNECTED, RECEIPT and ERROR. */
import { Command, encodeFrame, FrameError, type Header, type Version } from '../../frames/index.ts'
import { describeError, type ErrorDescription } from '../errors.ts'

/** `version` of these: undefined before it is agreed, when nothing can be escaped. */
export function connectedFrame(headers: readonly Header[], version: Version | undefined): string | Uint8Array {
  return encodeFrame({ command: Command.CONNECTED, headers }, version)
}

export function receiptFrame(
  receipt: string,
  more: readonly Header[] | undefined,
  version: Version | undefined,
): string | Uint8Array {
  const headers: Header[] = [['receipt-id', receipt]]
  if (more) headers.push(...more)
  return encodeFrame({ command: Command.RECEIPT, headers }, version)
}

/** STOMP 1.2 "ERROR": no frame comes after it. */
export function errorFrame(
  { code, message, headers }: ErrorDescription,
  receipt: string | undefined,
  version: Version | undefined,
): string | Uint8Array {
  const list: Header[] = [['message', message], ['code', code], ...Object.entries(headers)]
  if (receipt !== undefined) list.push(['receipt-id', receipt])
  list.push(['content-type', 'text/plain;charset=UTF-8'])
  return encodeFrame({ command: Command.ERROR, headers: list, body: message }, version)
}

/** What the codec finds has a code of its own. */
export function describeFailure(error: unknown): ErrorDescription {
  if (!(error instanceof FrameError)) return describeError(error)
  return { code: error.code, message: error.message, headers: {}, closeCode: 1002 }
}
