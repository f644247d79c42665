/**
 * Writes a payload as a backend of a route would, and reads one back for people. The codecs are those of the bridge;
 * what it does with headers and octets beyond text is not repeated here.
 */
import type { Codec } from '../api/types.ts'

export type Encoded = { readonly payload: string } | { readonly problem: string }

/** Exactly what goes to Redis, for a text as a person types it. */
export function encodePayload(codec: Codec, text: string): Encoded {
  switch (codec) {
    case 'json-string':
      return { payload: JSON.stringify(text) }
    case 'raw':
      return { payload: text }
    case 'json':
      return isJson(text) ? { payload: text } : { problem: `This route wants JSON: ${jsonProblem(text)}` }
    case 'envelope':
      return { payload: JSON.stringify({ body: text }) }
  }
}

/** What a subscriber would read of a payload. */
export function decodePayload(codec: Codec, payload: string): { readonly body: string } | { readonly problem: string } {
  if (codec === 'raw') return { body: payload }
  const value = parse(payload)
  if (value === undefined) return { problem: `No JSON: ${jsonProblem(payload)}` }
  if (codec === 'json') return { body: payload }
  if (codec === 'json-string') {
    return typeof value.json === 'string' ? { body: value.json } : { problem: 'JSON, but no string in quotes' }
  }
  if (typeof value.json !== 'object' || value.json === null || !('body' in value.json)) {
    return { problem: 'No object with a "body"' }
  }
  const { body } = value.json
  return { body: typeof body === 'string' ? body : JSON.stringify(body) }
}

/** In words, for a hint below the form. */
export function describeCodec(codec: Codec): string {
  switch (codec) {
    case 'json-string':
      return 'The quotes are written for you: the payload is a JSON string.'
    case 'raw':
      return 'The payload is exactly what you type.'
    case 'json':
      return 'The payload must be JSON; it is sent as you type it.'
    case 'envelope':
      return 'The text becomes the "body" of a JSON object.'
  }
}

/** Indented where it is a JSON object or list; anything else as it is. */
export function prettyPayload(payload: string): string {
  const value = parse(payload)
  return typeof value?.json === 'object' && value.json !== null ? JSON.stringify(value.json, null, 2) : payload
}

/** In an object, because null is JSON too. */
function parse(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) as unknown }
  } catch {
    // That it is none is the answer.
    return undefined
  }
}

export function isJson(text: string): boolean {
  return parse(text) !== undefined
}

export function jsonProblem(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
