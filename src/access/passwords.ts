/**
 * Hashes passwords and checks them: scrypt (RFC 7914), as `scrypt$N$r$p$salt$hash` with salt and hash in base64url. Each
 * check takes a processor for a while; who calls it sees to it that there are not too many at once.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

interface Cost {
  readonly n: number
  readonly r: number
  readonly p: number
}

export interface PasswordHash extends Cost {
  readonly salt: Buffer
  readonly hash: Buffer
}

/** One of the settings that OWASP names as a minimum: 32 MiB and about 0.2 s. */
const COST: Cost = { n: 2 ** 15, r: 8, p: 3 }
const SALT_BYTES = 16
const HASH_BYTES = 32

/** Of a hash that somebody else made: memory is 128 × N × r bytes, work is N × r × p. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024
const MAX_WORK = 2 ** 22
const FORM = /^scrypt\$(\d{1,7})\$(\d{1,3})\$(\d{1,3})\$([\w-]{11,128})\$([\w-]{22,128})$/

/** Returns a hash with a new salt, to be kept in a configuration. */
export async function hashPassword(text: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(text, { ...COST, salt }, HASH_BYTES)
  return ['scrypt', COST.n, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Undefined if it has not that form, or would cost more than any password should. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const parts = FORM.exec(text)
  if (!parts) return undefined
  const [n, r, p] = parts.slice(1, 4).map(Number) as [number, number, number]
  const isPowerOfTwo = Number.isInteger(Math.log2(n)) && n >= 2 ** 10
  const isBounded = r >= 1 && p >= 1 && 128 * n * r <= MAX_MEMORY_BYTES && n * r * p <= MAX_WORK
  if (!isPowerOfTwo || !isBounded) return undefined
  return { n, r, p, salt: Buffer.from(parts[4]!, 'base64url'), hash: Buffer.from(parts[5]!, 'base64url') }
}

/** Returns a hash that no password has, which takes as long to check as the other. */
export function unmatchable(like: Cost = COST): PasswordHash {
  return { n: like.n, r: like.r, p: like.p, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) }
}

export async function verifyPassword(text: string, stored: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(text, stored, stored.hash.byteLength), stored.hash)
}

function derive(text: string, { n, r, p, salt }: Omit<PasswordHash, 'hash'>, bytes: number): Promise<Buffer> {
  // Twice what the algorithm needs: runtimes count differently.
  const options = { N: n, r, p, maxmem: 2 * 128 * r * (n + p) }
  return new Promise((resolve, reject) => {
    // Some systems send an "é" as one character, others as two.
    scrypt(text.normalize('NFC'), salt, bytes, options, (error, hash) => (error ? reject(error) : resolve(hash)))
  })
}
