/** How to reach a server: what a person fills in, saves, exports and sends to a colleague. Knows no connection. */
import { MAX_HEART_BEAT_MS } from '../../frames/index.ts'
import type { HeaderRow } from '../ui/parse-header-rows.ts'
import {
  readMessages,
  readSubscriptions,
  withoutRenewals,
  withoutSecretRows,
  type SavedMessage,
  type SavedSubscription,
} from './saved-work.ts'
import { isSecretName, isSecretSubProtocol, maskSubProtocols, stripUrl } from './secrets.ts'
import { completeUrl, problemOfUrl } from './url.ts'

export interface Profile {
  readonly name: string
  readonly url: string
  /** `raw` is a WebSocket without STOMP. */
  readonly mode: 'stomp' | 'raw'
  /** In the frames of SockJS, as Spring has it. */
  readonly isSockJs: boolean
  readonly version: 'all' | '1.2' | '1.1' | '1.0'
  /** `match` offers those of the versions; old servers want `none`. */
  readonly subProtocol: 'match' | 'none' | 'custom'
  /** Comma-separated. */
  readonly customSubProtocols: string
  /** The `host` header; empty is the host of the URL. */
  readonly host: string
  readonly login: string
  readonly passcode: string
  readonly token: string
  readonly tokenPlace: 'bearer' | 'header' | 'query'
  /** Of the header or parameter. */
  readonly tokenName: string
  /** Ask for errors with which the session goes on. */
  readonly hasSoftErrors: boolean
  readonly headers: readonly HeaderRow[]
  readonly heartBeatOutMs: number
  readonly heartBeatInMs: number
  readonly isReconnecting: boolean
  /** Subscribed when it connects. */
  readonly subscriptions: readonly SavedSubscription[]
  /** Offered to be sent again. */
  readonly messages: readonly SavedMessage[]
  /** Passcode, token and secret headers are saved too. */
  readonly isSavingSecrets: boolean
}

export function createProfile(url: string): Profile {
  return {
    name: '',
    url,
    mode: 'stomp',
    isSockJs: false,
    version: 'all',
    subProtocol: 'match',
    customSubProtocols: '',
    host: '',
    login: '',
    passcode: '',
    token: '',
    tokenPlace: 'bearer',
    tokenName: 'access_token',
    hasSoftErrors: false,
    headers: [],
    heartBeatOutMs: 10_000,
    heartBeatInMs: 10_000,
    isReconnecting: true,
    subscriptions: [],
    messages: [],
    isSavingSecrets: false,
  }
}

/** Do both lead to the same connection? What they are called and bring along does not matter. */
export function isSameConnection(a: Profile, b: Profile): boolean {
  const [first, second] = [a, b].map((profile) =>
    JSON.stringify({ ...profile, name: '', subscriptions: [], messages: [], isSavingSecrets: false }),
  )
  return first === second
}

/** What a tab is called. */
export function titleOf(profile: Pick<Profile, 'name' | 'url'>): string {
  if (profile.name.trim() !== '') return profile.name.trim()
  try {
    const { host, pathname } = new URL(completeUrl(profile.url, false))
    return `${host}${pathname === '/' ? '' : pathname}`
  } catch {
    // Half typed.
    return profile.url.trim() || 'New connection'
  }
}

/** Names that count as secret because the token goes there. */
export function secretNames(profile: Pick<Profile, 'tokenPlace' | 'tokenName'>): readonly string[] {
  return profile.tokenPlace === 'bearer' ? [] : [profile.tokenName]
}

export function withoutSecrets(profile: Profile): Profile {
  const also = secretNames(profile)
  return {
    ...profile,
    url: stripUrl(profile.url, also),
    customSubProtocols: withoutTokens(profile.customSubProtocols),
    passcode: '',
    token: '',
    headers: profile.headers.map((row) => (isSecretName(row.name, also) ? { ...row, value: '' } : row)),
    subscriptions: withoutSecretRows(profile.subscriptions, also),
    messages: withoutSecretRows(withoutRenewals(profile.messages), also),
    isSavingSecrets: false,
  }
}

function withoutTokens(subProtocols: string): string {
  const names = subProtocols.split(',')
  const left = names.filter((name) => !isSecretSubProtocol(name))
  return left.length === names.length ? subProtocols : left.join(',').trim()
}

export type ProfileProblems = Partial<Record<keyof Profile, string>>

/** What keeps a profile from being used, by field. */
export function problemsOf(profile: Profile): ProfileProblems {
  const problems: ProfileProblems = {}
  const url = problemOfUrl(profile.url)
  if (url !== undefined) problems.url = url
  const subProtocols = problemOfSubProtocols(subProtocolsOf(profile))
  if (subProtocols !== undefined) problems.customSubProtocols = subProtocols
  if (profile.mode === 'raw') return problems
  for (const field of ['heartBeatOutMs', 'heartBeatInMs'] as const) {
    if (!Number.isInteger(profile[field]) || profile[field] < 0) {
      problems[field] = 'A whole number of milliseconds, 0 for none'
    } else if (profile[field] > MAX_HEART_BEAT_MS) {
      problems[field] = `At most ${MAX_HEART_BEAT_MS} milliseconds, which is a day`
    }
  }
  if (profile.token !== '' && profile.tokenPlace !== 'bearer' && profile.tokenName.trim() === '') {
    problems.tokenName = 'Say which header or parameter carries the token'
  }
  return problems
}

