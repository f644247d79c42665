/** `POST /api/notification` → subscribers, beside those peers that publish by HTTP too. */
import { body } from '../body.ts'
import { inTurns, measure, rowOf, withCompetitors, type Competitor, type Round } from '../arena.ts'
import { BARE, BRIDGE, NCHAN } from '../contenders/index.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

const SUBSCRIBERS = 10
const AT_ONCE = 8
export const REST_CASE = `${SUBSCRIBERS} subscribers, ${AT_ONCE} requests at once`

export function rest(stage: Stage): Promise<Row[]> {
  const entries = [BRIDGE, BARE, NCHAN].map((contender) => ({ contender, subscribers: SUBSCRIBERS }))
  return withCompetitors(stage, entries, async (competitors) => {
    stage.say(REST_CASE)
    const round = (competitor: Competitor): Promise<Round> => {
      const at = competitors.indexOf(competitor)
      return measure(stage, competitor, async () => {
        const arrived = competitor.fleet.expectEach(AT_ONCE)
        await Promise.all(Array.from({ length: AT_ONCE }, () => request(competitor, `bench${at}`)))
        await arrived
        return AT_ONCE
      })
    }
    for (const competitor of competitors) await round(competitor) // warm up
    const results = await inTurns(stage, competitors, round)
    return competitors.map(({ name }, at) => rowOf('rest', REST_CASE, name, Unit.perRequest, results[at]!))
  })
}

async function request({ name, running }: Competitor, channel: string): Promise<void> {
  if (name !== BRIDGE.name) {
    await running.publish([body()])
    return
  }
  const response = await fetch(`http://127.0.0.1:${running.server.port}/api/notification`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic: `/topic/${channel}`, message: body() }),
  })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`The notification was answered with ${response.status}`)
}
