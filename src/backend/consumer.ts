/**
 * One consumer: reads as many entries as there is room for, has each handled, and acknowledges it. One loop reads and
 * claims in turn, so there is always room for what it gets. Ends by `stop` alone; whatever fails is tried again.
 */
import { requireWhole } from './checks.ts'
import type { ConsumeSettings } from './consume-options.ts'
import { CURSOR_START, isGroupGone, type ConsumerGroup } from './consumer-group.ts'
import { Ending } from './ending.ts'
import type { Entry, Handler } from './entry.ts'
import { errorText, Outage, retryDelayMs } from './outage.ts'
import { Reader } from './reader.ts'
import type { RedisConnection } from './redis-connection.ts'

/** A running consumer. */
export interface Consumer {
  /**
   * Reads nothing new, and resolves when the handlers that run have ended and their entries are acknowledged; when the
   * deadline is over, if there is one, without waiting for them. Call it as often as you like, but a handler must not
   * wait for it. Errors: throws a RangeError for a deadline that is no time.
   */
  stop(deadlineMs?: number): Promise<void>
}

export class StreamConsumer implements Consumer {
  readonly #redis: RedisConnection
  readonly #group: ConsumerGroup
  readonly #settings: ConsumeSettings
  readonly #handler: Handler
  /** By id: handlers that run, and entries whose acknowledgement has not gone through. */
  readonly #running = new Set<string>()
  readonly #stopping = new Ending()
  /** Nothing is waited for any more: all has ended, or the deadline is over. */
  readonly #over = new Ending()
  readonly #reading: Outage
  readonly #settling: Outage
  readonly #renewing: Outage
  readonly #burying: Outage
  #reader: Reader | undefined
  /** To read, since it has worked last. */
  #attempts = 0
  /** The read that blocks. */
  #read: Promise<unknown> | undefined
  /** Called when an entry has been settled. */
  #onSettled: () => void = () => {}

  /** Starts at once; Redis may be away. */
  constructor(redis: RedisConnection, group: ConsumerGroup, settings: ConsumeSettings, handler: Handler) {
    this.#redis = redis
    this.#group = group
    this.#settings = settings
    this.#handler = handler
    const stream = `the stream "${settings.stream}"`
    this.#reading = new Outage(`Cannot read ${stream}`, this.#tell)
    this.#settling = new Outage(`Cannot acknowledge entries of ${stream}`, this.#tell)
    this.#renewing = new Outage(`Cannot renew entries of ${stream}`, this.#tell)
    this.#burying = new Outage(`Cannot move entries of ${stream} to the dead letters`, this.#tell)
    void this.#run()
    void this.#keepRenewing()
  }

