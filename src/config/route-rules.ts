/**
 * Owns what is wrong with routes beside each other and beside the prefixes: destinations that no prefix has, variables of
 * one side only, routes that are never used or bring messages twice.
 */
import { isGroup } from './group.ts'
import { isBelow, isReceiver } from './prefixes.ts'
import { pathText, type Finding, type SettingPath } from './problems.ts'
import { giveSameDestination, takesAll, type RouteTemplates } from './route-conflicts.ts'
import { ws4redisRoutes } from './route-presets.ts'
import { facility as facilitySchema } from './schema/routes.ts'
import { hasPayloadVariables, templateProblems, templateVariables } from './template-syntax.ts'

/** The settings that depend on each other; undefined where a value is wrong by itself. */
export interface RouteSettings {
  /** As they were given, with presets. */
  readonly outbound: readonly unknown[]
  readonly inbound: readonly unknown[]
  readonly hasConvention: boolean
  readonly prefixes: readonly string[] | undefined
  readonly applicationPrefixes: readonly string[] | undefined
  readonly broadcastChannel: string | undefined
}

/** Returns what is wrong between these settings. */
export function routeFindings(settings: RouteSettings): Finding[] {
  const { prefixes, applicationPrefixes, broadcastChannel } = settings
  const outbound = routesOf(settings.outbound, 'outbound')
  const inbound = routesOf(settings.inbound, 'inbound')
  return [
    ...outbound.flatMap((route) => destinationFindings(route, applicationPrefixes, 'an application prefix')),
    ...outbound.flatMap(variableFindings),
    ...entryFindings(settings.outbound),
    ...unreachableFindings(outbound),
    ...inbound
      .filter(({ destination }) => destination === undefined || !isReceiver(destination))
      .flatMap((route) => destinationFindings(route, prefixes, 'a broker prefix')),
    ...inbound.flatMap(variableFindings),
    ...payloadFindings(settings.inbound),
    ...keptFindings(settings.inbound),
    ...twiceFindings(inbound, broadcastChannel),
    ...conventionFindings(settings),
  ]
}

interface RouteAt {
  readonly path: SettingPath
  /** Undefined where it is missing or not well formed. */
  readonly destination: string | undefined
  /** Or the stream. */
  readonly channel: string | undefined
  readonly isStream: boolean
  readonly isPreset: boolean
}

function destinationFindings(route: RouteAt, prefixes: readonly string[] | undefined, kind: string): Finding[] {
  const { path, destination, isPreset } = route
  if (destination === undefined || !prefixes || isBelow(destination, prefixes)) return []
  const choice = prefixes.length === 0 ? 'and there is none' : prefixes.map((prefix) => `"${prefix}/"`).join(' or ')
  const text = `must start with ${kind}, ${choice}`
  return [
    isPreset
      ? { path: [...path, 'preset'], text: `brings messages to "${destination}", which ${text}` }
      : { path: [...path, 'destination'], text: `${text}, not "${destination}"` },
  ]
}

function variableFindings({ path, destination, channel, isStream }: RouteAt): Finding[] {
  if (destination === undefined || channel === undefined) return []
  // Nothing comes back from a stream that this route writes to.
  if (isStream) return lackFindings([...path, 'destination'], destination, channel, 'stream')
  return [
    ...lackFindings([...path, 'channel'], channel, destination, 'destination'),
    ...lackFindings([...path, 'destination'], destination, channel, 'channel'),
  ]
}

/** Both directions must be computable, so both sides have the same variables. */
function lackFindings(path: SettingPath, template: string, other: string, otherName: string): Finding[] {
  const written = (each: { name: string; rest: boolean }) => `{${each.rest ? '*' : ''}${each.name}}`
  const own = new Set(templateVariables(template).map(written))
  return templateVariables(other)
    .map(written)
    .filter((variable) => !own.has(variable))
    .map((variable) => ({ path, text: `must have the variable ${variable} of its ${otherName} "${other}"` }))
}

/** What every message has. */
const ALWAYS_THERE: readonly unknown[] = ['body', 'destination', 'session']

/** An entry needs a field, and has each of them once. */
function entryFindings(outbound: readonly unknown[]): Finding[] {
  return outbound.flatMap((item, index) => {
    const { stream, fields, constants = {} } = isGroup(item) ? item : {}
    if (stream === undefined || !isGroup(constants) || (fields !== undefined && !isGroup(fields))) return []
    const path = ['routes', 'outbound', index]
    const given = fields ?? { message: 'body' }
    const names = Object.keys(constants)
    const isNeverEmpty = names.length > 0 || Object.values(given).some((what) => ALWAYS_THERE.includes(what))
    const emptyText = 'must have body, destination or session, or constants must have a field: an entry is never empty'
    return [
      ...names
        .filter((name) => Object.hasOwn(given, name))
        .map((name) => ({ path: [...path, 'constants', name], text: 'must not be in fields too' })),
      ...(isNeverEmpty ? [] : [{ path: [...path, 'fields'], text: emptyText }]),
    ]
  })
}

