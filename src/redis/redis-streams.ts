/**
 * Streams in Redis or Valkey, read by every node without a group: one connection of their own waits for what is added to
 * any of them, and goes on where it was when Redis or the connection has been away. What was before is read with the other
 * commands.
 */
import { BusRefusedError } from '../bus/bus.ts'
import {
  StreamRefusedError,
  type StreamEntry,
  type StreamFollower,
  type StreamInfo,
  type StreamSource,
} from '../history/stream.ts'
import type { Log } from '../log.ts'
import type { RedisCommands } from './commands.ts'
import { Connection } from './connection.ts'
import { FollowedStream } from './followed-stream.ts'
import { connectionName } from './nodes.ts'
import type { RedisOptions } from './options.ts'
import { errorText, isPassing, isReply, replyIn } from './replies.ts'
import { entriesIn, infoIn, infoOf, NO_STREAM, streamsIn, type WholeInfo } from './stream-replies.ts'

export interface RedisStreamsOptions {
  readonly redis: RedisOptions
  readonly nodeId: string
  readonly commands: RedisCommands
  readonly log: Log
}

/** Entries of each stream that are read at once, at most; fewer where they are large. */
const MAX_COUNT = 100
/** What an answer should have at most, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024
/** How often a stream that brings nothing is looked at, in milliseconds: it may be another one by now. */
const LOOK_MS = 5000
/** How often one is that Redis has refused, in milliseconds. */
const REFUSED_MS = 1000
/** Between attempts while Redis can do nothing, or no stream can be read; in milliseconds. */
const RETRY_MS = 500
/** Between two looks in a Cluster, in milliseconds. */
const POLL_MS = 20

/** Sends a command and resolves to what Redis answers, in octets. */
type Send = (name: string, ...args: (string | number)[]) => Promise<unknown>

