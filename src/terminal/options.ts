/**
 * Owns what the arguments of `tail` and `send` mean. Reads no file: the profile of the web debugger that they may name
 * is read by whoever connects.
 */
import { readArguments, type ArgumentProblem, type OptionShape } from '../arguments.ts'

/** How to reach the server. */
export interface ServerOptions {
  /** Undefined: that of the profile. */
  readonly url: string | undefined
  /** A file that the web debugger has exported, or a link to a connection that it has made. */
  readonly profile: string | undefined
  /** Which one of the file. */
  readonly profileName: string | undefined
  readonly login: string | undefined
  /** The `host` header of CONNECT. */
  readonly virtualHost: string | undefined
  readonly connectHeaders: Headers
}

export type Headers = Readonly<Record<string, string>>

export interface TailOptions extends ServerOptions {
  readonly destinations: readonly string[]
  /** Of SUBSCRIBE. */
  readonly headers: Headers
  readonly from: StartingPoint
  /** End after so many messages. */
  readonly count: number | undefined
  readonly timeoutMs: number | undefined
  readonly format: 'body' | 'verbose' | 'json'
  /** Acknowledge each message that was printed. */
  readonly acknowledges: boolean
}

/** Where in the history of a destination to begin. */
export interface StartingPoint {
  readonly last?: number
  readonly sinceTime?: number
  readonly position?: { readonly epoch: string; readonly offset: string }
}

export interface SendOptions extends ServerOptions {
  readonly destination: string
  /** Undefined: standard input. */
  readonly body: string | undefined
  /** Each line of standard input is a message. */
  readonly isLines: boolean
  readonly headers: Headers
  readonly timeoutMs: number
}

const SERVER_SHAPES = {
  profile: { type: 'string' },
  'profile-name': { type: 'string' },
  login: { type: 'string' },
  vhost: { type: 'string' },
  'connect-header': { type: 'string' },
  header: { type: 'string', short: 'H' },
  timeout: { type: 'string' },
} as const satisfies Record<string, OptionShape>

