/** One client that does not read, among a thousand: what the others notice, and what becomes of it. */
import { thousands, warmUp, withCompetitors, type Competitor } from '../arena.ts'
import { BRIDGE } from '../contenders/index.ts'
import { publishAtRate } from '../open-loop.ts'
import type { Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { latencyRow } from './latency.ts'

/** 400 KB/s: kernel buffers and the limit of the bridge are full after some seconds. */
const RATE = { perSecond: 100, bodyBytes: 4_096 }
const SECONDS = 5
const MAX_SECONDS_STALLED = 40

export const WITHOUT_STALLED = 'all read'
export const WITH_STALLED = 'one does not read'

export function stalledCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `the others of ${thousands(subscribers)}, ${RATE.perSecond} messages/s of 4 KB`
}

export function stalled(stage: Stage): Promise<Row[]> {
  // The one that stalls is a fleet of its own: what it gets counts nowhere.
  return withCompetitors(stage, [{ contender: BRIDGE, subscribers: stage.subscribers - 1 }], async ([competitor]) => {
    if (!competitor) return []
    const { running, fleet } = competitor
    await warmUp([competitor])
    stage.say('all clients read')
    const without = await latenciesOf(competitor)
    stage.say('one client does not read')
    const lazy = await stage.clients.connect({ port: running.server.port, size: 1, protocol: running.subscriber })
    await lazy.stallOne()
    const during: number[][] = []
    let seconds = 0
    while ((await closedAsSlow(running.server.port)) === 0 && seconds < MAX_SECONDS_STALLED) {
      during.push(await latenciesOf(competitor, 1))
      seconds++
    }
    await lazy.close()
    const isClosed = seconds < MAX_SECONDS_STALLED
    const row = (name: string, rounds: readonly number[][]): Row =>
      latencyRow('stalled', stalledCase(stage), name, rounds)
    const after = `closed after ${seconds} s, the other ${thousands(fleet.size)} had every message`
    return [
      row(WITHOUT_STALLED, [without]),
      { ...row(WITH_STALLED, during), note: isClosed ? after : `still open after ${seconds} s` },
    ]
  })
}

/** Also makes sure that everybody has got everything. */
async function latenciesOf(competitor: Competitor, seconds = SECONDS): Promise<number[]> {
  const { fleet } = competitor
  await fleet.takeLatencies()
  const arrived = fleet.expectEach(RATE.perSecond * seconds)
  await publishAtRate(competitor, { ...RATE, seconds })
  await arrived
  return fleet.takeLatencies()
}

async function closedAsSlow(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^stomp_bridge_slow_consumers_closed_total (\d+)/m.exec(text)?.[1] ?? NaN)
}
