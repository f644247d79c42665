/** Several servers with their clients at the same time, measured in turns: what loads the machine loads all of them. */
import { body, stampedBody } from './body.ts'
import type { ClientFleet } from './clients.ts'
import type { Contender, Running } from './contender.ts'
import type { Protocol } from './fleet.ts'
import { GENERATOR_LIMIT, type Row, type Unit } from './row.ts'
import type { Stage } from './stage.ts'
import { median, percentile } from './statistics.ts'

export interface Entry {
  readonly contender: Contender
  readonly subscribers: number
  /** Other clients than the contender's own; `channel` is what they should hear. */
  readonly protocol?: (channel: string) => Protocol
  /** Behind the name of the contender, in tables. */
  readonly label?: string
}

/** A server that runs, with its clients connected. */
export interface Competitor {
  readonly name: string
  readonly running: Running
  readonly fleet: ClientFleet
}

/** One round of one competitor. */
export interface Round {
  /** In microseconds, of the server, per unit of work. */
  readonly cpuMicros: number
  readonly perSecond: number
  readonly latencies: readonly number[]
  readonly generatorLoad: number
  /** Read by clients, per unit of work, where that is measured. */
  readonly wireBytes?: number
}

const WARM_UP_DELIVERIES = 150_000
const WARM_UP_MAX_MS = 2_000

/** Starts, connects and warms up those that can run here; `use` has them until it is done. */
export async function withCompetitors<T>(
  stage: Stage,
  entries: readonly Entry[],
  use: (competitors: readonly Competitor[]) => Promise<T>,
): Promise<T> {
  const competitors: Competitor[] = []
  try {
    for (const { contender, subscribers, protocol, label } of entries) {
      if (contender.missing !== undefined) continue
      const channel = `bench${competitors.length}`
      const running = await contender.start(stage, channel)
      const connection = {
        port: running.server.port,
        size: subscribers,
        protocol: protocol?.(channel) ?? running.subscriber,
        isSampled: true,
      }
      const fleet = await stage.clients.connect(connection).catch(async (error: unknown) => {
        await running.stop()
        throw error
      })
      competitors.push({ name: label ?? contender.name, running, fleet })
    }
    return await use(competitors)
  } finally {
    for (const { fleet, running } of competitors) {
      await fleet.close()
      await running.stop()
    }
  }
}

/** Deliver until the code is compiled: CPU per message before that says nothing. */
export async function warmUp(competitors: readonly Competitor[]): Promise<void> {
  for (const { running, fleet } of competitors) {
    const begun = performance.now()
    for (let delivered = 0; delivered < WARM_UP_DELIVERIES; delivered += fleet.size * 4) {
      if (performance.now() - begun > WARM_UP_MAX_MS) break
      const arrived = fleet.expectEach(4)
      await running.publish(Array.from({ length: 4 }, () => body()))
      await arrived
    }
  }
}

/** Does `step` again and again for the length of a round. `step` resolves to how much work it was. */
export async function measure(stage: Stage, competitor: Competitor, step: () => Promise<number>): Promise<Round> {
  const { running, fleet } = competitor
  await fleet.takeLatencies()
  const bytesBefore = await fleet.bytes()
  const generatorsBefore = stage.clients.cpuMicros()
  const cpuBefore = running.server.cpuMicros()
  const begun = performance.now()
  let work = 0
  let seconds = 0
  while (seconds < stage.seconds) {
    work += await step()
    seconds = (performance.now() - begun) / 1_000
  }
  const cpu = running.server.cpuMicros() - cpuBefore
  const generators = stage.clients.cpuMicros().map((after, i) => after - generatorsBefore[i]!)
  return {
    cpuMicros: cpu / work,
    perSecond: work / seconds,
    latencies: await fleet.takeLatencies(),
    generatorLoad: Math.max(...generators) / 1e6 / seconds,
    wireBytes: ((await fleet.bytes()) - bytesBefore) / work,
  }
}

/** Rounds of all competitors in turns: A B C A B C … The result has one list of rounds per competitor. */
export async function inTurns(
  stage: Stage,
  competitors: readonly Competitor[],
  round: (competitor: Competitor) => Promise<Round>,
): Promise<Round[][]> {
  const results: Round[][] = competitors.map(() => [])
  for (let i = 0; i < stage.rounds; i++) {
    for (const [at, competitor] of competitors.entries()) results[at]!.push(await round(competitor))
  }
  return results
}

/** So many messages at once to all clients of a competitor, waited for, and so on. */
export function deliver(stage: Stage, competitor: Competitor, inFlight: number): Promise<Round> {
  const { running, fleet } = competitor
  return measure(stage, competitor, async () => {
    const arrived = fleet.expectEach(inFlight)
    await running.publish(Array.from({ length: inFlight }, () => (inFlight === 1 ? stampedBody() : body())))
    await arrived
    return fleet.size * inFlight
  })
}

/** The rounds of one competitor as a row. */
export function rowOf(scenario: string, what: string, contender: string, unit: Unit, rounds: readonly Round[]): Row {
  const cpu = rounds.map(({ cpuMicros }) => cpuMicros)
  const latencies = rounds.flatMap((round) => round.latencies)
  const generatorLoad = median(rounds.map((round) => round.generatorLoad))
  return {
    scenario,
    case: what,
    contender,
    unit,
    value: median(cpu),
    rounds: cpu,
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    generatorLoad,
    ...(latencies.length > 0
      ? {
          latencyMs: {
            p50: percentile(latencies, 50),
            p99: percentile(latencies, 99),
            p999: percentile(latencies, 99.9),
          },
          p50Rounds: rounds.map((round) => percentile(round.latencies, 50)),
        }
      : {}),
    ...(generatorLoad > GENERATOR_LIMIT ? { note: 'generator is the limit' } : {}),
  }
}

/** 10000 as `10,000`. */
export function thousands(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}
