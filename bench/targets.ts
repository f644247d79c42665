/** What the bridge must reach, as data: which rows are compared, and the limit of their ratio. */
import {
  BARE,
  BRIDGE,
  BRIDGE_ON_DENO,
  BRIDGE_ON_NODE,
  CENTRIFUGO,
  NCHAN,
  RABBITMQ,
  SOCKET_IO,
  STOMP_BROKER_JS,
} from './contenders/index.ts'
import { QUEUES_CASE, queuesName, RULES_CASE, topicsName, WITH_RULES, WITHOUT_RULES } from './scenarios/access.ts'
import { BARE_UPGRADE, connectCase } from './scenarios/connect.ts'
import {
  DESTINATIONS_IN_FLIGHT,
  destinationsCase,
  manyDestinations,
  ONE_DESTINATION,
} from './scenarios/destinations.ts'
import { plainName, RUNTIMES, streamName } from './scenarios/doors.ts'
import { fanOutCase, IN_FLIGHT, OWN_IDS, sizeName, sizesCase, sizesOf } from './scenarios/fan-out.ts'
import { BARE_ONE_AT_A_TIME, GATHERED, gatheringCase } from './scenarios/gathering.ts'
import {
  COME_BACK,
  COME_BACK_READS,
  comeBackCase,
  HISTORY_SEND_CASE,
  historyFanOutCase,
  WITH_HISTORY,
  WITHOUT_HISTORY,
} from './scenarios/history.ts'
import { AT_REST, atRest, WINDOW_CASE } from './scenarios/history-window.ts'
import { ALONE, BY_INTEREST, interestCase } from './scenarios/interest.ts'
import { memoryCase } from './scenarios/memory.ts'
import { QUEUE_CASE, QUEUE_ON_BRIDGE } from './scenarios/queue.ts'
import { PUBLISH_ALONE, SEND_CASE } from './scenarios/send.ts'
import type { Stage } from './stage.ts'

/** Names a row: scenario, case, contender. */
export interface RowKey {
  readonly scenario: string
  readonly case: string
  readonly contender: string
}

export interface Target {
  readonly what: string
  readonly against: string
  /** The rows to compare; the worst pair decides. Without `theirs` the value itself counts. */
  readonly pairs: readonly { readonly ours: RowKey; readonly theirs?: RowKey }[]
  /** Of the ratio of the values, or of the median latencies. */
  readonly of?: 'value' | 'p50'
  readonly atMost?: number
  readonly atLeast?: number
}

type Sizes = Pick<Stage, 'subscribers'>

export function targets(sizes: Sizes): Target[] {
  const { subscribers } = sizes
  const fanOut = (inFlight: number, contender: string): RowKey => ({
    scenario: 'fan-out',
    case: fanOutCase(subscribers, inFlight),
    contender,
  })
  const bare = (what: string, inFlight: number, contender: string, atMost: number): Target => ({
    what,
    against: BARE.name,
    pairs: [{ ours: fanOut(inFlight, contender), theirs: fanOut(inFlight, BARE.name) }],
    atMost,
  })
  const peer = ({ name }: { name: string }, atMost: number): Target => ({
    what: 'Bun, any fan-out row',
    against: name,
    pairs: IN_FLIGHT.map((inFlight) => ({ ours: fanOut(inFlight, BRIDGE.name), theirs: fanOut(inFlight, name) })),
    atMost,
  })
  const onRuntime = ({ name }: { name: string }): Target => ({
    what: `${name.replace(`${BRIDGE.name} on `, '')}, 8 in flight`,
    against: SOCKET_IO.name,
    pairs: [{ ours: fanOut(8, name), theirs: fanOut(8, SOCKET_IO.name) }],
    atMost: 1 / 3,
  })
  return [
    bare('1,000 subscribers, shared id, 8 in flight', 8, BRIDGE.name, 1.0),
    bare('the same, 32 in flight', 32, BRIDGE.name, 0.8),
    bare('the same, 1 in flight', 1, BRIDGE.name, 1.25),
    { ...bare('the same, 1 in flight: median latency', 1, BRIDGE.name, 1.2), of: 'p50' },
    bare('each its own id, 8 in flight', 8, OWN_IDS, 1.5),
    ...[subscribers / 10, subscribers].map((size) => ({
      what: `${gatheringCase(size)}, gatherMs 20`,
      against: BARE_ONE_AT_A_TIME,
      pairs: [compare({ scenario: 'gathering', case: gatheringCase(size) }, GATHERED, BARE_ONE_AT_A_TIME)],
      atMost: 1 / 4,
    })),
    ...sizeTargets(sizes),
    ...RUNTIMES.flatMap((runtime) => doorTargets(sizes, runtime)),
    ...DESTINATIONS_IN_FLIGHT.map((inFlight) => destinationTarget(sizes, inFlight)),
    ...[peer(SOCKET_IO, 1 / 7), peer(STOMP_BROKER_JS, 1 / 9), peer(RABBITMQ, 1 / 35), peer(NCHAN, 1 / 2)],
    ...[onRuntime(BRIDGE_ON_NODE), onRuntime(BRIDGE_ON_DENO)],
    {
      what: '/app SEND to Redis',
      against: PUBLISH_ALONE.name,
      pairs: [compare({ scenario: 'send', case: SEND_CASE }, BRIDGE.name, PUBLISH_ALONE.name)],
      atMost: 3,
    },
    {
      what: 'connect and SUBSCRIBE',
      against: BARE_UPGRADE,
      pairs: [compare({ scenario: 'connect', case: connectCase(sizes) }, BRIDGE.name, BARE_UPGRADE)],
      atMost: 2.5,
    },
    {
      what: 'KB per idle session, 10,000 sessions',
      against: 'the empty process',
      pairs: [{ ours: { scenario: 'memory', case: memoryCase(subscribers * 10), contender: BRIDGE.name } }],
      atMost: 4,
    },
    ...accessTargets(sizes),
    ...historyTargets(sizes),
    {
      what: `by interest, ${interestCase(sizes)}`,
      against: 'in a cluster of its own',
      pairs: [compare({ scenario: 'interest', case: interestCase(sizes) }, BY_INTEREST, ALONE)],
      atMost: 1.25,
    },
    ...codecTargets('@stomp/stompjs', 10),
    ...codecTargets('stompit', 5),
  ]
}

