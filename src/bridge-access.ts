/** Puts together who may come in and what they may do, of the configuration and of what a program brings that embeds the bridge. */
import { GuardedAccess, openAccess, type Access } from './access/access.ts'
import { ApiKeys } from './access/api-keys.ts'
import { Attempts } from './access/attempts.ts'
import type { Authenticator } from './access/authenticator.ts'
import type { Decision } from './access/decision.ts'
import { createAuthenticators, type Authenticators } from './access/authenticators.ts'
import { Gate } from './access/gate.ts'
import type { Identity } from './access/identity.ts'
import type { Revocations } from './access/revocations.ts'
import type { RuleSettings } from './config/rule-syntax.ts'
import { Rules } from './access/rules.ts'
import type { TicketStore } from './access/ticket-store.ts'
import type { Tickets } from './access/tickets.ts'
import { loginUnavailable } from './access/unavailable.ts'
import type { Fetch } from './ask.ts'
import type { LivePart, Replacement } from './bridge-reload.ts'
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

/** What backends use over HTTP. */
export interface Backends {
  readonly keys: Pick<ApiKeys, 'find'>
  readonly attempts: Attempts
  /** Those of the configuration that is in force; undefined if no authenticator takes tickets, which stays so. */
  readonly tickets: Tickets | undefined
}

export interface BridgeAccess {
  readonly access: Access
  /** Says what the rules that are in force say, and why. */
  readonly explain: (identity: Identity, action: 'subscribe' | 'send', destination: string) => Decision
  /** Undefined without any access configured: HTTP is open too. */
  readonly backends: Backends | undefined
  /** What of it can change. */
  readonly parts: readonly LivePart[]
}

export interface BridgeAccessDeps {
  /** There if access is configured. */
  readonly nodes: { readonly ticketStore: TicketStore; readonly revocations: Revocations } | undefined
  readonly metrics: Metrics
  /** Makes requests to other servers. */
  readonly fetch: Fetch
  readonly log: Log
  /** What clients may do has changed. Resolves when that has reached all of them; never rejects. */
  rulesChanged(): Promise<void>
}

const OPEN: Decision = {
  allowed: true,
  rule: undefined,
  reason: 'there is no access in the configuration, so anyone may do anything',
}

/** Has somebody said who may come in? */
export function isAccessConfigured(config: Config, own: OwnAccess | undefined): boolean {
  return config.access !== undefined || own !== undefined
}

/** Errors: throws for a key file that cannot be used, and for rules of a program that are not well formed. */
export function createBridgeAccess(config: Config, own: OwnAccess | undefined, deps: BridgeAccessDeps): BridgeAccess {
  const { nodes, metrics } = deps
  if (!isAccessConfigured(config, own) || !nodes) {
    return { access: openAccess, explain: () => OPEN, backends: undefined, parts: [] }
  }
  const attempts = new Attempts(systemClock)
  const isRevoked = ({ user, tokenId }: Identity): boolean => {
    const { revocations } = nodes
    if (user === undefined && tokenId === undefined) return false
    if (!revocations.isLoaded) throw loginUnavailable(new Error('it is not known yet what is revoked'))
    return revocations.isRevoked({ user, tokenId })
  }
  const authenticatorsOf = ({ access }: Config, previous?: Authenticators): Authenticators =>
    createAuthenticators(
      access?.authenticators ?? [],
      { ...deps, clock: systemClock, ticketStore: nodes.ticketStore },
      previous,
    )
  const gateOf = ({ authenticators }: Authenticators): Gate =>
    new Gate({
      ...deps,
      authenticators: [...(own?.authenticators ?? []), ...authenticators],
      attempts,
      isRevoked,
      now: Date.now,
    })
  const rulesOf = ({ access }: Config): Rules => new Rules(own?.rules ?? access?.rules ?? [])
  const keysOf = ({ access }: Config): ApiKeys => new ApiKeys(access?.apiKeys ?? [])

  let made = authenticatorsOf(config)
  let gate = gateOf(made)
  let rules = rulesOf(config)
  let keys = keysOf(config)
  const access = new GuardedAccess(gate, rules, metrics)

  /** A file that a setting names may say something else although the setting is the same. */
  const prepareGate = (next: Config): Replacement | undefined => {
    const nextMade = authenticatorsOf(next, made)
    const before = [...made.bySource.keys()]
    const isSame = isEqual(before, [...nextMade.bySource.keys()])
    if (isSame) return undefined
    const nextGate = gateOf(nextMade)
    return {
      also: ['access.authenticators'],
      apply() {
        made = nextMade
        gate = nextGate
        access.replace(gate, rules)
      },
    }
  }
  const prepareRules = (next: Config, changed: ReadonlySet<string>): Replacement | undefined => {
    if (!changed.has('access.rules')) return undefined
    const nextRules = rulesOf(next)
    return {
      apply() {
        rules = nextRules
        access.replace(gate, rules)
      },
      finish: () => deps.rulesChanged(),
    }
  }
  const prepareKeys = (next: Config, changed: ReadonlySet<string>): Replacement | undefined => {
    if (!changed.has('access.apiKeys')) return undefined
    const nextKeys = keysOf(next)
    return { apply: () => void (keys = nextKeys) }
  }
  return {
    access,
    explain: (identity, action, destination) => rules.explain(identity, action, destination),
    backends: {
      keys: { find: (given) => keys.find(given) },
      attempts,
      get tickets() {
        return made.tickets
      },
    },
    parts: [{ prepare: prepareGate }, { prepare: prepareRules }, { prepare: prepareKeys }],
  }
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i])
}
