/**
 * Where a snapshot comes from, for a destination: the key or the URL, with the values of its variables. They come from
 * clients and are percent-encoded, so that none is more than a part of a name. Pure text.
 */
import { encodeSegment } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { compileTemplate, type Template, type Variables } from '../routes/template.ts'
import { routeSeparators } from '../config/template-syntax.ts'

/** What a client has written, and what is meant by it. */
export interface Place {
  /** The destination with its values encoded: for most the same. */
  readonly destination: string
  /** The key or the URL. */
  readonly name: string
}

export class PlaceTemplate {
  readonly #destination: Template
  readonly #name: Template
  readonly #isUrl: boolean

  constructor(destination: string, name: string, isUrl: boolean) {
    const separators = routeSeparators({ destination, channel: name })
    this.#destination = compileTemplate(destination, separators)
    this.#name = compileTemplate(name, separators)
    this.#isUrl = isUrl
  }

  /**
   * Returns the place for a destination; undefined if that is another's.
   * Errors: ProtocolError `bad-destination` for a value that would leave its place in the URL.
   */
  of(destination: string): Place | undefined {
    const written = this.#destination.match(destination)
    if (!written) return undefined
    const values = mapValues(written, encodeValue)
    const inName = this.#isUrl ? mapValues(values, inUrl) : values
    if (this.#isUrl && [...values.values()].some(climbs)) {
      throw new ProtocolError(
        'bad-destination',
        `Cannot subscribe to ${quoted(destination)}: "." and ".." are no names`,
      )
    }
    return { destination: this.#destination.expand(values), name: this.#name.expand(inName) }
  }
}

/**
 * Returns a value with all encoded that could be more than a part of a name, but for `/`, which only `{*rest}` has. What is
 * encoded already, as names in destinations are, stays as it is.
 */
export function encodeValue(value: string): string {
  return value.replace(/(?:%[0-9A-F]{2})+|[^%/]+|%/g, (part) => (isEncoded(part) ? part : encodeSegment(part)))
}

function isEncoded(part: string): boolean {
  if (!part.startsWith('%') || part.length < 3) return false
  try {
    return encodeSegment(decodeURIComponent(part)) === part
  } catch {
    return false
  }
}

/** Also what has a meaning in a URL alone, such as `#` and `&`. */
function inUrl(value: string): string {
  return value.replace(/[^%/]+/g, encodeURIComponent)
}

/** A URL has no such segments: they are taken for a way up. */
function climbs(value: string): boolean {
  return value.split('/').some((segment) => segment === '.' || segment === '..')
}

function mapValues(variables: Variables, change: (value: string) => string): Variables {
  return new Map([...variables].map(([name, value]) => [name, change(value)]))
}
