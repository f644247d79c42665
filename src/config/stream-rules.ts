/**
 * Owns what is wrong with inbound routes of streams beside other settings: nowhere to read from, destinations that nobody can
 * subscribe, and destinations that something else has already.
 */
import { patternMatches, patternMeetsTemplate } from '../destinations.ts'
import { isReserved } from '../headers.ts'
import { isGroup } from './group.ts'
import { isBelow, isReceiver } from './prefixes.ts'
import { pathText, type Finding, type SettingPath } from './problems.ts'
import { fieldTemplatePattern, fieldTemplateProblems, isOneField } from './template-syntax.ts'

/** The settings that depend on each other. */
export interface StreamSettings {
  /** As they were given; those of streams are among them. */
  readonly inbound: readonly unknown[]
  /** Destinations of the rules. */
  readonly history: readonly unknown[]
  /** Undefined where they are wrong by themselves. */
  readonly prefixes: readonly string[] | undefined
  readonly hasRedis: boolean
}

interface StreamAt {
  readonly path: SettingPath
  /** Undefined where it is missing or not well formed. */
  readonly destination: string | undefined
  readonly headers: unknown
}

/** Returns what is wrong between these settings. */
export function streamFindings({ inbound, history, prefixes, hasRedis }: StreamSettings): Finding[] {
  const streams = streamsOf(inbound)
  return [
    ...redisFindings(streams, hasRedis),
    ...streams.flatMap((stream) => [
      ...destinationFindings(stream, prefixes),
      ...headerFindings(stream),
      ...historyFindings(stream, history, prefixes),
    ]),
    ...unusedFindings(streams),
  ]
}

function redisFindings([first]: readonly StreamAt[], hasRedis: boolean): Finding[] {
  if (!first || hasRedis) return []
  const text = `is missing, and ${pathText(first.path)}.stream needs it: the embedded bus has no streams; set REDIS_URL`
  return [{ path: ['redis', 'url'], text }]
}

function destinationFindings({ path, destination }: StreamAt, prefixes: readonly string[] | undefined): Finding[] {
  if (destination === undefined || !prefixes || isOneField(destination)) return []
  if (isReceiver(destination) || isBelow(destination, prefixes)) return []
  const choice = prefixes.map((prefix) => `"${prefix}/"`).join(' or ')
  const text = `must start with a broker prefix, ${choice}, not "${destination}"`
  return [{ path: [...path, 'destination'], text }]
}

function headerFindings({ path, headers }: StreamAt): Finding[] {
  if (!Array.isArray(headers)) return []
  return headers.flatMap((name: unknown, index) =>
    typeof name === 'string' && isReserved(name)
      ? [{ path: [...path, 'headers', index], text: `must not be "${name}", which only the bridge sets` }]
      : [],
  )
}

/** A destination has one history. */
function historyFindings(
  { path, destination }: StreamAt,
  history: readonly unknown[],
  prefixes: readonly string[] = [],
): Finding[] {
  if (destination === undefined) return []
  const index = history.findIndex((pattern) => {
    if (typeof pattern !== 'string') return false
    // What is in a field is known only then, unless the rule is for all that there could be.
    if (isOneField(destination)) return prefixes.some((prefix) => patternMatches(pattern, `${prefix}/**`))
    return patternMeetsTemplate(pattern, destination)
  })
  if (index < 0) return []
  const text = `may give what history[${index}] is for, "${String(history[index])}": a stream has a history of its own`
  return [{ path: [...path, 'destination'], text }]
}

/** A destination is fed by one stream: the first that can. */
function unusedFindings(streams: readonly StreamAt[]): Finding[] {
  return streams.flatMap(({ path, destination }, index) => {
    if (destination === undefined) return []
    const before = streams
      .slice(0, index)
      .find((each) => each.destination !== undefined && takesAll(each.destination, destination))
    if (!before) return []
    const text = `can never be used: "${before.destination}" of ${pathText(before.path)} comes first and takes all of "${destination}"`
    return [{ path: [...path, 'destination'], text }]
  })
}

function takesAll(outer: string, inner: string): boolean {
  return isOneField(outer) || (!isOneField(inner) && patternMatches(fieldTemplatePattern(outer), inner))
}

function streamsOf(inbound: readonly unknown[]): StreamAt[] {
  return inbound.flatMap((item, index): StreamAt[] => {
    if (!isGroup(item) || item['stream'] === undefined) return []
    const { destination, headers } = item
    const isWell = typeof destination === 'string' && fieldTemplateProblems(destination).length === 0
    return [{ path: ['routes', 'inbound', index], destination: isWell ? destination : undefined, headers }]
  })
}
