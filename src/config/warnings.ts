/** Owns what is legal in a configuration and may still not be meant: it lets in more, or less, than it seems to. */
import ipaddr from 'ipaddr.js'
import { isLoopback } from './debugger.ts'
import type { Config } from './schema.ts'

type Access = NonNullable<Config['access']>

/** A ticket is to be used at once. */
const LONG_TICKET_SECONDS = 300
const SHORT_KEY_LENGTH = 16

/** Returns what should be thought over, one line each: the place, and what it means. */
export function configWarnings(config: Config): string[] {
  return [
    ...(config.access ? [...accessWarnings(config.access), ...placeWarnings(config)] : openWarnings(config)),
    ...rangeWarnings('server.trustedProxies', config.server.trustedProxies, 'everybody can say what their address is'),
    ...presetWarnings(config),
  ]
}

function openWarnings({ server, tcp }: Config): string[] {
  const places = [
    { name: 'server.host', host: server.host },
    ...(tcp.enabled ? [{ name: 'tcp.host', host: tcp.host }] : []),
  ]
  return places
    .filter(({ host }) => !isLoopback(host))
    .map(
      ({ name, host }) => `${name} is ${host} and there is no access: anyone who can reach it may subscribe and send`,
    )
}

function accessWarnings(access: Access): string[] {
  return [
    ...emptyWarnings(access),
    ...access.authenticators.flatMap((authenticator, index) =>
      authenticatorWarnings(authenticator, `access.authenticators[${index}]`),
    ),
    ...unaskedWarnings(access),
    ...ticketWarnings(access),
    ...ruleWarnings(access),
    ...access.apiKeys.flatMap(({ key }, index) =>
      key !== undefined && key.length < SHORT_KEY_LENGTH
        ? [
            `access.apiKeys[${index}].key has fewer than ${SHORT_KEY_LENGTH} characters: stomp-bridge gen-api-key makes one`,
          ]
        : [],
    ),
  ]
}

function emptyWarnings({ authenticators, rules }: Access): string[] {
  if (authenticators.length === 0) return ['access.authenticators is empty: no client can come in']
  if (rules.length > 0) return []
  return ['access.rules is empty: clients may subscribe to what is addressed to themselves, and to nothing else']
}

function authenticatorWarnings(authenticator: Access['authenticators'][number], at: string): string[] {
  switch (authenticator.type) {
    case 'jwt':
      return [
        ...plainWarnings(`${at}.jwksUrl`, authenticator.jwksUrl, 'who is in between can replace the keys'),
        ...(authenticator.jwksUrl !== undefined && authenticator.audience === undefined
          ? [`${at}.audience is missing: tokens that were issued for other services are accepted too`]
          : []),
      ]
    case 'callback':
      return [
        ...plainWarnings(`${at}.url`, authenticator.url, 'who is in between can read tokens, and let anyone in'),
        ...(authenticator.userFrom === 'token'
          ? [`${at}.userFrom is token: the token becomes a name that others can see, so it must be no secret`]
          : []),
      ]
    case 'ticket':
      return authenticator.ttlSeconds > LONG_TICKET_SECONDS
        ? [
            `${at}.ttlSeconds is over ${LONG_TICKET_SECONDS}: a ticket stands in URLs and logs, and should be used at once`,
          ]
        : []
    case 'proxy':
      return rangeWarnings(`${at}.trustedAddresses`, authenticator.trustedAddresses, 'everybody can be any user')
    case 'users':
    case 'anonymous':
      return []
  }
}

/** Of two for one algorithm the first one decides on every token. */
function unaskedWarnings({ authenticators }: Access): string[] {
  return authenticators.flatMap((authenticator, index) => {
    if (authenticator.type !== 'jwt') return []
    const first = authenticators.findIndex(
      (each) => each.type === 'jwt' && each.algorithms.some((name) => authenticator.algorithms.includes(name)),
    )
    if (first === index) return []
    return [
      `access.authenticators[${index}] is never asked about tokens of an algorithm that access.authenticators[${first}] takes: what that one refuses is refused`,
    ]
  })
}

