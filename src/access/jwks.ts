/**
 * Owns the public keys that an identity provider publishes: when they are fetched, how long they are believed, and who
 * waits for that. A token's `kid` is only ever compared: nothing that a client sends decides where keys come from. jose
 * has such a cache too, but asks again at once after a fetch that failed.
 */
import { createLocalJWKSet, errors, type CryptoKey, type JWSHeaderParameters } from 'jose'
import type { Clock } from '../clock.ts'
import type { ProtocolError } from '../errors.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { ask, AskError, type Fetch } from '../ask.ts'
import { loginUnavailable } from './unavailable.ts'

const TIMEOUT_MS = 5_000
const MAX_BYTES = 1024 * 1024
/** Keys older than this are not believed any more. */
const MAX_AGE_MS = 600_000
/** Keys older than this are fetched again beside the logins that still use them, so that none has to wait. */
const REFRESH_AGE_MS = 300_000
/** After a fetch, successful or not, an unknown `kid` causes no other for so long. */
const COOLDOWN_MS = 30_000

type KeySet = ReturnType<typeof createLocalJWKSet>

export interface JwksDeps {
  readonly clock: Clock
  readonly fetch: Fetch
  readonly metrics: Pick<Metrics, 'took'>
  readonly log: Log
}

export class Jwks {
  readonly #url: URL
  readonly #deps: JwksDeps
  readonly #logBudget = new LogBudget(3)
  #keys: KeySet | undefined
  #fetchedAt = -Infinity
  /** When the last fetch began, whatever came of it. */
  #triedAt = -Infinity
  #hasFailed = false
  #fetching: Promise<KeySet> | undefined

  constructor(url: string, deps: JwksDeps) {
    this.#url = new URL(url)
    this.#deps = deps
  }

  /**
   * Returns the keys that may have signed a token with this header; none if it is of nobody known.
   * Errors: rejects with ProtocolError `auth-unavailable`, if that depends on a fetch that fails.
   */
  async keysFor(header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    const keys = this.#current() ?? (await this.#fetch())
    const found = await matching(keys, header)
    if (found.length > 0) return found
    if (this.#deps.clock.now() - this.#triedAt >= COOLDOWN_MS || this.#fetching) {
      return matching(await this.#fetch(), header)
    }
    // The provider may well have this key by now.
    if (this.#hasFailed) throw loginUnavailable(new AskError('the last fetch of the keys failed'))
    return []
  }

  #current(): KeySet | undefined {
    const now = this.#deps.clock.now()
    const age = now - this.#fetchedAt
    if (!this.#keys || age >= MAX_AGE_MS) return undefined
    // What comes of it has been logged; those who wait for nothing need not know.
    if (age >= REFRESH_AGE_MS && now - this.#triedAt >= COOLDOWN_MS) this.#fetch().catch(() => undefined)
    return this.#keys
  }

  #fetch(): Promise<KeySet> {
    this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined))
    return this.#fetching
  }

  async #fetchOnce(): Promise<KeySet> {
    const { clock, metrics } = this.#deps
    const startedAt = clock.now()
    this.#triedAt = startedAt
    try {
      const keys = await this.#load()
      this.#keys = keys
      this.#fetchedAt = startedAt
      this.#hasFailed = false
      metrics.took('jwksFetch', 'answered', (clock.now() - startedAt) / 1000)
      return keys
    } catch (error) {
      this.#hasFailed = true
      metrics.took('jwksFetch', 'failed', (clock.now() - startedAt) / 1000)
      throw this.#unavailable(error)
    }
  }

  async #load(): Promise<KeySet> {
    const question = { url: this.#url, method: 'GET', timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES } as const
    const { status, text } = await ask(this.#deps.fetch, question)
    if (status < 200 || status > 299) throw new AskError(`the answer has status ${status}`)
    try {
      return createLocalJWKSet(JSON.parse(text) as Parameters<typeof createLocalJWKSet>[0])
    } catch {
      throw new AskError('the answer is no JSON Web Key Set')
    }
  }

  #unavailable(error: unknown): ProtocolError {
    const reason = error instanceof AskError ? error : new AskError('the keys cannot be read')
    if (this.#logBudget.take()) {
      const { origin, pathname } = this.#url
      this.#deps.log.warn({ url: origin + pathname, reason: reason.message }, 'Cannot fetch the keys for tokens')
    }
    return loginUnavailable(reason)
  }
}

async function matching(keys: KeySet, header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
  try {
    return [await keys(header)]
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return []
    // Those of them that can be imported.
    const several: CryptoKey[] = []
    for await (const key of error) several.push(key)
    return several
  }
}
