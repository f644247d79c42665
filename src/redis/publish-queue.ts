/**
 * The PUBLISH commands of one turn of the event loop, as one write to Redis: a promise and a write to each are most of
 * what a small PUBLISH costs. The bus on Redis calls it; it knows commands, nothing of availability.
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
  #batch: Batch | undefined
  #turnEnd: ReturnType<typeof setImmediate> | undefined

  constructor(redis: Redis, failureOf: FailureOf) {
    this.#redis = redis
    this.#failureOf = failureOf
  }

  /** Write it at the end of this turn. Resolves when Redis has answered. */
  add(channel: string, payload: string | Uint8Array): Promise<void> {
    this.#turnEnd ??= setImmediate(this.#onTurnEnd)
    this.#batch ??= new Batch(this.#failureOf)
    const answered = this.#batch.add(channel, payload)
    if (this.#batch.length > MAX_GATHERED) this.flush()
    return answered
  }

  /** Write what was added so far, so that it is before whatever is written next. */
  flush(): void {
    this.#batch?.sendTo(this.#redis)
    this.#batch = undefined
  }

  readonly #onTurnEnd = (): void => {
    this.#turnEnd = undefined
    this.flush()
  }
}

/** The n-th answer is the answer to the n-th message. */
class Batch implements Answers {
  /** Of all messages, in characters and bytes. */
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

  add(channel: string, payload: string | Uint8Array): Promise<void> {
    this.length += channel.length + payload.length
    const head = `*3\r\n$7\r\nPUBLISH\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n$${Buffer.byteLength(payload)}\r\n`
    if (typeof payload === 'string') {
      this.#text += `${head}${payload}\r\n`
    } else {
      this.#parts.push(Buffer.from(this.#text + head), payload)
      this.#text = '\r\n'
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  sendTo(redis: Redis): void {
    sendWritten(redis, 'publish', this.#waiting.length, () => this.#written(), this)
    // This is kept until the last answer comes.
    this.#parts = []
    this.#text = ''
  }

  resolved(): void {
    this.#waiting[this.#answered++]!.resolve()
  }

  rejected(error: Error): void {
    this.#waiting[this.#answered++]!.reject(this.#failureOf(error))
  }

  #written(): string | Uint8Array {
    return this.#parts.length === 0 ? this.#text : Buffer.concat([...this.#parts, Buffer.from(this.#text)])
  }
}

/** Who waits for the answer to one message. */
interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}
