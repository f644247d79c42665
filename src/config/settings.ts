/**
 * Owns the derived views of the schema: its JSON Schema, the flat list of settings with their environment variables,
 * and what a value must be, in words. They read the JSON Schema that zod makes, never zod's insides.
 */
import * as z from 'zod'
import { isGroup } from './group.ts'
import { configSchema } from './schema.ts'

/** As much of JSON Schema as the settings use. */
export interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  /** Of a group whose keys are anybody's: what each value is. */
  readonly additionalProperties?: SchemaNode | boolean
  /** One of several shapes: by type, by a key that says which, or by the keys that there are. */
  readonly oneOf?: readonly SchemaNode[]
  readonly anyOf?: readonly SchemaNode[]
  readonly const?: string
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

/**
 * Returns the schema of what is at a path (numbers are list positions); undefined where there is no such setting.
 * `input`: the settings that are looked at. Where there are several shapes, theirs is followed.
 */
export function schemaAt(path: readonly PropertyKey[], input?: unknown): SchemaNode | undefined {
  let node: SchemaNode | undefined = root
  let value = input
  for (const key of path) {
    node = node && childOf(shapeOf(node, value), key)
    value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key]
  }
  return node
}

/** Returns the schema of one value in a group or list. */
export function childOf(node: SchemaNode, key: PropertyKey): SchemaNode | undefined {
  if (typeof key === 'number') return node.items
  const { properties, additionalProperties } = node
  if (properties && Object.hasOwn(properties, key)) return properties[String(key)]
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}

/** Returns the shape that a value has, or was meant to have; the node itself where it has but one, or none fits. */
export function shapeOf(node: SchemaNode, value: unknown): SchemaNode {
  const shapes = shapesOf(node)
  return shapes[shapeIndex(shapes, value)] ?? node
}

/** Returns the shapes from which a value may choose; none where there is no choice. */
export function shapesOf({ oneOf, anyOf }: SchemaNode): readonly SchemaNode[] {
  return oneOf ?? anyOf ?? []
}

/** Returns the place of the shape that a value has, or was meant to have; -1 where none fits. */
export function shapeIndex(shapes: readonly SchemaNode[], value: unknown): number {
  if (Array.isArray(value)) return shapes.findIndex(({ items }) => items !== undefined)
  if (!isGroup(value)) return shapes.findIndex(({ items, properties }) => !items && !properties)
  const exact = shapes.findIndex((shape) => {
    const marks = marksOf(shape)
    return marks.length > 0 && marks.every(([key, mark]) => value[key] === mark)
  })
  if (exact >= 0) return exact
  const meant = shapes.filter((shape) => marksOf(shape).some(([key]) => value[key] !== undefined))
  if (meant.length === 1) return shapes.indexOf(meant[0]!)
  const unmarked = shapes.filter((shape) => shape.properties && marksOf(shape).length === 0)
  // The first of those that know most of the keys.
  const known = unmarked.map(({ properties = {} }) =>
    Object.keys(value).filter((key) => Object.hasOwn(properties, key)),
  )
  const most = Math.max(...known.map(({ length }) => length))
  const best = unmarked[known.findIndex(({ length }) => length === most)]
  return best ? shapes.indexOf(best) : -1
}

/** Returns the keys by which a shape is told from others without marks: those that it alone has and needs. */
export function ownKeys(shapes: readonly SchemaNode[], shape: SchemaNode): string[] {
  const others = shapes.filter((each) => each !== shape && marksOf(each).length === 0)
  if (marksOf(shape).length > 0 || others.length === 0) return []
  return (shape.required ?? []).filter((key) => others.every(({ properties = {} }) => !Object.hasOwn(properties, key)))
}

/** The keys by which a shape is known, such as `type: jwt`. */
function marksOf({ properties = {} }: SchemaNode): [key: string, mark: string][] {
  return Object.entries(properties).flatMap(([key, node]) => (node.const === undefined ? [] : [[key, node.const]]))
}

/** Says what a value must be, to follow "must be". */
export function expectation(node: SchemaNode): string {
  const shapes = shapesOf(node)
  if (shapes.length > 0) {
    const isGroups = shapes.every(({ properties }) => properties)
    return isGroups ? 'a group of settings' : shapes.map(expectation).join(', or ')
  }
  if (Array.isArray(node.type)) return node.type.map((type: string) => expectation({ type })).join(', ')
  if (node.const !== undefined) return node.const
  if (node.enum) return `one of ${node.enum.join(', ')}`
  switch (node.type) {
    case 'boolean':
      return 'true or false'
    case 'integer':
      return `a whole number from ${node.minimum} to ${node.maximum}`
    case 'number':
      return node.minimum === undefined ? 'a number' : `a number from ${node.minimum} to ${node.maximum}`
    case 'array':
      return listExpectation(node)
    case 'object':
      return 'a group of settings'
    default:
      return node.minLength ? 'text that is not empty' : 'text'
  }
}

function listExpectation({ items = {}, minItems }: SchemaNode): string {
  const item = items.enum ? items.enum.join(', ') : shapesOf(items).length > 0 ? shapesText(items) : itemText(items)
  return `a list of ${item}${minItems ? `, at least ${minItems}` : ''}`
}

function itemText({ properties }: SchemaNode): string {
  return properties ? `{ ${Object.keys(properties).join(', ')} }` : 'text'
}

/** Where all have the same key that says which, its values are enough. */
function shapesText(node: SchemaNode): string {
  const shapes = shapesOf(node)
  const marks = shapes.flatMap(marksOf)
  const [first] = marks
  const isByOneKey = marks.length === shapes.length && marks.every(([key]) => key === first?.[0])
  if (!isByOneKey) return shapes.map(itemText).join(' or ')
  return `{ ${first?.[0]}: ${marks.map(([, mark]) => mark).join(' | ')}, … }`
}
