/** Secrets are kept and looked up by their digest, so that none can be read out of memory, a store or a log. */
import { createHash } from 'node:crypto'

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}

export function sha256Hex(text: string): string {
  return sha256(text).toString('hex')
}
