/** What the commands around `access` ask of its parts: is this token good, and which rule decides. */
import { createAuthenticators } from './access/authenticators.ts'
import type { Credentials } from './access/authenticator.ts'
import { bareHandshake } from './access/handshake.ts'
import { headerOf } from './access/jwt.ts'
import { Rules } from './access/rules.ts'
import { MemoryTicketStore } from './access/ticket-store.ts'
import { faultOf } from './access/verdict.ts'
import { ProtocolError } from './errors.ts'
import type { Log } from './log.ts'
import { systemClock } from './clock.ts'
import { Metrics } from './metrics.ts'
import type { CheckToken, ExplainRules } from './access-commands.ts'

/** Those that look at a token. A ticket would be used up. */
const ASKED: readonly string[] = ['jwt', 'callback']

/** Asks them in their order, as for a login. */
export const checkToken: CheckToken = async ({ authenticators: settings }, token) => {
  const metrics = new Metrics()
  const log = new ReasonLog()
  try {
    const { authenticators, tickets } = createAuthenticators(settings, {
      clock: systemClock,
      ticketStore: new MemoryTicketStore(systemClock),
      metrics,
      log,
    })
    if (tickets?.isTicket(token)) return { cannotTell: 'this is a ticket, and looking at it would use it up' }
    const credentials = credentialsOf(token)
    for (const [index, authenticator] of authenticators.entries()) {
      if (!ASKED.includes(authenticator.type)) continue
      const verdict = await authenticator.authenticate(credentials)
      if (verdict === 'not-mine') continue
      if (verdict === 'refused') {
        const reason = authenticator.type === 'callback' ? 'the service says no' : log.reason
        return { authenticator: index, identity: undefined, reason }
      }
      const { clockToleranceSeconds: toleranceSeconds = 0 } = authenticator
      const fault = faultOf(verdict, { now: Date.now() / 1000, toleranceSeconds })
      if (fault === undefined) return { authenticator: index, identity: verdict }
      const reason = fault === 'expired' ? 'it has expired' : 'the name of the user cannot be used'
      return { authenticator: index, identity: undefined, reason }
    }
    return { authenticator: undefined, identity: undefined, reason: unknownReason(token) }
  } catch (error) {
    if (!(error instanceof ProtocolError && error.code === 'auth-unavailable')) throw error
    const cause = error.cause instanceof Error ? error.cause.message : error.message
    return { cannotTell: `the auth or key server failed (${cause})` }
  } finally {
    metrics.close()
  }
}

export const explainRules: ExplainRules = ({ rules }, identity, action, destination) =>
  new Rules(rules).explain(identity, action, destination)

/** Keeps why the last token was refused; the authenticators tell only a log. */
class ReasonLog implements Log {
  reason: string | undefined

  debug({ reason }: Readonly<Record<string, unknown>>): void {
    if (typeof reason === 'string') this.reason = reason
  }

  info(): void {}

  warn(): void {}

  error(): void {}
}

/** Why nobody knows it. Of the token no more is shown than the name of an algorithm. */
function unknownReason(token: string): string {
  if (/^bearer\s/i.test(token)) return 'the word "Bearer" is no part of it'
  const alg = headerOf(token)?.alg
  if (alg === undefined || !/^\w{1,10}$/.test(alg)) return 'it is no JWT, and there is no callback to ask'
  return `none of them takes tokens that are signed with ${alg}`
}

function credentialsOf(token: string): Credentials {
  return {
    token,
    login: undefined,
    passcode: undefined,
    remoteAddress: '',
    handshake: bareHandshake(''),
    signal: new AbortController().signal,
    header: () => undefined,
  }
}
