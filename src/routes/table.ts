/**
 * Which destination belongs to which channel. Made from the configuration, and made again when that changes; answers the
 * broker's three questions: where does this SEND go, which channels feed this subscription, which destination is this
 * payload for.
 */
import { routeSeparators } from '../config/template-syntax.ts'
import { isPattern, patternMeetsTemplate } from '../destinations.ts'
import { EntryFormat, type StreamOptions } from './entry.ts'
import { decodePayload, type InboundMessage, type PayloadCodec } from './payload.ts'
import { isPayloadVariable, PayloadFields } from './payload-fields.ts'
import { StreamRoute, type StreamRouteOptions } from './stream-route.ts'
import { compileTemplate, type Template } from './template.ts'

interface ChannelOptions {
  readonly destination: string
  readonly channel: string
  readonly codec: PayloadCodec
}

/** An inbound route of a channel. */
interface ChannelRouteOptions extends ChannelOptions {
  readonly subscribe: 'on-demand' | 'always'
  readonly contentType?: string | undefined
  /** The newest payload is also the value of the key that is named as the channel. */
  readonly kept?: 'key' | undefined
  /** For so long after it was set; 0 is not at all. */
  readonly keptTtlSeconds?: number | undefined
  /** Path of the field that becomes the body; the destination may have `{body.a.b}` too. With the codec `json`. */
  readonly body?: string | undefined
}

/** The `routes` section of the configuration, with the prefixes that the convention needs. */
export interface RouteOptions {
  readonly outbound: readonly (ChannelOptions | (StreamOptions & Omit<ChannelOptions, 'channel'>))[]
  readonly inbound: readonly (ChannelRouteOptions | StreamRouteOptions)[]
  /** `/app/{name}` → `app:{name}` and `topic:{name}` → `/topic/{name}` for all that no route above claims. */
  readonly convention: boolean
  readonly conventionCodec: PayloadCodec
}

interface Route {
  /** What it was made from, as text: a route that stays is the same object after a change. */
  readonly source: string
  readonly destination: Template
  readonly channel: Template
  readonly codec: PayloadCodec
  readonly isConvention: boolean
  /** How many messages have taken it; whoever carries one counts it. */
  messages: number
}

export interface OutboundRoute extends Route {
  /** How entries are written, if `channel` is the name of a stream. */
  readonly entry: EntryFormat | undefined
}

/** A stream that has one name, with all groups that it is to have. */
export interface NamedStream {
  readonly name: string
  readonly groups: readonly string[]
}

export interface InboundRoute extends Route {
  readonly subscribe: 'on-demand' | 'always'
  readonly contentType: string | undefined
  /** Where destination or body are taken from fields of the payload. */
  readonly fields: PayloadFields | undefined
  /** How long the newest payload is kept in a key, in seconds; undefined if it is not. */
  readonly valueTtlSeconds: number | undefined
}

/** A destination whose newest payload is kept. */
export interface KeptValue {
  /** The channel, which is the name of the key too. */
  readonly channel: string
  readonly route: InboundRoute
  readonly ttlSeconds: number
}

const DEFAULT_KEPT_TTL_S = 3600

/** A payload as a message for a destination. */
export interface Routed {
  readonly destination: string
  readonly message: InboundMessage
}

/** A route as it is written, for people and programs. */
export interface RouteView {
  readonly direction: 'outbound' | 'inbound'
  readonly destination: string
  readonly kind: 'channel' | 'stream'
  /** Its name, or that of the stream. */
  readonly channel: string
  readonly codec: PayloadCodec
  readonly isConvention: boolean
}

/** One thing to subscribe on the bus so that a route is fed. */
export interface ChannelInterest {
  readonly route: InboundRoute
  readonly kind: 'channel' | 'pattern'
  readonly name: string
}

export class RouteTable {
  /** Those of the inbound routes that read streams. They stay what they were at first. */
  readonly readStreams: readonly StreamRoute[]
  readonly #applicationPrefixes: readonly string[]
  readonly #brokerPrefixes: readonly string[]
  #outbound: readonly OutboundRoute[]
  #inbound: readonly InboundRoute[]
  #kept: readonly InboundRoute[]

  constructor(options: RouteOptions, applicationPrefixes: readonly string[], brokerPrefixes: readonly string[]) {
    this.#applicationPrefixes = applicationPrefixes
    this.#brokerPrefixes = brokerPrefixes
    this.readStreams = options.inbound.filter((route) => 'stream' in route).map((route) => new StreamRoute(route))
    this.#outbound = compileOutbounds(options, applicationPrefixes)
    this.#inbound = compileInbounds(options, brokerPrefixes)
    this.#kept = this.#inbound.filter(keepsValue)
  }

