/**
 * Owns every setting: its name, unit, default and range, as one zod schema, whose sections are in `schema/`. Everything
 * else about settings (types, environment variables, help, documentation, JSON Schema) is derived from it. Checks that
 * need more than one setting are in `rules.ts`.
 */
import * as z from 'zod'
import { access } from './schema/access.ts'
import { endpoints } from './schema/endpoints.ts'
import { fanout, heartBeat, limits, slowClients } from './schema/limits.ts'
import { history } from './schema/history.ts'
import { presence } from './schema/presence.ts'
import { queues } from './schema/queues.ts'
import { redis } from './schema/redis.ts'
import { broker, routes } from './schema/routes.ts'
import { debuggerSection, doors, server, tcp } from './schema/server.ts'
import { redisCommands } from './schema/redis-commands.ts'
import { snapshots } from './schema/snapshots.ts'
import { flag, milliseconds, MINUTE_MS } from './schema/values.ts'

/** The zod schema of a whole configuration. Sections may be left out; keys that it does not know are problems. */
export const configSchema = z.strictObject({
  server,
  doors,
  endpoints,
  tcp,
  debugger: debuggerSection,
  redis,
  broker,
  routes,
  access,
  presence,
  history,
  snapshots,
  redisCommands,
  queues,
  fanout,
  slowClients,
  heartBeat,
  limits,

  shutdown: z
    .strictObject({
      deadlineMs: milliseconds(10_000, 0, 10 * MINUTE_MS, 'Longest time that a shutdown takes, in milliseconds'),
      readyDelayMs: milliseconds(
        0,
        0,
        10 * MINUTE_MS,
        'How long a bridge that stops says so at /ready and still lets clients in, so that load balancers notice, in ' +
          'milliseconds',
      ),
      drainMs: milliseconds(
        5000,
        0,
        10 * MINUTE_MS,
        'Time over which the sessions are closed, so that not all come back at once, in milliseconds; 0 is all at once. Few ' +
          'are closed sooner, 500 in a second, and all early enough for deadlineMs',
      ),
      lingerMs: milliseconds(
        2000,
        0,
        10 * MINUTE_MS,
        'How long a client may take to close after DISCONNECT or ERROR, in milliseconds',
      ),
    })
    .prefault({})
    .describe('Shutting down'),

  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
        .default('info')
        .describe('Lowest severity that is logged'),
      format: z
        .enum(['auto', 'json', 'pretty'])
        .default('auto')
        .describe('JSON lines, or readable text; auto is text on a terminal and JSON elsewhere'),
      access: flag(false, 'Log every HTTP request at info, without its query; else they are logged at debug'),
    })
    .prefault({})
    .describe('Log, on standard error'),
})

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** What the schema makes of what is given. */
export type ParsedConfig = z.output<typeof configSchema>

/** An inbound route as it is written out: it has a channel or a stream, and is no preset. */
type WrittenRoute = Exclude<ParsedConfig['routes']['inbound'][number], { preset: string }>

/** A whole configuration: every default applied, every value checked, presets of routes written out, deep-frozen. */
export type Config = DeepReadonly<
  Omit<ParsedConfig, 'routes'> & {
    routes: Omit<ParsedConfig['routes'], 'inbound'> & { inbound: WrittenRoute[] }
  }
>

/** What may be given: any part of a configuration. */
export type ConfigInput = DeepReadonly<z.input<typeof configSchema>>

export type OutboundRoute = Config['routes']['outbound'][number]
export type InboundRoute = Config['routes']['inbound'][number]
/** The section `access`, where there is one. */
export type AccessConfig = NonNullable<Config['access']>
export type AuthenticatorConfig = AccessConfig['authenticators'][number]
export type AccessRuleConfig = AccessConfig['rules'][number]
export type ApiKeyConfig = AccessConfig['apiKeys'][number]
export type EndpointConfig = Config['endpoints'][number]
export type Codec = OutboundRoute['codec']
