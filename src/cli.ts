/**
 * Owns what the command line answers: the help, and what `check-config` and `print-config` print. Called by main, which
 * does the reading and writing; everything here only computes.
 */
import { stringify } from 'yaml'
import { WIDTH, wrapped } from './banner.ts'
import {
  CONFIG_FILE_VARIABLE,
  describeSettings,
  ENV_PREFIX,
  readOverrides,
  redactConfig,
  secretSettings,
  configWarnings,
  type Config,
  type ConfigSources,
} from './config.ts'
import { unreadableReason } from './setting-file.ts'

/** Returns the text of `--help`. */
export function helpText(version: string): string {
  const short = describeSettings().filter((row) => row.alias !== undefined)
  return `stomp-bridge ${version}: browsers speak STOMP, WebSocket or SSE; backends speak Redis or HTTP

Usage: stomp-bridge [command] [options]
       npm start -- [command] [options]        the same, from the sources

Commands
  serve            run the bridge (this is the default)
  check-config     check the configuration and list every problem
  print-config     print the configuration in effect as YAML, without secrets
  config-schema    print the JSON Schema of the configuration file, for editors
  explain          say which rule lets somebody subscribe or send, or does not
  check-token      say who a token makes of its bearer; gen-token signs one for trying
  gen-api-key      print a new key for the HTTP API; hash-password hashes one for a user
  tail             print the messages of destinations, of any STOMP server
  send             send a message, or each line of a file, and wait for the receipt
  healthcheck      ask the bridge on this machine whether it is alive, or with "ready" whether ready
  help settings    list every setting; help explain and so on describe one of these commands
  version          print the version

Options
  -c, --config FILE    YAML or JSON file (default: ./bridge.yaml, .yml or .json, if there is one)
      --port N         port for WebSocket and HTTP
      --host H         address to listen on
      --workers N      processes that share the port, about one per core; more than one needs Redis
  -h, --help           print this
  -v, --version        print the version

Environment
${table(short.map(({ alias, description, ...row }) => [alias ?? '', `${description}${defaultNote(row.default)}`]))}
  Every other setting has a variable too: ${ENV_PREFIX} and its path in capitals, so that
  limits.maxFrameBytes is ${ENV_PREFIX}LIMITS_MAX_FRAME_BYTES. Lists are JSON, or text,text,text.
  ${CONFIG_FILE_VARIABLE} names the configuration file, OTEL_EXPORTER_OTLP_ENDPOINT where traces go.
  Options beat the environment, which beats the file, which beats the defaults.

Examples
  stomp-bridge                                         on port 8080, with an embedded bus
  REDIS_URL=redis://localhost:6379 stomp-bridge        on Redis or Valkey
  HOST=0.0.0.0 PORT=80 stomp-bridge                    reachable from other machines
  stomp-bridge check-config --config production.yaml   before a deployment
`
}

/** Returns the text of `help settings`: every setting with its variable, type and default. */
export function settingsText(): string {
  const rows = describeSettings().map(({ path, env, alias, type, description, ...row }) =>
    [
      `${path}${defaultNote(row.default)}`,
      indented(description),
      indented(`${alias === undefined ? env : `${alias} or ${env}`}: ${type}`),
    ].join('\n'),
  )
  return `${rows.join('\n')}\n`
}

/** Returns the configuration in effect as YAML, secrets replaced, and says in a comment which they are. */
export function printedConfig(config: Config): string {
  return secretsNote(secretSettings(config)) + stringify(redactConfig(config), { lineWidth: 0 })
}

function secretsNote(paths: readonly string[]): string {
  if (paths.length === 0) return ''
  const variables = new Map(describeSettings().map(({ path, alias, env }) => [path, alias ?? env]))
  return [
    '# Secrets are shown as ***. Before you use this file, fill them in, or set these variables, which beat the file:',
    ...paths.map((path) => `#   ${path}: ${variables.get(path) ?? 'in the file, or with its whole list'}`),
    '',
  ].join('\n')
}

/** Returns the line that says why a configuration file cannot be read. `code` is what the system calls the reason. */
export function unreadableFile(path: string, code: string | undefined): string {
  return `Cannot read the configuration file "${path}": ${unreadableReason(code)}`
}

/**
 * Returns the answer of `check-config` when all is right: where the configuration came from, and what may not be meant.
 * `more`: what was found beside the configuration itself, one line each.
 */
export function checkedConfig(
  { file, env, options }: ConfigSources,
  config: Config,
  more: readonly string[] = [],
): string {
  const names = readOverrides(env, options).overrides.map(({ name, path }) => `${path.join('.')} (${name})`)
  const base = file?.path ?? 'built-in defaults, no configuration file'
  const warnings = [...configWarnings(config), ...more].map((warning) => `Warning: ${warning}\n`)
  return `OK: ${base}${names.length === 0 ? '' : `; overridden: ${names.join(', ')}`}\n${warnings.join('')}`
}

function defaultNote(value: unknown): string {
  return value === undefined || value === ''
    ? ''
    : ` (default: ${typeof value === 'string' ? value : JSON.stringify(value)})`
}

/** Two columns; a long text goes on below itself. */
function table(rows: readonly (readonly [name: string, text: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.flatMap(([name, text]) =>
    wrapped(text, WIDTH - width - 4).map((line, index) => `  ${(index === 0 ? name : '').padEnd(width)}  ${line}`),
  )
  return lines.join('\n')
}

function indented(text: string): string {
  return wrapped(text, WIDTH - 4)
    .map((line) => `    ${line}`)
    .join('\n')
}
