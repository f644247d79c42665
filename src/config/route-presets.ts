/** Owns what a preset in `routes.inbound` stands for: the routes that another server has had. */
import type { Config, ParsedConfig } from './schema.ts'

type InboundRoute = Config['routes']['inbound'][number]
type ChannelRoute = Extract<InboundRoute, { channel: string }>

/** Returns the configuration with all inbound routes written out. */
export function withoutPresets(config: ParsedConfig): Config {
  const inbound = config.routes.inbound.flatMap((route): readonly InboundRoute[] =>
    'preset' in route ? ws4redisRoutes(route.facility, route.keptTtlSeconds) : [route],
  )
  return { ...config, routes: { ...config.routes, inbound } }
}

/** Returns the routes of django-websocket-redis, which keeps the newest message. `facility`: fixed text, or a variable as `{name}`. */
export function ws4redisRoutes(facility: string, keptTtlSeconds?: number): ChannelRoute[] {
  // The facility is the only variable with a name of the operator's.
  const other = facility === '{name}' ? '{receiver}' : '{name}'
  const ttl = keptTtlSeconds === undefined ? {} : { keptTtlSeconds }
  const rest = { codec: 'raw', subscribe: 'on-demand', kept: 'key', ...ttl } as const
  return [
    { channel: `broadcast:${facility}`, destination: `/topic/${facility}`, ...rest },
    { channel: `user:${other}:${facility}`, destination: `/user/${other}/queue/${facility}`, ...rest },
    { channel: `group:${other}:${facility}`, destination: `/group/${other}/${facility}`, ...rest },
    { channel: `session:${other}:${facility}`, destination: `/session/${other}/queue/${facility}`, ...rest },
  ]
}