  /**
   * From here on these routes count. One that was there before, written the same way, is the same object. Returns the
   * inbound routes that are gone. Routes that read streams must be those of before.
   */
  replace(options: RouteOptions): readonly InboundRoute[] {
    const before = this.#inbound
    this.#outbound = same(this.#outbound, compileOutbounds(options, this.#applicationPrefixes))
    this.#inbound = same(before, compileInbounds(options, this.#brokerPrefixes))
    this.#kept = this.#inbound.filter(keepsValue)
    return before.filter((route) => !this.#inbound.includes(route))
  }

  /**
   * Where a SEND to this destination goes; the first route that matches wins, the convention comes last. `channel`: the
   * name of the stream if the route writes entries.
   */
  outbound(destination: string): { channel: string; codec: PayloadCodec; route: OutboundRoute } | undefined {
    for (const route of this.#outbound) {
      const variables = route.destination.match(destination)
      if (variables) return { channel: route.channel.expand(variables), codec: route.codec, route }
    }
    return undefined
  }

  /** What has to be subscribed so that a subscription to this destination (or pattern) gets everything it should. */
  interests(destination: string): ChannelInterest[] {
    if (isPattern(destination)) {
      return this.#inbound
        .filter((route) => patternMeetsTemplate(destination, route.destination.source))
        .map((route) => wholeRoute(route))
    }
    const found: ChannelInterest[] = []
    for (const route of this.#inbound) {
      if (route.isConvention && found.length > 0) break
      const variables = route.destination.match(destination)
      if (variables) found.push({ route, kind: 'channel', name: route.channel.expand(variables) })
    }
    return found
  }

  /** How the newest payload of this destination is kept; undefined if it is not, and for a pattern. The first route counts. */
  keptValue(destination: string): KeptValue | undefined {
    if (this.#kept.length === 0 || isPattern(destination)) return undefined
    for (const route of this.#kept) {
      const variables = route.destination.match(destination)
      if (variables) return { channel: route.channel.expand(variables), route, ttlSeconds: route.valueTtlSeconds! }
    }
    return undefined
  }

  /** Does any route keep its newest payload? */
  get keepsValues(): boolean {
    return this.#kept.length > 0
  }

  /** What has to be subscribed at all times. */
  permanentInterests(): ChannelInterest[] {
    return this.#inbound.filter((route) => route.subscribe === 'always').map((route) => wholeRoute(route))
  }

  /**
   * What this route makes of a payload of that channel; undefined if it is not the route's to make.
   * Errors: PayloadError.
   */
  read(route: InboundRoute, channel: string, payload: Uint8Array): Routed | undefined {
    if (route.fields) return readFields(route, route.fields, channel, payload)
    const destination = this.destinationOf(route, channel)
    if (destination === undefined) return undefined
    route.messages++
    return { destination, message: decodePayload(route.codec, payload, route.contentType) }
  }

  /** The destination that this route gives any payload of that channel, or undefined if it is not the route's to give. */
  destinationOf(route: InboundRoute, channel: string): string | undefined {
    const variables = route.channel.match(channel)
    if (!variables) return undefined
    const destination = route.destination.expand(variables)
    return route.isConvention && this.#isClaimed(channel, destination) ? undefined : destination
  }

  /** The streams to which routes lead; those whose name has variables are not among them. Undefined if no route leads to one. */
  streams(): readonly NamedStream[] | undefined {
    const routes = this.#outbound.filter(({ entry }) => entry !== undefined)
    if (routes.length === 0) return undefined
    const named = routes.filter(({ channel }) => channel.isFixed)
    return [...new Map(named.map(({ channel, entry }) => [channel.source, entry!.groups]))].map(([name, groups]) => ({
      name,
      groups,
    }))
  }

  /** All routes in the order in which they are tried, outbound first. */
  views(): RouteView[] {
    const view = (
      direction: RouteView['direction'],
      { destination, channel, codec, isConvention }: Route,
      kind: RouteView['kind'] = 'channel',
    ) => ({
      direction,
      destination: destination.source,
      kind,
      channel: channel.source,
      codec,
      isConvention,
    })
    return [
      ...this.#outbound.map((route) => view('outbound', route, route.entry ? 'stream' : 'channel')),
      ...this.#inbound.map((route) => view('inbound', route)),
      ...this.readStreams.map(({ destination, stream }) => ({
        direction: 'inbound' as const,
        destination,
        kind: 'stream' as const,
        channel: stream,
        codec: 'raw' as const,
        isConvention: false,
      })),
    ]
  }

  /** How many messages have taken each route so far, in the order of `views`. */
  messageCounts(): number[] {
    return [...this.#outbound, ...this.#inbound, ...this.readStreams].map(({ messages }) => messages)
  }

  /** How many messages have taken each route so far, by the name by which it is known: what a SEND names, or what feeds it. */
  *counts(): Generator<readonly [direction: RouteView['direction'], route: string, messages: number]> {
    for (const { destination, messages } of this.#outbound) yield ['outbound', destination.source, messages]
    for (const { channel, messages } of this.#inbound) yield ['inbound', channel.source, messages]
    for (const { stream, messages } of this.readStreams) yield ['inbound', stream, messages]
  }

  /** One line per route, for people. */
  describe(): string[] {
    return this.views().map(({ direction, destination, kind, channel, codec, isConvention }) => {
      const end = `${kind} ${channel}`
      const way = direction === 'outbound' ? `SEND ${destination} -> ${end}` : `${end} -> ${destination}`
      return `${way}  (${codec}${isConvention ? ', by convention' : ''})`
    })
  }

  #isClaimed(channel: string, destination: string): boolean {
    return this.#inbound.some(
      (route) =>
        !route.isConvention && (route.channel.match(channel) ?? route.destination.match(destination)) !== undefined,
    )
  }
}

function compileOutbounds(
  { outbound, convention, conventionCodec: codec }: RouteOptions,
  applicationPrefixes: readonly string[],
): OutboundRoute[] {
  const byConvention = convention ? applicationPrefixes.map(conventionOf) : []
  return [
    ...outbound.map((route) => compileOutbound(route, outbound)),
    ...byConvention.map((templates) => ({ ...compileRoute({ ...templates, codec }, true), entry: undefined })),
  ]
}

function compileInbounds(
  { inbound, convention, conventionCodec: codec }: RouteOptions,
  brokerPrefixes: readonly string[],
): InboundRoute[] {
  const byConvention = convention ? [...brokerPrefixes.map(conventionOf), ...ADDRESS_CONVENTIONS] : []
  return [
    ...inbound
      .filter((route) => 'channel' in route)
      .map((route) => ({
        ...compileRoute(route, false),
        subscribe: route.subscribe,
        contentType: route.contentType,
        fields: fieldsOf(route),
        valueTtlSeconds: valueTtlOf(route),
      })),
    ...byConvention.map((templates) => ({
      ...compileRoute({ ...templates, codec }, true),
      subscribe: 'on-demand' as const,
      contentType: undefined,
      fields: undefined,
      valueTtlSeconds: undefined,
    })),
  ]
}

/** Returns the new routes, each that was there before as the object that it was. */
function same<Kind extends Route>(before: readonly Kind[], after: readonly Kind[]): Kind[] {
  const left = [...before]
  return after.map((route) => {
    const at = left.findIndex(({ source }) => source === route.source)
    return at < 0 ? route : left.splice(at, 1)[0]!
  })
}

function keepsValue({ valueTtlSeconds }: InboundRoute): boolean {
  return valueTtlSeconds !== undefined
}

function valueTtlOf({ kept, keptTtlSeconds = DEFAULT_KEPT_TTL_S }: ChannelRouteOptions) {
  return kept === undefined || keptTtlSeconds === 0 ? undefined : keptTtlSeconds
}

function wholeRoute(route: InboundRoute): ChannelInterest {
  return route.channel.isFixed
    ? { route, kind: 'channel', name: route.channel.source }
    : { route, kind: 'pattern', name: route.channel.glob }
}

function compileOutbound(route: RouteOptions['outbound'][number], all: RouteOptions['outbound']): OutboundRoute {
  if ('channel' in route) return { ...compileRoute(route, false), entry: undefined }
  // Whichever route writes the first entry, the stream gets the groups of all.
  const groups = all.flatMap((each) => ('stream' in each && each.stream === route.stream ? each.groups : []))
  return {
    ...compileRoute({ ...route, channel: route.stream }, false),
    entry: new EntryFormat(route, [...new Set(groups)]),
  }
}

function compileRoute(route: ChannelOptions, isConvention: boolean): Route {
  const separators = routeSeparators(route)
  return {
    source: JSON.stringify([isConvention, route]),
    destination: compileTemplate(route.destination, separators),
    channel: compileTemplate(route.channel, separators),
    codec: route.codec,
    isConvention,
    messages: 0,
  }
}

function readFields(
  route: InboundRoute,
  fields: PayloadFields,
  channel: string,
  payload: Uint8Array,
): Routed | undefined {
  const variables = route.channel.match(channel)
  if (!variables) return undefined
  route.messages++
  const { variables: more, message } = fields.read(payload)
  return { destination: route.destination.expand(new Map([...variables, ...more])), message }
}

function fieldsOf(route: ChannelRouteOptions): PayloadFields | undefined {
  const variables = compileTemplate(route.destination).names.filter(isPayloadVariable)
  if (variables.length === 0 && route.body === undefined) return undefined
  return new PayloadFields(variables, route.body, route.contentType)
}

/** The channels by which users, groups and sessions are reached; names in them are percent-encoded. */
export const ADDRESS_CONVENTIONS = [
  { destination: '/user/{user}/queue/{*name}', channel: 'user:{user}:{*name}' },
  { destination: '/group/{group}/{*name}', channel: 'group:{group}:{*name}' },
  { destination: '/session/{session}/queue/{*name}', channel: 'session:{session}:{*name}' },
]

/** `/topic` → `topic:{*name}` ⇄ `/topic/{*name}`; the name may have several segments. */
function conventionOf(prefix: string): { destination: string; channel: string } {
  return { destination: `${prefix}/{*name}`, channel: `${prefix.slice(1).replaceAll('/', ':')}:{*name}` }
}
