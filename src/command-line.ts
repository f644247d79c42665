/**
 * Owns what the arguments of the command line mean: commands, options, and what is wrong with them in one line. Called by
 * main; it reads nothing, and knows no more of a command than its name and what it takes.
 */
import { readArguments, suggestion, type ArgumentProblem } from './arguments.ts'
import type { SettingOptions } from './config.ts'

/** Every command, with the words that may or must follow it and the options that it alone takes. */
const COMMANDS = {
  serve: {},
  'check-config': {},
  'print-config': {},
  'config-schema': {},
  explain: { words: ['ACTION', 'DESTINATION'], options: ['user', 'groups', 'claims'] },
  'check-token': { optionalWords: ['TOKEN'] },
  'gen-token': { options: ['user', 'groups', 'claims', 'ttl'] },
  'gen-api-key': { optionalWords: ['NAME'] },
  'hash-password': {},
  tail: {},
  send: {},
  healthcheck: { optionalWords: ['PROBE'] },
  help: { optionalWords: ['TOPIC'] },
  version: {},
} as const satisfies Record<string, CommandShape>

interface CommandShape {
  readonly words?: readonly string[]
  readonly optionalWords?: readonly string[]
  readonly options?: readonly OptionName[]
}

export type Command = keyof typeof COMMANDS

/** These are clients of any server: they take no settings, and read their arguments themselves. */
const CLIENT_COMMANDS = ['tail', 'send'] as const satisfies Command[]
export type ClientCommand = (typeof CLIENT_COMMANDS)[number]

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  port: { type: 'string' },
  host: { type: 'string' },
  workers: { type: 'string' },
  user: { type: 'string' },
  groups: { type: 'string' },
  claims: { type: 'string' },
  ttl: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

type OptionName = keyof typeof OPTIONS

/** Those that not every command takes. */
const OWN_OPTIONS: readonly string[] = ['user', 'groups', 'claims', 'ttl'] satisfies OptionName[]

/** Topics of `help` beside the general text. */
export const HELP_TOPICS = [
  'settings',
  'explain',
  'check-token',
  'gen-token',
  'gen-api-key',
  'hash-password',
  'tail',
  'send',
  'healthcheck',
] as const
export type HelpTopic = (typeof HELP_TOPICS)[number]

/** Who somebody is said to be. */
export interface Someone {
  /** Undefined: anonymous. */
  readonly user: string | undefined
  readonly groups?: readonly string[]
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface CommandLine {
  readonly command: Command
  /** With `help`: another text than the short one. */
  readonly topic?: HelpTopic
  /** What follows the command: as many words as it takes, or all of a client's arguments. */
  readonly words?: readonly string[]
  readonly someone?: Someone
  readonly ttlSeconds?: number
  readonly configFile?: string
  /** Settings among the options, not yet checked. */
  readonly options: SettingOptions
}

type Given = Partial<Record<OptionName, string>>

/** Returns what the arguments (without runtime and script) ask for, or what is wrong with them. */
export function parseCommandLine(argv: readonly string[]): CommandLine | ArgumentProblem {
  const [first, ...own] = argv
  if (isClientCommand(first)) {
    // Behind "--" it is a word like any other.
    const words = own.includes('--') ? own.slice(0, own.indexOf('--')) : own
    const asksHelp = words.some((word) => word === '--help' || word === '-h')
    return asksHelp ? { command: 'help', topic: first, options: {} } : { command: first, words: own, options: {} }
  }
  const read = readArguments(argv, OPTIONS)
  if ('problem' in read) return read
  // The last one counts.
  const given: Given = Object.fromEntries(Object.entries(read.given).map(([name, values]) => [name, values.at(-1)]))
  return commandLineOf(given, read.words)
}

function commandLineOf(given: Given, [word = 'serve', ...rest]: readonly string[]): CommandLine | ArgumentProblem {
  const options = { port: given.port, host: given.host, workers: given.workers }
  if (given.help !== undefined) return { command: 'help', ...(isTopic(word) ? { topic: word } : {}), options }
  const command = given.version !== undefined ? 'version' : word
  if (!isCommand(command)) {
    return { problem: `Unknown command "${command}".${suggestion(command, Object.keys(COMMANDS))}` }
  }
  if (isClientCommand(command)) {
    return { problem: `The options of "${command}" follow its name: see "help ${command}".` }
  }
  const problem = wordsProblem(command, rest) ?? ownOptionProblem(command, given)
  if (problem !== undefined) return { problem }
  const someone = readSomeone(command, given)
  if ('problem' in someone) return someone
  const [topic] = command === 'help' ? rest : []
  if (topic !== undefined && !isTopic(topic)) {
    return { problem: `There is no help on "${topic}", only on ${HELP_TOPICS.join(', ')}.` }
  }
  return {
    command,
    ...(topic === undefined ? {} : { topic }),
    ...(command !== 'help' && rest.length > 0 ? { words: rest } : {}),
    ...someone,
    ...(given.config === undefined ? {} : { configFile: given.config }),
    options,
  }
}

function ownOptionProblem(command: Command, given: Given): string | undefined {
  const { options = [] }: CommandShape = COMMANDS[command]
  const name = Object.keys(given).find((each) => OWN_OPTIONS.includes(each) && !options.includes(each as OptionName))
  return name === undefined ? undefined : `"${command}" takes no option --${name}.`
}

function wordsProblem(command: Command, words: readonly string[]): string | undefined {
  const { words: needed = [], optionalWords = [] }: CommandShape = COMMANDS[command]
  const missing = needed[words.length]
  if (missing !== undefined) return `"${command}" needs ${missing}: see "help ${command}".`
  const more = words[needed.length + optionalWords.length]
  return more === undefined ? undefined : `"${command}" takes no argument "${shortened(more)}".`
}

/** It may be a token, in the wrong place. */
function shortened(word: string): string {
  return word.length > 40 ? `${word.slice(0, 8)}…` : word
}

/** Returns what the options say of somebody, and for how long. */
function readSomeone(command: Command, given: Given): Pick<CommandLine, 'someone' | 'ttlSeconds'> | ArgumentProblem {
  if (command !== 'explain' && command !== 'gen-token') return {}
  const { user, groups, claims, ttl } = given
  if (user === undefined && command === 'gen-token') return { problem: '"gen-token" needs --user.' }
  if (user === undefined && (groups ?? claims) !== undefined) {
    return { problem: `--${groups === undefined ? 'claims' : 'groups'} needs --user: nobody else has any.` }
  }
  const object = claims === undefined ? {} : readObject(claims)
  if (object === undefined) return { problem: `--claims must be an object in JSON, such as '{"role": "admin"}'.` }
  if (ttl !== undefined && !/^[1-9]\d{0,8}$/.test(ttl)) {
    return { problem: `--ttl must be a whole number of seconds, at least 1, not "${ttl}".` }
  }
  const list = groups?.split(',').map((name) => name.trim())
  return {
    someone: {
      user,
      ...(list === undefined ? {} : { groups: list.filter((name) => name !== '') }),
      ...(claims === undefined ? {} : { claims: object }),
    },
    ...(ttl === undefined ? {} : { ttlSeconds: Number(ttl) }),
  }
}

function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    // What the parser says of it is not clearer.
    return undefined
  }
}

function isCommand(word: string): word is Command {
  return Object.hasOwn(COMMANDS, word)
}

function isClientCommand(word: string | undefined): word is ClientCommand {
  return (CLIENT_COMMANDS as readonly (string | undefined)[]).includes(word)
}

function isTopic(word: string): word is HelpTopic {
  return (HELP_TOPICS as readonly string[]).includes(word)
}
