/**
 * Waits for messages of queues that are dry: one connection of a node's own, and one command for all of them. Redis gives each new
 * message to one of the nodes that wait, in turn.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { BusRefusedError } from '../bus/bus.ts'
import type { StreamEntry } from '../history/stream.ts'
import { QUEUE_GROUP } from '../queue/queue.ts'
import type { Log } from '../log.ts'
import type { RedisCommands } from './commands.ts'
import { Connection } from './connection.ts'
import { connectionName } from './nodes.ts'
import type { RedisOptions } from './options.ts'
import { isPassing, isReply } from './replies.ts'
import { streamsIn } from './stream-replies.ts'

export interface QueueReaderOptions {
  readonly redis: RedisOptions
  readonly nodeId: string
  readonly commands: RedisCommands
  readonly log: Log
  arrived(key: string, entries: readonly StreamEntry[]): void
  ended(key: string, isUnsure: boolean): void
}

/** How long a command waits at most, in milliseconds. */
const BLOCK_MS = 5000
/** The same where Redis does not let a command be ended. */
const SHORT_BLOCK_MS = 100
/** Until it is tried again to end a command that had not begun, in milliseconds. */
const AGAIN_MS = 5
/** Between attempts while Redis can do nothing, in milliseconds. */
const RETRY_MS = 500

export class QueueReader {
  readonly #options: QueueReaderOptions
  /** Keys of the streams, as Redis calls them. */
  readonly #waiting = new Set<string>()
  /** Those whose wait is to end. */
  readonly #ending = new Set<string>()
  /** Those of the command that is on its way. */
  #asked: ReadonlySet<string> = new Set()
  #connection: Connection | undefined
  /** As Redis calls the connection. */
  #clientId = 0
  #loop = 0
  #blockMs: number
  #isInterrupting = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(options: QueueReaderOptions) {
    this.#options = options
    this.#blockMs = Math.min(BLOCK_MS, options.redis.probeIntervalMs)
  }

  start(): void {
    if (this.#isClosed || this.#connection) return
    const { redis, nodeId, log } = this.#options
    const events = {
      onReady: () => void this.#readOn(),
      onFailure: (reason: string) => log.debug({ reason }, 'The connection that waits for work queues is away'),
      onClosed: () => this.#lost(),
      onUnwantedPassword: () => {}, // told by the others
    }
    const name = connectionName(nodeId, 'queues')
    this.#connection = new Connection(redis, name, events, { blockMs: this.#blockMs })
    this.#connection.start()
  }

  wait(key: string): void {
    this.#waiting.add(key)
    this.#ending.delete(key)
    this.#wake?.()
    this.#interrupt()
  }

  end(key: string): void {
    if (!this.#waiting.has(key)) return
    if (this.#asked.has(key)) {
      this.#ending.add(key)
      this.#interrupt()
    } else {
      this.#waiting.delete(key)
      queueMicrotask(() => this.#options.ended(key, false))
    }
  }

  /** How often its connection was lost and made again. */
  get reconnects(): number {
    return this.#connection?.reconnects ?? 0
  }

  /** Redis is away, or another one: connect anew. */
  reconnect(): void {
    this.#connection?.drop()
  }

  close(): void {
    this.#isClosed = true
    this.#loop++
    this.#wake?.()
    this.#connection?.close()
  }

  async #readOn(): Promise<void> {
    const loop = ++this.#loop
    const connection = this.#connection!
    try {
      this.#clientId = Number(await connection.client.client('ID').catch(isRefusal))
      while (this.#loop === loop) {
        if (this.#waiting.size === 0) await this.#idle()
        else if (await this.#readOnce(connection, loop)) connection.settled()
        else await pause(RETRY_MS)
      }
    } catch (error) {
      // The connection went, and says so; its next one comes back here.
      if (this.#loop !== loop || this.#isClosed || !connection.isReady) return
      this.#options.log.error({ error }, 'Work queues cannot be waited for')
      await pause(RETRY_MS)
      if (this.#loop === loop) connection.drop()
    }
  }

  /** Resolves to false if nothing can be read now. Rejects when the connection goes. */
  async #readOnce({ client }: Connection, loop: number): Promise<boolean> {
    const { nodeId } = this.#options
    const keys = [...this.#waiting]
    this.#asked = new Set(keys)
    const streams = [...keys, ...keys.map(() => '>')]
    try {
      const block = ['COUNT', 1, 'BLOCK', this.#clientId === 0 ? SHORT_BLOCK_MS : this.#blockMs]
      const reply = await client.callBuffer('XREADGROUP', 'GROUP', QUEUE_GROUP, nodeId, ...block, 'STREAMS', ...streams)
      if (this.#loop !== loop) return false
      this.#asked = new Set()
      for (const [key, entries] of streamsIn(reply)) {
        this.#ending.delete(key)
        if (this.#waiting.delete(key)) this.#options.arrived(key, entries)
      }
      this.#endAll([...this.#ending])
      return true
    } catch (error) {
      if (!isReply(error)) throw error
      this.#asked = new Set()
      // One of them has no group any more, or is no stream: whoever waits finds out which.
      if (!isPassing(error)) this.#endAll([...this.#waiting])
      return false
    }
  }

  #endAll(keys: readonly string[], isUnsure = false): void {
    for (const key of keys) {
      this.#waiting.delete(key)
      this.#ending.delete(key)
      this.#options.ended(key, isUnsure)
    }
  }

  #lost(): void {
    this.#loop++
    this.#wake?.()
    this.#asked = new Set()
    this.#endAll([...this.#waiting], true)
  }

  /** Ends the command that is on its way, because it asks for too much or too little. */
  #interrupt(): void {
    if (this.#asked.size === 0 || this.#clientId === 0 || this.#isInterrupting) return
    this.#isInterrupting = true
    void this.#unblock()
  }

  async #unblock(): Promise<void> {
    const asked = this.#asked
    try {
      // It may not have got there yet, as it goes by another connection.
      while (this.#asked === asked && Number(await this.#sendUnblock()) === 0) await pause(AGAIN_MS)
    } catch (error) {
      if (error instanceof BusRefusedError) this.#clientId = 0 // from here on commands wait for a short time
    } finally {
      this.#isInterrupting = false
      // What has changed since is in the next command, unless that was written before.
      if (this.#asked !== asked && this.#isStale) this.#interrupt()
    }
  }

  #sendUnblock(): Promise<unknown> {
    return this.#options.commands.send('CLIENT', 'UNBLOCK', this.#clientId)
  }

  /** Does the command that is on its way ask for something else than is wanted? */
  get #isStale(): boolean {
    if (this.#asked.size === 0) return false
    return this.#ending.size > 0 || [...this.#waiting].some((key) => !this.#asked.has(key))
  }

  /** Until `wait` is called, or the connection is gone. */
  #idle(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}

function isRefusal(error: unknown): number {
  if (isReply(error)) return 0
  throw error
}
