/**
 * Eight processes with an eighth of the destinations each, and the CPU of one of them for each message that its own clients
 * get: where all are one cluster, by each distribution, and where each is a cluster of its own, which has only those messages.
 */
import { inTurns, measure, rowOf, thousands, withCompetitors, type Competitor, type Round } from '../arena.ts'
import { body } from '../body.ts'
import { bridgeWith, stompClients } from '../contenders/bridge.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

const NODES = 8
const EACH_IN_FLIGHT = 8
/** A node that has an eighth of the work is measured longer: CPU time is told in ticks of 10 ms. */
const LONGER = 4

export const ALONE = 'each a cluster of its own'
export const BY_INTEREST = 'by-interest'

export function interestCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `one node of ${NODES} processes, ${thousands(subscribers)} destinations`
}

interface Group {
  readonly name: string
  readonly distribution: 'shared' | 'by-interest'
  /** What keeps the clusters apart that share one Redis. */
  prefixOf(node: number): string
}

const GROUPS: readonly Group[] = [
  { name: ALONE, distribution: 'shared', prefixOf: (node) => `alone${node}:` },
  { name: BY_INTEREST, distribution: 'by-interest', prefixOf: () => 'by-interest:' },
  { name: 'shared', distribution: 'shared', prefixOf: () => 'shared:' },
]

export function interest(stage: Stage): Promise<Row[]> {
  const subscribers = Math.max(EACH_IN_FLIGHT, Math.round(stage.subscribers / NODES))
  const nodes = Array.from({ length: NODES }, (_, node) => node)
  const entries = GROUPS.flatMap(({ name, distribution, prefixOf }) =>
    nodes.map((node) => ({
      contender: bridgeWith(name, {
        STOMP_BRIDGE_BROKER_DISTRIBUTION: distribution,
        STOMP_BRIDGE_REDIS_KEY_PREFIX: prefixOf(node),
      }),
      subscribers,
      protocol: () => stompClients(destinationOf(node, '{n}')),
    })),
  )
  return withCompetitors(stage, entries, async (competitors) => {
    stage.say(interestCase(stage))
    const sendings = new Map<Competitor, Sending>()
    for (const [at, group] of GROUPS.entries()) {
      const members = competitors.slice(at * NODES, (at + 1) * NODES)
      sendings.set(members[0]!, new Sending(stage, group, members))
    }
    for (const each of sendings.values()) await each.round() // warm up
    const first = [...sendings.keys()]
    const results = await inTurns(stage, first, (competitor) => sendings.get(competitor)!.round())
    return first.map(({ name }, at) => rowOf('interest', interestCase(stage), name, Unit.perMessage, results[at]!))
  })
}

function destinationOf(node: number, client: number | string): string {
  return `/topic/node${node}.${client}`
}

/** A message to a destination of each node in turn, so many at once. */
class Sending {
  readonly #stage: Stage
  readonly #group: Group
  readonly #nodes: readonly Competitor[]
  #next = 0

  constructor(stage: Stage, group: Group, nodes: readonly Competitor[]) {
    this.#stage = stage
    this.#group = group
    this.#nodes = nodes
  }

  /** Of the first node. */
  round(): Promise<Round> {
    const stage = { ...this.#stage, seconds: this.#stage.seconds * LONGER }
    return measure(stage, this.#nodes[0]!, async () => {
      const arrived = this.#nodes.map(({ fleet }) => fleet.expectInTurn(EACH_IN_FLIGHT, this.#next))
      const pipeline = stage.redis.pipeline()
      for (let i = 0; i < EACH_IN_FLIGHT; i++, this.#next++) {
        for (const [node, { fleet }] of this.#nodes.entries()) {
          const destination = destinationOf(node, this.#next % fleet.size)
          pipeline.publish(
            this.#group.prefixOf(node) + this.#channelOf(destination),
            JSON.stringify({ topic: destination, message: body() }),
          )
        }
      }
      await pipeline.exec()
      await Promise.all(arrived)
      return EACH_IN_FLIGHT
    })
  }

  #channelOf(destination: string): string {
    return this.#group.distribution === 'shared' ? 'BROADCAST-CHANNEL' : `stomp-bridge:to:{${destination}}`
  }
}
