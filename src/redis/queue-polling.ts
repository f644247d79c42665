/**
 * Waits for messages of queues that are dry, in a Redis Cluster: a command there can wait for the keys of one slot alone, so
 * each queue is asked again and again.
 */
import type { StreamEntry } from '../history/stream.ts'
import { QUEUE_GROUP } from '../queue/queue.ts'
import type { RedisCommands } from './commands.ts'
import { replyIn } from './replies.ts'
import { streamsIn } from './stream-replies.ts'

export interface QueuePollingOptions {
  readonly nodeId: string
  readonly commands: RedisCommands
  arrived(key: string, entries: readonly StreamEntry[]): void
  ended(key: string, isUnsure: boolean): void
}

/** Between two looks, in milliseconds; and where many queues are waited for. */
const POLL_MS = 20
const SLOW_POLL_MS = 100
const MANY = 50

export class QueuePolling {
  readonly #options: QueuePollingOptions
  /** Keys of the streams, as Redis calls them. */
  readonly #waiting = new Set<string>()
  /** Those that are being asked. */
  readonly #asked = new Set<string>()
  /** Those whose wait is to end. */
  readonly #ending = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStarted = false
  #isClosed = false

  constructor(options: QueuePollingOptions) {
    this.#options = options
  }

  /** None: it has no connection of its own. */
  get reconnects(): number {
    return 0
  }

  start(): void {
    this.#isStarted = true
    this.#schedule(0)
  }

  wait(key: string): void {
    this.#waiting.add(key)
    this.#ending.delete(key)
    this.#schedule(0)
  }

  end(key: string): void {
    if (!this.#waiting.has(key)) return
    if (this.#asked.has(key)) {
      this.#ending.add(key)
      return
    }
    this.#waiting.delete(key)
    queueMicrotask(() => this.#options.ended(key, false))
  }

  /** Redis is away, or another one: what is asked has no answer, and says so itself. */
  reconnect(): void {
    for (const key of [...this.#waiting]) if (!this.#asked.has(key)) this.#end(key, true)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #schedule(ms: number): void {
    if (!this.#isStarted || this.#isClosed || this.#waiting.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#poll()
    }, ms)
  }

  #poll(): void {
    for (const key of this.#waiting) if (!this.#asked.has(key)) void this.#ask(key)
    this.#schedule(this.#waiting.size > MANY ? SLOW_POLL_MS : POLL_MS)
  }

  async #ask(key: string): Promise<void> {
    const { commands, nodeId } = this.#options
    this.#asked.add(key)
    try {
      const reply = await commands.sendForBytes(
        'XREADGROUP',
        'GROUP',
        QUEUE_GROUP,
        nodeId,
        'COUNT',
        1,
        'STREAMS',
        key,
        '>',
      )
      this.#asked.delete(key)
      const [found] = streamsIn(reply)
      if (found) {
        this.#waiting.delete(key)
        this.#ending.delete(key)
        this.#options.arrived(key, found[1])
      } else if (this.#ending.has(key)) this.#end(key, false)
    } catch (error) {
      this.#asked.delete(key)
      // There is no group any more, or it is no stream: whoever waits finds out. Without an answer something may have been given.
      this.#end(key, replyIn(error) === undefined)
    }
  }

  #end(key: string, isUnsure: boolean): void {
    this.#ending.delete(key)
    if (this.#waiting.delete(key)) this.#options.ended(key, isUnsure)
  }
}
