/** A client as rules look at it: its name, groups and claims as destinations hold them. Made for one decision. */
import { encodeSegment } from '../destinations.ts'
import type { Identity } from './identity.ts'
import type { ClaimValue } from '../config/rule-syntax.ts'

/** A value of the client's own that a rule asks for. */
export type OwnValue = { readonly kind: 'user' } | { readonly kind: 'claim'; readonly path: string }

/** No destination is longer: what is longer matches none. */
const MAX_VALUE_LENGTH = 1_024

export class Subject {
  readonly identity: Identity
  #groups: ReadonlySet<string> | undefined
  /** Those asked for, by the path of a claim; that of the name has none. */
  readonly #values = new Map<string | undefined, string | undefined>()

  constructor(identity: Identity) {
    this.identity = identity
  }

  /** Has somebody said who it is? */
  get isKnown(): boolean {
    return this.identity.user !== undefined
  }

  /** Percent-encoded. */
  get groups(): ReadonlySet<string> {
    this.#groups ??= new Set(this.identity.groups?.map((group) => encodeSegment(group)))
    return this.#groups
  }

  /** Percent-encoded; undefined for what there is not, what is no scalar, and what is empty: that matches nothing. */
  value(own: OwnValue): string | undefined {
    const path = own.kind === 'user' ? undefined : own.path
    let value = this.#values.get(path)
    if (value === undefined) {
      value = encoded(path === undefined ? this.identity.user : claimAt(this.identity.claims, path))
      this.#values.set(path, value)
    }
    return value
  }

  /** Has it this claim, or a list with it? A number is not the text of the number. */
  hasClaim(path: string, expected: ClaimValue): boolean {
    const claim = claimAt(this.identity.claims, path)
    return claim === expected || (Array.isArray(claim) && claim.includes(expected))
  }
}

function encoded(value: unknown): string | undefined {
  const text = typeof value === 'boolean' || Number.isFinite(value) ? String(value) : value
  if (typeof text !== 'string' || text === '' || text.length > MAX_VALUE_LENGTH) return undefined
  return encodeSegment(text)
}

/** A claim of this very name (`https://id.example/role`), or else the way through objects that it names (`a.b`). */
function claimAt(claims: Identity['claims'], path: string): unknown {
  if (claims === undefined) return undefined
  if (Object.hasOwn(claims, path)) return claims[path]
  let at: unknown = claims
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}
