/**
 * Asks an auth service by HTTP who somebody is. Owns how it is asked and how long an answer is kept; it fails closed: what is
 * not clearly a yes or a no lets nobody in.
 */
import type { Clock } from '../clock.ts'
import type { ProtocolError } from '../errors.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { ask, AskError, type Fetch, type Question } from '../ask.ts'
import { readTrace, traceHeaders, TRACEPARENT, TRACESTATE, type TraceContext } from '../trace-context.ts'
import { hasCredential, type Authenticator, type Credentials, type Verdict } from './authenticator.ts'
import { readAnswer } from './callback-answer.ts'
import { sha256Hex } from './digest.ts'
import { ExpiringMap } from './expiring-map.ts'
import type { Handshake } from './handshake.ts'
import type { Identity } from './identity.ts'
import { SharedWork } from './shared-work.ts'
import { loginUnavailable } from './unavailable.ts'

export interface CallbackOptions {
  /** For GET with `{token}` in its path or query. */
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly timeoutMs: number
  /** How long a yes is kept. */
  readonly cacheSeconds: number
  readonly userFrom?: 'token' | undefined
  /** Tickets are never sent out. */
  readonly isTicket?: ((token: string) => boolean) | undefined
}

export interface CallbackDeps {
  readonly clock: Clock
  /** The time, in milliseconds since 1970. */
  readonly now: () => number
  readonly fetch: Fetch
  readonly metrics: Pick<Metrics, 'took'>
  readonly log: Log
}

const PLACEHOLDER = '{token}'
const MAX_ANSWER_BYTES = 64 * 1024
const MAX_CACHED = 10_000
const MAX_CACHED_CHARACTERS = 16 * 1024 * 1024
/** More questions at a time are not asked. */
const MAX_LOOKUPS = 1_000
/** As part of a path they would lead elsewhere, also percent-encoded. */
const PATH_STEPS: ReadonlySet<string> = new Set(['', '.', '..'])

/** A question, and what it is known by. */
interface Lookup {
  readonly key: string
  readonly token: string | undefined
  readonly url: URL
  readonly body: string | undefined
  /** The trace of whoever has asked first. */
  readonly trace: TraceContext | undefined
}

export class CallbackAuthenticator implements Authenticator {
  readonly type = 'callback'
  readonly #options: CallbackOptions
  readonly #deps: CallbackDeps
  readonly #logBudget = new LogBudget(3)
  readonly #lookups = new SharedWork<Identity | 'refused'>()
  readonly #cache: ExpiringMap<Identity>

  /** Errors: throws Error if a token could change which server is asked. */
  constructor(options: CallbackOptions, deps: CallbackDeps) {
    const [one, other] = ['a', 'b'].map((token) => new URL(options.url.replaceAll(PLACEHOLDER, token)).origin)
    if (one !== other) throw new Error('The URL of the callback has {token} in the name of its server')
    this.#options = options
    this.#deps = deps
    this.#cache = new ExpiringMap({
      maxEntries: MAX_CACHED,
      maxSize: MAX_CACHED_CHARACTERS,
      now: () => deps.clock.now(),
    })
  }

  authenticate(credentials: Credentials): Verdict | Promise<Verdict> {
    const { token } = credentials
    const { method, isTicket } = this.#options
    if (!hasCredential(credentials) || (token !== undefined && isTicket?.(token))) return 'not-mine'
    if (method === 'GET' && token === undefined) return 'not-mine'
    const lookup = method === 'GET' ? this.#get(token!, credentials) : this.#post(credentials)
    if (!lookup) return 'refused'
    const known = this.#cache.get(lookup.key)
    if (known) return known
    if (this.#lookups.count >= MAX_LOOKUPS && !this.#lookups.has(lookup.key)) {
      throw loginUnavailable(new AskError('too many logins wait for the auth service'))
    }
    const left = (): ProtocolError => loginUnavailable(new AskError('the client has left'))
    return this.#lookups.run(lookup.key, credentials.signal, left, (aborted) => this.#look(lookup, aborted))
  }

  /** Undefined for a token that no URL can carry. */
  #get(token: string, { handshake }: Credentials): Lookup | undefined {
    if (PATH_STEPS.has(token)) return undefined
    try {
      const encoded = encodeURIComponent(token)
      const url = new URL(this.#options.url.replaceAll(PLACEHOLDER, () => encoded))
      return { key: sha256Hex(url.href), token, url, body: undefined, trace: traceOf(handshake) }
    } catch {
      return undefined // half of a surrogate pair
    }
  }

  #post({ token, login, passcode, remoteAddress, handshake }: Credentials): Lookup {
    const origin = handshake.headers.get('origin') ?? undefined
    const body = JSON.stringify({ token, login, passcode, remoteAddress, origin, path: handshake.path })
    const url = new URL(this.#options.url)
    return { key: sha256Hex(body), token, url, body, trace: traceOf(handshake) }
  }

  async #look({ key, token, url, body, trace }: Lookup, signal: AbortSignal): Promise<Identity | 'refused'> {
    const { clock, fetch, metrics } = this.#deps
    const { method, timeoutMs, userFrom } = this.#options
    const headers = trace && Object.fromEntries(traceHeaders(trace))
    const question: Question = { headers, url, method, body, timeoutMs, maxBytes: MAX_ANSWER_BYTES, signal }
    const startedAt = clock.now()
    try {
      const answer = await ask(fetch, question)
      const verdict = readAnswer(answer, { token, userFrom })
      metrics.took('callback', 'answered', (clock.now() - startedAt) / 1000)
      if (verdict !== 'refused') this.#keep(key, verdict, answer.text.length)
      return verdict
    } catch (error) {
      const reason = error instanceof AskError ? error : new AskError('the answer cannot be read')
      if (!signal.aborted) {
        metrics.took('callback', 'failed', (clock.now() - startedAt) / 1000)
        // The URL holds the token.
        if (this.#logBudget.take()) {
          this.#deps.log.warn({ server: url.origin, reason: reason.message }, 'The auth service did not answer a login')
        }
      }
      throw loginUnavailable(reason)
    }
  }

  #keep(key: string, identity: Identity, size: number): void {
    const endsInMs = identity.expiresAt === undefined ? Infinity : identity.expiresAt * 1000 - this.#deps.now()
    this.#cache.set(key, identity, Math.min(this.#options.cacheSeconds * 1000, endsInMs), size)
  }
}

function traceOf({ headers }: Handshake): TraceContext | undefined {
  return readTrace(headers.get(TRACEPARENT), headers.get(TRACESTATE))
}
