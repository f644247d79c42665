/**
 * What is told of each request that was answered: a line of the log, if those are wanted, and a count by where it went.
 * No query is in it, as that may hold a secret, and no session of SockJS, as whoever knows its name can read it.
 */
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { traceIdOf } from '../trace-context.ts'
import type { HttpEnv } from './json-error.ts'
import { shown } from './refusal-log.ts'
import { givenRequestId } from './request-id.ts'
import { traceOf } from './traced.ts'
import { isHandshake } from './upgrade.ts'

export interface RequestLogOptions {
  /** Every request at `info`, or else at `debug`? */
  readonly isAccessLog: boolean
  /** Path of the STOMP endpoint, below which sessions of SockJS have names. */
  readonly stompPath: string
}

/** Routes that stand for every path. */
const ANY = new Set(['*', '/*'])

export class RequestLog {
  readonly #log: Log
  readonly #level: 'info' | 'debug'
  readonly #metrics: Pick<Metrics, 'httpAnswered'>
  /** What stands before the two names of a session of SockJS. */
  readonly #sockJsBase: string

  constructor({ isAccessLog, stompPath }: RequestLogOptions, log: Log, metrics: Pick<Metrics, 'httpAnswered'>) {
    this.#log = log
    this.#level = isAccessLog ? 'info' : 'debug'
    this.#metrics = metrics
    this.#sockJsBase = `${stompPath.replace(/\/$/, '')}/`
  }

  /** `begunMs`: by `performance.now()`. Call it when the request was answered by the handlers of the app. */
  answered(c: Context<HttpEnv>, begunMs: number): void {
    const route = routePath(c)
    // What stands for an upgrade has no status of its own.
    const status = isHandshake(c) && c.res.ok ? 101 : c.res.status
    this.note(c, ANY.has(route) ? 'other' : route, status, begunMs)
  }

  /** The same where it is known. */
  note(c: Context<HttpEnv>, route: string, status: number, begunMs: number): void {
    this.#metrics.httpAnswered(route, status)
    const trace = traceOf(c)
    const fields = {
      method: c.req.method,
      path: this.#shownPath(c.req.path),
      status,
      ms: Math.round((performance.now() - begunMs) * 10) / 10,
      address: c.env.remoteAddress,
      request: c.get('requestId') ?? givenRequestId(c.req.raw.headers),
      trace: trace && traceIdOf(trace),
    }
    this.#log[this.#level](fields, 'HTTP request')
  }

  #shownPath(path: string): string | undefined {
    if (!path.startsWith(this.#sockJsBase)) return shown(path)
    const [server, session, ...rest] = path.slice(this.#sockJsBase.length).split('/')
    return shown(session === undefined || rest.length === 0 ? path : `${this.#sockJsBase}${server}/*/${rest.join('/')}`)
  }
}
