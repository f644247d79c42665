/** From the moment a message is due to the moment a client has it, at fixed rates. */
import { thousands, warmUp, withCompetitors } from '../arena.ts'
import { BARE, BRIDGE, BRIDGE_ON_DENO, BRIDGE_ON_NODE, NCHAN, SOCKET_IO } from '../contenders/index.ts'
import { publishAtRate } from '../open-loop.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median, percentile } from '../statistics.ts'

const RATES = [10, 100, 500] as const
/** Of one round; a low rate needs longer for the same number of messages. */
const SECONDS = { quick: 1, full: 3 }

export function latencyCase(stage: Pick<Stage, 'subscribers'>, perSecond: number): string {
  return `${perSecond} messages/s to ${thousands(stage.subscribers / 10)} subscribers`
}

export function latency(stage: Stage): Promise<Row[]> {
  const entries = [BRIDGE, BARE, BRIDGE_ON_NODE, BRIDGE_ON_DENO, SOCKET_IO, NCHAN].map((contender) => ({
    contender,
    subscribers: stage.subscribers / 10,
  }))
  return withCompetitors(stage, entries, async (competitors) => {
    const rows: Row[] = []
    await warmUp(competitors)
    for (const perSecond of RATES) {
      stage.say(latencyCase(stage, perSecond))
      const samples: number[][][] = competitors.map(() => [])
      for (let round = 0; round < stage.rounds; round++) {
        for (const [at, competitor] of competitors.entries()) {
          const { fleet } = competitor
          await fleet.takeLatencies()
          const seconds = stage.isQuick ? SECONDS.quick : SECONDS.full
          const arrived = fleet.expectEach(Math.round(perSecond * seconds))
          await publishAtRate(competitor, { perSecond, seconds })
          await arrived
          samples[at]!.push(await fleet.takeLatencies())
        }
      }
      for (const [at, { name }] of competitors.entries()) {
        rows.push(latencyRow('latency', latencyCase(stage, perSecond), name, samples[at]!))
      }
    }
    return rows
  })
}

/** A row whose value is the median. */
export function latencyRow(scenario: string, what: string, contender: string, rounds: readonly number[][]): Row {
  const all = rounds.flat()
  const p50Rounds = rounds.map((round) => percentile(round, 50))
  return {
    scenario,
    case: what,
    contender,
    unit: Unit.milliseconds,
    value: median(p50Rounds),
    rounds: p50Rounds,
    p50Rounds,
    latencyMs: { p50: percentile(all, 50), p99: percentile(all, 99), p999: percentile(all, 99.9) },
  }
}
