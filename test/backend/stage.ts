/** A Redis for the tests of the backend package, consumers on it that end with their test, and what they were told. */
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import {
  createBackend,
  type ConsumeOptions,
  type Consumer,
  type Entry,
  type Handler,
  type RedisConnection,
} from '../../src/backend/index.ts'
import { Inbox } from '../support/clients/inbox.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../support/redis.ts'

export const STREAM = 'orders'
export const GROUP = 'workers'

export interface ConsumeCall extends ConsumeOptions {
  readonly stream?: string
  readonly consumer?: string
  /** The stage's own connection unless given. */
  readonly redis?: RedisConnection
}

export class Stage {
  server!: RedisServer
  /** For the test itself, and for backends. */
  redis!: Redis
  /** Errors of all consumers, with the entry where there is one. */
  errors!: Inbox<{ readonly message: string; readonly entry: Entry | undefined }>
  readonly #consumers: Consumer[] = []

  consume(handler: Handler, { stream = STREAM, consumer = 'a', redis = this.redis, ...options }: ConsumeCall = {}) {
    const { errors } = this
    const onError = ({ message }: Error, entry?: Entry) => errors.put({ message, entry })
    const running = createBackend(redis).consume(stream, GROUP, consumer, handler, { onError, ...options })
    this.#consumers.push(running)
    return running
  }

  /** Adds so many entries, with the fields `number` and `topic`; returns their ids. */
  async add(count: number, first = 0): Promise<string[]> {
    const ids: string[] = []
    for (let number = first; number < first + count; number++) {
      ids.push((await this.redis.xadd(STREAM, '*', 'number', number, 'topic', '/topic/x'))!)
    }
    return ids
  }

  /** A consumer that has taken so many entries of the group, and is never heard of again. */
  async ghost(count: number): Promise<void> {
    await this.redis.call('XREADGROUP', 'GROUP', GROUP, 'ghost', 'COUNT', count, 'STREAMS', STREAM, '>')
  }

  async createGroup(): Promise<void> {
    await this.redis.call('XGROUP', 'CREATE', STREAM, GROUP, '0', 'MKSTREAM')
  }

  /** How many entries are handed out and not acknowledged. */
  async pending(stream = STREAM): Promise<number> {
    const [count] = (await this.redis.xpending(stream, GROUP)) as [number]
    return count
  }

  /** The entries of a stream as objects. */
  async entries(stream: string): Promise<Record<string, string>[]> {
    const entries = await this.redis.xrange(stream, '-', '+')
    return entries.map(([, fields]) =>
      Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]!]] : []))),
    )
  }

  /** How often Redis was asked this. */
  async calls(command: string): Promise<number> {
    const stats = String(await this.redis.call('INFO', 'commandstats'))
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`, 'i').exec(stats)?.[1] ?? 0)
  }

  /** Of the server now. */
  async connections(): Promise<number> {
    return String(await this.redis.call('CLIENT', 'LIST'))
      .trim()
      .split('\n').length
  }

  /** An empty Redis, and no errors yet. */
  async begin(): Promise<void> {
    this.errors = new Inbox('error')
    await this.redis.flushall()
  }

  async end(): Promise<void> {
    await Promise.all(this.#consumers.splice(0).map((consumer) => consumer.stop(0)))
  }
}

/** A stage for a file of tests; its Redis is empty at the start of each. */
export function useStage(options: RedisServerOptions = {}): Stage {
  const stage = new Stage()
  beforeAll(async () => {
    stage.server = await startRedis(options)
    stage.redis = await stage.server.client()
  })
  beforeEach(() => stage.begin())
  afterEach(() => stage.end())
  afterAll(() => stage.server?.stop())
  return stage
}

/** A handler that keeps what it gets, and waits until it is let go. */
export class HeldHandler {
  readonly started = new Inbox<Entry>('entry')
  #release!: () => void
  #released!: Promise<void>
  most = 0
  #running = 0

  constructor() {
    this.hold()
  }

  readonly handle = async (entry: Entry): Promise<void> => {
    this.most = Math.max(this.most, ++this.#running)
    this.started.put(entry)
    await this.#released
    this.#running--
  }

  /** Those that begin from now on wait. */
  hold(): void {
    this.#released = new Promise((resolve) => (this.#release = resolve))
  }

  release(): void {
    this.#release()
  }
}
