/**
 * Owns how settings are read from environment variables and from command line options. The names come from the
 * schema; values become what a configuration file would have held, and are checked there.
 */
import { nearest, type ConfigProblem } from './problems.ts'
import { describeSettings, ENV_ALIASES, ENV_PREFIX, schemaAt, shapesOf, type SchemaNode } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment variable that names the configuration file. */
export const CONFIG_FILE_VARIABLE = `${ENV_PREFIX}CONFIG`
/** Of the sources that run, for `stomp_bridge_build_info`: whoever builds an image knows it. */
export const COMMIT_VARIABLE = `${ENV_PREFIX}COMMIT`

/** Command line options that are settings. */
export interface SettingOptions {
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly workers?: string | undefined
}

/** One setting given outside the file. */
export interface Override {
  readonly path: readonly string[]
  /** The environment variable or option, such as `PORT` or `--port`. */
  readonly name: string
  readonly value: unknown
}

export interface OverridesResult {
  /** One per setting: what wins. */
  readonly overrides: readonly Override[]
  /** Unknown variables, and those whose text cannot be read. */
  readonly problems: readonly ConfigProblem[]
}

/**
 * Reads all settings from the environment and the options.
 *
 * Order:  an option beats `STOMP_BRIDGE_…`, which beats the short name. An empty variable is not set.
 * Errors: none thrown; an unknown `STOMP_BRIDGE_…` variable and a list that is not JSON are in `problems`.
 */
export function readOverrides(env: Environment, options: SettingOptions = {}): OverridesResult {
  const rows = describeSettings()
  const given: { path: string; name: string; text: string | undefined }[] = [
    ...Object.entries(ENV_ALIASES).map(([name, path]) => ({ path, name, text: env[name] })),
    ...rows.map(({ path, env: name }) => ({ path, name, text: env[name] })),
    { path: 'server.port', name: '--port', text: options.port },
    { path: 'server.host', name: '--host', text: options.host },
    { path: 'server.workers', name: '--workers', text: options.workers },
  ]
  const overrides = new Map<string, Override>()
  const problems: ConfigProblem[] = []
  for (const { path, name, text } of given) {
    if (text === undefined || text === '' || isServiceLink(name, text)) continue
    const keys = path.split('.')
    const read = readValue(schemaAt(keys) ?? {}, text)
    if ('problem' in read) problems.push({ path, origin: name, line: `${name}: ${read.problem}` })
    else overrides.set(path, { path: keys, name, value: read.value })
  }

  const known = new Set([CONFIG_FILE_VARIABLE, COMMIT_VARIABLE, ...rows.map((row) => row.env)])
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || known.has(name) || !value || isServiceLink(name, value)) continue
    problems.push({ path: '', origin: name, line: `${name}: ${unknownVariable(name, [...known])}` })
  }
  return { overrides: [...overrides.values()], problems }
}

function readValue(node: SchemaNode, text: string): { value: unknown } | { problem: string } {
  const word = text.trim()
  // LOG_LEVEL=INFO is what many other programs take.
  if (node.enum) return { value: word.toLowerCase() }
  switch (node.type) {
    case 'integer':
    case 'number':
      return { value: /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : text }
    case 'boolean':
      return { value: { true: true, '1': true, false: false, '0': false }[word.toLowerCase()] ?? text }
    case 'array':
      if (node.items?.type === 'string' && !word.startsWith('['))
        return { value: word.split(/\s*,\s*/).filter(Boolean) }
      return readJson(word, holdsSecrets(node))
    default:
      return { value: text }
  }
}

/** Is there something below it that must not be shown? */
function holdsSecrets(node: SchemaNode): boolean {
  const { items, properties = {}, writeOnly = false } = node
  const below = [...(items ? [items] : []), ...Object.values(properties), ...shapesOf(node)]
  return writeOnly || below.some(holdsSecrets)
}

/** The parser quotes from the text, so its words are not for one with secrets. */
function readJson(text: string, isSecret: boolean): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { problem: isSecret ? 'must be a list in JSON' : `must be a list in JSON: ${(error as Error).message}` }
  }
}

function unknownVariable(name: string, known: readonly string[]): string {
  const bare = (variable: string) => variable.slice(ENV_PREFIX.length)
  if (Object.hasOwn(ENV_ALIASES, bare(name))) return `is not a setting; did you mean ${bare(name)}?`
  const near = nearest(bare(name), known.map(bare))
  return near === undefined ? 'is not a setting' : `is not a setting; did you mean ${ENV_PREFIX}${near}?`
}

/**
 * Kubernetes sets such variables in every container beside a Service named stomp-bridge or stomp-bridge-tcp:
 * STOMP_BRIDGE_SERVICE_HOST=10.0.0.1, STOMP_BRIDGE_TCP_PORT=tcp://10.0.0.1:61613. They are no settings.
 */
function isServiceLink(name: string, value: string): boolean {
  return (
    /^STOMP_BRIDGE_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/.test(
      name,
    ) ||
    (name.startsWith(ENV_PREFIX) && name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  )
}
