/**
 * Owns the keys that tokens are checked with, by algorithm, so that none is ever used for another: a public key that is
 * known to everybody must not pass for the secret of an HMAC. Read and imported once.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { importSPKI, type CryptoKey, type JWSHeaderParameters } from 'jose'
import type { Jwks } from './jwks.ts'

/** Returns the keys to try; none if it is of nobody known. */
export type KeysFor = (header: JWSHeaderParameters) => Promise<readonly CryptoKey[]>

/** RFC 7518 section 3.2: as long as the hash at least; this is the shortest of them. */
const MIN_SECRET_BYTES = 32
/** RFC 7518 section 3.3. */
const MIN_RSA_BITS = 2048

export interface KeySources {
  readonly secret?: string | undefined
  /** The content of a PEM file. */
  readonly publicKey?: string | undefined
  readonly jwks?: Jwks | undefined
}

/**
 * Returns where the keys of each algorithm are.
 * Errors: throws Error, without the key, if one cannot be used, or if an algorithm has none.
 */
export function keysByAlgorithm(algorithms: readonly string[], sources: KeySources): ReadonlyMap<string, KeysFor> {
  const { secret, publicKey, jwks } = sources
  const pem = publicKey === undefined ? undefined : readPublicKey(publicKey)
  return new Map(
    algorithms.map((algorithm): [string, KeysFor] => {
      if (/^HS\d+$/.test(algorithm)) return [algorithm, secretKey(algorithm, secret)]
      if (!/^(RS|PS|ES)(256|384|512)$|^(EdDSA|Ed25519)$/.test(algorithm)) {
        throw new Error(`Cannot use the algorithm "${algorithm}" for tokens`)
      }
      if (pem) return [algorithm, publicKeyOf(algorithm, pem)]
      if (jwks) return [algorithm, (header) => jwks.keysFor(header)]
      throw new Error(`Cannot use ${algorithm} for tokens: it needs a public key or a key set`)
    }),
  )
}

function secretKey(algorithm: string, secret: string | undefined): KeysFor {
  if (secret === undefined) throw new Error(`Cannot use ${algorithm} for tokens: it needs a secret`)
  const bytes = new TextEncoder().encode(secret)
  if (bytes.byteLength < MIN_SECRET_BYTES) {
    throw new Error(`Cannot use a secret of ${bytes.byteLength} bytes for tokens: use at least ${MIN_SECRET_BYTES}`)
  }
  const hash = `SHA-${algorithm.slice(2)}`
  return once(() => crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['verify']))
}

function publicKeyOf(algorithm: string, key: KeyObject): KeysFor {
  const wanted = keyTypeOf(algorithm)
  const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType !== wanted) {
    throw new Error(`Cannot use ${algorithm} for tokens: it needs a key of type ${wanted}`)
  }
  if (modulusLength < MIN_RSA_BITS) {
    throw new Error(`Cannot use a key of ${modulusLength} bits for tokens: use at least ${MIN_RSA_BITS}`)
  }
  const pem = key.export({ type: 'spki', format: 'pem' }) as string
  return once(() => importSPKI(pem, algorithm))
}

function keyTypeOf(algorithm: string): string {
  if (algorithm.startsWith('ES')) return 'ec'
  return algorithm.startsWith('Ed') ? 'ed25519' : 'rsa'
}

function readPublicKey(pem: string): KeyObject {
  if (pem.includes('PRIVATE KEY')) throw new Error('This is a private key: use the public one, in PEM')
  try {
    return createPublicKey(pem)
  } catch {
    // The parser's own message is of no help, and might quote.
    throw new Error('This is no public key or certificate in PEM')
  }
}

function once(make: () => Promise<CryptoKey>): KeysFor {
  let keys: Promise<readonly CryptoKey[]> | undefined
  return () => (keys ??= make().then((key) => [key]))
}