/** Only of JSON are there fields. */
function payloadFindings(inbound: readonly unknown[]): Finding[] {
  return inbound.flatMap((item, index) => {
    if (!isGroup(item) || item['stream'] !== undefined) return []
    const { destination, body, codec } = item
    const isOfFields = body !== undefined || (typeof destination === 'string' && hasPayloadVariables(destination))
    const path = ['routes', 'inbound', index, 'codec']
    if (!isOfFields || codec === 'json') return []
    return [
      {
        path,
        text: `must be json, because ${body === undefined ? 'the destination' : 'the body'} is taken from a field`,
      },
    ]
  })
}

/** What is sent has to be written as a payload, and found by the destination. */
function keptFindings(inbound: readonly unknown[]): Finding[] {
  return inbound.flatMap((item, index) => {
    if (!isGroup(item) || item['kept'] === undefined) return []
    const { destination, body } = item
    const isOfFields = body !== undefined || (typeof destination === 'string' && hasPayloadVariables(destination))
    if (!isOfFields) return []
    const text = 'cannot be together with fields of the payload: the newest message of a destination could not be found'
    return [{ path: ['routes', 'inbound', index, 'kept'], text }]
  })
}

/** An outbound route that nothing can reach: the first that takes a destination has it. */
function unreachableFindings(routes: readonly RouteAt[]): Finding[] {
  const whole = routes.flatMap(wholeRoute)
  return whole.flatMap((route, index) => {
    const before = whole.slice(0, index).find((earlier) => takesAll(earlier, route))
    if (!before) return []
    const text = `can never be used: "${before.destination}" of ${pathText(before.path)} comes first and takes all of "${route.destination}"`
    return [{ path: [...route.path, 'destination'], text }]
  })
}

/** Two inbound routes by which each message of some channel comes twice. */
function twiceFindings(routes: readonly RouteAt[], broadcastChannel: string | undefined): Finding[] {
  const whole = routes.flatMap(wholeRoute)
  // A route for every channel does not mean this one; one that names it does.
  const meansBroadcast = ({ channel }: WholeRoute) => channel === broadcastChannel
  return whole.flatMap((route, index) => {
    const before = whole
      .slice(0, index)
      .find((earlier) => meansBroadcast(earlier) === meansBroadcast(route) && giveSameDestination(earlier, route))
    if (!before) return []
    const way = `"${before.channel}" to "${before.destination}"`
    const text = `brings "${route.channel}" to "${route.destination}", and ${pathText(before.path)} brings ${way}: messages would come twice`
    return [{ path: route.path, text }]
  })
}

/** The convention makes a route of each prefix. */
function conventionFindings({ hasConvention, prefixes = [], applicationPrefixes = [] }: RouteSettings): Finding[] {
  if (!hasConvention) return []
  return [
    ...prefixes.flatMap((prefix, index): Finding[] => {
      const first = prefixes.indexOf(prefix)
      const text = `is in the list twice, as broker.prefixes[${first}] too: messages would come twice by the convention: "${prefix}"`
      return first < index ? [{ path: ['broker', 'prefixes', index], text }] : []
    }),
    ...applicationPrefixes.flatMap((prefix, index): Finding[] => {
      const first = applicationPrefixes.findIndex((each) => each === prefix || prefix.startsWith(`${each}/`))
      const text = `can never be used by the convention: "${applicationPrefixes[first]}" of broker.applicationPrefixes[${first}] comes first and takes all of "${prefix}"`
      return first < index ? [{ path: ['broker', 'applicationPrefixes', index], text }] : []
    }),
  ]
}

interface WholeRoute extends RouteTemplates {
  readonly path: SettingPath
}

/** A route whose mistakes are not reported otherwise. */
function wholeRoute(route: RouteAt): WholeRoute[] {
  const { path, destination, channel } = route
  if (destination === undefined || channel === undefined) return []
  return variableFindings(route).length === 0 ? [{ path, destination, channel }] : []
}

function routesOf(list: readonly unknown[], direction: 'outbound' | 'inbound'): RouteAt[] {
  return list.flatMap((item, index): RouteAt[] => {
    const path = ['routes', direction, index]
    const { preset, facility, destination, channel, stream } = isGroup(item) ? item : {}
    const hasPayload = direction === 'inbound'
    if (hasPayload && stream !== undefined) return [] // see stream-rules.ts
    if (!hasPayload || preset === undefined) {
      const kind = { isPreset: false, isStream: direction === 'outbound' && channel === undefined }
      const name = wellFormed(kind.isStream ? stream : channel)
      return [{ path, ...kind, destination: wellFormed(destination, hasPayload), channel: name }]
    }
    const name = facilitySchema.safeParse(facility)
    return name.success
      ? ws4redisRoutes(name.data).map((route) => ({ path, isPreset: true, isStream: false, ...route }))
      : []
  })
}

function wellFormed(template: unknown, hasPayload = false): string | undefined {
  return typeof template === 'string' && templateProblems(template, { hasPayload }).length === 0 ? template : undefined
}
