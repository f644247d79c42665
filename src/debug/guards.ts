/**
 * Owns who may use an operation of the debug API: whoever may use the debugger, and whoever has an API key with a scope
 * for it.
 */
import type { MiddlewareHandler } from 'hono'
import { HttpError, type HttpEnv } from '../http/json-error.ts'
import { bearerOf, createKeyGuard, type AttemptLimit, type KeyRing, type Scope } from '../http/key-guard.ts'

/** API keys, where access is configured. */
export interface BackendKeys {
  readonly keys: KeyRing
  readonly attempts: AttemptLimit
}

/** Makes the guard of an operation that API keys with one of these scopes may use. */
export type GuardFor = (...scopes: readonly Scope[]) => MiddlewareHandler<HttpEnv>

/** Returns what makes guards. `debug`: undefined where the debug API is off. */
export function guardsOf(debug: MiddlewareHandler<HttpEnv> | undefined, backends: BackendKeys | undefined): GuardFor {
  if (!backends) return () => debug ?? nobody
  const { keys, attempts } = backends
  const keyGuard = createKeyGuard(keys, attempts)
  return (...scopes) => {
    const byKey = keyGuard.require(...scopes)
    if (!debug) return byKey
    return async (c, next) => {
      const given = bearerOf(c)
      if (given !== undefined) attempts.check(c.env.remoteAddress)
      if (given !== undefined && keys.find(given)) return byKey(c, next)
      // What comes behind the guard fails for reasons of its own.
      let isIn = false
      try {
        await debug(c, async () => {
          isIn = true
          await next()
        })
      } catch (error) {
        const isGuess = given !== undefined && error instanceof HttpError && error.code === 'not-authenticated'
        if (isGuess && !isIn) attempts.failed(c.env.remoteAddress)
        throw error
      }
    }
  }
}

const nobody: MiddlewareHandler<HttpEnv> = () => {
  throw new HttpError('not-found', 'The debug API is off')
}
