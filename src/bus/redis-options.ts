/** How to reach Redis: the options, what ioredis makes of them, and how an address is shown without its credentials. */
import { readFileSync } from 'node:fs'
import type { RedisOptions } from 'ioredis'

/** The `redis` section of the configuration; times in milliseconds. */
export interface RedisBusOptions {
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly tls: {
    readonly enabled: boolean
    readonly rejectUnauthorized: boolean
    readonly caFile?: string | undefined
    readonly certFile?: string | undefined
    readonly keyFile?: string | undefined
    readonly serverName?: string | undefined
  }
  /** Put before every channel and pattern. */
  readonly keyPrefix: string
  readonly connectTimeoutMs: number
  /** How long an answer may take before the connection counts as dead. */
  readonly commandTimeoutMs: number
  readonly probeIntervalMs: number
  readonly reconnectMaxDelayMs: number
}

const FIRST_RECONNECT_DELAY_MS = 50

/** Errors: throws if a TLS file cannot be read. */
export function connectionOptions(options: RedisBusOptions): Omit<RedisOptions, 'replyMapping'> {
  const { tls } = options
  const read = (file: string | undefined): Buffer | undefined => (file === undefined ? undefined : readFileSync(file))
  return {
    lazyConnect: true,
    // Nothing waits in memory for Redis to come back: the sender is told, and decides.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // What was unanswered when a connection ended is rejected then. With null ioredis 6 never settles it.
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    connectTimeout: options.connectTimeoutMs,
    // The probe makes traffic; a connection without any for this long is dead.
    socketTimeout: options.probeIntervalMs + options.commandTimeoutMs,
    retryStrategy: (attempt: number) => reconnectDelay(attempt, options.reconnectMaxDelayMs),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(options.db === undefined ? {} : { db: options.db }),
    ...(tls.enabled
      ? {
          tls: {
            rejectUnauthorized: tls.rejectUnauthorized,
            ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
            ca: read(tls.caFile),
            cert: read(tls.certFile),
            key: read(tls.keyFile),
          },
        }
      : {}),
  }
}

/** Doubling from 50 ms, with jitter so that many bridges do not come back at once. */
function reconnectDelay(attempt: number, maxMs: number): number {
  const delay = Math.min(maxMs, FIRST_RECONNECT_DELAY_MS * 2 ** Math.min(attempt - 1, 16))
  return Math.round(delay * (0.75 + Math.random() * 0.25))
}

/** Host and port of a Redis URL, or the socket path: never the credentials. */
export function describeAddress(url: string): string {
  if (url.startsWith('/')) return url.replace(/\?.*/s, '') // ioredis takes options, a password too, behind it
  try {
    const { hostname, port } = new URL(url.includes('://') ? url : `redis://${url}`)
    return `${hostname || 'localhost'}:${port || '6379'}`
  } catch {
    return 'the configured address'
  }
}
