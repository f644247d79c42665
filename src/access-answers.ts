/** What the commands around `access` ask of its parts: is this token good, and which rule decides. */
import { createAuthenticators } from './access/authenticators.ts'
import type { Credentials } from './access/authenticator.ts'
import { bareHandshake } from './access/handshake.ts'
import { Rules } from './access/rules.ts'
import { MemoryTicketStore } from './access/ticket-store.ts'
import { silentLog } from './log.ts'
import { systemClock } from './clock.ts'
import { Metrics } from './metrics.ts'
import type { CheckToken, ExplainRules } from './access-commands.ts'

/** Asks the authenticators with `type: jwt`: only these take a token that anybody but the bridge and a service can read. */
export const checkToken: CheckToken = async ({ authenticators: settings }, token) => {
  const metrics = new Metrics()
  try {
    const { authenticators } = createAuthenticators(settings, {
      clock: systemClock,
      ticketStore: new MemoryTicketStore(systemClock),
      metrics,
      log: silentLog,
    })
    const credentials = credentialsOf(token)
    for (const [index, authenticator] of authenticators.entries()) {
      if (authenticator.type !== 'jwt') continue
      const verdict = await authenticator.authenticate(credentials)
      if (verdict === 'not-mine') continue
      return { authenticator: index, identity: verdict === 'refused' ? undefined : verdict }
    }
    return { authenticator: undefined, identity: undefined }
  } finally {
    metrics.close()
  }
}

export const explainRules: ExplainRules = ({ rules }, identity, action, destination) =>
  new Rules(rules).explain(identity, action, destination)

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
