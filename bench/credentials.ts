/** Credentials for a bench of logins: keys and tokens made here, known to nobody else. */
import { createSign, generateKeyPairSync, createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const SECRET = 'a secret of the bench, 32 bytes or more'
export const API_KEY = 'bench-key-0123456789abcdef'

/** Settings of a bridge that takes HS256 tokens. `rules`: as in the configuration. */
export function accessSettings(rules: readonly object[], authenticators: readonly object[] = [HS256]) {
  return {
    STOMP_BRIDGE_ACCESS_AUTHENTICATORS: JSON.stringify(authenticators),
    STOMP_BRIDGE_ACCESS_RULES: JSON.stringify(rules),
    STOMP_BRIDGE_ACCESS_API_KEYS: JSON.stringify([{ name: 'bench', key: API_KEY, scopes: ['tickets'] }]),
  }
}

export const HS256 = { type: 'jwt', algorithms: ['HS256'], secret: SECRET }

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function unsigned(algorithm: string, user: string): string {
  const expiresAt = Math.floor(Date.now() / 1000) + 3600
  return `${encode({ alg: algorithm, typ: 'JWT' })}.${encode({ sub: user, exp: expiresAt })}`
}

/** Returns a token of this user for `HS256`. */
export function hs256Token(user: string): string {
  const text = unsigned('HS256', user)
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}

/** A key pair of RSA, with the public key in a file until `remove`. */
export class RsaKey {
  readonly authenticator: object
  readonly #directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-bench-'))
  readonly #privateKey

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    this.#privateKey = privateKey
    const file = join(this.#directory, 'public.pem')
    writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }))
    this.authenticator = { type: 'jwt', algorithms: ['RS256'], publicKeyFile: file }
  }

  token(user: string): string {
    const text = unsigned('RS256', user)
    return `${text}.${createSign('sha256').update(text).sign(this.#privateKey, 'base64url')}`
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true })
  }
}