/** Of names that browsers offer. RFC 6455, 4.1: each is a token of HTTP, and there once. */
const SUB_PROTOCOL = /^[!#$%&'*+.^`|~\w-]+$/

function problemOfSubProtocols(names: readonly string[]): string | undefined {
  const bad = names.find((name, index) => !SUB_PROTOCOL.test(name) || names.indexOf(name) < index)
  if (bad === undefined) return undefined
  const [shown] = maskSubProtocols([bad])
  return SUB_PROTOCOL.test(bad)
    ? `"${shown}" is there twice`
    : `"${shown}" cannot be offered: names of sub-protocols are ASCII, without blanks and ( ) < > @ ; : \\ " / [ ] ? = { }`
}

/** The URL to open: `http` is taken for `ws`, a token may go into the query, a fragment never goes anywhere. */
export function socketUrl(profile: Profile): string {
  const url = new URL(completeUrl(profile.url, false).replace(/^http/i, 'ws'))
  url.hash = ''
  if (profile.token !== '' && profile.tokenPlace === 'query') url.searchParams.set(profile.tokenName, profile.token)
  return url.href
}

export function versionsOf(profile: Profile): readonly string[] {
  return profile.version === 'all' ? ['1.2', '1.1', '1.0'] : [profile.version]
}

export function subProtocolsOf(profile: Profile): readonly string[] {
  if (profile.isSockJs) return []
  if (profile.subProtocol === 'custom') {
    return profile.customSubProtocols
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
  }
  if (profile.subProtocol === 'none' || profile.mode === 'raw') return []
  return versionsOf(profile).map((version) => `v${version.replace('.', '')}.stomp`)
}

/** The headers of CONNECT, but for those that the client sets itself. */
export function connectHeaders(profile: Profile): Record<string, string> {
  const headers: Record<string, string> = {}
  // Wanted since 1.1; a 1.0 server has no use for it.
  if (profile.version !== '1.0') headers['host'] = profile.host.trim() || new URL(socketUrl(profile)).hostname
  if (profile.login !== '') headers['login'] = profile.login
  if (profile.passcode !== '') headers['passcode'] = profile.passcode
  if (profile.token !== '' && profile.tokenPlace === 'bearer') headers['Authorization'] = `Bearer ${profile.token}`
  if (profile.token !== '' && profile.tokenPlace === 'header') headers[profile.tokenName.trim()] = profile.token
  if (profile.hasSoftErrors) headers['errors'] = 'soft'
  for (const { name, value } of profile.headers) if (name.trim() !== '') headers[name.trim()] = value
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [onOneLine(name), onOneLine(value)]))
}

/** CONNECT has no escapes: what ends a line or a frame could begin another frame that nobody has seen. */
function onOneLine(text: string): string {
  return text.replace(/[\0\r\n]/g, ' ')
}

/**
 * A profile out of JSON that somebody else may have written; undefined if it is none. Fields that are missing, of another
 * type or too long are as in `defaults`: cut, they would be others.
 */
export function readProfile(value: unknown, defaults: Profile): Profile | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const given = value as Readonly<Record<string, unknown>>
  if (typeof given['url'] !== 'string' || isTooLong(given['url'])) return undefined
  const profile: Record<string, unknown> = { ...defaults }
  for (const [field, standard] of Object.entries(defaults)) {
    const candidate = given[field]
    if (field === 'headers') profile[field] = readRows(candidate)
    else if (field === 'subscriptions') profile[field] = readSubscriptions(candidate, readRows, MAX_LENGTH)
    else if (field === 'messages') profile[field] = readMessages(candidate, readRows, MAX_LENGTH)
    else if (typeof candidate === typeof standard && isAllowed(field, candidate)) profile[field] = candidate
  }
  return profile as unknown as Profile
}

/** Nobody types more into one field; a file or a link might hold anything. */
const MAX_LENGTH = 8_192
const MAX_ROWS = 200

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > MAX_LENGTH
}

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  mode: ['stomp', 'raw'],
  version: ['all', '1.2', '1.1', '1.0'],
  subProtocol: ['match', 'none', 'custom'],
  tokenPlace: ['bearer', 'header', 'query'],
}

function isAllowed(field: string, value: unknown): boolean {
  const choices = CHOICES[field]
  return choices === undefined ? !isTooLong(value) : choices.includes(value as string)
}

function readRows(value: unknown): readonly HeaderRow[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, MAX_ROWS).flatMap((row: unknown) => {
    if (typeof row !== 'object' || row === null) return []
    const { name, value: text } = row as Partial<Record<string, unknown>>
    const isRow = typeof name === 'string' && typeof text === 'string' && !isTooLong(name) && !isTooLong(text)
    return isRow ? [{ name, value: text }] : []
  })
}
