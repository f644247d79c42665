/** Redis → many subscribers: CPU per delivered message, everybody beside everybody; sizes; own subscription ids. */
import { deliver, inTurns, rowOf, thousands, warmUp, withCompetitors, type Entry } from '../arena.ts'
import { BARE, BRIDGE, CONTENDERS } from '../contenders/index.ts'
import { stompClients } from '../contenders/bridge.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

export const IN_FLIGHT = [1, 8, 32] as const
export const OWN_IDS = `${BRIDGE.name}, own ids`

export function sizeName(subscribers: number): string {
  return `${BRIDGE.name}, ${thousands(subscribers)}`
}

function inFlightCase(subscribers: string, inFlight: number): string {
  return `${subscribers}, ${inFlight} in flight`
}

/** `1,000 subscribers, 8 in flight` */
export function fanOutCase(subscribers: number, inFlight: number): string {
  return inFlightCase(`${thousands(subscribers)} subscribers`, inFlight)
}

/** All contenders; and ours with an id of its own for every subscriber. */
export function fanOut(stage: Stage): Promise<Row[]> {
  const { subscribers } = stage
  const all = CONTENDERS.map((contender): Entry => ({ contender, subscribers }))
  const ownIds: Entry = {
    contender: BRIDGE,
    subscribers,
    protocol: (channel) => stompClients(`/topic/${channel}`, { id: 'sub-{n}' }),
    label: OWN_IDS,
  }
  const cases = (inFlight: number): string => fanOutCase(subscribers, inFlight)
  return run(stage, 'fan-out', [...all.slice(0, 1), ownIds, ...all.slice(1)], cases)
}

/** Ours with fewer and more subscribers, all at the same time. */
export function sizes(stage: Stage): Promise<Row[]> {
  const entries = sizesOf(stage).map((subscribers): Entry => ({
    contender: BRIDGE,
    subscribers,
    label: sizeName(subscribers),
  }))
  return run(stage, 'sizes', entries, (inFlight) => sizesCase(stage, inFlight))
}

/** The limit with as many subscribers: how much of a difference is not ours. */
export function bareSizes(stage: Stage): Promise<Row[]> {
  const entries = sizesOf(stage).map((subscribers): Entry => ({
    contender: BARE,
    subscribers,
    label: `${BARE.name}, ${thousands(subscribers)}`,
  }))
  return run(stage, 'sizes', entries, (inFlight) => sizesCase(stage, inFlight))
}

export function sizesOf({ subscribers }: Pick<Stage, 'subscribers'>): [small: number, ordinary: number, large: number] {
  return [subscribers / 10, subscribers, subscribers * 10]
}

export function sizesCase(stage: Pick<Stage, 'subscribers'>, inFlight: number): string {
  return inFlightCase(sizesOf(stage).map(thousands).join(' · '), inFlight)
}

/** Each of them delivers, with so many messages in flight, in turns with the others. */
export function run(
  stage: Stage,
  scenario: string,
  entries: readonly Entry[],
  caseOf: (inFlight: number) => string,
): Promise<Row[]> {
  return withCompetitors(stage, entries, async (competitors) => {
    const rows: Row[] = []
    await warmUp(competitors)
    for (const inFlight of IN_FLIGHT) {
      stage.say(caseOf(inFlight))
      const results = await inTurns(stage, competitors, (competitor) => deliver(stage, competitor, inFlight))
      for (const [at, { name }] of competitors.entries()) {
        rows.push(rowOf(scenario, caseOf(inFlight), name, Unit.perDelivery, results[at]!))
      }
    }
    return rows
  })
}
