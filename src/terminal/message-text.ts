/** How a message is printed. */
import type { Message } from '../stomp-client/index.ts'

/** All characters that a terminal may obey, but for tab and line end; the last ones turn text around. */

const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the text of bytes; undefined where they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    // That is the answer.
    return undefined
  }
}

/** Returns the text with what a terminal would obey made visible: a message may come from anybody. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (control) => {
    const code = control.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
  })
}

/** Returns one line of JSON. A body that is no text is base64, in `bodyBase64`. */
export function jsonLine({ headers, binaryBody }: Message, receivedAt: Date): string {
  const text = textOf(binaryBody)
  const body = text === undefined ? { bodyBase64: Buffer.from(binaryBody).toString('base64') } : { body: text }
  const { destination } = headers
  return `${JSON.stringify({ receivedAt: receivedAt.toISOString(), destination, headers, ...body })}\n`
}

/** Returns time, destination, size and headers of a message, each header on a line of its own. */
export function headLines({ headers, binaryBody }: Message, receivedAt: Date): string {
  const { destination = '', ...rest } = headers
  const lines = Object.entries(rest).map(
    ([name, value]) => `  ${visible(`${name}: ${value}`).replaceAll('\n', '\\n')}\n`,
  )
  const time = receivedAt.toTimeString().slice(0, 8)
  const millis = String(receivedAt.getMilliseconds()).padStart(3, '0')
  return `${time}.${millis} ${visible(destination)} ${binaryBody.length} B\n${lines.join('')}`
}

/** Returns the body with a line end, for a terminal or for a program. */
export function bodyOf({ binaryBody }: Message, isTerminal: boolean): string | Uint8Array {
  const text = textOf(binaryBody)
  if (text !== undefined) return `${isTerminal ? visible(text) : text}\n`
  return isTerminal ? `(${binaryBody.length} bytes that are no text: see --json)\n` : binaryBody
}
