/**
 * Owns the way from text to a configuration: file, environment and options in; one checked and frozen object out, or
 * one error with every problem. Called by main and by whoever embeds the bridge. It reads no file and no process state.
 */
import { withDebuggerApi } from './config/debugger.ts'
import { readOverrides, type Environment, type Override, type SettingOptions } from './config/environment.ts'
import { givenSettings, parseFile, type ConfigFile } from './config/file.ts'
import { isGroup, type Group } from './config/group.ts'
import { isBelow } from './config/prefixes.ts'
import { ConfigError, findingsOf, pathText, type ConfigProblem, type SettingPath } from './config/problems.ts'
import { withRecordedRoutes } from './config/recorded-routes.ts'
import { findingsBetween } from './config/rules.ts'
import { withoutPresets } from './config/route-presets.ts'
import { configSchema, type Config } from './config/schema.ts'

export { isLoopback } from './config/debugger.ts'
export {
  COMMIT_VARIABLE,
  CONFIG_FILE_VARIABLE,
  readOverrides,
  type Environment,
  type SettingOptions,
} from './config/environment.ts'
export type { ConfigFile } from './config/file.ts'
export { ConfigError, nearest, type ConfigProblem } from './config/problems.ts'
export { redactConfig, redactUrl, secretSettings } from './config/redact.ts'
export {
  CLUSTER_PORT,
  describeRedis,
  describeRedisUrl,
  hasRedis,
  nodeText,
  parseRedisNode,
  parseRedisUrl,
  SENTINEL_PORT,
  type RedisAddress,
  type RedisNode,
} from './config/redis-url.ts'
export type {
  AccessConfig,
  AccessRuleConfig,
  ApiKeyConfig,
  AuthenticatorConfig,
  Codec,
  Config,
  ConfigInput,
  EndpointConfig,
  InboundRoute,
  OutboundRoute,
} from './config/schema.ts'
export { LIVE_SETTINGS, planReload, type ReloadPlan } from './config/reload-plan.ts'
export { configWarnings } from './config/warnings.ts'
export { configJsonSchema, describeSettings, ENV_ALIASES, ENV_PREFIX, type SettingRow } from './config/settings.ts'

export interface ConfigSources {
  readonly file?: ConfigFile | undefined
  readonly env: Environment
  /** Command line options; they beat the environment. */
  readonly options?: SettingOptions | undefined
  /** Refuse a file that holds no settings: on a reload, whoever writes it anew may not be through. */
  readonly refusesEmptyFile?: boolean
}

/**
 * Returns the configuration of a process: defaults, over them the file, over that the environment, over that the options.
 * In it `debugger.api` is on or off: what `auto` comes to depends on whether there is a file.
 *
 * Errors: throws ConfigError with all problems of all sources.
 */
export function loadConfig({ file, env, options, refusesEmptyFile = false }: ConfigSources): Config {
  const { overrides, problems: overrideProblems } = readOverrides(env, options)
  const { content, problems: fileProblems } = file ? parseFile(file) : { content: {}, problems: [] }
  if (file && refusesEmptyFile && content && Object.keys(content).length === 0) {
    throw new ConfigError([
      {
        path: '',
        origin: file.path,
        line: `${file.path} holds no settings. To run with the defaults, restart the bridge`,
      },
    ])
  }
  const input = overrides.reduce((result, { path, value }) => withValue(result, path, value), content ?? {})
  const { config, problems } = check(input, (path) => sourceOf(path, overrides, file && { ...file, content }))
  // With a file that cannot be read, what the defaults seem to lack may well be in it.
  const certain = content ? problems : problems.filter((problem) => problem.origin !== undefined)
  const all = [...fileProblems, ...overrideProblems, ...certain]
  if (all.length > 0 || !config) throw new ConfigError(all)
  return deepFreeze(withDebuggerApi(config, file === undefined))
}

/**
 * Returns a configuration from any part of one, for embedding. `debugger.api: auto` is off in it.
 *
 * Errors: throws ConfigError with all problems.
 */
export function parseConfig(input: unknown = {}): Config {
  const { config, problems } = check(givenSettings(input), (path) => ({ origin: undefined, place: pathText(path) }))
  if (!config) throw new ConfigError(problems)
  return deepFreeze(withDebuggerApi(config, false))
}

/** Where a value came from, and how to name its place there. */
interface Source {
  readonly origin: string | undefined
  readonly place: string
}

function check(given: unknown, source: (path: SettingPath) => Source): { config?: Config; problems: ConfigProblem[] } {
  const input = isGroup(given) ? withRouteDefaults(given) : given
  const result = configSchema.safeParse(input)
  const findings = [
    ...(result.success ? [] : findingsOf(result.error, input)),
    ...(isGroup(input) ? findingsBetween(input) : []),
  ]
  const problems = findings.map(({ path, text }): ConfigProblem => {
    const { origin, place } = source(path)
    return { path: pathText(path), origin, line: place === '' ? `The configuration ${text}` : `${place}: ${text}` }
  })
  if (!result.success || problems.length > 0) return { problems }
  const config = withRecordedRoutes(withoutPresets(result.data))
  return { config: hasRoutes(input) ? config : withFittingRoutes(config), problems }
}

function sourceOf(
  path: SettingPath,
  overrides: readonly Override[],
  file: { path: string; content: Group | undefined } | undefined,
): Source {
  const override = overrides.find((each) => each.path.every((key, index) => key === path[index]))
  if (override) {
    const inside = pathText(path).slice(override.path.join('.').length)
    return { origin: override.name, place: override.name + inside }
  }
  if (file?.content && Object.hasOwn(file.content, path[0] ?? '')) {
    return { origin: file.path, place: `${file.path}: ${pathText(path)}` }
  }
  return { origin: undefined, place: pathText(path) }
}

function withValue(target: Group, [key, ...rest]: readonly string[], value: unknown): Group {
  if (key === undefined) return target
  if (rest.length === 0) return { ...target, [key]: value }
  const child = target[key] ?? {}
  // A section that is no group stays as it is: that is a problem of its own.
  return isGroup(child) ? { ...target, [key]: withValue(child, rest, value) } : target
}

function hasRoutes(input: unknown): boolean {
  const routes = isGroup(input) ? input['routes'] : undefined
  return isGroup(routes) && (routes['outbound'] ?? routes['inbound']) !== undefined
}

/** Whoever gives routes one way wants no example route the other way. */
function withRouteDefaults(input: Group): Group {
  if (!hasRoutes(input)) return input
  const routes = input['routes'] as Group
  return { ...input, routes: { ...routes, outbound: routes['outbound'] ?? [], inbound: routes['inbound'] ?? [] } }
}

/** The built-in routes are below `/app` and `/topic`: without these prefixes they would go nowhere. */
function withFittingRoutes(config: Config): Config {
  const { broker, routes } = config
  const outbound = routes.outbound.filter((route) => isBelow(route.destination, broker.applicationPrefixes))
  const inbound = routes.inbound.filter((route) => isBelow(route.destination, broker.prefixes))
  return { ...config, routes: { ...routes, outbound, inbound } }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
