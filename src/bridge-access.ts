/** Puts together who may come in and what they may do, of the configuration and of what a program brings that embeds the bridge. */
import { guardedAccess, openAccess, type Access } from './access/access.ts'
import { ApiKeys } from './access/api-keys.ts'
import { Attempts } from './access/attempts.ts'
import type { Authenticator } from './access/authenticator.ts'
import { createAuthenticators } from './access/authenticators.ts'
import { Gate } from './access/gate.ts'
import type { Revocations } from './access/revocations.ts'
import type { RuleSettings } from './config/rule-syntax.ts'
import { Rules } from './access/rules.ts'
import type { TicketStore } from './access/ticket-store.ts'
import type { Tickets } from './access/tickets.ts'
import { loginUnavailable } from './access/unavailable.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What a program brings that embeds the bridge. */
export interface OwnAccess {
  /** Asked before those of the configuration. */
  readonly authenticators?: readonly Authenticator[]
  /** Instead of those of the configuration. */
  readonly rules?: readonly RuleSettings[]
}

export interface BridgeAccess {
  readonly access: Access
  /** Undefined without any access configured: HTTP is open too. */
  readonly backends:
    { readonly keys: ApiKeys; readonly attempts: Attempts; readonly tickets: Tickets | undefined } | undefined
}

export interface BridgeAccessDeps {
  /** There if access is configured. */
  readonly nodes: { readonly ticketStore: TicketStore; readonly revocations: Revocations } | undefined
  readonly metrics: Metrics
  readonly log: Log
}

/** Has somebody said who may come in? */
export function isAccessConfigured(config: Config, own: OwnAccess | undefined): boolean {
  return config.access !== undefined || own !== undefined
}

/** Errors: throws for a key file that cannot be used, and for rules of a program that are not well formed. */
export function createBridgeAccess(config: Config, own: OwnAccess | undefined, deps: BridgeAccessDeps): BridgeAccess {
  const { nodes, metrics, log } = deps
  if (!isAccessConfigured(config, own) || !nodes) return { access: openAccess, backends: undefined }
  const { ticketStore, revocations } = nodes
  const settings = config.access
  const { authenticators, tickets } = createAuthenticators(settings?.authenticators ?? [], {
    clock: systemClock,
    ticketStore,
    metrics,
    log,
  })
  const attempts = new Attempts(systemClock)
  const gate = new Gate({
    authenticators: [...(own?.authenticators ?? []), ...authenticators],
    attempts,
    isRevoked({ user, tokenId }) {
      if (user === undefined && tokenId === undefined) return false
      if (!revocations.isLoaded) throw loginUnavailable(new Error('it is not known yet what is revoked'))
      return revocations.isRevoked({ user, tokenId })
    },
    metrics,
    log,
    now: Date.now,
  })
  const rules = new Rules(own?.rules ?? settings?.rules ?? [])
  const keys = new ApiKeys(settings?.apiKeys ?? [])
  return { access: guardedAccess(gate, rules, metrics), backends: { keys, attempts, tickets } }
}
