/** Revocations in Redis, for all nodes: a sorted set of who or what is revoked, by when that ends, in seconds since 1970. */
import type { Revocation, RevocationStore } from '../access/revocations.ts'
import type { RedisCommands } from './commands.ts'

/** Members in one command. */
const BATCH = 1000
/** Clocks of nodes differ: what has ended is kept for so long, in seconds. */
const KEPT_SECONDS = 60

export class RedisRevocationStore implements RevocationStore {
  readonly #commands: RedisCommands
  readonly #key: string

  constructor(commands: RedisCommands) {
    this.#commands = commands
    this.#key = commands.key('stomp-bridge:revocations')
  }

  async add(revocations: readonly Revocation[], nowSeconds: number): Promise<void> {
    for (let i = 0; i < revocations.length; i += BATCH) {
      const members = revocations.slice(i, i + BATCH).flatMap(({ subject, until }) => [until, subject])
      await this.#commands.send('ZADD', this.#key, 'GT', ...members) // GT: Redis 6.2
    }
    await this.#commands.send('ZREMRANGEBYSCORE', this.#key, '-inf', nowSeconds - KEPT_SECONDS)
  }

  async load(nowSeconds: number, max: number): Promise<readonly Revocation[]> {
    // RESP2 sends a list of member, score, member, score …; RESP3 a list of pairs
    const list = await this.#commands.send(
      ...(['ZREVRANGEBYSCORE', this.#key, '+inf', `(${nowSeconds}`, 'WITHSCORES', 'LIMIT', 0, max] as const),
    )
    const texts = (list as readonly unknown[]).flat().map(String)
    return texts.flatMap((subject, i) => (i % 2 === 0 ? [{ subject, until: Number(texts[i + 1]) }] : []))
  }

  async count(nowSeconds: number): Promise<number> {
    return Number(await this.#commands.send('ZCOUNT', this.#key, `(${nowSeconds}`, '+inf'))
  }
}
