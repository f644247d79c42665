/**
 * What a route makes of the entries of a stream: destination, body and headers out of their fields. Knows fields and
 * octets, nothing of Redis.
 */
import { encodeSegment, isPattern } from '../destinations.ts'
import type { HeaderPair } from '../headers.ts'
import { readTrace, traceHeaders, TRACEPARENT, TRACESTATE } from '../trace-context.ts'
import { decodePayload, type InboundMessage } from './payload.ts'

/** An inbound route of a stream, as the configuration has it. */
export interface StreamRouteOptions {
  readonly stream: string
  /** Text with `{field.x}`; if it is nothing else, the field has the whole destination. */
  readonly destination: string
  /** `{field.x}`. */
  readonly body: string
  /** Fields that become headers. */
  readonly headers: readonly string[]
  readonly contentType?: string | undefined
  readonly start: 'latest' | 'earliest'
  /** Entries that are looked through for one subscription that asks. */
  readonly maxScan: number
}

type Fields = ReadonlyMap<string, Uint8Array>

const VARIABLE = /(\{field\.[^{}/\s]+\})/
const CONTENT_TYPE = 'content-type'

export class StreamRoute {
  readonly stream: string
  /** As it is written. */
  readonly destination: string
  readonly maxScan: number
  /** How many messages have taken it. */
  messages = 0
  readonly #options: StreamRouteOptions
  /** Text, and names of fields in between. */
  readonly #parts: readonly string[]
  readonly #body: string
  readonly #given: RegExp
  /** Does one field have the whole destination? */
  readonly #isWhole: boolean

  constructor(options: StreamRouteOptions) {
    const { stream, destination, body, maxScan } = options
    const parts = destination.split(VARIABLE).map((part, i) => (i % 2 === 0 ? part : fieldIn(part)))
    this.stream = stream
    this.destination = destination
    this.maxScan = maxScan
    this.#options = options
    this.#parts = parts
    this.#body = fieldIn(body)
    this.#given = new RegExp(`^${parts.map((part, i) => (i % 2 === 0 ? escapeRegExp(part) : '[^/]+')).join('')}$`, 's')
    this.#isWhole = parts.length === 3 && parts[0] === '' && parts[2] === ''
  }

  /** Can an entry be for this destination? */
  canGive(destination: string): boolean {
    return !isPattern(destination) && (this.#isWhole || this.#given.test(destination))
  }

  /** The destination of an entry; undefined if it lacks a field for that. It may be one that nothing can be delivered to. */
  destinationOf(fields: Fields): string | undefined {
    let destination = ''
    for (const [i, part] of this.#parts.entries()) {
      if (i % 2 === 0) destination += part
      else {
        const value = textOf(fields.get(part))
        if (value === undefined || value === '') return undefined
        destination += this.#isWhole ? value : encodeSegment(value)
      }
    }
    return destination
  }

  /** Undefined if it lacks a field. */
  read(fields: Fields): { readonly destination: string; readonly message: InboundMessage } | undefined {
    const destination = this.destinationOf(fields)
    const octets = fields.get(this.#body)
    if (destination === undefined || !octets) return undefined
    const { headers: names, contentType } = this.#options
    const named = names.includes(CONTENT_TYPE) ? textOf(fields.get(CONTENT_TYPE)) : undefined
    const { body, headers } = decodePayload('raw', octets, contentType ?? named)
    const more: HeaderPair[] = []
    for (const name of names) {
      const value = name === CONTENT_TYPE ? undefined : textOf(fields.get(name))
      if (value !== undefined) more.push([name, value])
    }
    const traceparent = fields.get(TRACEPARENT)
    const trace = traceparent && readTrace(textOf(traceparent), textOf(fields.get(TRACESTATE)))
    if (trace) more.push(...traceHeaders(trace).filter(([name]) => !names.includes(name)))
    return { destination, message: { body, headers: [...headers, ...more] } }
  }
}

function fieldIn(variable: string): string {
  return variable.slice('{field.'.length, -1)
}

function textOf(octets: Uint8Array | undefined): string | undefined {
  return octets && new TextDecoder().decode(octets)
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
