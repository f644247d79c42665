/** What the tests of channel interests share: routes, a bus that the test plays, and promises that have resolved. */
import { ChannelInterests } from '../../src/broker/channel-interests.ts'
import { RouteTable, type RouteOptions } from '../../src/routes/table.ts'
import { FakeBus, type FakeBusOptions } from '../support/fake-bus.ts'

export const RELEASE_MS = 1000

export const route = (channel: string, destination: string, subscribe: 'on-demand' | 'always' = 'on-demand') =>
  ({ channel, destination, codec: 'raw', subscribe }) as const

export function tableOf(inbound: RouteOptions['inbound'], convention = false): RouteTable {
  return new RouteTable({ outbound: [], inbound, convention, conventionCodec: 'raw' }, [], ['/topic'])
}

export const prices = route('prices:{symbol}', '/topic/prices/{symbol}')
export const others = route('prices:{*rest}', '/topic/others/{*rest}')
const greetings = route('GREETING', '/topic/greetings')
export const table = tableOf([prices, others, greetings], true)

export const flush = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

export function setUp(options: FakeBusOptions = {}) {
  const bus = new FakeBus(options)
  const interests = new ChannelInterests(bus, RELEASE_MS)
  bus.start({
    onMessage() {},
    onAvailability: (reason) => interests.setBusAvailable(reason === undefined),
    onRefusal: (kind, name, refusal) => interests.setRefusal(kind, name, refusal),
  })
  const hold = (destination: string) => interests.hold(table.interests(destination))
  const routesFor = (channel: string, pattern?: string) =>
    interests.routesFor(channel, pattern).map(({ destination }) => destination.source)
  return { bus, interests, hold, routesFor }
}

/** Which of the promises have resolved, once all that is ready has happened. */
export async function settled(promises: Readonly<Record<string, Promise<unknown> | undefined>>): Promise<string[]> {
  const names: string[] = []
  for (const [name, promise] of Object.entries(promises)) void promise?.then(() => names.push(name))
  await flush()
  return names.sort()
}
