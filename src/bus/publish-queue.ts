/**
 * The PUBLISH commands of one turn of the event loop, as one write to Redis. ioredis keeps the connection, pairs each
 * command with its reply and fails what has none; its own pipelines do the same with several promises to a command,
 * which is most of what a small PUBLISH costs. The bus on Redis calls it; it knows commands, nothing of availability.
 */
import { Buffer } from 'node:buffer'
import { Command, type Redis } from 'ioredis'
import { publishFailure } from './redis-failure.ts'

/** What has gathered is written as soon as it is this long, in characters and bytes: the rest of the turn is another write. */
const MAX_GATHERED = 65_536

export class PublishQueue {
  readonly #redis: Redis
  #batch: Batch | undefined
  #turnEnd: ReturnType<typeof setImmediate> | undefined

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** Write it at the end of this turn. Resolves when Redis has answered. */
  add(channel: string, payload: string | Uint8Array): Promise<void> {
    this.#turnEnd ??= setImmediate(this.#onTurnEnd)
    this.#batch ??= new Batch()
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

/**
 * One command object for a whole batch. It is sent as often as it has messages, so ioredis resolves or rejects it so
 * often, in the order of sending: the n-th time is the answer to the n-th message.
 */
class Batch extends Command {
  /** Of all messages, in characters and bytes. */
  length = 0
  readonly #waiting: Waiting[] = []
  /** What is to be written: first these, then the text. */
  #parts: Uint8Array[] = []
  #text = ''
  #answered = 0

  constructor() {
    super('publish')
    this.isTraced = true // else a promise and a context for each command, whether anybody listens or not
    this.resolve = () => this.#waiting[this.#answered++]!.resolve()
    this.reject = (error: Error) => this.#waiting[this.#answered++]!.reject(publishFailure(error))
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
    const { length } = this.#waiting
    // Where ioredis writes command by command; the whole is written below.
    const nowhere = { isPipeline: true, write: () => true, destination: { redis } } as const
    for (let i = 0; i < length; i++) redis.sendCommand(this, nowhere)
    if (this.#answered > 0) return // there is no connection, and all are rejected
    const text = this.#text
    redis.stream.write(this.#parts.length === 0 ? text : Buffer.concat([...this.#parts, Buffer.from(text)]))
    // ioredis has this until the last answer comes
    this.#parts = []
    this.#text = ''
  }

  /** Asked for each message. */
  override toWritable(): string {
    return ''
  }
}

/** Who waits for the answer to one message. */
interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}
