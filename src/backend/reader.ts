/**
 * A connection of a consumer's own, for reads that block. It is used until it fails, and is never mended: whoever has it
 * makes another one.
 */
import type { OwnConnection, RedisConnection } from './redis-connection.ts'

/** How long Redis may take beyond the time that a command blocks. */
const ANSWER_TIMEOUT_MS = 10_000
/** Between two attempts to end a read that may not have begun. */
const UNBLOCK_INTERVAL_MS = 20

export class Reader {
  readonly #redis: RedisConnection
  readonly #connection: OwnConnection
  /** What the connection failed of: more than commands are told. */
  #cause: Error | undefined
  #clientId: number | undefined
  #isOpen = false

  /** Makes a connection like that one. It is closed until `open`. */
  constructor(redis: RedisConnection) {
    this.#redis = redis
    this.#connection = redis.duplicate({
      lazyConnect: true,
      retryStrategy: () => null,
      // What cannot be asked now is not asked later: an entry that nobody waits for any more would be left pending.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // They would end a read that blocks; every command has a time limit below.
      commandTimeout: undefined,
      blockingTimeout: undefined,
      socketTimeout: undefined,
    })
    this.#connection.on('error', (error) => (this.#cause = error))
    // ioredis hears only the first 'error' of a socket: a second one would end the process.
    this.#connection.on('connect', () => this.#connection.stream?.on('error', () => {}))
  }

  /** Rejects with what the network or Redis says. */
  async open(): Promise<void> {
    await this.#limited(0, this.#connection.connect())
    // Whoever may not ask waits for the end of a read.
    this.#clientId = Number(await this.ask(0, 'CLIENT', 'ID').catch(() => undefined)) || undefined
    this.#isOpen = true
  }

  /** Has it been opened? */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Sends a command that blocks for so long at most. Rejects as Redis does, or when there is no answer. */
  ask(blockMs: number, command: string, ...args: (string | number)[]): Promise<unknown> {
    return this.#limited(blockMs, this.#connection.call(command, ...args))
  }

  /** Ends this read, unless Redis forbids that; then it ends by itself. */
  async unblock(read: Promise<unknown>): Promise<void> {
    if (this.#clientId === undefined) return
    let isReading = true
    const end = (): void => void (isReading = false)
    const ended = read.then(end, end)
    while (isReading) {
      try {
        await Promise.race([this.#redis.call('CLIENT', 'UNBLOCK', this.#clientId), ended])
      } catch {
        return // not allowed, or Redis is away, which ends the read as well
      }
      // The read may come to Redis only now, on the other connection.
      let timer: ReturnType<typeof setTimeout> | undefined
      await Promise.race([ended, new Promise((resolve) => (timer = setTimeout(resolve, UNBLOCK_INTERVAL_MS)))])
      clearTimeout(timer)
    }
  }

  close(): void {
    this.#connection.disconnect()
  }

  async #limited<T>(blockMs: number, answer: Promise<T>): Promise<T> {
    const limitMs = blockMs + ANSWER_TIMEOUT_MS
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Redis has not answered for ${limitMs} ms`)), limitMs)
    })
    try {
      return await Promise.race([answer, late])
    } catch (error) {
      const isReply = error instanceof Error && error.name === 'ReplyError'
      throw isReply ? error : (this.#cause ?? error)
    } finally {
      clearTimeout(timer)
    }
  }
}