export class RedisStreams implements StreamSource {
  readonly #options: RedisStreamsOptions
  readonly #followed: FollowedStream[] = []
  #connection: Connection | undefined
  /** In a Cluster a command can wait for the keys of one slot alone: each stream is asked again and again. */
  #isPolling = false
  /** Number of the loop that reads; another connection has another one. */
  #loop = 0
  #count = MAX_COUNT
  #isAway = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(options: RedisStreamsOptions) {
    this.#options = options
  }

  follow(stream: string, follower: StreamFollower): void {
    this.#followed.push(new FollowedStream(stream, this.#options.commands.key(stream), follower))
  }

  start(): void {
    if (this.#isClosed || this.#connection || this.#isPolling || this.#followed.length === 0) return
    const { redis, nodeId, commands } = this.#options
    if (commands.isCluster) {
      this.#isPolling = true
      void this.#pollOn()
      return
    }
    const events = {
      onReady: () => void this.#readOn(),
      onFailure: (cause: string) => this.#away(cause),
      onClosed: () => this.#loop++,
      onUnwantedPassword: () => {}, // told by the others
    }
    this.#connection = new Connection(redis, connectionName(nodeId, 'streams'), events, { blockMs: LOOK_MS })
    this.#connection.start()
  }

  /** How often its connection was lost and made again. */
  get reconnects(): number {
    return this.#connection?.reconnects ?? 0
  }

  /** Redis is away, or another one: connect anew. */
  reconnect(): void {
    this.#loop++
    this.#connection?.drop()
    if (this.#isPolling) void this.#pollOn()
  }

  close(): void {
    this.#isClosed = true
    this.#loop++
    this.#wake?.()
    this.#connection?.close()
  }

  async info(stream: string): Promise<StreamInfo> {
    return asked(infoBy(this.#ask, this.#options.commands.key(stream)))
  }

  async forward(stream: string, from: string, count: number): Promise<StreamEntry[]> {
    const key = this.#options.commands.key(stream)
    return entriesIn(await asked(this.#ask('XRANGE', key, from, '+', 'COUNT', count)))
  }

  async backward(stream: string, to: string, isBefore: boolean, count: number): Promise<StreamEntry[]> {
    const key = this.#options.commands.key(stream)
    return entriesIn(await asked(this.#ask('XREVRANGE', key, isBefore ? `(${to}` : to, '-', 'COUNT', count)))
  }

  readonly #ask: Send = (name, ...args) => this.#options.commands.sendForBytes(name, ...args)

  // --- The reader

  async #readOn(): Promise<void> {
    const loop = ++this.#loop
    const connection = this.#connection!
    const { log } = this.#options
    for (const each of this.#followed) each.lookedMs = -Infinity
    try {
      while (this.#loop === loop) {
        if (await this.#readOnce(connection, loop)) this.#back()
        else await this.#sleep(RETRY_MS)
      }
    } catch (error) {
      // The connection went, and says so; its next one comes back here.
      if (this.#loop !== loop || !connection.isReady) return
      log.error({ error }, 'The streams cannot be read on')
      await this.#sleep(RETRY_MS)
      if (this.#loop === loop) connection.drop()
    }
  }

  async #pollOn(): Promise<void> {
    const loop = ++this.#loop
    for (const each of this.#followed) each.lookedMs = -Infinity
    while (this.#loop === loop && !this.#isClosed) {
      const outcome = await this.#pollOnce(loop).catch((error: unknown) => {
        if (this.#loop === loop) this.#away(errorText(error))
        return undefined
      })
      if (this.#loop !== loop || this.#isClosed) return
      if (outcome !== undefined) this.#back()
      await this.#sleep(outcome === undefined ? RETRY_MS : outcome ? 0 : POLL_MS)
    }
  }

  /** Resolves to whether something has come; to undefined if nothing can be read now. Rejects when Redis is away. */
  async #pollOnce(loop: number): Promise<boolean | undefined> {
    const send: Send = (name, ...args) =>
      this.#ask(name, ...args).catch((error: unknown) => {
        throw replyIn(error) ?? error
      })
    if (!(await this.#lookAtAll(send, loop))) return undefined
    const open = this.#followed.filter(({ isOpen }) => isOpen)
    if (open.length === 0) return undefined
    const found = await Promise.all(
      open.map(async (followed): Promise<boolean | undefined> => {
        try {
          const reply = await send('XREAD', 'COUNT', this.#count, 'STREAMS', followed.key, followed.position!)
          if (this.#loop === loop) this.#accept(reply)
          return reply !== null
        } catch (error) {
          if (!isReply(error)) throw error
          if (!isPassing(error)) this.#refuse(followed, error)
          return undefined
        }
      }),
    )
    return found.includes(true) || (found.includes(false) ? false : undefined)
  }

  /** Resolves to false if nothing can be read now. Rejects when the connection goes. */
  async #readOnce({ client }: Connection, loop: number): Promise<boolean> {
    const send: Send = (name, ...args) => client.callBuffer(name, ...args)
    if (!(await this.#lookAtAll(send, loop))) return false
    const open = this.#followed.filter(({ isOpen }) => isOpen)
    if (open.length === 0) return false
    const lookMs = open.length < this.#followed.length ? REFUSED_MS : LOOK_MS
    const blockMs = Math.min(lookMs, this.#options.redis.probeIntervalMs)
    const names = [...open.map(({ key }) => key), ...open.map(({ position }) => position!)]
    try {
      const reply = await send('XREAD', 'COUNT', this.#count, 'BLOCK', blockMs, 'STREAMS', ...names)
      if (this.#loop === loop) this.#accept(reply)
      return true
    } catch (error) {
      if (!isReply(error)) throw error
      // One of them, which is found by looking at each.
      if (!isPassing(error)) await this.#findRefused(send, open, error)
      return false
    }
  }

  #accept(reply: unknown): void {
    const count = this.#count
    let bytes = 0
    for (const [key, entries] of streamsIn(reply)) {
      for (const { fields } of entries) for (const value of fields.values()) bytes += value.length
      for (const followed of this.#followed) {
        if (followed.key !== key) continue
        // What brings something is what it was. But where there is more, it may be trimmed before it is read.
        followed.lookedMs = entries.length < count ? performance.now() : -Infinity
        for (const entry of entries) followed.accept(entry)
      }
    }
    this.#count = bytes > MAX_BYTES ? Math.ceil(count / 4) : Math.min(count * 2, MAX_COUNT)
  }

  /** Looks at those that have brought nothing for a while. Resolves to false if Redis can do nothing now. */
  async #lookAtAll(send: Send, loop: number): Promise<boolean> {
    for (const followed of this.#followed) {
      if (performance.now() - followed.lookedMs < (followed.isRefused ? REFUSED_MS : LOOK_MS)) continue
      try {
        const info = await infoBy(send, followed.key)
        if (this.#loop !== loop) return false
        followed.lookedMs = performance.now()
        this.#tell(followed, followed.look(info))
      } catch (error) {
        if (!isReply(error)) throw error
        if (isPassing(error)) return false
        followed.lookedMs = performance.now()
        this.#refuse(followed, error)
      }
    }
    return true
  }

  async #findRefused(send: Send, open: readonly FollowedStream[], error: Error): Promise<void> {
    let isFound = false
    for (const followed of open) {
      try {
        await send('XREAD', 'COUNT', 1, 'STREAMS', followed.key, followed.position!)
      } catch (refusal) {
        if (!isReply(refusal)) throw refusal
        if (isPassing(refusal)) return
        isFound = true
        this.#refuse(followed, refusal)
      }
    }
    if (!isFound) this.#options.log.warn({ error: error.message }, 'Redis does not let the streams be read together')
  }

  #tell({ name }: FollowedStream, found: 'trimmed' | 'anew' | undefined): void {
    const { log } = this.#options
    if (found === 'trimmed') log.warn({ stream: name }, 'Entries of a stream were removed before they could be read')
    if (found === 'anew') log.warn({ stream: name }, 'A stream has begun anew, and is read from its beginning')
  }

  #refuse(followed: FollowedStream, error: Error): void {
    if (!followed.refuse(error.message)) return
    this.#options.log.warn({ stream: followed.name, error: error.message }, 'Redis refuses a stream')
  }

  #away(reason: string): void {
    if (this.#isAway || this.#isClosed) return
    this.#isAway = true
    this.#options.log.warn({ reason }, 'The connection that reads streams is away')
  }

  #back(): void {
    this.#connection?.settled()
    if (!this.#isAway) return
    this.#isAway = false
    this.#options.log.info({}, 'Streams are read again')
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

async function infoBy(send: Send, key: string): Promise<WholeInfo> {
  try {
    return infoIn(await send('XINFO', 'STREAM', key))
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('ERR no such key')) return NO_STREAM
    if (!isForbidden(error)) throw error
    // Who may only read knows a little less.
    const [first] = entriesIn(await send('XRANGE', key, '-', '+', 'COUNT', 1))
    const [last] = entriesIn(await send('XREVRANGE', key, '+', '-', 'COUNT', 1))
    return infoOf(first, last)
  }
}

/** As whoever asks is told. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const isRefused = error instanceof BusRefusedError || errorText(error).startsWith('WRONGTYPE')
    throw isRefused ? new StreamRefusedError(errorText(error), { cause: error }) : error
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof BusRefusedError || (isReply(error) && error.message.startsWith('NOPERM'))
}
