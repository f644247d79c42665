/** Many destinations with one subscriber each, beside one destination with one subscriber: what a topic costs. */
import { body } from '../body.ts'
import { inTurns, measure, rowOf, thousands, withCompetitors, type Competitor, type Round } from '../arena.ts'
import { BRIDGE } from '../contenders/index.ts'
import { stompClients } from '../contenders/bridge.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

export const DESTINATIONS_IN_FLIGHT = [1, 32] as const
export const ONE_DESTINATION = `${BRIDGE.name}, 1 destination`

export function manyDestinations({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${BRIDGE.name}, ${thousands(subscribers * 10)} destinations`
}

export function destinationsCase(inFlight: number): string {
  return `one subscriber each, ${inFlight} in flight`
}

export function destinations(stage: Stage): Promise<Row[]> {
  const many = stage.subscribers * 10
  const entries = [
    {
      contender: BRIDGE,
      subscribers: many,
      protocol: () => stompClients('/topic/many.{n}'),
      label: manyDestinations(stage),
    },
    { contender: BRIDGE, subscribers: 1, protocol: () => stompClients('/topic/one.{n}'), label: ONE_DESTINATION },
  ]
  return withCompetitors(stage, entries, async (competitors) => {
    const rows: Row[] = []
    const nameOf = (competitor: Competitor): string => (competitor.fleet.size === 1 ? 'one' : 'many')
    for (const inFlight of DESTINATIONS_IN_FLIGHT) {
      stage.say(destinationsCase(inFlight))
      const round = (competitor: Competitor): Promise<Round> =>
        deliverInTurn(stage, competitor, nameOf(competitor), inFlight)
      for (const competitor of competitors) await round(competitor) // warm up
      const results = await inTurns(stage, competitors, round)
      for (const [at, { name }] of competitors.entries()) {
        rows.push(rowOf('destinations', destinationsCase(inFlight), name, Unit.perMessage, results[at]!))
      }
    }
    return rows
  })
}

/** A message to each destination in turn, so many at once. */
function deliverInTurn(stage: Stage, competitor: Competitor, prefix: string, inFlight: number): Promise<Round> {
  const { fleet } = competitor
  let next = 0
  return measure(stage, competitor, async () => {
    const arrived = fleet.expectInTurn(inFlight, next)
    const pipeline = stage.redis.pipeline()
    for (let i = 0; i < inFlight; i++)
      pipeline.publish(`topic:${prefix}.${next++ % fleet.size}`, JSON.stringify(body()))
    await pipeline.exec()
    await arrived
    return inFlight
  })
}
