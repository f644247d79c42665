/**
 * Owns which refused requests the log tells an operator of, and in which words: pages that may not come here, a wrong
 * token, a node that is full or stopping. Strangers cause these lines, so they are few, short and without control
 * characters.
 */
import type { Context } from 'hono'
import { LogBudget, type Log } from '../log.ts'
import type { HttpEnv, HttpError, HttpErrorCode } from './json-error.ts'

const LEVELS: Partial<Record<HttpErrorCode, 'info' | 'warn'>> = {
  'forbidden-origin': 'warn',
  'forbidden-host': 'warn',
  'not-authenticated': 'warn',
  'too-many-sessions': 'warn',
  'too-many-sessions-of-address': 'warn',
  'too-many-sessions-of-user': 'warn',
  'too-many-connects': 'warn',
  'node-busy': 'warn',
  'too-many-tails': 'warn',
  'shutting-down': 'info',
}

/** Lines of one code in a window; a flood of one kind leaves the others theirs. */
const LINES_PER_WINDOW = 5
/** Longest header or path that is logged, in characters. */
const MAX_SHOWN = 200

export class RefusalLog {
  readonly #log: Log
  readonly #budgets = new Map<HttpErrorCode, LogBudget>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Logs the refusal if it is one that an operator looks for. */
  note(c: Context<HttpEnv>, { code, message }: HttpError): void {
    const level = LEVELS[code]
    if (level === undefined || !this.#budgetOf(code).take()) return
    const fields = {
      code,
      reason: message,
      method: c.req.method,
      // Without the query, which may hold a secret.
      path: shown(c.req.path),
      origin: shown(c.req.header('origin')),
      host: shown(c.req.header('host')),
      address: c.env.remoteAddress,
      request: c.get('requestId'),
    }
    this.#log[level](fields, 'A request was refused')
  }

  #budgetOf(code: HttpErrorCode): LogBudget {
    let budget = this.#budgets.get(code)
    if (!budget) {
      budget = new LogBudget(LINES_PER_WINDOW)
      this.#budgets.set(code, budget)
    }
    return budget
  }
}

/** Returns text of a stranger's as a line of the log may hold it. */
export function shown(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const short = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text
  return short.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