/** HTTP without TLS to another machine. */
function plainWarnings(at: string, url: string | undefined, what: string): string[] {
  if (url === undefined) return []
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !isLoopback(hostname) ? [`${at} is http: to another machine: ${what}`] : []
}

function ticketWarnings({ authenticators, apiKeys }: Access): string[] {
  const types = authenticators.map(({ type }) => type)
  const canBeIssued =
    types.some((type) => type !== 'ticket' && type !== 'anonymous') ||
    apiKeys.some(({ scopes }) => scopes.includes('tickets'))
  if (!types.includes('ticket') || canBeIssued) return []
  return ['Nobody can get a ticket: there is no other authenticator, and no API key with the scope tickets']
}

function ruleWarnings({ authenticators, rules }: Access): string[] {
  const letsAnonymousIn = authenticators.some(({ type }) => type === 'anonymous')
  /** Does a rule deny what a later one allows to everyone? */
  const isOutrun = (index: number): boolean => {
    const { deny, users, groups, claims } = rules[index]!
    if (!letsAnonymousIn || deny === undefined || (users ?? groups ?? claims) !== undefined) return false
    const actions = [deny].flat()
    return rules
      .slice(index + 1)
      .some(({ allow = [], anonymous }) => anonymous === true && [allow].flat().some((each) => actions.includes(each)))
  }
  return rules.flatMap(({ allow = [], destination, anonymous }, index) => {
    const at = `access.rules[${index}]`
    if (anonymous !== true)
      return isOutrun(index)
        ? [`${at} denies only clients that are authenticated; a later rule lets anonymous ones in: add anonymous: true`]
        : []
    return [
      ...(letsAnonymousIn && [allow].flat().includes('send')
        ? [`${at} lets anyone send to "${destination}", also who is not authenticated`]
        : []),
    ]
  })
}

/** Rules for places that they do not decide on. */
function placeWarnings({ access, broker, snapshots }: Config): string[] {
  const subscribable = [...broker.prefixes, ...snapshots.map(({ destination }) => destination)].map(firstSegment)
  const sendable = [
    ...broker.prefixes.map(firstSegment),
    ...broker.applicationPrefixes.map(firstSegment),
    ...ADDRESSES,
    'bridge',
  ]
  return (access?.rules ?? []).flatMap(({ allow, deny, destination }, index) => {
    const root = firstSegment(destination)
    if (/[*?{]/.test(root)) return []
    const at = `access.rules[${index}]`
    if ([allow ?? deny].flat().includes('send')) {
      return sendable.includes(root) ? [] : [`${at}: nothing can be sent below /${root}`]
    }
    if (ADDRESSES.includes(root)) {
      return [
        `${at} is never asked: below /${root} clients may subscribe to what is addressed to them, and to nothing else`,
      ]
    }
    return subscribable.includes(root) || root === 'presence' ? [] : [`${at}: nothing below /${root} can be subscribed`]
  })
}

/** Below these users, groups and sessions are reached, whatever the prefixes are. */
const ADDRESSES: readonly string[] = ['user', 'group', 'session']

function firstSegment(destination: string): string {
  return destination.split('/', 2)[1] ?? ''
}

function rangeWarnings(at: string, ranges: readonly string[], what: string): string[] {
  const all = ranges.find((range) => range.includes('/') && ipaddr.parseCIDR(range)[1] === 0)
  return all === undefined ? [] : [`${at} has ${all}, which is every address: ${what}`]
}

function presetWarnings({ endpoints, routes }: Config): string[] {
  const index = endpoints.findIndex(({ preset }) => preset === 'ws4redis')
  const isFed = routes.inbound.some((route) => 'channel' in route && route.channel.startsWith('broadcast:'))
  if (index < 0 || isFed) return []
  const route = `{ preset: ws4redis, facility: '{name}' }`
  return [`endpoints[${index}] has preset: ws4redis, but no route brings its channels: routes.inbound needs ${route}`]
}
