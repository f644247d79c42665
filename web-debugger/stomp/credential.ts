/** What a profile brings to say who it is, and where it stands. Knows what a bridge reads; it proves nothing. */
import type { Profile } from './profile.ts'

/** Parameters of the URL that this bridge reads unless told otherwise. */
const TICKET = 'ticket'
const TOKEN = 'access_token'

type Brings = Pick<Profile, 'url' | 'login' | 'passcode' | 'token' | 'tokenPlace' | 'tokenName'>

/** The ticket in a URL, which opens one connection; undefined if there is none. */
export function ticketIn(url: string): string | undefined {
  return parameterOf(url, TICKET)
}

/** The URL without its ticket. One that was used, or is old, is good for nothing. */
export function withoutTicket(url: string): string {
  if (ticketIn(url) === undefined) return url
  const [start, fragment] = url.split('#', 2) as [string, string?]
  const [path, query = ''] = start.split('?', 2) as [string, string?]
  const left = query.split('&').filter((pair) => pair.split('=', 1)[0] !== TICKET)
  return path + (left.length > 0 ? `?${left.join('&')}` : '') + (fragment === undefined ? '' : `#${fragment}`)
}

/** Does a credential go with the handshake? It wins then: those of CONNECT are not looked at. */
export function isInHandshake(profile: Brings): boolean {
  const { url, token, tokenPlace } = profile
  return (
    ticketIn(url) !== undefined || parameterOf(url, TOKEN) !== undefined || (token !== '' && tokenPlace === 'query')
  )
}

/** The token by which a server knows who it is; undefined if it is something else, such as a ticket or a password. */
export function tokenOf(profile: Brings): string | undefined {
  const { url, login, passcode, token, tokenPlace } = profile
  if (token !== '' && tokenPlace === 'query') return token
  if (ticketIn(url) !== undefined) return undefined
  const own = login === '' ? passcode : ''
  return parameterOf(url, TOKEN) ?? (token || own || undefined)
}

/** The profile with a newer token where its token stands. As it was if it has none. */
export function withToken<P extends Brings>(profile: P, token: string): P {
  const { url } = profile
  if (profile.token !== '') return { ...profile, token }
  if (ticketIn(url) !== undefined || tokenOf(profile) === undefined) return profile
  if (parameterOf(url, TOKEN) === undefined) return { ...profile, passcode: token }
  const changed = new URL(url)
  changed.searchParams.set(TOKEN, token)
  return { ...profile, url: changed.href }
}

function parameterOf(url: string, name: string): string | undefined {
  try {
    return new URL(url.trim()).searchParams.get(name) || undefined
  } catch {
    // Half typed.
    return undefined
  }
}
