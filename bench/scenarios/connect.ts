/** From the TCP connection to the RECEIPT of a SUBSCRIBE: CPU per connection, beside a bare upgrade. */
import { inTurns, rowOf, thousands, withCompetitors, type Competitor, type Round } from '../arena.ts'
import { BARE, BRIDGE } from '../contenders/index.ts'
import { stompClients } from '../contenders/bridge.ts'
import type { Protocol } from '../fleet.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

/** Until the server has seen that the clients of a round are gone. */
const SETTLE_MS = 300

export function connectCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(subscribers * 4)} connections, 64 at once`
}

export function connect(stage: Stage): Promise<Row[]> {
  const entries = [
    { contender: BRIDGE, subscribers: 1 },
    { contender: BARE, subscribers: 1, label: BARE_UPGRADE },
  ]
  return withCompetitors(stage, entries, async (competitors) => {
    stage.say(connectCase(stage))
    const round = (competitor: Competitor): Promise<Round> =>
      connectMany(
        stage,
        competitor,
        competitor.name === BARE_UPGRADE ? { path: '/', hello: [] } : stompClients('/topic/x'),
      )
    for (const competitor of competitors) {
      await round(competitor) // warm up
      await round(competitor)
    }
    const results = await inTurns({ ...stage, rounds: stage.rounds + 2 }, competitors, round)
    return competitors.map(({ name }, at) =>
      rowOf('connect', connectCase(stage), name, Unit.perConnection, results[at]!),
    )
  })
}

export const BARE_UPGRADE = 'bare upgrade'

/** As many as a round has, or so many. */
export async function connectMany(
  stage: Stage,
  { running: { server } }: Competitor,
  protocol: Protocol,
  size = stage.subscribers * 4,
): Promise<Round> {
  const generatorsBefore = stage.clients.cpuMicros()
  const cpuBefore = server.cpuMicros()
  const begun = performance.now()
  const fleet = await stage.clients.connect({ port: server.port, size, protocol })
  const seconds = (performance.now() - begun) / 1_000
  const cpu = server.cpuMicros() - cpuBefore
  const generators = stage.clients.cpuMicros().map((after, i) => after - generatorsBefore[i]!)
  const latencies = await fleet.joins()
  await fleet.close()
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  return {
    cpuMicros: cpu / size,
    perSecond: size / seconds,
    latencies,
    generatorLoad: Math.max(...generators) / 1e6 / seconds,
  }
}