const TAIL_SHAPES = {
  ...SERVER_SHAPES,
  since: { type: 'string' },
  last: { type: 'string' },
  count: { type: 'string', short: 'n' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean', short: 'v' },
  ack: { type: 'boolean' },
} as const satisfies Record<string, OptionShape>

const SEND_SHAPES = {
  ...SERVER_SHAPES,
  'content-type': { type: 'string' },
  lines: { type: 'boolean' },
} as const satisfies Record<string, OptionShape>

/** Headers that the commands set themselves. */
const OF_SUBSCRIBE = ['destination', 'id', 'ack', 'receipt']
const OF_SEND = ['destination', 'receipt', 'transaction', 'content-length']

const SEND_TIMEOUT_SECONDS = 15
const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Thrown and caught here: what is wrong, in one line. */
class Wrong extends Error {}

/** `nowMs`: milliseconds since 1970. */
export function readTailOptions(argv: readonly string[], nowMs: number): TailOptions | ArgumentProblem {
  return orProblem(() => {
    const read = readArguments(argv, TAIL_SHAPES)
    if ('problem' in read) return read
    const { given } = read
    const { server, words } = readServer('tail', given, read.words)
    if (words.length === 0) throw new Wrong('"tail" needs a DESTINATION: see "help tail".')
    if (given.json && given.verbose) throw new Wrong('--json says all that --verbose does: give one of them.')
    return {
      ...server,
      destinations: words.map(readDestination),
      headers: readHeaders('--header', given.header, OF_SUBSCRIBE),
      from: readStart(lastOf(given.since), lastOf(given.last), nowMs),
      count: given.count && readCount('--count', lastOf(given.count)!, 1),
      timeoutMs: given.timeout && readSeconds(lastOf(given.timeout)!),
      format: given.json ? 'json' : given.verbose ? 'verbose' : 'body',
      acknowledges: given.ack !== undefined,
    }
  })
}

export function readSendOptions(argv: readonly string[]): SendOptions | ArgumentProblem {
  return orProblem(() => {
    const read = readArguments(argv, SEND_SHAPES)
    if ('problem' in read) return read
    const { given } = read
    const { server, words } = readServer('send', given, read.words)
    const [destination, body, more] = words
    if (destination === undefined) throw new Wrong('"send" needs a DESTINATION: see "help send".')
    if (more !== undefined) throw new Wrong('"send" takes one body: put it into quotes.')
    const isLines = given.lines !== undefined
    if (isLines && body !== undefined && body !== '-')
      throw new Wrong('--lines reads standard input: leave the body out.')
    const contentType = lastOf(given['content-type'])
    return {
      ...server,
      destination: readDestination(destination),
      body: body === '-' ? undefined : body,
      isLines,
      headers: {
        ...readHeaders('--header', given.header, OF_SEND),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
      },
      timeoutMs: given.timeout ? readSeconds(lastOf(given.timeout)!) : SEND_TIMEOUT_SECONDS * 1000,
    }
  })
}

function orProblem<T>(read: () => T | ArgumentProblem): T | ArgumentProblem {
  try {
    return read()
  } catch (error) {
    if (error instanceof Wrong) return { problem: error.message }
    throw error
  }
}

type GivenServer = Partial<Record<keyof typeof SERVER_SHAPES, readonly string[]>>

/** A profile has its URL; without one the URL is the first word. */
function readServer(
  command: string,
  given: GivenServer,
  words: readonly string[],
): { readonly server: ServerOptions; readonly words: readonly string[] } {
  const profile = lastOf(given.profile)
  const url = profile === undefined ? words[0] : undefined
  if (profile === undefined && url === undefined) throw new Wrong(`"${command}" needs a URL: see "help ${command}".`)
  const server: ServerOptions = {
    url: url === undefined ? undefined : readUrl(url),
    profile,
    profileName: lastOf(given['profile-name']),
    login: lastOf(given.login),
    virtualHost: lastOf(given.vhost),
    connectHeaders: readHeaders('--connect-header', given['connect-header']),
  }
  return { server, words: profile === undefined ? words.slice(1) : words }
}

/** `localhost:8080` is understood, and so is the URL of a page. */
function readUrl(text: string): string {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text.replace(/^http/i, 'ws') : `ws://${text}`
  if (!URL.canParse(full) || !/^wss?:$/.test(new URL(full).protocol)) {
    throw new Wrong(`"${text}" is no URL of a WebSocket, such as ws://localhost:8080/stomp.`)
  }
  const url = new URL(full)
  if (url.pathname === '/') url.pathname = '/stomp'
  url.hash = ''
  return url.href
}

function readDestination(text: string): string {
  if (text === '') throw new Wrong('A destination must not be empty.')
  return text
}

/** `own`: the names of headers that are not given so. */
function readHeaders(option: string, given: readonly string[] = [], own: readonly string[] = []): Headers {
  const headers: Record<string, string> = {}
  for (const text of given) {
    const colon = text.indexOf(':')
    if (colon < 1) throw new Wrong(`${option} must be 'name: value', not "${text}".`)
    const name = text.slice(0, colon).trim()
    // In STOMP the first counts, and so the second one would say nothing.
    if (Object.hasOwn(headers, name)) throw new Wrong(`${option} gives "${name}" twice.`)
    if (own.includes(name)) throw new Wrong(`${option} cannot be "${name}": the command itself says what that is.`)
    headers[name] = text.slice(colon + 1).replace(/^ /, '')
  }
  return headers
}

function readStart(since: string | undefined, last: string | undefined, nowMs: number): StartingPoint {
  if (since !== undefined && last !== undefined) throw new Wrong('Give --since or --last, not both.')
  if (last !== undefined) return { last: readCount('--last', last, 0) }
  if (since === undefined) return {}
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(since) ?? []
  if (amount !== undefined) return { sinceTime: Math.max(0, nowMs - Number(amount) * UNITS_MS[unit!]!) }
  const [, epoch, offset] = /^([^/\s]+)\/(\d{1,20}(?:-\d{1,20})?)$/.exec(since) ?? []
  if (epoch !== undefined) return { position: { epoch, offset: offset! } }
  const time = /^\d{4}-\d\d-\d\d/.test(since) ? Date.parse(since) : NaN
  if (Number.isNaN(time)) {
    throw new Wrong(`--since must be an age such as 10m, a time such as 2026-01-31T12:00:00Z, or EPOCH/OFFSET.`)
  }
  return { sinceTime: Math.max(0, time) }
}

function readCount(option: string, text: string, least: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    throw new Wrong(`${option} must be a whole number, at least ${least}, not "${text}".`)
  }
  return Number(text)
}

function readSeconds(text: string): number {
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text) || Number(text) === 0) {
    throw new Wrong(`--timeout must be a number of seconds, more than 0, not "${text}".`)
  }
  return Number(text) * 1000
}

function lastOf(values: readonly string[] | undefined): string | undefined {
  return values?.at(-1)
}
