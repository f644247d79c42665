/**
 * Header escaping, which differs in each version: none in 1.0, `\n \c \\` in 1.1, also `\r` in 1.2.
 * Source: STOMP 1.1 and 1.2 "Value Encoding".
 */
import { FrameError, FrameErrorCode } from './errors.ts'
import { Version } from './version.ts'

const BACKSLASH = 92

/**
 * Errors: FrameError `bad-escape` for an undefined escape or a lone backslash, which the specification calls fatal.
 */
export function unescapeHeader(text: string, version: Version): string {
  let at = text.indexOf('\\')
  if (at < 0 || version === Version.V1_0) return text
  let result = ''
  let from = 0
  while (at >= 0) {
    result += text.slice(from, at)
    const next = text[at + 1]
    if (next === 'c') result += ':'
    else if (next === 'n') result += '\n'
    else if (next === '\\') result += '\\'
    else if (next === 'r' && version === Version.V1_2) result += '\r'
    else {
      const shown = next === undefined ? 'a backslash at the end' : `"\\${next}"`
      throw new FrameError(FrameErrorCode.badEscape, `Undefined escape in a header: ${shown} in STOMP ${version}`)
    }
    from = at + 2
    at = text.charCodeAt(from) === BACKSLASH ? from : text.indexOf('\\', from)
  }
  return result + text.slice(from)
}

// What cannot stand in a header as it is, in any version.

const SPECIAL = /[\\\r\n:\0]/

/** NUL in no version, CR not in 1.1, LF not in 1.0, nor `:` in a 1.0 name. */
const UNCARRIED_IN_NAME: Readonly<Record<Version, RegExp>> = { '1.0': /[\n:\0]/, '1.1': /[\r\0]/, '1.2': /\0/ }

/**
 * A header name as it may stand on the wire; `""` if the version cannot carry it. Nothing is taken out of a name: what is
 * left could be another name, one that only the server may set.
 */
export function escapeHeaderName(name: string, version: Version): string {
  if (!SPECIAL.test(name)) return name
  return UNCARRIED_IN_NAME[version].test(name) ? '' : escapeHeader(name, version)
}

/** By character code, up to that of the backslash: what stands for it on the wire. */
const ESCAPES: Readonly<Record<Version, readonly (string | undefined)[]>> = {
  '1.0': escapesOf({ '\0': '', '\n': '' }),
  '1.1': escapesOf({ '\0': '', '\r': '', '\n': '\\n', ':': '\\c', '\\': '\\\\' }),
  '1.2': escapesOf({ '\0': '', '\r': '\\r', '\n': '\\n', ':': '\\c', '\\': '\\\\' }),
}

function escapesOf(escapes: Readonly<Record<string, string>>): readonly (string | undefined)[] {
  return Array.from({ length: BACKSLASH + 1 }, (_, code) => escapes[String.fromCharCode(code)])
}

/**
 * A header value as it may stand on the wire.
 * What a version cannot carry is left out: NUL always, CR in 1.1, LF in 1.0.
 */
export function escapeHeader(text: string, version: Version): string {
  if (!SPECIAL.test(text)) return text
  const escapes = ESCAPES[version]
  let result = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const escape = escapes[text.charCodeAt(at)]
    if (escape === undefined) continue
    result += text.slice(from, at) + escape
    from = at + 1
  }
  return result + text.slice(from)
}

/**
 * A value of a frame that is never escaped (CONNECT, CONNECTED): only what would end the line is taken out. A colon does
 * not, and a backslash is one: without them a name, or a password, would be another.
 */
export function plainValue(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\r\n\0]/g, ' ') : text
}

/** For what cannot be escaped before a version is agreed (names, values of an ERROR): take out what would need it. */
export function stripHeader(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\r\n:\0]/g, ' ') : text
}
