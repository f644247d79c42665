/**
 * Owns routes that keep a value where there is history too. What is sent there goes to the channel, as backends publish
 * it, and is recorded by who hears it: so somebody always does.
 */
import { patternMeetsTemplate } from '../destinations.ts'
import type { Config } from './schema.ts'

/** Returns the configuration with such routes subscribed at all times. */
export function withRecordedRoutes(config: Config): Config {
  const { history, routes } = config
  const inbound = routes.inbound.map((route) => {
    if ('stream' in route || route.kept === undefined || route.keptTtlSeconds === 0) return route
    const isRecorded = history.some(({ destination }) => patternMeetsTemplate(destination, route.destination))
    return isRecorded ? { ...route, subscribe: 'always' as const } : route
  })
  return { ...config, routes: { ...routes, inbound } }
}
