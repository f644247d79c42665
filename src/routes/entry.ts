/**
 * What an outbound route writes into a stream: the fields of an entry, from the message and from the configuration. Knows
 * nothing of Redis; the body is written by the codec of the route.
 */
import { headerOf, type HeaderPair } from '../headers.ts'
import { traceHeaders } from '../trace-context.ts'
import type { OutboundMessage } from './payload.ts'
import { CORRELATION_ID, REPLY_TO } from './replies.ts'

/** An outbound route to a stream, beside its destination and codec. */
export interface StreamOptions {
  readonly stream: string
  /** Entries that are held at least. */
  readonly maxLength: number
  /** What stands in each field: `body`, `destination`, `session`, `user`, `content-type`, `reply-to`, `correlation-id` or `header.NAME`. */
  readonly fields: Readonly<Record<string, string>>
  /** More fields, the same in each entry. */
  readonly constants: Readonly<Record<string, string>>
  /** Consumer groups that the stream is to have. */
  readonly groups: readonly string[]
}

/** A field of an entry. Without a value it holds the payload. */
export type EntryField = readonly [name: string, value: string | undefined]

const HEADER = 'header.'
/** What is the value of the header of that name. */
const OF_HEADERS: readonly string[] = ['content-type', CORRELATION_ID]

/** Writes the entries of one route. */
export class EntryFormat {
  readonly maxLength: number
  readonly groups: readonly string[]
  /** Does a field name the channel on which an answer is wanted? */
  readonly carriesReplyTo: boolean
  readonly #fields: readonly EntryField[]
  readonly #constants: readonly EntryField[]
  /** Of all fields that the route may write. */
  readonly #names: ReadonlySet<string>
  readonly #needsHeaders: boolean

  constructor({ maxLength, fields, constants }: StreamOptions, groups: readonly string[]) {
    this.maxLength = maxLength
    this.groups = groups
    this.#fields = Object.entries(fields)
    this.#constants = Object.entries(constants)
    this.#names = new Set([...Object.keys(fields), ...Object.keys(constants)])
    this.#needsHeaders = this.#fields.some(
      ([, value]) => value !== undefined && (OF_HEADERS.includes(value) || value.startsWith(HEADER)),
    )
    this.carriesReplyTo = this.#fields.some(([, value]) => value === REPLY_TO)
  }

  /**
   * Returns the fields of the entry for this message; what the message does not have is left out. To which trace it belongs
   * stands in two more, unless the route uses their names for something else.
   */
  fieldsOf(message: OutboundMessage): EntryField[] {
    const headers = this.#needsHeaders ? message.headers : []
    const fields: EntryField[] = []
    for (const [name, what] of this.#fields) {
      const value = what === 'body' ? undefined : valueOf(what!, message, headers)
      if (value !== undefined || what === 'body') fields.push([name, value])
    }
    fields.push(...this.#constants)
    if (message.trace) {
      for (const field of traceHeaders(message.trace)) if (!this.#names.has(field[0])) fields.push(field)
    }
    return fields
  }
}

function valueOf(what: string, message: OutboundMessage, headers: readonly HeaderPair[]): string | undefined {
  if (what.startsWith(HEADER)) return headerOf(headers, what.slice(HEADER.length))
  if (OF_HEADERS.includes(what)) return headerOf(headers, what)
  if (what === REPLY_TO) return message.replyTo
  return message[what as 'destination' | 'session' | 'user']
}
