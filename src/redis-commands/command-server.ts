/** What the commands of clients need of a server of Redis. Types, and what it says no with. */

/** A command as the server describes it. */
export interface CommandInfo {
  /** Words that it takes, its name included; negative: so many at least. */
  readonly arity: number
  readonly flags: readonly string[]
  /** With their `@`. */
  readonly categories: readonly string[]
  /** By name in lower case, without that of the command; undefined where it has none. */
  readonly subcommands: ReadonlyMap<string, CommandInfo> | undefined
}

/** The server has answered with an error. The message is the error. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/** The answer is more than this process will hold. */
export class AnswerTooLargeError extends Error {
  override name = 'AnswerTooLargeError'
}

/** Words are octets, see `words.ts`. All reject with BusUnavailableError while the server is away. */
export interface CommandServer {
  /** What the server says of a command of the list that it was asked for; undefined if it has none of this name (in lower case). */
  info(name: string): CommandInfo | undefined
  /** Resolves to the keys that a command names. Rejects with CommandError. */
  keysOf(words: readonly string[]): Promise<readonly string[]>
  /** Resolves to the answer: text as bytes, numbers, null, and lists of those. Rejects with CommandError, AnswerTooLargeError. */
  run(words: readonly string[]): Promise<unknown>
}
