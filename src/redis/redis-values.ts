/** What backends keep in Redis or Valkey, as JSON: one key, read in one command behind a look at how large it is. */
import { BusRefusedError, BusUnavailableError } from '../bus/bus.ts'
import { StoredValueError, type StoredLimits, type StoredType, type StoredValues } from '../snapshots/stored-values.ts'
import type { RedisCommands } from './commands.ts'
import { entriesIn } from './stream-replies.ts'

/** Newest entries of a stream. */
const STREAM_ENTRIES = 100

type Args = readonly (string | number)[]

interface Kind {
  /** Command that says how much there is; undefined where the answer is bounded. */
  readonly size?: string
  /** Of what it counts. */
  readonly limit?: 'maxEntries' | 'maxBytes'
  readonly read: readonly [name: string, ...args: Args]
  readonly toJson: (reply: unknown) => string
}

const KINDS: Readonly<Record<StoredType, Kind>> = {
  hash: { size: 'HLEN', limit: 'maxEntries', read: ['HGETALL'], toJson: (reply) => objectOf(textsIn(reply)) },
  list: { size: 'LLEN', limit: 'maxEntries', read: ['LRANGE', 0, -1], toJson: (reply) => arrayOf(textsIn(reply)) },
  set: { size: 'SCARD', limit: 'maxEntries', read: ['SMEMBERS'], toJson: (reply) => arrayOf(textsIn(reply)) },
  'sorted-set': {
    size: 'ZCARD',
    limit: 'maxEntries',
    read: ['ZRANGE', 0, -1, 'WITHSCORES'],
    toJson: (reply) => scoresOf(textsIn(reply)),
  },
  stream: { read: ['XREVRANGE', '+', '-', 'COUNT', STREAM_ENTRIES], toJson: streamOf },
  string: {
    size: 'STRLEN',
    limit: 'maxBytes',
    read: ['GET'],
    toJson: (reply) => (reply === null ? 'null' : valueOf((reply as Buffer).toString())),
  },
}

export class RedisValues implements StoredValues {
  readonly #commands: Pick<RedisCommands, 'key' | 'sendForBytes'>

  constructor(commands: Pick<RedisCommands, 'key' | 'sendForBytes'>) {
    this.#commands = commands
  }

  async read(type: StoredType, key: string, limits: StoredLimits): Promise<string> {
    try {
      return await within(limits.timeoutMs, this.#read(KINDS[type], this.#commands.key(key), limits))
    } catch (error) {
      if (error instanceof BusRefusedError) throw new StoredValueError(error.message, { cause: error })
      throw error
    }
  }

  async #read(
    { size, limit, read: [name, ...args], toJson }: Kind,
    key: string,
    limits: StoredLimits,
  ): Promise<string> {
    if (size !== undefined && limit !== undefined) {
      const found = Number(await this.#commands.sendForBytes(size, key))
      if (found > limits[limit]) throw new StoredValueError(`it has ${found}, over ${limit}, which is ${limits[limit]}`)
    }
    const reply = await this.#commands.sendForBytes(name, key, ...args)
    const bytes = bytesIn(reply)
    if (bytes > limits.maxBytes) {
      throw new StoredValueError(`it has ${bytes} bytes, over maxBytes, which is ${limits.maxBytes}`)
    }
    return toJson(reply)
  }
}

async function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const error = new BusUnavailableError(`Redis did not answer within ${timeoutMs} ms`)
    timer = setTimeout(() => reject(error), timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** All texts in an answer; Redis writes pairs as lists of two, or one after the other. What is no UTF-8 has U+FFFD in it. */
function textsIn(reply: unknown): string[] {
  return (reply as readonly unknown[]).flat().map(String)
}

function bytesIn(reply: unknown): number {
  if (reply instanceof Uint8Array) return reply.length
  return Array.isArray(reply) ? reply.reduce((sum: number, each) => sum + bytesIn(each), 0) : 0
}

function arrayOf(texts: readonly string[]): string {
  return JSON.stringify(texts)
}

/** Written by hand: an object of ours would put names that are numbers first, and has a name of its own, `__proto__`. */
function objectOf(texts: readonly string[]): string {
  const members: string[] = []
  for (let i = 0; i + 1 < texts.length; i += 2)
    members.push(`${JSON.stringify(texts[i])}:${JSON.stringify(texts[i + 1])}`)
  return `{${members.join(',')}}`
}

/** JSON has no infinity: such a score is text. */
function scoresOf(texts: readonly string[]): string {
  const members: string[] = []
  for (let i = 0; i + 1 < texts.length; i += 2) {
    const score = Number(texts[i + 1])
    const written = Number.isFinite(score) ? String(score) : JSON.stringify(texts[i + 1])
    members.push(`{"member":${JSON.stringify(texts[i])},"score":${written}}`)
  }
  return `[${members.join(',')}]`
}

/** The oldest of them first. */
function streamOf(reply: unknown): string {
  const entries = entriesIn(reply).reverse()
  const texts = entries.map(({ id, fields }) => {
    const flat = [...fields].flatMap(([name, value]) => [name, String(value)])
    return `{"id":${JSON.stringify(id)},"fields":${objectOf(flat)}}`
  })
  return `[${texts.join(',')}]`
}

function valueOf(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}