  async stop(deadlineMs?: number): Promise<void> {
    if (deadlineMs !== undefined) requireWhole('Cannot stop', 'deadlineMs', deadlineMs, 0, 2 ** 31 - 1)
    if (!this.#stopping.isOver) {
      this.#stopping.end()
      this.#onSettled()
      if (this.#read) void this.#reader?.unblock(this.#read)
      else if (!this.#reader?.isOpen) this.#reader?.close() // what is not open has read nothing
    }
    await this.#over.pause(deadlineMs)
    this.#over.end()
    this.#reader?.close()
  }

  // --- Reading

  async #run(): Promise<void> {
    while (!this.#stopping.isOver) {
      try {
        this.#reader = new Reader(this.#redis)
        await this.#reader.open()
        await this.#readFrom(this.#reader)
      } catch (error) {
        if (this.#stopping.isOver) break
        this.#reading.failed(error)
        await this.#stopping.pause(retryDelayMs(++this.#attempts))
      } finally {
        this.#reader?.close()
      }
    }
    while (this.#running.size > 0) await this.#nextSettled()
    this.#over.end()
  }

  /** Rejects when the connection fails, or Redis refuses something. */
  async #readFrom(reader: Reader): Promise<void> {
    const { claimIdleMs, batchSize, blockMs } = this.#settings
    const intervalMs = claimIdleMs / 2
    // After an outage everything has been idle: those who live shall renew theirs before the first claim.
    let claimAt = performance.now() + intervalMs
    let cursor = CURSOR_START
    let isHealed = false
    while (!this.#stopping.isOver) {
      try {
        if (this.#room === 0) {
          await this.#nextSettled()
          continue
        }
        if (performance.now() >= claimAt) {
          const claimed = await this.#group.claim(reader, Math.min(this.#room, batchSize), cursor, this.#running)
          this.#start(claimed.entries)
          if (claimed.problem === undefined) this.#burying.over()
          else this.#burying.failed(new Error(claimed.problem))
          cursor = claimed.cursor
          if (cursor === CURSOR_START) claimAt = performance.now() + intervalMs
          if (this.#room === 0 || this.#stopping.isOver) continue
        }
        const waitMs = Math.max(0, Math.min(blockMs, Math.ceil(claimAt - performance.now())))
        const read = this.#group.read(reader, Math.min(this.#room, batchSize), waitMs)
        this.#read = read
        this.#start(await read)
        this.#reading.over()
        this.#attempts = 0
        isHealed = false
      } catch (error) {
        // Made anew once; a group that is never there is an error like others.
        if (isHealed || !isGroupGone(error)) throw error
        await this.#group.create(reader)
        isHealed = true
        cursor = CURSOR_START
      } finally {
        this.#read = undefined
      }
    }
  }

  get #room(): number {
    return this.#settings.concurrency - this.#running.size
  }

  /** Resolves when an entry has been settled, or with `stop`. */
  #nextSettled(): Promise<void> {
    return new Promise((resolve) => (this.#onSettled = resolve))
  }

  // --- Handling

  #start(entries: readonly Entry[]): void {
    if (this.#over.isOver) return // came with the deadline: others get it
    for (const entry of entries) {
      // The group was made anew, and hands out again what is at work here.
      if (this.#running.has(entry.id)) continue
      this.#running.add(entry.id)
      void this.#handle(entry)
    }
  }

  async #handle(entry: Entry): Promise<void> {
    const { deadLetters } = this.#settings
    try {
      await this.#handler(entry)
      await this.#settle(() => this.#group.acknowledge(entry.id))
    } catch (error) {
      this.#tell(this.#failureOf(entry, error), entry)
      // Else it stays pending, and is claimed again.
      if (deadLetters && entry.deliveryCount >= deadLetters.maxDeliveries) {
        await this.#settle(() => this.#group.bury(entry.id, errorText(error)))
      }
    }
    this.#running.delete(entry.id)
    this.#onSettled()
  }

  /** Until Redis has taken it, because else it would be done again. Never rejects. */
  async #settle(command: () => Promise<void>): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      try {
        await command()
        this.#settling.over()
        return
      } catch (error) {
        if (isGroupGone(error)) return
        this.#settling.failed(error)
        if (this.#over.isOver) return
        await this.#over.pause(retryDelayMs(attempts))
      }
    }
  }

  #failureOf(entry: Entry, cause: unknown): Error {
    const { stream, deadLetters } = this.#settings
    const times = deadLetters ? `${entry.deliveryCount} of ${deadLetters.maxDeliveries}` : String(entry.deliveryCount)
    const text = `Cannot handle "${entry.id}" of the stream "${stream}", delivery ${times}: ${errorText(cause)}`
    return new Error(text, { cause })
  }

  /** While handlers run, their entries are not idle. */
  async #keepRenewing(): Promise<void> {
    while (!this.#over.isOver) {
      await this.#over.pause(this.#settings.claimIdleMs / 3)
      if (this.#over.isOver || this.#running.size === 0) continue
      try {
        await this.#group.renew(this.#running)
        this.#renewing.over()
      } catch (error) {
        if (!isGroupGone(error)) this.#renewing.failed(error)
      }
    }
  }

  readonly #tell = (error: Error, entry?: Entry): void => {
    try {
      this.#settings.onError(error, entry)
    } catch {
      // Whoever is told of errors has one of its own: nobody is left to tell.
    }
  }
}
