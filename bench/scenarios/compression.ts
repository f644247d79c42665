/** permessage-deflate off and on, on each runtime: server CPU and bytes on the wire per delivered message. */
import { inTurns, measure, rowOf, thousands, warmUp, withCompetitors } from '../arena.ts'
import { jsonBody } from '../body.ts'
import { COMPRESSION_PAIRS } from '../contenders/bridge.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'

const IN_FLIGHT = 8

export function compressionCase(subscribers: number, runtime: string): string {
  return `${thousands(subscribers)} subscribers on ${runtime}, 1 KB of JSON, ${IN_FLIGHT} in flight`
}

export async function compression(stage: Stage): Promise<Row[]> {
  const { subscribers } = stage
  const entries = COMPRESSION_PAIRS.flat().map((contender) => ({ contender, subscribers }))
  return withCompetitors(stage, entries, async (competitors) => {
    await warmUp(competitors)
    let seed = 0
    const results = await inTurns(stage, competitors, (competitor) =>
      measure(stage, competitor, async () => {
        const { running, fleet } = competitor
        const arrived = fleet.expectEach(IN_FLIGHT)
        await running.publish(Array.from({ length: IN_FLIGHT }, () => jsonBody(seed++)))
        await arrived
        return fleet.size * IN_FLIGHT
      }),
    )
    return competitors.map(({ name }, at) => {
      const rounds = results[at]!
      const what = compressionCase(subscribers, runtimeOf(name))
      const row = rowOf('compression', what, name, Unit.perDelivery, rounds)
      return { ...row, wireBytes: median(rounds.map(({ wireBytes = NaN }) => wireBytes)) }
    })
  })
}

function runtimeOf(name: string): string {
  return / on (\w+),/.exec(name)?.[1] ?? 'Bun'
}