function accessTargets(sizes: Sizes): Target[] {
  return [
    {
      what: `SEND ${WITH_RULES}`,
      against: WITHOUT_RULES,
      pairs: [compare({ scenario: 'access', case: RULES_CASE }, WITH_RULES, WITHOUT_RULES)],
      atMost: 1.1,
    },
    {
      what: `/user/queue of ${queuesName(sizes)}`,
      against: topicsName(sizes),
      pairs: [compare({ scenario: 'access', case: QUEUES_CASE }, queuesName(sizes), topicsName(sizes))],
      atMost: 1.25,
    },
  ]
}

function historyTargets(sizes: Sizes): Target[] {
  return [
    {
      what: `fan-out ${WITH_HISTORY}, 8 in flight`,
      against: WITHOUT_HISTORY,
      pairs: [compare({ scenario: 'history', case: historyFanOutCase(sizes) }, WITH_HISTORY, WITHOUT_HISTORY)],
      atMost: 1.15,
    },
    {
      what: `SEND ${WITH_HISTORY}`,
      against: WITHOUT_HISTORY,
      pairs: [compare({ scenario: 'history', case: HISTORY_SEND_CASE }, WITH_HISTORY, WITHOUT_HISTORY)],
      atMost: 2,
    },
    {
      what: COME_BACK,
      against: CENTRIFUGO.name,
      pairs: [compare({ scenario: 'history', case: comeBackCase(sizes) }, COME_BACK, CENTRIFUGO.name)],
      atMost: 1 / 2,
    },
    {
      what: 'Redis scripts when all come back',
      against: 'none',
      pairs: [{ ours: { scenario: 'history', case: COME_BACK_READS, contender: COME_BACK } }],
      atMost: 100,
    },
    {
      what: `work queue, ${QUEUE_CASE}, with Redis`,
      against: RABBITMQ.name,
      pairs: [compare({ scenario: 'queue', case: QUEUE_CASE }, QUEUE_ON_BRIDGE, RABBITMQ.name)],
      atMost: 1 / 3,
    },
    {
      what: `MB more while ${WINDOW_CASE}`,
      against: 'before',
      pairs: [{ ours: { scenario: 'history', case: WINDOW_CASE, contender: BRIDGE.name } }],
      atMost: 2,
    },
    {
      what: `the same, ${AT_REST}`,
      against: 'before',
      pairs: [{ ours: { scenario: 'history', case: WINDOW_CASE, contender: atRest(BRIDGE.name) } }],
      atMost: 2,
    },
  ]
}

function compare(row: Omit<RowKey, 'contender'>, ours: string, theirs: string): Target['pairs'][number] {
  return { ours: { ...row, contender: ours }, theirs: { ...row, contender: theirs } }
}

/** Cost per delivery may be a quarter more or less than at the ordinary size. */
function sizeTargets(sizes: Sizes): Target[] {
  const [small, ordinary, large] = sizesOf(sizes)
  return [small, large].map((size) => ({
    what: `${size.toLocaleString('en-US')} subscribers, 8 in flight`,
    against: 'our own at 1,000',
    pairs: [compare({ scenario: 'sizes', case: sizesCase(sizes, 8) }, sizeName(size), sizeName(ordinary))],
    atMost: 1.25,
    atLeast: 0.75,
  }))
}

/** The other doors, each beside STOMP with a shared id on the same runtime. */
function doorTargets({ subscribers }: Sizes, runtime: { readonly name: string }): Target[] {
  const target = (what: string, contender: string, atMost: number): Target => ({
    what: `${what}, any fan-out row`,
    against: `STOMP, ${runtime.name === BRIDGE.name ? 'Bun' : runtime.name.replace(`${BRIDGE.name} on `, '')}`,
    pairs: IN_FLIGHT.map((inFlight) =>
      compare({ scenario: 'doors', case: fanOutCase(subscribers, inFlight) }, contender, runtime.name),
    ),
    atMost,
  })
  return [target('plain WebSocket', plainName(runtime), 1.0), target('event stream', streamName(runtime), 1.3)]
}

function destinationTarget(sizes: Sizes, inFlight: number): Target {
  const row = { scenario: 'destinations', case: destinationsCase(inFlight) }
  return {
    what: `10,000 destinations × 1 subscriber, ${inFlight} in flight`,
    against: 'our own with one destination',
    pairs: [compare(row, manyDestinations(sizes), ONE_DESTINATION)],
    atMost: 1.5,
  }
}

function codecTargets(parser: string, atLeast: number): Target[] {
  return ['one per chunk', '50 per chunk', 'in pieces of 7 bytes'].map((cut) => ({
    what: `decode throughput, ${cut}`,
    against: parser,
    pairs: [compare({ scenario: 'codec', case: `200-byte SENDs, ${cut}` }, BRIDGE.name, parser)],
    atLeast,
  }))
}
