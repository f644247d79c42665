/** Makes rates from two answers of the bridge, which counts since its start. Pure. */
import type { Bridge, Route } from './types.ts'

/** Messages a second. */
export interface Rates {
  /** To the bus, from clients and over HTTP. */
  readonly published: number
  /** To clients; one message counts for each subscription. */
  readonly delivered: number
  /** From node to node: what this one has sent to all, and what it has heard. */
  readonly broadcast: { readonly published: number; readonly received: number }
  /** By {@link routeKey}. */
  readonly routes: ReadonlyMap<string, number>
}

/** The rates at one time, for the chart. */
export interface RatePoint {
  /** Milliseconds since 1970, by the clock of the bridge. */
  readonly at: number
  readonly published: number
  readonly delivered: number
}

/** Tells the routes of one answer apart, and finds each in the next one. */
export function routeKey({ direction, destination, channel }: Route): string {
  return `${direction} ${destination} ${channel}`
}

/** Undefined when the two cannot be compared: the bridge has started anew, or its clock has not moved on. */
export function ratesBetween(earlier: Bridge, later: Bridge): Rates | undefined {
  const seconds = (later.now - earlier.now) / 1000
  if (seconds <= 0 || earlier.startedAt !== later.startedAt || earlier.node !== later.node) return undefined
  // Of several workers one may have been replaced, and its counts with it.
  const rate = (before: number, after: number) => Math.max(0, after - before) / seconds
  const before = new Map(earlier.routes.map((route) => [routeKey(route), route.messages]))
  return {
    published: rate(earlier.totals.messagesPublished, later.totals.messagesPublished),
    delivered: rate(earlier.totals.messagesDelivered, later.totals.messagesDelivered),
    broadcast: {
      published: rate(earlier.totals.broadcastPublished, later.totals.broadcastPublished),
      received: rate(earlier.totals.broadcastReceived, later.totals.broadcastReceived),
    },
    routes: new Map(
      later.routes.map((route) => {
        const key = routeKey(route)
        return [key, rate(before.get(key) ?? 0, route.messages)]
      }),
    ),
  }
}
