/**
 * Owns how `redis.url` is read: host and port or the path of a Unix socket, TLS, credentials, database. What this does
 * not understand is a problem of the configuration, never a guess. No text here quotes the value: it may hold a password.
 */

/** Where a Redis is, and how to log in there. */
export interface RedisAddress {
  readonly isTls: boolean
  /** Undefined where it is a Unix socket. */
  readonly host: string | undefined
  readonly port: number
  /** Path of the Unix socket. */
  readonly path: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number | undefined
  /** IP version of the addresses that the host may have: 4, 6, or 0 for both. */
  readonly family: number | undefined
}

const DEFAULT_PORT = 6379

/** What may stand behind the `?`, for all kinds of address. */
const QUERY_NAMES = ['db', 'family', 'username', 'password']

/** A path, or `scheme://user:password@/path`, where URL parsers take no credentials. */
const SOCKET = /^(?:(redis|rediss|unix):\/\/(?:([^@/?#]*)@)?)?(\/[^/?#][^?#]*)(?:\?([^#]*))?$/
/** `redis:///2` is database 2 of localhost, as every Redis client reads it. */
const LOCAL_DATABASE = /^rediss?:\/\/\/\d*([?#]|$)/
const HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/

/** Returns the address, or what is wrong with it as a phrase that continues `redis.url`: `must be …`. */
export function readRedisUrl(url: string): RedisAddress | { readonly problem: string } {
  try {
    return addressOf(url)
  } catch (error) {
    if (error instanceof UrlProblem) return { problem: error.message }
    throw error
  }
}

/** Errors: throws an Error that says what is wrong, without the value. */
export function parseRedisUrl(url: string): RedisAddress {
  const address = readRedisUrl(url)
  if ('problem' in address) throw new Error(`redis.url ${address.problem}`)
  return address
}

class UrlProblem extends Error {}

function addressOf(url: string): RedisAddress {
  if (/\$\{/.test(url)) throw new UrlProblem('has a ${…} that nothing has replaced; a "$" that is meant is written %24')
  const socket = LOCAL_DATABASE.test(url) ? null : SOCKET.exec(url)
  if (socket) {
    const [, scheme, credentials = '', path = '', query = ''] = socket
    const [username, ...password] = credentials.split(':')
    return {
      isTls: scheme === 'rediss',
      host: undefined,
      port: DEFAULT_PORT,
      path: decoded(path),
      ...withQuery(query, { username: decoded(username ?? ''), password: decoded(password.join(':')), db: '' }),
    }
  }
  return networkAddressOf(url)
}

function networkAddressOf(url: string): RedisAddress {
  const scheme = /^(rediss?):\/\//.exec(url)?.[1]
  if (scheme === undefined || !URL.canParse(url)) {
    throw new UrlProblem(
      'must be a redis:// or rediss:// URL, or a Unix socket as unix:///path or its path; ' +
        'a password in it must be percent-encoded, and a port is a number from 1 to 65535',
    )
  }
  const { hostname, port, pathname, username, password, search, hash } = new URL(url)
  if (hostname !== '' && !HOST.test(hostname)) {
    throw new UrlProblem('has a host that is no name and no address; a password in it must be percent-encoded')
  }
  if (port === '0') throw new UrlProblem('has port 0; a port is a number from 1 to 65535')
  const db = /^\/?(\d*)$/.exec(pathname)?.[1]
  if (db === undefined) throw new UrlProblem('must have nothing but the number of a database behind the host')
  if (hash !== '') throw new UrlProblem('has a "#"; in a password it is written %23')
  return {
    isTls: scheme === 'rediss',
    host: hostname === '' ? 'localhost' : hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? DEFAULT_PORT : Number(port),
    path: undefined,
    ...withQuery(search.slice(1), { username: decoded(username), password: decoded(password), db }),
  }
}

type Rest = Pick<RedisAddress, 'username' | 'password' | 'db' | 'family'>

/** What stands before the `?` beats what stands behind it. */
function withQuery(query: string, before: { username: string; password: string; db: string }): Rest {
  const behind = new Map(new URLSearchParams(query))
  for (const name of behind.keys()) {
    if (!QUERY_NAMES.includes(name)) {
      throw new UrlProblem(`has an option behind the "?" that is not known; these are: ${QUERY_NAMES.join(', ')}`)
    }
  }
  const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value)
  return {
    username: text(before.username) ?? text(behind.get('username')),
    password: text(before.password) ?? text(behind.get('password')),
    db: wholeNumber('db', text(before.db) ?? text(behind.get('db')), 65_535),
    family: wholeNumber('family', text(behind.get('family')), 6),
  }
}

function wholeNumber(name: string, value: string | undefined, max: number): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d+$/.test(value) || Number(value) > max) {
    throw new UrlProblem(`has a ${name} that is not a whole number from 0 to ${max}`)
  }
  return Number(value)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new UrlProblem(
      'has a "%" that is not followed by two hexadecimal digits; a "%" that is meant is written %25',
      {
        cause,
      },
    )
  }
}

/** Returns where a Redis is, for people: never the credentials. */
export function describeRedisUrl(url: string): string {
  const address = readRedisUrl(url)
  if ('problem' in address) return 'the configured address'
  const { host, port, path } = address
  return path ?? `${host?.includes(':') ? `[${host}]` : host}:${port}`
}

/** One server of several that are named, by host and port. */
export interface RedisNode {
  readonly host: string
  readonly port: number
  /** The name that it says it has, where that is not the host. */
  readonly hostname?: string
}

const NODE = /^(?:redis:\/\/)?([^/@?#\s]+?)(?::(\d+))?\/?$/

/** Returns where one of `redis.sentinels` or `redis.cluster` is, or what is wrong with it as a phrase: `must be …`. */
export function readRedisNode(text: string, defaultPort: number): RedisNode | { readonly problem: string } {
  const [, host = '', port = String(defaultPort)] = NODE.exec(text) ?? []
  if (!HOST.test(host) || Number(port) < 1 || Number(port) > 65_535) {
    return {
      problem:
        'must be host:port, without anything else: user name, password and TLS have settings of their own, ' +
        'and an IPv6 address stands in brackets',
    }
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

export const SENTINEL_PORT = 26_379
export const CLUSTER_PORT = DEFAULT_PORT

/** Errors: throws an Error that says what is wrong, without the value. */
export function parseRedisNode(text: string, defaultPort: number): RedisNode {
  const node = readRedisNode(text, defaultPort)
  if ('problem' in node) throw new Error(`A server ${node.problem}`)
  return node
}

/** Returns `host:port`, as it is written in a URL. */
export function nodeText({ host, port }: RedisNode): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The settings that say where Redis is. */
export interface RedisPlace {
  readonly url?: string | undefined
  readonly sentinels?: readonly string[] | undefined
  readonly masterName?: string | undefined
  readonly cluster?: readonly string[] | undefined
}

/** Is there a Redis at all? */
export function hasRedis({ url, sentinels = [], cluster = [] }: RedisPlace): boolean {
  return url !== undefined || sentinels.length > 0 || cluster.length > 0
}

/** Returns what and where it is, for people: never credentials. */
export function describeRedis({ url = '', sentinels = [], masterName, cluster = [] }: RedisPlace): string {
  const list = (nodes: readonly string[], port: number): string =>
    nodes.map((text) => nodeText(parseRedisNode(text, port))).join(', ')
  if (sentinels.length > 0) return `Redis "${masterName}" by the Sentinels ${list(sentinels, SENTINEL_PORT)}`
  if (cluster.length > 0) return `Redis Cluster at ${list(cluster, CLUSTER_PORT)}`
  return `Redis at ${describeRedisUrl(url)}`
}
