/** Which commands can be left to clients at all, by what the server says of them. Pure; keys are looked at elsewhere. */
import type { CommandInfo } from './command-server.ts'

const FLAGS: readonly string[] = ['blocking', 'admin', 'pubsub', 'module']
const CATEGORIES: readonly string[] = [
  '@blocking',
  '@scripting',
  '@admin',
  '@dangerous',
  '@pubsub',
  '@transaction',
  '@connection',
]
/** They reach keys that they do not name, or other databases. */
const BEYOND: readonly string[] = [
  'keys',
  'scan',
  'randomkey',
  'sort',
  'sort_ro',
  'move',
  'migrate',
  'restore',
  'swapdb',
]

/** Returns why a command can never be left to clients, as a phrase; undefined if it may be. `name`: in lower case. */
export function neverReason(name: string, info: CommandInfo | undefined): string | undefined {
  if (BEYOND.includes(name)) return 'it reaches beyond the keys that it names'
  if (!info) return 'the server has no such command'
  const flag =
    FLAGS.find((each) => info.flags.includes(each)) ?? CATEGORIES.find((each) => info.categories.includes(each))
  if (flag !== undefined) return `it is ${flag}`
  // HELP names no key.
  const subs = info.subcommands && [...info.subcommands].filter(([sub]) => sub !== 'help')
  if (subs?.every(([, each]) => neverReason('', each) !== undefined)) return 'so is each of its subcommands'
  return undefined
}

/** The commands of the setting `redisCommands.allow`. */
export class Allowed {
  readonly #names: ReadonlySet<string>

  /** `GET`, or `OBJECT ENCODING` for one subcommand alone. */
  constructor(names: readonly string[]) {
    this.#names = new Set(
      names.map((name) =>
        name
          .toLowerCase()
          .split(/[\s|]+/)
          .join('|'),
      ),
    )
  }

  /** Without subcommands, in lower case. */
  get names(): string[] {
    return [...new Set([...this.#names].map((name) => name.split('|', 1)[0]!))]
  }

  /**
   * Returns what the server says of the command (or subcommand) of these words, if clients may have it; undefined if not.
   * `infoOf`: by name, in lower case.
   */
  find(words: readonly string[], infoOf: (name: string) => CommandInfo | undefined): CommandInfo | undefined {
    const name = words[0]?.toLowerCase() ?? ''
    const sub = words[1]?.toLowerCase() ?? ''
    if (!this.#names.has(name) && !this.#names.has(`${name}|${sub}`)) return undefined
    const info = infoOf(name)
    if (neverReason(name, info) !== undefined || hasDatabase(name, words)) return undefined
    if (!info?.subcommands) return info
    const found = info.subcommands.get(sub)
    return found && neverReason('', found) === undefined ? found : undefined
  }
}

/** COPY can go to another database, where no prefix helps. */
function hasDatabase(name: string, words: readonly string[]): boolean {
  return name === 'copy' && words.slice(3).some((word) => word.toLowerCase() === 'db')
}

/** Does the command take so many words? */
export function fits({ arity }: CommandInfo, words: readonly string[]): boolean {
  return arity < 0 ? words.length >= -arity : words.length === arity
}
