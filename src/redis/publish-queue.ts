/**
 * The commands of one turn of the event loop that publish something, as one write to Redis: a promise and a write to each
 * are most of what a small PUBLISH costs. The bus and the log on Redis call it, so that what they publish keeps its
 * order; it knows commands, nothing of availability.
 */
import { Buffer } from 'node:buffer'
import type { Redis } from 'ioredis'
import { sendWritten, type Answers } from './ioredis-internals.ts'

/** What has gathered is written as soon as it is this long, in characters and bytes: the rest of the turn is another write. */
const MAX_GATHERED = 65_536

/** Makes of what Redis or ioredis said the error that the publisher gets. */
type FailureOf = (error: Error) => Error

export class PublishQueue {
  readonly #redis: Redis
  readonly #failureOf: FailureOf
  /** How many connections there have been. */
  #connections = 0
  #batch: Batch | undefined
  #turnEnd: ReturnType<typeof setImmediate> | undefined

  constructor(redis: Redis, failureOf: FailureOf) {
    this.#redis = redis
    this.#failureOf = failureOf
    redis.on('connect', () => this.#connections++)
  }

  /** Another number after each loss of the connection. */
  get connection(): number {
    return this.#connections
  }

  /** Write it at the end of this turn. Resolves when Redis has answered. */
  add(channel: string, payload: string | Uint8Array): Promise<unknown> {
    const batch = this.#gather()
    batch.addPublish(channel, payload)
    return this.#answerOf(batch)
  }

  /** The same for any command. Resolves to what Redis has answered. */
  command(parts: readonly (string | Uint8Array)[]): Promise<unknown> {
    const batch = this.#gather()
    batch.add(parts)
    return this.#answerOf(batch)
  }

  /** Write what was added so far, so that it is before whatever is written next. */
  flush(): void {
    this.#batch?.sendTo(this.#redis)
    this.#batch = undefined
  }

  #gather(): Batch {
    this.#turnEnd ??= setImmediate(this.#onTurnEnd)
    return (this.#batch ??= new Batch(this.#failureOf))
  }

  #answerOf(batch: Batch): Promise<unknown> {
    const answer = batch.answer()
    if (batch.length > MAX_GATHERED) this.flush()
    return answer
  }

  readonly #onTurnEnd = (): void => {
    this.#turnEnd = undefined
    this.flush()
  }
}

/** The n-th answer is the answer to the n-th command. */
class Batch implements Answers {
  /** Of all commands, in characters and bytes. */
  length = 0
  readonly #failureOf: FailureOf
  readonly #waiting: Waiting[] = []
  /** What is to be written: first these, then the text. */
  #parts: Uint8Array[] = []
  #text = ''
  #answered = 0

  constructor(failureOf: FailureOf) {
    this.#failureOf = failureOf
  }

  /** As `add`, for what nearly all commands are: the loop would make a SEND a tenth dearer. */
  addPublish(channel: string, payload: string | Uint8Array): void {
    const length = Buffer.byteLength(payload)
    this.length += channel.length + payload.length
    this.#text += `*3\r\n$7\r\nPUBLISH\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n$${length}\r\n`
    this.#addValue(payload)
  }

  add(parts: readonly (string | Uint8Array)[]): void {
    this.#text += `*${parts.length}\r\n`
    for (const part of parts) {
      this.length += part.length
      this.#text += `$${Buffer.byteLength(part)}\r\n`
      this.#addValue(part)
    }
  }

  #addValue(value: string | Uint8Array): void {
    if (typeof value === 'string') this.#text += `${value}\r\n`
    else {
      this.#parts.push(Buffer.from(this.#text), value)
      this.#text = '\r\n'
    }
  }

  /** Resolves to the answer to the command that was added last. */
  answer(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  sendTo(redis: Redis): void {
    sendWritten(redis, 'publish', this.#waiting.length, () => this.#written(), this)
    // This is kept until the last answer comes.
    this.#parts = []
    this.#text = ''
  }

  resolved(answer: unknown): void {
    this.#waiting[this.#answered++]!.resolve(answer)
  }

  rejected(error: Error): void {
    this.#waiting[this.#answered++]!.reject(this.#failureOf(error))
  }

  #written(): string | Uint8Array {
    return this.#parts.length === 0 ? this.#text : Buffer.concat([...this.#parts, Buffer.from(this.#text)])
  }
}

/** Who waits for the answer to one command. */
interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}
