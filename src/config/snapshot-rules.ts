/** Owns what is wrong with snapshots beside other settings: places where nobody subscribes, variables that have no value, nowhere to read from. */
import { isGroup } from './group.ts'
import { isBelow } from './prefixes.ts'
import type { Finding } from './problems.ts'
import { takesAll } from './route-conflicts.ts'
import { templateProblems, templateVariables } from './template-syntax.ts'

/** The settings that depend on each other. */
export interface SnapshotSettings {
  /** As they were given. */
  readonly snapshots: readonly unknown[]
  /** Undefined where they are wrong by themselves. */
  readonly applicationPrefixes: readonly string[] | undefined
  readonly hasRedis: boolean
}

interface SnapshotAt {
  readonly path: readonly PropertyKey[]
  /** Undefined where it is missing or not well formed. */
  readonly destination: string | undefined
  /** The key or the URL. */
  readonly place: { readonly name: 'key' | 'url'; readonly template: string } | undefined
}

/** Returns what is wrong between these settings. */
export function snapshotFindings({ snapshots, applicationPrefixes, hasRedis }: SnapshotSettings): Finding[] {
  const all = snapshots.map(snapshotAt)
  return [
    ...(hasRedis ? [] : redisFindings(all)),
    ...all.flatMap((each) => prefixFindings(each, applicationPrefixes)),
    ...all.flatMap(variableFindings),
    ...unusedFindings(all),
  ]
}

function redisFindings(all: readonly SnapshotAt[]): Finding[] {
  const index = all.findIndex(({ place }) => place?.name === 'key')
  if (index < 0) return []
  const text = `is missing, and snapshots[${index}].source needs it: the embedded bus has no keys; set REDIS_URL`
  return [{ path: ['redis', 'url'], text }]
}

function prefixFindings({ path, destination }: SnapshotAt, prefixes: readonly string[] | undefined): Finding[] {
  if (destination === undefined || !prefixes || isBelow(destination, prefixes)) return []
  const choice = prefixes.length === 0 ? 'and there is none' : prefixes.map((prefix) => `"${prefix}/"`).join(' or ')
  const text = `must start with an application prefix, ${choice}, not "${destination}"`
  return [{ path: [...path, 'destination'], text }]
}

function variableFindings({ path, destination, place }: SnapshotAt): Finding[] {
  if (destination === undefined || !place) return []
  const written = ({ name, rest }: { name: string; rest: boolean }): string => `{${rest ? '*' : ''}${name}}`
  const own = templateVariables(destination).map(written)
  return templateVariables(place.template)
    .map(written)
    .filter((variable) => !own.includes(variable))
    .map((variable) => ({
      path: [...path, 'source', place.name],
      text: `has ${variable}, which is no variable of its destination "${destination}"`,
    }))
}

/** The first that takes a destination has it. */
function unusedFindings(all: readonly SnapshotAt[]): Finding[] {
  return all.flatMap(({ path, destination }, index) => {
    const before = all
      .slice(0, index)
      .find((each) => each.destination !== undefined && takes(each.destination, destination))
    if (!before) return []
    const text = `can never be used: "${before.destination}" comes first and takes all of "${destination}"`
    return [{ path: [...path, 'destination'], text }]
  })
}

function takes(outer: string, inner: string | undefined): boolean {
  return inner !== undefined && takesAll({ destination: outer, channel: '' }, { destination: inner, channel: '' })
}

function snapshotAt(item: unknown, index: number): SnapshotAt {
  const { destination, source } = isGroup(item) ? item : {}
  const { type, key, url } = isGroup(source) ? source : {}
  const template = wellFormed(type === 'http' ? url : key)
  return {
    path: ['snapshots', index],
    destination: wellFormed(destination),
    place: template === undefined ? undefined : { name: type === 'http' ? 'url' : 'key', template },
  }
}

function wellFormed(value: unknown): string | undefined {
  return typeof value === 'string' && templateProblems(value).length === 0 ? value : undefined
}
