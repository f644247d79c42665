/**
 * Owns which settings can change while a bridge runs: what a new configuration changes, what of that can be applied, and
 * the configuration that is in force then. It changes nothing itself.
 */
import { isDeepStrictEqual } from 'node:util'
import { findingsBetween } from './rules.ts'
import type { Config } from './schema.ts'
import { describeSettings } from './settings.ts'
import type { Group } from './group.ts'

/** What becomes of a new configuration. */
export interface ReloadPlan {
  /** What is in force when this has been applied. */
  readonly config: Config
  /** Settings that have changed and can be applied, by their path. */
  readonly applied: readonly string[]
  /** Settings that have changed and stay as they were. */
  readonly needsRestart: readonly string[]
}

/** Does this setting stay as it is, since what it would change is built once? */
type StaysFixed = (current: Config, next: Config) => boolean

const never: StaysFixed = () => false

/** Settings of routes depend on each other: they change together, or not at all. */
const routes: StaysFixed = (current, next) => !isDeepStrictEqual(keepingRoutes(current), keepingRoutes(next))

/** Tickets have operations of their own over HTTP. */
const authenticators: StaysFixed = (current, next) => hasTickets(current) !== hasTickets(next)

/** Without one the debug API, which stays, would be open: a file that is just being written must not do that. */
const debugToken: StaysFixed = (_current, next) => next.debugger.token === undefined

/** Every setting that can be applied while the bridge runs. */
const LIVE: ReadonlyMap<string, StaysFixed> = new Map([
  ['access.authenticators', authenticators],
  ['access.rules', never],
  ['access.apiKeys', never],
  ['routes.outbound', routes],
  ['routes.inbound', routes],
  ['routes.convention', routes],
  ['routes.conventionCodec', routes],
  ['slowClients', never],
  ['limits.rates', never],
  ['server.allowedOrigins', never],
  ['server.allowedHosts', never],
  ['server.trustedProxies', never],
  ['debugger.token', debugToken],
  ['log.level', never],
])

/** Paths of the settings that can be applied while the bridge runs. */
export const LIVE_SETTINGS: readonly string[] = [...LIVE.keys()]

/**
 * Returns what a new configuration changes. Both have been checked. `fixed`: settings that cannot be applied here, though
 * elsewhere they can.
 */
export function planReload(current: Config, next: Config, fixed: readonly string[] = []): ReloadPlan {
  const changed = changedSettings(current, next)
  const isLive = (path: string): boolean => !fixed.includes(path) && LIVE.get(path)?.(current, next) === false
  const applied = changed.filter(isLive)
  const needsRestart = changed.filter((path) => !isLive(path))
  const config = applied.reduce<Group>(
    (result, path) => withValue(result, path.split('.'), valueAt(next, path)),
    current as unknown as Group,
  )
  // What fits to the new configuration need not fit to a mixture of both.
  if (needsRestart.length > 0 && findingsBetween(config).length > 0) {
    return { config: current, applied: [], needsRestart: changed }
  }
  return { config: config as unknown as Config, applied, needsRestart }
}

/** The settings whose values differ, in the order of the schema. */
function changedSettings(current: Config, next: Config): string[] {
  const hasAccess = [current, next].map(({ access }) => access !== undefined)
  const isSwitched = hasAccess[0] !== hasAccess[1]
  const paths = describeSettings().map(({ path }) => path)
  const changed = paths.filter(
    (path) =>
      !(isSwitched && path.startsWith('access.')) && !isDeepStrictEqual(valueAt(current, path), valueAt(next, path)),
  )
  return isSwitched ? ['access', ...changed] : changed
}

/** Routes to and from streams, and those that keep a value: what serves them is built once. */
function keepingRoutes({ routes: { outbound, inbound } }: Config): unknown {
  return {
    outbound: outbound.filter((route) => 'stream' in route),
    inbound: inbound.filter((route) => 'stream' in route || route.kept !== undefined),
  }
}

function hasTickets({ access }: Config): boolean {
  return access?.authenticators.some(({ type }) => type === 'ticket') ?? false
}

function valueAt(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Group | undefined)?.[key], config)
}

function withValue(target: Group, [key, ...rest]: readonly string[], value: unknown): Group {
  if (key === undefined) return target
  return { ...target, [key]: rest.length === 0 ? value : withValue(target[key] as Group, rest, value) }
}
