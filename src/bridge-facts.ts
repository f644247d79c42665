/** What the web debugger shows of how a bridge is set up. */
import type { Bus } from './bus/bus.ts'
import { hasRedis, type Config } from './config.ts'
import type { BridgeFacts } from './debug/bridge-endpoint.ts'
import type { RouteTable } from './routes/table.ts'

export interface FactSources {
  readonly config: Config
  readonly version: string
  /** Name and version. */
  readonly runtime: string
  readonly nodeId: string
  readonly isOpen: boolean
  readonly bus: Bus
  /** Did the program bring the bus that embeds the bridge? */
  readonly isOwnBus: boolean
  readonly table: RouteTable
  /** Where STOMP over TCP is served, once it is. */
  tcp(): { readonly host: string; readonly port: number } | null
  busUnavailableReason(): string | undefined
  /** Milliseconds since 1970; undefined while it is there. */
  busAwaySince(): number | undefined
}

/** Returns the facts; what may change is a function in them. */
export function factsOf(sources: FactSources): BridgeFacts {
  const { config, version, runtime, nodeId, isOpen, bus, isOwnBus, table } = sources
  const kind = isOwnBus ? 'custom' : hasRedis(config.redis) ? 'redis' : 'embedded'
  const startedMs = performance.now()
  const { prefixes, applicationPrefixes, broadcastChannel, distribution } = config.broker
  return {
    version,
    runtime,
    node: nodeId,
    isOpen,
    endpoints: {
      stomp: config.server.path,
      raw: config.doors.raw ? '/raw' : null,
      sse: config.doors.sse ? '/sse' : null,
      configured: config.endpoints.map(({ path }) => path),
    },
    prefixes: { broker: [...prefixes], application: [...applicationPrefixes], broadcastChannel, distribution },
    limits: numbersOf(config.limits),
    get routes() {
      return table.views()
    },
    tcp: () => sources.tcp(),
    bus: () => ({
      kind,
      description: bus.description,
      unavailableReason: sources.busUnavailableReason() ?? null,
      unavailableSince: sources.busAwaySince() ?? null,
    }),
    async nodes() {
      if (kind === 'embedded') {
        const ageSeconds = Math.floor((performance.now() - startedMs) / 1000)
        return [{ id: nodeId, isThis: true, address: null, ageSeconds }]
      }
      const nodes = await bus.nodes?.()
      return nodes?.map((node) => ({ ...node, isThis: node.id === nodeId })) ?? null
    },
  }
}

/** What the web debugger shows of the limits. */
function numbersOf(limits: Config['limits']): Record<string, number> {
  return Object.fromEntries(
    Object.entries(limits).filter((each): each is [string, number] => typeof each[1] === 'number'),
  )
}
