/**
 * Many messages a second to many subscribers, at a fixed rate: CPU per delivered message with `fanout.gatherMs`, without
 * it, and of the bare server, which is asked for one message at a time.
 */
import { deliver, inTurns, measure, rowOf, thousands, warmUp, withCompetitors, type Round } from '../arena.ts'
import { bridgeWith } from '../contenders/bridge.ts'
import { BARE, BRIDGE } from '../contenders/index.ts'
import { publishAtRate } from '../open-loop.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

const PER_SECOND = 1_000
const GATHER_MS = 20

export const GATHERED = `${BRIDGE.name}, gatherMs ${GATHER_MS}`
/** The next message when the one before has come: where the bare server does not keep up with the rate, it batches too. */
export const BARE_ONE_AT_A_TIME = `${BARE.name}, the next when the one before has come`

const GATHERING = bridgeWith(GATHERED, {
  STOMP_BRIDGE_FANOUT: JSON.stringify([{ destination: '/topic/**', gatherMs: GATHER_MS }]),
})

export function gatheringCase(subscribers: number): string {
  return `${thousands(PER_SECOND)} messages/s to ${thousands(subscribers)} subscribers`
}

/** With a tenth of the subscribers the bare server keeps up with the rate. */
export async function gathering(stage: Stage): Promise<Row[]> {
  return [...(await gatheringFor(stage, stage.subscribers / 10)), ...(await gatheringFor(stage, stage.subscribers))]
}

function gatheringFor(stage: Stage, subscribers: number): Promise<Row[]> {
  const what = gatheringCase(subscribers)
  const entries = [GATHERING, BRIDGE, BARE].map((contender) => ({ contender, subscribers }))
  return withCompetitors(stage, entries, async (competitors) => {
    await warmUp(competitors)
    stage.say(what)
    const atRate = await inTurns(stage, competitors, (competitor) =>
      measure(stage, competitor, async () => {
        const { seconds } = stage
        const { fleet } = competitor
        const arrived = fleet.expectEach(Math.round(PER_SECOND * seconds))
        const count = await publishAtRate(competitor, { perSecond: PER_SECOND, seconds })
        await arrived
        return fleet.size * count
      }),
    )
    const bare = competitors.filter(({ name }) => name === BARE.name)
    stage.say(BARE_ONE_AT_A_TIME)
    const oneAtATime = await inTurns(stage, bare, (competitor) => deliver(stage, competitor, 1))
    const row = (name: string, rounds: readonly Round[]): Row =>
      rowOf('gathering', what, name, Unit.perDelivery, rounds)
    return [
      ...competitors.map(({ name }, at) => row(name, atRate[at]!)),
      ...oneAtATime.map((rounds) => row(BARE_ONE_AT_A_TIME, rounds)),
    ]
  })
}
