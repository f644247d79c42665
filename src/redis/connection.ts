/**
 * One connection to Redis, which reconnects until it is closed. It tells why it failed: what Redis said before it
 * closed, or else what the network said. Knows nothing of what the connection is for.
 */
import { Redis } from 'ioredis'
import { AnswerWatch } from './answer-watch.ts'
import { locateFirst, onEachStream, onHandshake, unansweredBy } from './ioredis-internals.ts'
import { clientOptions, foundOptions, growingDelay, type RedisOptions } from './options.ts'
import { errorText, isReply } from './replies.ts'

export interface ConnectionEvents {
  /** Logged in; commands go through. */
  onReady(): void
  /** A connection, or an attempt to make one, failed for this cause. Comes before `onClosed`, maybe more than once. */
  onFailure(cause: string): void
  onClosed(): void
  /** The server has gone silent: drop the connection. Without this it fails for that cause, and is dropped. */
  onSilent?(cause: string): void
  /** Redis wants no password, but was given one. */
  onUnwantedPassword(text: string): void
}

export interface ConnectionExtras {
  /** Where answers are to be as older clients have them. */
  readonly protocol?: 2
  /** How long a command waits in Redis at most, which is no time to wait for an answer; in milliseconds. */
  readonly blockMs?: number
}

export class Connection {
  readonly client: Redis
  readonly #events: ConnectionEvents
  readonly #watch: AnswerWatch
  #attempts = 0
  #connects = 0
  /** Why this attempt, or the connection that it made, failed. */
  #cause: string | undefined
  /** Does Redis itself say so? */
  #isSaidByRedis = false

  /** Errors: throws as `clientOptions`. */
  constructor(
    options: RedisOptions,
    connectionName: string,
    events: ConnectionEvents,
    { blockMs = 0, ...more }: ConnectionExtras = {},
  ) {
    this.#events = events
    const given = clientOptions(options)
    const { commandTimeoutMs } = options
    this.#watch = new AnswerWatch(blockMs + commandTimeoutMs, {
      isWaiting: () => unansweredBy(this.client) > 0,
      onSilent: () => this.#silent(`no answer within ${commandTimeoutMs} ms`),
    })
    const retryStrategy = (): number => growingDelay(++this.#attempts, options.reconnectMaxDelayMs)
    this.client = new Redis({ ...given, ...more, connectionName, retryStrategy })
    const { locate } = options
    if (locate) {
      const find = async () => foundOptions(given, options, await locate())
      locateFirst(this.client, find, (error) => {
        this.#failed(errorText(error), false)
        return retryStrategy()
      })
    }
    // The first one of a socket comes from ioredis, as an 'error' of the client.
    onEachStream(this.client, given.tls !== undefined, () => {})
    onHandshake(this.client, {
      onRefused: (error) => this.#failed(errorText(error), true),
      onUnwantedPassword: (text) => events.onUnwantedPassword(text),
    })
    this.client.on('connecting', () => {
      this.#cause = undefined
      this.#isSaidByRedis = false
    })
    this.client.on('connect', () => {
      this.client.stream.on('data', this.#watch.heard)
      this.#watch.start()
    })
    this.client.on('ready', () => {
      this.#connects++
      events.onReady()
    })
    this.client.on('error', (error: Error) => this.#failed(errorText(error), isReply(error)))
    this.client.on('close', () => {
      this.#watch.stop()
      if (this.#cause === undefined) this.#failed('Redis closed the connection', false)
      events.onClosed()
    })
  }

  /** How often it was lost and made again. */
  get reconnects(): number {
    return Math.max(0, this.#connects - 1)
  }

  get isReady(): boolean {
    return this.client.status === 'ready'
  }

  /** Begin; a failure is told by the events, and tried again. */
  start(): void {
    this.client.connect().catch(() => {})
  }

  /** All is well: the next time that the connection is lost, the first attempt comes soon again. */
  settled(): void {
    this.#attempts = 0
  }

  /** End this connection and make another one. */
  drop(): void {
    this.#cause ??= 'dropped' // told by whoever drops it
    // Destroyed, not ended: a dead peer would never answer the FIN. Pending commands are rejected by this.
    this.client.stream?.destroy()
  }

  close(): void {
    this.#watch.stop()
    this.client.disconnect()
  }

  #silent(cause: string): void {
    if (this.#events.onSilent) return this.#events.onSilent(cause)
    this.#failed(cause, false)
    this.drop()
  }

  #failed(text: string, isReply: boolean): void {
    // What comes after Redis has said why it closes is only the noise of closing.
    if (this.#isSaidByRedis) return
    this.#isSaidByRedis = isReply
    this.#cause = text
    this.#events.onFailure(text)
  }
}
