/**
 * The consumer groups of streams to which the bridge adds entries: created where they are missing, so that backends can
 * read from the first entry on. The bus says when; knows commands, nothing of connections.
 */
import type { Log } from '../log.ts'
import type { RedisCommands } from './commands.ts'
import { GROUPS_SCRIPT } from './log-scripts.ts'
import { errorText, isPassing, isReply } from './replies.ts'
import { newScript, runScript } from './scripts.ts'

/** A stream, and the groups that it is to have. */
export interface StreamWithGroups {
  readonly name: string
  readonly groups: readonly string[]
}

const SCRIPT = newScript(GROUPS_SCRIPT)

export class StreamGroups {
  readonly #streams: readonly StreamWithGroups[]
  readonly #keyPrefix: string
  readonly #send: RedisCommands['send']
  readonly #log: Log
  /** Streams whose groups Redis refuses. */
  readonly #refused = new Set<string>()

  /** `send` rejects with what Redis or ioredis says. */
  constructor(streams: readonly StreamWithGroups[], keyPrefix: string, send: RedisCommands['send'], log: Log) {
    this.#streams = streams.filter(({ groups }) => groups.length > 0)
    this.#keyPrefix = keyPrefix
    this.#send = send
    this.#log = log
  }

  /** Resolves when there are all, to what Redis says if it can do nothing now. Rejects when the connection went. */
  async create(): Promise<string | undefined> {
    for (const { name, groups } of this.#streams) {
      try {
        await runScript({ send: this.#send }, SCRIPT, { keys: [this.#keyPrefix + name], args: groups })
        if (this.#refused.delete(name)) this.#log.info({ stream: name }, 'The consumer groups of a stream are there')
      } catch (error) {
        if (isPassing(error)) return errorText(error)
        if (!isReply(error)) throw error
        this.#refuse(name, error)
      }
    }
    return undefined
  }

  #refuse(name: string, error: Error): void {
    if (this.#refused.has(name)) return
    this.#refused.add(name)
    this.#log.warn({ stream: name, error: error.message }, 'Redis refuses the consumer groups of a stream')
  }
}
