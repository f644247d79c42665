/** How routes change while a bridge runs: what stays is not touched, and what is new is live before it is said to be done. */
import type { LivePart } from './bridge-reload.ts'
import type { Broker } from './broker/broker.ts'
import type { Outbound } from './broker/outbound.ts'
import { BusRefusedError } from './bus/bus.ts'
import type { Clients } from './client/clients.ts'
import type { Liveness } from './broker/hold.ts'
import type { Subscription } from './client/subscription.ts'
import type { Log } from './log.ts'
import type { RouteTable } from './routes/table.ts'

export interface RoutesPartDeps {
  readonly table: RouteTable
  readonly broker: Broker
  readonly outbound: Outbound
  readonly clients: Clients
  readonly log: Log
  /** Ends those to whom the bus refuses what they have subscribed. */
  readonly onRefused: () => void
}

/** Longest time to wait for the bus to confirm new channels, in milliseconds. */
const LIVE_TIMEOUT_MS = 5000

const ROUTE_SETTINGS = ['routes.outbound', 'routes.inbound', 'routes.convention', 'routes.conventionCodec']

/** Returns what replaces the routes. */
export function routesPart({ table, broker, outbound, clients, log, onRefused }: RoutesPartDeps): LivePart {
  const live = async (liveness: Liveness | undefined): Promise<void> => {
    try {
      if (liveness) await within(LIVE_TIMEOUT_MS, [liveness.live, liveness.liveOrLost])
    } catch (error) {
      const reason = error instanceof BusRefusedError ? error.message : String(error)
      log.warn({ reason }, 'Redis refuses a channel of the new routes: who has subscribed what it feeds is told')
      onRefused()
    }
  }
  return {
    prepare({ routes }, changed) {
      if (!ROUTE_SETTINGS.some((path) => changed.has(path))) return undefined
      let liveness: Liveness | undefined
      return {
        apply() {
          const retired = table.replace(routes)
          outbound.forgetRoutes()
          liveness = broker.reroute(subscriptionsOf(clients), retired)
        },
        finish: () => live(liveness),
      }
    },
  }
}

function* subscriptionsOf(clients: Clients): Generator<Subscription> {
  for (const client of clients) yield* client.subscriptions
}

/** Resolves as the first of these, or when it is late. Rejects as they do. */
async function within(timeoutMs: number, works: readonly Promise<void>[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
  await Promise.race([...works, late]).finally(() => clearTimeout(timer))
}
