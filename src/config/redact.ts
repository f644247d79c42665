/** Owns what of a configuration may be shown: everything but secrets, which the schema marks. */
import { pathText, type SettingPath } from './problems.ts'
import type { Config } from './schema.ts'
import { HIDDEN } from './schema/values.ts'
import { childOf, schemaAt, shapeOf, type SchemaNode } from './settings.ts'

/** A value that is not shown as it is. */
interface Secret {
  readonly path: SettingPath
  readonly shown: string
}

/** Returns the configuration with its secrets replaced by `***`, also those in URLs. */
export function redactConfig(config: Config): Config {
  return secretsIn(config).reduce<unknown>(
    (shown, secret) => withShown(shown, secret.path, secret.shown),
    config,
  ) as Config
}

/** Returns the paths of the settings that are secrets, or were before they were printed. */
export function secretSettings(config: Config): string[] {
  return secretsIn(config).map(({ path }) => pathText(path))
}

function secretsIn(config: Config): Secret[] {
  return secretsBelow(schemaAt([]) ?? {}, config, [])
}

function secretsBelow(node: SchemaNode, value: unknown, path: SettingPath): Secret[] {
  if (node.writeOnly && typeof value === 'string') {
    const shown = isAddress(path) ? redactUrl(value) : HIDDEN
    // What was printed before has no secret any more, and still wants one.
    return shown === value && !value.includes(HIDDEN) ? [] : [{ path, shown }]
  }
  if (typeof value !== 'object' || value === null) return []
  const shape = shapeOf(node, value)
  return (Array.isArray(value) ? [...value.entries()] : Object.entries(value)).flatMap(([key, child]) =>
    secretsBelow(childOf(shape, key) ?? {}, child, [...path, key]),
  )
}

/** What may have a secret in it, and is none. */
function isAddress(path: SettingPath): boolean {
  return /url$/i.test(String(path.at(-1)))
}

function withShown(value: unknown, [key, ...rest]: SettingPath, shown: string): unknown {
  if (key === undefined) return shown
  const child = withShown((value as Record<PropertyKey, unknown>)[key], rest, shown)
  return Array.isArray(value) ? value.with(Number(key), child) : { ...(value as object), [key]: child }
}

/**
 * Returns a URL without credentials. Of Redis: neither before `@` nor as a password in the query, which ioredis also reads. Of
 * HTTP: neither before `@` nor as any value in the query, since nobody knows what the service calls a key.
 */
export function redactUrl(url: string): string {
  if (/^https?:/i.test(url)) return redactWebUrl(url)
  return url.replace(/:\/\/.*@/s, `://${HIDDEN}@`).replace(/([?&][^=&]*pass[^=&]*=)[^&#]*/gi, `$1${HIDDEN}`)
}

function redactWebUrl(url: string): string {
  const [, address = '', query, fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url) ?? []
  const shown = address.replace(/:\/\/[^/]*@/, `://${HIDDEN}@`)
  return shown + (query === undefined ? '' : `?${query.split('&').map(redactPair).join('&')}`) + fragment
}

/** What stands for a value that is not known yet is none. */
function redactPair(pair: string): string {
  const at = pair.indexOf('=') + 1
  const value = pair.slice(at)
  return /^(\{[^{}]*\})?$/.test(value) ? pair : pair.slice(0, at) + HIDDEN
}
