/**
 * A connection for the commands of clients alone, so that they can never be in the way of messages. What the server says of
 * the commands that may be sent is asked each time that it connects: it may be another one by then.
 */
import { BusUnavailableError } from '../bus/bus.ts'
import type { Log } from '../log.ts'
import {
  AnswerTooLargeError,
  CommandError,
  type CommandInfo,
  type CommandServer,
} from '../redis-commands/command-server.ts'
import { neverReason } from '../redis-commands/permission.ts'
import { bytesOf } from '../redis-commands/words.ts'
import { Connection } from './connection.ts'
import { connectionName } from './nodes.ts'
import type { RedisOptions } from './options.ts'
import { errorText, isOfReplica, isReply } from './replies.ts'

export interface CommandConnectionOptions {
  readonly redis: RedisOptions
  readonly nodeId: string
  /** Those that may be sent, in lower case and without subcommands. */
  readonly names: readonly string[]
  readonly log: Log
}

/** Octets of answers that are read without one of them being complete: beyond it the connection is given up. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** What COMMAND INFO says, as it comes. */
type WrittenInfo = readonly [
  name: string,
  arity: number,
  flags: readonly string[],
  first: unknown,
  last: unknown,
  step: unknown,
  categories?: readonly string[],
  tips?: unknown,
  keys?: unknown,
  subcommands?: readonly WrittenInfo[],
]

export class CommandConnection implements CommandServer {
  readonly #options: CommandConnectionOptions
  readonly #connection: Connection
  readonly #infos = new Map<string, CommandInfo>()
  #isReady = false
  #isAway = false
  #isClosed = false
  #unanswered = 0
  /** Was the connection given up because of an answer? */
  #isTooLarge = false
  #isLogged = false

  constructor(options: CommandConnectionOptions) {
    this.#options = options
    const events = {
      onReady: () => void this.#ready(),
      onFailure: (cause: string) => this.#away(cause),
      onClosed: () => (this.#isReady = false),
      onUnwantedPassword: () => {}, // told by the others
    }
    // Answers as `redis-cli` shows them, whatever the server: lists, and no maps.
    this.#connection = new Connection(options.redis, connectionName(options.nodeId, 'commands'), events, {
      protocol: 2,
    })
  }

  start(): void {
    this.#connection.start()
  }

  close(): void {
    this.#isClosed = true
    this.#isReady = false
    this.#connection.close()
  }

  info(name: string): CommandInfo | undefined {
    if (!this.#isReady) throw new BusUnavailableError('the connection for commands is away')
    return this.#infos.get(name)
  }

  async keysOf(words: readonly string[]): Promise<readonly string[]> {
    const keys = (await this.#send('COMMAND', 'GETKEYS', ...words.map(bytesOf))) as readonly Uint8Array[]
    return keys.map((key) => Buffer.from(key).toString('latin1'))
  }

  run(words: readonly string[]): Promise<unknown> {
    const [name = '', ...args] = words
    return this.#send(name, ...args.map(bytesOf))
  }

  async #send(name: string, ...args: (string | Buffer)[]): Promise<unknown> {
    if (!this.#isReady) throw new BusUnavailableError('the connection for commands is away')
    try {
      return await this.#connection.client.callBuffer(name, ...args)
    } catch (error) {
      if (isOfReplica(error)) this.#connection.drop() // there is another master
      if (isReply(error)) throw new CommandError(error.message)
      throw this.#isTooLarge ? new AnswerTooLargeError() : new BusUnavailableError(errorText(error), { cause: error })
    } finally {
      this.#unanswered = 0
    }
  }

  async #ready(): Promise<void> {
    const { names } = this.#options
    const { client } = this.#connection
    this.#isTooLarge = false
    this.#unanswered = 0
    client.stream.on('data', (chunk: Uint8Array) => this.#received(chunk.length))
    try {
      const found = (await client.call('COMMAND', 'INFO', ...names)) as readonly (WrittenInfo | null)[]
      this.#infos.clear()
      for (const info of found) if (info) this.#infos.set(String(info[0]).toLowerCase(), infoOf(info))
    } catch (error) {
      if (!isReply(error)) return // the connection went, and says so
      this.#away(`COMMAND INFO is refused: ${error.message}`)
      return
    }
    this.#connection.settled()
    this.#isReady = true
    if (this.#isAway) this.#options.log.info({}, 'Commands of clients go to Redis again')
    this.#isAway = false
    this.#logNever()
  }

  /** What is in the list in vain, once. */
  #logNever(): void {
    if (this.#isLogged) return
    this.#isLogged = true
    for (const name of this.#options.names) {
      const reason = neverReason(name, this.#infos.get(name))
      if (reason === undefined) continue
      this.#options.log.warn(
        { command: name.toUpperCase(), reason },
        'A command of redisCommands.allow is never allowed',
      )
    }
  }

  #received(bytes: number): void {
    this.#unanswered += bytes
    if (this.#unanswered <= MAX_ANSWER_BYTES || this.#isTooLarge) return
    this.#isTooLarge = true
    this.#options.log.warn(
      {},
      'The answer to a command of a client is too large: the connection for commands is dropped',
    )
    this.#connection.drop()
  }

  #away(reason: string): void {
    if (this.#isAway || this.#isClosed) return
    this.#isAway = true
    this.#options.log.warn({ reason }, 'The connection for commands of clients is away')
  }
}

function infoOf([name, arity, flags, , , , categories = [], , , subcommands = []]: WrittenInfo): CommandInfo {
  const subs = subcommands.map((each): [string, CommandInfo] => [
    String(each[0])
      .slice(String(name).length + 1)
      .toLowerCase(),
    infoOf(each),
  ])
  return {
    arity: Number(arity),
    flags: flags.map(String),
    categories: categories.map(String),
    subcommands: subs.length > 0 ? new Map(subs) : undefined,
  }
}
