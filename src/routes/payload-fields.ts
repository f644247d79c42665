/**
 * What a route takes out of a JSON payload by the names of its fields: values for the variables of its destination, and
 * the body. A field is named by its path, `a.b`.
 */
import { encodeSegment } from '../destinations.ts'
import { memberTexts } from '../json-text.ts'
import { decodePayload, PayloadError, type InboundMessage } from './payload.ts'
import type { Variables } from './template.ts'

/** In a destination: `{body.a.b}`. */
const VARIABLE_PREFIX = 'body.'

/** Is this variable of a destination taken from the payload? */
export function isPayloadVariable(name: string): boolean {
  return name.startsWith(VARIABLE_PREFIX)
}

export class PayloadFields {
  readonly #variables: readonly string[]
  readonly #body: string | undefined
  readonly #contentType: string | undefined

  /** `variables`: those of the destination that `isPayloadVariable`; `body`: the field that becomes the body, else the payload does. */
  constructor(variables: readonly string[], body: string | undefined, contentType: string | undefined) {
    this.#variables = variables
    this.#body = body
    this.#contentType = contentType
  }

  /** Errors: PayloadError if the payload is not JSON, or a field is missing, empty or not text where it has to be. */
  read(payload: Uint8Array): { readonly variables: Variables; readonly message: InboundMessage } {
    const whole = decodePayload('json', payload, this.#contentType)
    const json = whole.body as string
    const variables = new Map(this.#variables.map((name) => [name, segmentAt(json, name)]))
    return { variables, message: this.#body === undefined ? whole : this.#bodyOf(json, this.#body) }
  }

  #bodyOf(json: string, path: string): InboundMessage {
    const text = memberAt(json, path)
    if (text === undefined) throw new PayloadError(`payload has no field "${path}"`)
    const value: unknown = JSON.parse(text)
    const isText = typeof value === 'string'
    const contentType = this.#contentType ?? (isText ? 'text/plain;charset=UTF-8' : 'application/json')
    // The text as it is written: numbers may be longer than JavaScript can hold.
    return { body: isText ? value : text, headers: [['content-type', contentType]] }
  }
}

/** The value as one segment of a destination. */
function segmentAt(json: string, variable: string): string {
  const path = variable.slice(VARIABLE_PREFIX.length)
  const text = memberAt(json, path)
  const value: unknown = text === undefined ? undefined : JSON.parse(text)
  if (typeof value !== 'string' || value === '') {
    throw new PayloadError(`field "${path}" of the payload is ${text === undefined ? 'missing' : 'no text, or empty'}`)
  }
  return encodeSegment(value)
}

/** The text of what is at a path; undefined if there is nothing. */
function memberAt(json: string, path: string): string | undefined {
  let text: string | undefined = json
  for (const name of path.split('.')) {
    // Only an object has members with names; of an array these would be its elements.
    if (!text.trimStart().startsWith('{')) return undefined
    const members = memberTexts(text)
    if (!members) throw new PayloadError('payload is nested too deeply')
    text = members.get(name)
    if (text === undefined) return undefined
  }
  return text
}
