/**
 * One consumer of one consumer group, in the commands of Redis: read, claim, renew, acknowledge, bury. Keeps nothing
 * but names; when to do what is the consumer's.
 */
import type { ConsumeSettings } from './consume-options.ts'
import { makeEntry, readEntries, type Entry } from './entry.ts'
import type { Reader } from './reader.ts'
import type { RedisConnection } from './redis-connection.ts'
import { BURY_ONE, CLAIM, RENEW } from './scripts.ts'

/** Where a claim begins, and has come to when there is no more. */
export const CURSOR_START = '0-0'

/** How Redis says that there is no such group; it may stand in the error of a script. */
const NO_GROUP = /\b(NOGROUP|UNBLOCKED)\b/

/** Has the stream or its group gone, as after FLUSHALL? */
export function isGroupGone(error: unknown): boolean {
  return error instanceof Error && NO_GROUP.test(error.message)
}

export class ConsumerGroup {
  readonly #redis: RedisConnection
  readonly #settings: ConsumeSettings
  readonly #key: string
  /** The stream, and that of the dead letters: how many, and which. */
  readonly #keys: readonly [number, ...string[]]

  constructor(redis: RedisConnection, keyPrefix: string, settings: ConsumeSettings) {
    this.#redis = redis
    this.#settings = settings
    this.#key = keyPrefix + settings.stream
    const { deadLetters } = settings
    this.#keys = deadLetters ? [2, this.#key, keyPrefix + deadLetters.stream] : [1, this.#key]
  }

  /** Makes the group at the beginning of the stream, and the stream if there is none. */
  async create(reader: Reader): Promise<void> {
    try {
      await reader.ask(0, 'XGROUP', 'CREATE', this.#key, this.#settings.group, '0', 'MKSTREAM')
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error // another consumer was first
    }
  }

  /** Returns entries that nobody has had yet. `blockMs`: how long to wait for the first; 0 for not at all. */
  async read(reader: Reader, count: number, blockMs: number): Promise<Entry[]> {
    const { group, consumer } = this.#settings
    const block = blockMs > 0 ? ['BLOCK', blockMs] : []
    const from = ['GROUP', group, consumer, 'COUNT', count, ...block, 'STREAMS', this.#key, '>']
    return readEntries(await reader.ask(blockMs, 'XREADGROUP', ...from))
  }

  /**
   * Takes over what has been idle for too long, from this cursor on. `running`: ids that are not to be taken. Resolves
   * also to why something that should be a dead letter is none, if so.
   */
  async claim(
    reader: Reader,
    count: number,
    cursor: string,
    running: Iterable<string>,
  ): Promise<{ readonly cursor: string; readonly entries: readonly Entry[]; readonly problem: string | undefined }> {
    const { group, consumer, claimIdleMs, deadLetters, stream } = this.#settings
    const most = deadLetters?.maxDeliveries ?? 0
    const args = [group, consumer, claimIdleMs, cursor, count, most, stream, ...running]
    const [next, claimed, problem] = (await reader.ask(0, 'EVAL', CLAIM, ...this.#keys, ...args)) as [
      cursor: string,
      entries: [id: string, fields: string[], deliveryCount: number][],
      problem?: string,
    ]
    const entries = claimed.map(([id, fields, deliveryCount]) => makeEntry(id, fields, Number(deliveryCount)))
    return { cursor: next, entries, problem }
  }

  /** Nobody shall take these over. */
  async renew(ids: Iterable<string>): Promise<void> {
    const { group, consumer } = this.#settings
    await this.#redis.call('EVAL', RENEW, 1, this.#key, group, consumer, ...ids)
  }

  async acknowledge(id: string): Promise<void> {
    await this.#redis.call('XACK', this.#key, this.#settings.group, id)
  }

  /** To the dead letters. */
  async bury(id: string, reason: string): Promise<void> {
    const { group, consumer, stream } = this.#settings
    await this.#redis.call('EVAL', BURY_ONE, ...this.#keys, group, consumer, id, stream, reason)
  }
}
