/** Bodies as people type them: text, JSON, bytes in hex or Base64, and text with escapes for what no key can type. */
import { outlineJson, textOfLine } from './json-outline.ts'

/** What was typed, read; or why it cannot be. */
export type Parsed<T> = { readonly value: T; readonly problem?: undefined } | { readonly problem: string }

/** Pairs of hex digits; spaces, line ends, `:`, `,`, `-` and `0x` between them are stepped over. */
export function parseHex(text: string): Parsed<Uint8Array> {
  const digits = text.replace(/0x/gi, '').replace(/[\s:,-]/g, '')
  const wrong = /[^0-9a-f]/i.exec(digits)
  if (wrong) return { problem: `"${wrong[0]}" is no hex digit. Write bytes as pairs of 0-9 and a-f, such as 48 69` }
  if (digits.length % 2 !== 0) return { problem: 'A digit is missing: every byte is two hex digits' }
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return { value: bytes }
}

/** Standard or URL-safe, with or without padding. */
export function parseBase64(text: string): Parsed<Uint8Array> {
  const clean = text.replace(/\s/g, '').replace(/-/g, '+').replace(/_/g, '/').replace(/=+$/, '')
  if (/[^A-Za-z0-9+/]/.test(clean) || clean.length % 4 === 1) return { problem: 'This is not Base64' }
  return { value: Uint8Array.from(atob(clean), (unit) => unit.charCodeAt(0)) }
}

/** Chunked, since a call takes only so many arguments. */
export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(binary)
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' }

/** Reads `\n \r \t \0 \\ \xHH`; with other escapes it says which. */
export function parseEscapes(text: string): Parsed<string> {
  let problem: string | undefined
  const value = text.replace(/\\(x[0-9a-f]{2}|[^]|$)/gi, (all, escape: string) => {
    if (/^x[0-9a-f]{2}$/i.test(escape)) return String.fromCharCode(parseInt(escape.slice(1), 16))
    const known = ESCAPES[escape]
    if (known === undefined) problem ??= `Unknown escape "${all}". Known are \\n \\r \\t \\0 \\\\ and \\xHH`
    return known ?? ''
  })
  return problem === undefined ? { value } : { problem }
}

/** The same JSON on several lines, numbers and escapes as they were typed; undefined if it is none. */
export function formatJson(text: string): string | undefined {
  return isJson(text) ? outlineJson(text).map(textOfLine).join('\n') : undefined
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // The caller says so in its own words.
    return false
  }
}

/** What is wrong with the JSON; undefined if nothing is. */
export function problemOfJson(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return `Not valid JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}
