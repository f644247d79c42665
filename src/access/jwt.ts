/**
 * Owns the judgement of JSON Web Tokens (RFC 7519) in compact form. Which algorithms count is fixed beforehand; `jku`, `x5u`,
 * `jwk` and the like in a token's header are never looked at.
 */
import { decodeProtectedHeader, errors, jwtVerify, type CryptoKey, type JWTPayload, type JWTVerifyOptions } from 'jose'
import { ProtocolError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Authenticator, Credentials, Verdict } from './authenticator.ts'
import { keysByAlgorithm, type KeysFor, type KeySources } from './jwt-keys.ts'
import { isUserName } from './user-name.ts'

export interface JwtOptions extends KeySources {
  readonly algorithms: readonly string[]
  readonly issuer?: string | readonly string[] | undefined
  readonly audience?: string | readonly string[] | undefined
  /** `sub` unless told. */
  readonly userClaim?: string | undefined
  /** `groups` unless told. */
  readonly groupsClaim?: string | undefined
  /** How far the clocks may differ; 0 unless told. */
  readonly clockToleranceSeconds?: number | undefined
}

export interface JwtDeps {
  /** The time, in milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
}

/** Longest token that is decoded at all, in characters. */
const MAX_TOKEN = 64 * 1024

export class JwtAuthenticator implements Authenticator {
  readonly type = 'jwt'
  readonly clockToleranceSeconds: number
  readonly #keys: ReadonlyMap<string, KeysFor>
  readonly #verifying: JWTVerifyOptions
  readonly #userClaim: string
  readonly #groupsClaim: string
  readonly #deps: JwtDeps

  /** Errors: throws Error if an algorithm has no key that fits. */
  constructor(options: JwtOptions, deps: JwtDeps) {
    const {
      algorithms,
      issuer,
      audience,
      userClaim = 'sub',
      groupsClaim = 'groups',
      clockToleranceSeconds = 0,
    } = options
    this.#keys = keysByAlgorithm(algorithms, options)
    this.clockToleranceSeconds = clockToleranceSeconds
    this.#userClaim = userClaim
    this.#groupsClaim = groupsClaim
    this.#deps = deps
    this.#verifying = {
      algorithms: [...algorithms],
      clockTolerance: clockToleranceSeconds,
      ...(issuer === undefined ? {} : { issuer: listOf(issuer) }),
      ...(audience === undefined ? {} : { audience: listOf(audience) }),
    }
  }

  authenticate({ token }: Credentials): Verdict | Promise<Verdict> {
    if (token === undefined || !hasThreeParts(token)) return 'not-mine'
    if (token.length > MAX_TOKEN) return 'refused'
    const header = headerOf(token)
    const keysFor = typeof header?.alg === 'string' ? this.#keys.get(header.alg) : undefined
    return header && keysFor ? this.#judge(token, keysFor(header)) : 'not-mine'
  }

  async #judge(token: string, keys: ReturnType<KeysFor>): Promise<Verdict> {
    try {
      return this.#identityOf(await this.#verify(token, await keys))
    } catch (error) {
      if (error instanceof ProtocolError) throw error
      return this.#refuse(reasonOf(error))
    }
  }

  /** Several keys fit where the token, or the keys, have no `kid`. Errors: rejects with what the last of them came to. */
  async #verify(token: string, keys: readonly CryptoKey[]): Promise<JWTPayload> {
    const options = { ...this.#verifying, currentDate: new Date(this.#deps.now()) }
    let failure: unknown = new errors.JWKSNoMatchingKey()
    for (const key of keys) {
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (error) {
        failure = error
        // This key has signed it.
        if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) break
      }
    }
    throw failure
  }

  #identityOf(payload: JWTPayload): Verdict {
    const user = own(payload, this.#userClaim)
    const groups = groupsOf(own(payload, this.#groupsClaim))
    const { exp: expiresAt, jti } = payload
    if (!isUserName(user)) return this.#refuse(`it has no ${this.#userClaim}, or one that cannot be the name of a user`)
    if (groups === 'malformed') return this.#refuse(`its ${this.#groupsClaim} is no list of texts`)
    // JSON has numbers that are too large.
    if (expiresAt !== undefined && !Number.isFinite(expiresAt)) return this.#refuse('its exp is no time')
    return { user, groups, claims: payload, expiresAt, tokenId: typeof jti === 'string' ? jti : undefined }
  }

  /** A reason is for whoever sets it up; it shows nothing of the token. */
  #refuse(reason: string): 'refused' {
    this.#deps.log.debug({ reason }, 'Refused a token')
    return 'refused'
  }
}

/** In words, for whoever sets it up; nothing of the token but the name of a claim that this asks for. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error)
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return 'its signature does not fit: it was signed with another key or secret, or changed since'
  }
  if (error instanceof errors.JWKSNoMatchingKey) return 'the key that it names is not known'
  return error instanceof errors.JOSEError ? `it cannot be read (${error.code})` : 'the key cannot be used'
}

function claimReason({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `it has no ${claim}`
  if (claim === 'nbf') return 'it is not valid yet, says nbf'
  if (claim === 'iss') return 'iss is not the issuer of the configuration'
  return claim === 'aud' ? 'aud is not the audience of the configuration' : `its ${claim} is wrong`
}

/** Without cutting up what may be very long. */
function hasThreeParts(token: string): boolean {
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  return first > 0 && second > first && !token.includes('.', second + 1)
}

/** Returns what the token says of itself, unchecked; undefined if it is no JWT. */
export function headerOf(token: string): ReturnType<typeof decodeProtectedHeader> | undefined {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined // three words with dots between them
  }
}

function listOf(value: string | readonly string[]): string[] {
  return typeof value === 'string' ? [value] : [...value]
}

function own(payload: JWTPayload, claim: string): unknown {
  return Object.hasOwn(payload, claim) ? payload[claim] : undefined
}

function groupsOf(claim: unknown): readonly string[] | undefined | 'malformed' {
  if (claim === undefined || claim === null) return undefined
  if (typeof claim === 'string') return [claim]
  const isList = Array.isArray(claim) && claim.every((group) => typeof group === 'string')
  return isList ? claim : 'malformed'
}
