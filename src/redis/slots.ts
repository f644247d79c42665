/** Hash slots of a Redis Cluster, and the part of a key that decides on them. */
import { slotOfCommand } from './ioredis-internals.ts'

export const SLOTS = 16_384

/** Slots are asked for with each message; of so many keys they are remembered. */
const MAX_KNOWN = 10_000

export class Slots {
  readonly #known = new Map<string, number>()

  of(key: string): number {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const slot = slotOfCommand('get', [key])!
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(key, slot)
    return slot
  }
}

/** Returns what decides on the slot of a key: what stands in its first braces, or all of it. In braces it leads to the same slot. */
export function tagOf(key: string): string {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  return close > open + 1 ? key.slice(open + 1, close) : key
}
