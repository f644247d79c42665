/** The keys by which backends and operators may use the HTTP API. */
import { timingSafeEqual } from 'node:crypto'
import { sha256 } from './digest.ts'

export type ApiScope = 'publish' | 'read' | 'tickets' | 'admin'

export interface ApiKeyEntry {
  readonly name: string
  readonly key?: string | undefined
  /** SHA-256 of the key, in hexadecimal. */
  readonly keyHash?: string | undefined
  readonly scopes: readonly ApiScope[]
}

/** Whose key it is: no scope includes another. */
export interface ApiKey {
  readonly name: string
  readonly scopes: ReadonlySet<ApiScope>
}

export class ApiKeys {
  readonly #keys: readonly { digest: Buffer; key: ApiKey }[]

  /** Errors: throws Error for an entry without a key, or with a hash of another form. */
  constructor(entries: readonly ApiKeyEntry[]) {
    this.#keys = entries.map((entry) => ({
      digest: digestOf(entry),
      key: { name: entry.name, scopes: new Set(entry.scopes) },
    }))
  }

  /** Takes as long whichever key it is, or none. */
  find(given: string): ApiKey | undefined {
    const digest = sha256(given)
    let found: ApiKey | undefined
    for (const each of this.#keys) if (timingSafeEqual(each.digest, digest)) found = each.key
    return found
  }
}

function digestOf({ name, key, keyHash }: ApiKeyEntry): Buffer {
  if (key !== undefined && key !== '') return sha256(key)
  if (keyHash !== undefined && /^[0-9a-f]{64}$/i.test(keyHash)) return Buffer.from(keyHash, 'hex')
  throw new Error(`The API key "${name}" needs a key, or a keyHash of 64 hexadecimal digits`)
}
