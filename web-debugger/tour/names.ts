/** Which destinations and channels the tour uses: those of the built-in routes, or else what this bridge has. Pure. */
import type { Route } from '../api/types.ts'
import { fillTemplate, hasVariables } from '../backend/route-match.ts'

export interface TourNames {
  /** For notifications; any topic will do. */
  readonly topic: string
  readonly inbound: RouteEnds
  readonly outbound: RouteEnds
}

export interface RouteEnds {
  readonly destination: string
  readonly channel: string
  /** How a text is written there. */
  readonly codec: Route['codec']
}

const DEFAULTS: TourNames = {
  topic: '/topic/toast',
  inbound: { destination: '/topic/greetings', channel: 'GREETING_CHANNEL_INBOUND', codec: 'json-string' },
  outbound: { destination: '/app/greet', channel: 'GREETING_CHANNEL_OUTBOUND', codec: 'json-string' },
}

export function tourNames(routes: readonly Route[]): TourNames {
  return {
    topic: DEFAULTS.topic,
    inbound: choose(routes, 'inbound', DEFAULTS.inbound),
    outbound: choose(routes, 'outbound', DEFAULTS.outbound),
  }
}

function choose(routes: readonly Route[], direction: Route['direction'], standard: RouteEnds): RouteEnds {
  // A JSON route takes no plain greeting.
  const candidates = routes.filter(
    (route) => route.direction === direction && route.kind === 'channel' && route.codec !== 'json',
  )
  const chosen =
    candidates.find((route) => route.channel === standard.channel) ??
    candidates.find((route) => !hasVariables(route.channel) && !hasVariables(route.destination)) ??
    candidates[0]
  if (!chosen) return standard
  const values = new Map([...chosen.channel.matchAll(/\{\*?(\w+)\}/g)].map(([, name]) => [name!, 'tour']))
  return {
    destination: fillTemplate(chosen.destination, values),
    channel: fillTemplate(chosen.channel, values),
    codec: chosen.codec,
  }
}
