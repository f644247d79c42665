/**
 * The frames of SockJS, which a server writes, and the payload that its clients write. SockJS protocol 0.3.3, "Protocol
 * and framing". Pure; knows no connection.
 */

export const OPEN_FRAME = 'o'
export const HEARTBEAT_FRAME = 'h'

/** 0.3.3 "JSON Unicode Encoding": browsers change these on the way. Lone surrogates `JSON.stringify` escapes by itself. */
const MANGLED = /[\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]/g

/** Returns messages as the elements of a JSON array, without its brackets. */
export function quoteAll(messages: readonly string[]): string {
  return messages.map(quote).join(',')
}

/** Returns the frame with what {@link quoteAll} made. */
export function messageFrame(quoted: string): string {
  return `a[${quoted}]`
}

/** Returns the frame that ends a session. */
export function closeFrame(code: number, reason: string): string {
  return `c[${code},${quote(reason)}]`
}

/** Returns the messages of a payload: a JSON array of strings, or a single string. Undefined if it is none. */
export function parsePayload(payload: string): readonly string[] | undefined {
  // A parser takes a second for some megabytes of brackets.
  if (isNested(payload)) return undefined
  let value: unknown
  try {
    value = JSON.parse(payload)
  } catch {
    return undefined // the client's fault, which the caller answers
  }
  if (typeof value === 'string') return [value]
  return Array.isArray(value) && value.every((message) => typeof message === 'string') ? value : undefined
}

/** Is there an array or an object in it that is not the outermost? */
function isNested(payload: string): boolean {
  let opened = 0
  for (let i = 0; i < payload.length; i++) {
    const character = payload[i]
    if (character === '"') i = endOfString(payload, i)
    else if ((character === '[' || character === '{') && ++opened > 1) return true
  }
  return false
}

/** Returns where the string ends that begins here; the end of the text if it does not. */
function endOfString(text: string, start: number): number {
  for (let end = start; ;) {
    end = text.indexOf('"', end + 1)
    if (end < 0) return text.length
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return end
  }
}

function quote(text: string): string {
  return JSON.stringify(text).replace(MANGLED, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
