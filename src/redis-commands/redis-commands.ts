/**
 * Commands that clients send to Redis: each is judged, its keys are put below the prefix of whoever sends it, and the answer
 * comes as a message to that session alone. What goes wrong is an answer too: the session goes on.
 */
import { BusUnavailableError } from '../bus/bus.ts'
import { LogBudget, type Log } from '../log.ts'
import type { HeaderPair } from '../headers.ts'
import type { Metrics } from '../metrics.ts'
import { AnswerTooLargeError, CommandError, type CommandServer } from './command-server.ts'
import { keyPrefixFor, type KeyOwner } from './key-prefix.ts'
import { withOwnKeys } from './own-keys.ts'
import { Allowed, fits } from './permission.ts'
import { octetsOf, splitWords } from './words.ts'

/** Where clients send commands, and where they get the answers. */
export const COMMANDS_DESTINATION = '/bridge/redis'
export const ANSWERS_DESTINATION = '/user/queue/redis'

/** The section `redisCommands` of the configuration. */
export interface RedisCommandsOptions {
  readonly allow: readonly string[]
  readonly keyPrefix: string
  readonly maxBytes: number
  readonly maxAnswerBytes: number
  readonly timeoutMs: number
}

export interface RedisCommandsDeps {
  readonly server: CommandServer
  /** Before every key, as the setting `redis.keyPrefix` says. */
  readonly serverPrefix: string
  readonly metrics: Pick<Metrics, 'count'>
  readonly log: Log
}

/** Whoever sends a command. */
export interface Commander {
  sendOwn(destination: string, headers: readonly HeaderPair[], body: string): boolean
}

interface Answer {
  readonly command: string
  readonly output: unknown
  readonly status: 'ok' | 'error'
}

/** Commands that run or wait, of all sessions. */
const MAX_RUNNING = 10_000
const NOT_ALLOWED = 'Command not allowed'
const LOGGED_PER_WINDOW = 20

export class RedisCommands {
  readonly #options: RedisCommandsOptions
  readonly #deps: RedisCommandsDeps
  readonly #allowed: Allowed
  readonly #errorLog = new LogBudget(LOGGED_PER_WINDOW)
  /** The last command of each session that has one running: the next one waits for it. */
  readonly #last = new Map<Commander, Promise<void>>()
  #running = 0

  constructor(options: RedisCommandsOptions, deps: RedisCommandsDeps) {
    this.#options = options
    this.#deps = deps
    this.#allowed = new Allowed(options.allow)
  }

  /** Resolves when it has been answered, behind those that it has sent before. `body`: JSON with a `command`. Never rejects. */
  run(commander: Commander, owner: KeyOwner, body: Uint8Array, correlationId: string | undefined): Promise<void> {
    const before = this.#last.get(commander)
    const own = new Uint8Array(body) // of what came in, which is gone when its turn comes
    const done = (before ?? Promise.resolve()).then(() => this.#answer(commander, owner, own, correlationId))
    this.#last.set(commander, done)
    void done.then(() => {
      if (this.#last.get(commander) === done) this.#last.delete(commander)
    })
    return done
  }

  async #answer(commander: Commander, owner: KeyOwner, body: Uint8Array, correlationId?: string): Promise<void> {
    const answer = await this.#answerTo(owner, body)
    const headers: HeaderPair[] = [['content-type', 'application/json']]
    if (correlationId !== undefined) headers.push(['correlation-id', correlationId])
    commander.sendOwn(ANSWERS_DESTINATION, headers, this.#jsonOf(answer))
  }

  async #answerTo(owner: KeyOwner, body: Uint8Array): Promise<Answer> {
    const { maxBytes } = this.#options
    if (body.length > maxBytes) return failed('unknown', `A command may have at most ${maxBytes} bytes`)
    const command = commandIn(body)
    if (command === undefined) return failed('unknown', 'Invalid JSON')
    const { count } = this.#deps.metrics
    count.redisCommands++
    if (this.#running >= MAX_RUNNING) return failed(command, 'Too many commands are waiting')
    this.#running++
    try {
      return { command, output: await within(this.#options.timeoutMs, this.#run(owner, command)), status: 'ok' }
    } catch (error) {
      count.redisCommandsFailed++
      return failed(command, this.#textOf(error))
    } finally {
      this.#running--
    }
  }

  async #run(owner: KeyOwner, command: string): Promise<unknown> {
    const { server, serverPrefix } = this.#deps
    const words = splitWords(command)
    if (!words) throw new CommandError('Invalid argument(s)')
    const info = this.#allowed.find(words, (name) => server.info(name))
    if (!info) throw new CommandError(NOT_ALLOWED)
    if (!fits(info, words))
      throw new CommandError(`ERR wrong number of arguments for '${words[0]!.toLowerCase()}' command`)
    const prefix = octetsOf(serverPrefix + keyPrefixFor(this.#options.keyPrefix, owner))
    // Where the server names no key, or not in a way that can be understood, the answer is no.
    const own = await withOwnKeys(server, words, prefix).catch((error: unknown) => {
      if (error instanceof CommandError) return undefined
      throw error
    })
    if (!own) throw new CommandError(NOT_ALLOWED)
    return plain(await server.run(own))
  }

  #textOf(error: unknown): string {
    // It would show the key as it is called in Redis.
    if (error instanceof CommandError) return error.message.startsWith('NOPERM') ? NOT_ALLOWED : error.message
    if (error instanceof AnswerTooLargeError) return TOO_LARGE
    if (error instanceof LateError) return 'Redis did not answer in time'
    if (error instanceof BusUnavailableError) return 'Redis is unavailable'
    if (this.#errorLog.take()) this.#deps.log.error({ error }, 'A command of a client failed')
    return 'Internal error'
  }

  #jsonOf(answer: Answer): string {
    const json = JSON.stringify(answer)
    const { maxAnswerBytes, maxBytes } = this.#options
    if (json.length <= maxAnswerBytes + maxBytes && Buffer.byteLength(json) <= maxAnswerBytes + maxBytes) return json
    return JSON.stringify(failed(answer.command, TOO_LARGE))
  }
}

const TOO_LARGE = 'The answer is too large'

class LateError extends Error {}

function failed(command: string, output: string): Answer {
  return { command, output, status: 'error' }
}

/** Returns the command of a request; undefined if it is no JSON object with one. */
function commandIn(body: Uint8Array): string | undefined {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as { command?: unknown } | null
    return typeof value?.command === 'string' ? value.command : undefined
  } catch {
    return undefined
  }
}

/** The answer as JSON can have it. */
function plain(reply: unknown): unknown {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString()
  if (Array.isArray(reply)) return reply.map(plain)
  if (reply instanceof Error) return reply.message
  return typeof reply === 'bigint' ? String(reply) : (reply ?? null)
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new LateError()), timeoutMs)
  })
  try {
    return await Promise.race([late, work])
  } finally {
    clearTimeout(timer)
  }
}
