/**
 * Owns the way from a request's bytes to a JSON value: media type, UTF-8, syntax, depth. Whatever a client sends, the
 * answer is a value or an HttpError.
 */
import { MAX_JSON_DEPTH } from '../json-text.ts'
import { HttpError } from './json-error.ts'
import { readBytes } from './request-bytes.ts'

const JSON_TYPE = /^application\/(?:[\w.!#$&^-]+\+)?json$/i
const UTF8_NAMES = ['utf-8', 'utf8', 'us-ascii']

// A byte order mark is no part of JSON, and RFC 8259 section 8.1 lets a reader skip it: this decoder does.
const utf8 = () => new TextDecoder('utf-8', { fatal: true })

/** A request body, read. */
export interface JsonBody {
  readonly value: unknown
  /** What the value was read from. */
  readonly text: string
}

/**
 * Reads a JSON request body.
 * Of equal keys the last one counts. Errors: HttpError `unsupported-media-type`, `body-too-large`, `bad-json`.
 */
export async function readJson(request: Request, maxBytes: number): Promise<JsonBody> {
  checkMediaType(request.headers)
  const text = decode(await readBytes(request, maxBytes, badJson))
  if (text.trim() === '') throw badJson('The body is empty: send a JSON object')
  if (isDeeperThan(text, MAX_JSON_DEPTH))
    throw badJson(`The body is nested too deeply: use at most ${MAX_JSON_DEPTH} levels`)
  try {
    return { value: JSON.parse(text) as unknown, text }
  } catch (cause) {
    throw badJson('The body is not JSON: check quotes, commas and brackets', cause)
  }
}

function checkMediaType(headers: Headers): void {
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').split(';').map((part) => part.trim())
  if (!JSON_TYPE.test(type)) throw wrongType('Send the body as JSON, with "Content-Type: application/json"')
  for (const parameter of parameters) {
    const charset = /^charset\s*=\s*"?([^"]*)"?$/i.exec(parameter)?.[1]
    if (charset !== undefined && !UTF8_NAMES.includes(charset.toLowerCase())) {
      throw wrongType('Send the JSON in UTF-8: it has no other charset')
    }
  }
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') throw wrongType('Send the body without Content-Encoding')
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8().decode(bytes)
  } catch (cause) {
    throw badJson('The body is not valid UTF-8: send JSON in UTF-8', cause)
  }
}

/** Looks at the text, because a parser may fail on depth itself. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  let isString = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (isString) {
      if (character === '\\') index++
      else if (character === '"') isString = false
    } else if (character === '"') isString = true
    else if (character === '{' || character === '[') {
      if (++depth > limit) return true
    } else if (character === '}' || character === ']') depth--
  }
  return false
}

function badJson(message: string, cause?: unknown): HttpError {
  return new HttpError('bad-json', message, {}, { cause })
}

function wrongType(message: string): HttpError {
  return new HttpError('unsupported-media-type', message)
}
