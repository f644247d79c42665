/**
 * Owns the derived views of the schema: its JSON Schema, the flat list of settings with their environment variables,
 * and what a value must be, in words. They read the JSON Schema that zod makes, never zod's insides.
 */
import * as z from 'zod'
import { configSchema } from './schema.ts'

/** As much of JSON Schema as the settings use. */
export interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly minItems?: number
  /** The value is a secret: it may be written, never shown. */
  readonly writeOnly?: boolean
}

/** One setting, for tables and help. */
export interface SettingRow {
  /** `limits.maxFrameBytes` */
  readonly path: string
  /** `STOMP_BRIDGE_LIMITS_MAX_FRAME_BYTES` */
  readonly env: string
  /** The short name of the environment variable, such as `PORT`, for the few that have one. */
  readonly alias: string | undefined
  /** In words: `a whole number from 1 to 67108864`. */
  readonly type: string
  /** Undefined when the setting has none. */
  readonly default: unknown
  readonly description: string
}

export const ENV_PREFIX = 'STOMP_BRIDGE_'

/** Short environment variables, for what every platform calls so. */
export const ENV_ALIASES: Readonly<Record<string, string>> = {
  PORT: 'server.port',
  HOST: 'server.host',
  REDIS_URL: 'redis.url',
  LOG_LEVEL: 'log.level',
}

// Draft 7: the newest that all YAML and JSON editors know.
const root = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' }) as SchemaNode

/** Returns the JSON Schema of a configuration file. Editors use it from `bridge.schema.json`. */
export function configJsonSchema(): Record<string, unknown> {
  const { properties, ...rest } = structuredClone(root)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'stomp-bridge configuration',
    ...rest,
    properties: { $schema: { type: 'string', description: 'This schema, for editors' }, ...properties },
  }
}

/** Returns one row per setting, in the order of the schema. */
export function describeSettings(): SettingRow[] {
  return rowsBelow(root, [])
}

function rowsBelow(node: SchemaNode, path: readonly string[]): SettingRow[] {
  if (node.properties) {
    return Object.entries(node.properties).flatMap(([key, child]) => rowsBelow(child, [...path, key]))
  }
  const dotted = path.join('.')
  return [
    {
      path: dotted,
      env: envName(path),
      alias: Object.keys(ENV_ALIASES).find((alias) => ENV_ALIASES[alias] === dotted),
      type: expectation(node),
      default: node.default,
      description: node.description ?? '',
    },
  ]
}

function envName(path: readonly string[]): string {
  return ENV_PREFIX + path.map((key) => key.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_')
}

/** Returns the schema of what is at a path (numbers are list positions); undefined where there is no such setting. */
export function schemaAt(path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root
  for (const key of path) {
    node = typeof key === 'number' ? node?.items : ownProperty(node?.properties, String(key))
  }
  return node
}

function ownProperty(properties: SchemaNode['properties'], key: string): SchemaNode | undefined {
  return properties && Object.hasOwn(properties, key) ? properties[key] : undefined
}

/** Says what a value must be, to follow "must be". */
export function expectation(node: SchemaNode): string {
  if (node.enum) return `one of ${node.enum.join(', ')}`
  switch (node.type) {
    case 'boolean':
      return 'true or false'
    case 'integer':
      return `a whole number from ${node.minimum} to ${node.maximum}`
    case 'number':
      return `a number from ${node.minimum} to ${node.maximum}`
    case 'array':
      return listExpectation(node)
    case 'object':
      return 'a group of settings'
    default:
      return node.minLength ? 'text that is not empty' : 'text'
  }
}

function listExpectation({ items, minItems }: SchemaNode): string {
  const item = items?.properties ? `{ ${Object.keys(items.properties).join(', ')} }` : 'text'
  return `a list of ${item}${minItems ? `, at least ${minItems}` : ''}`
}
