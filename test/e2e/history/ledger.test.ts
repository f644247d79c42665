/**
 * Everything at once, with a ledger: publishers that insist, a hundred subscribers that come back where they were, two
 * nodes, and faults drawn from a seed. What a publisher was told is published comes to each subscriber once, in the order
 * of its publisher; without history it may be lost, but only while there was an outage, and outages are counted. By hand
 * for longer: LEDGER_SECONDS=600 LEDGER_SEED=7 npx vitest run --project e2e-bun test/e2e/history/ledger.test.ts
 */
import { describe, expect, it } from 'vitest'
import { metric } from '../../support/clients/backend.ts'
import { runtime } from '../../support/runtime.ts'
import { eventually } from '../../support/wait.ts'
import { untilReady } from '../../support/world.ts'
import { DOORS } from './follower.ts'
import { addingTo, postingTo, Publisher, sendingTo, Subscriber, type Span } from './ledger-clients.ts'
import { Bridges, EAGER_REDIS, faultsOf, randomOf, runFaults, type Happened } from './ledger-world.ts'
import { startHistoryNodes, type HistoryNodes } from './stage.ts'

const SEED = Number(process.env['LEDGER_SEED'] ?? Date.now() % 1_000_000)
/** Shorter where it is run once more. */
const SECONDS = Number(process.env['LEDGER_SECONDS'] ?? (runtime === 'bun' ? 60 : 15))
const SECONDS_WITHOUT = Number(process.env['LEDGER_SECONDS'] ?? (runtime === 'bun' ? 25 : 12))

const SUBSCRIBERS = 100
/** How often a client is cut beside the faults, in milliseconds. */
const CHURN_MS = 100

const KEPT = ['/topic/ledger/one', '/topic/ledger/two']
/** Each is fed by a stream of its own. */
const STREAMED = ['/topic/feed/one', '/topic/feed/two']
const streamOf = (topic: string): string => `ledger:${topic.split('/').at(-1)!}`

const WITH_HISTORY = `
history: [{ destination: '/topic/ledger/**', size: 200000, ttlSeconds: 3600 }]
routes: { inbound: [${STREAMED.map((topic) => `{ stream: '${streamOf(topic)}', destination: '${topic}', body: '{field.message}', maxScan: 200000 }`).join(', ')}] }
${EAGER_REDIS}
` // prettier-ignore

interface Outcome {
  readonly bridges: Bridges
  readonly subscribers: readonly Subscriber[]
  readonly publishers: readonly Publisher[]
  readonly happened: readonly Happened[]
  /** What was published there. */
  wanted(topic: string): readonly string[]
}

interface Plan {
  readonly seconds: number
  readonly topics: readonly string[]
  readonly asks: boolean
  /** How long it is quiet after a fault at least, and how much more at most; milliseconds. */
  readonly restMs: readonly [least: number, more: number]
  readonly isChurning: boolean
}

/** `check`: throws where something is wrong. */
async function run(nodes: HistoryNodes, plan: Plan, check: (outcome: Outcome) => Promise<void>): Promise<void> {
  const { seconds, topics, asks, restMs, isChurning } = plan
  const random = randomOf(SEED)
  const bridges = new Bridges(nodes)
  const subscribers = Array.from({ length: SUBSCRIBERS }, (_, i) => {
    return new Subscriber(i, DOORS[i % DOORS.length]!, topics[Math.floor(i / DOORS.length) % topics.length]!, bridges, asks)
  }) // prettier-ignore
  const endings: (() => void)[] = []
  let publisherCount = 0
  const publishers = topics.flatMap((topic) => {
    const ways = STREAMED.includes(topic)
      ? [addingTo(nodes.backend, streamOf(topic))]
      : [postingTo(bridges), sendingTo(bridges, (end) => endings.push(end)), postingTo(bridges)]
    return ways.map((way) => new Publisher(publisherCount++, topic, way))
  })
  const story: string[] = []
  let churn: ReturnType<typeof setInterval> | undefined
  const stopAll = (): void => {
    clearInterval(churn)
    for (const each of [...publishers, ...subscribers]) each.stop()
    for (const end of endings) end()
    nodes.redis.resume()
  }
  try {
    // Redis before 7.0 cannot say whether a stream had entries before its first one.
    for (const topic of topics)
      if (STREAMED.includes(topic)) await nodes.backend.xadd(streamOf(topic), '1-1', 'message', 'first')
    for (const each of subscribers) each.start()
    // Who does not ask is told nothing until something comes.
    const publishing = asks ? [] : publishers.map((each) => each.run())
    await eventually(() => expect(subscribers.filter(({ isLive }) => !isLive).map(({ name }) => name)).toEqual([]), {
      timeoutMs: 20_000,
    })
    if (asks) publishing.push(...publishers.map((each) => each.run()))
    // All the time somebody loses the connection.
    if (isChurning) churn = setInterval(() => subscribers[Math.floor(Math.random() * SUBSCRIBERS)]!.cut(), CHURN_MS)
    const faults = faultsOf(nodes, bridges, subscribers, random)
    const rest = { seconds, restMs: () => restMs[0] + random() * restMs[1] }
    const happened = await runFaults(faults, bridges, random, story, rest)
    clearInterval(churn)
    const away = (): string[] => subscribers.filter(({ isAway }) => isAway).map(({ name }) => name)
    if (!asks) await eventually(() => expect(away()).toEqual([]), { timeoutMs: 20_000 })
    for (const each of publishers) each.stop()
    await Promise.all(publishing)
    for (const bridge of bridges.all) await untilReady(bridge)
    const wanted = new Map(topics.map((topic) => [topic, publishers.flatMap((each) => (each.topic === topic ? each.done : []))])) // prettier-ignore
    const total = publishers.reduce((sum, { done }) => sum + done.length, 0)
    const returns = subscribers.reduce((sum, each) => sum + each.returns, 0)
    console.log(`seed ${SEED}: ${total} messages, ${story.length} faults, ${returns} returns of subscribers`)
    expect(total).toBeGreaterThan(seconds * 5)
    await check({ bridges, subscribers, publishers, happened, wanted: (topic) => wanted.get(topic)! })
  } catch (error) {
    const how = `With LEDGER_SEED=${SEED} LEDGER_SECONDS=${seconds}`
    throw new Error(`${how}: ${(error as Error).message}\n${story.join('\n')}`, { cause: error })
  } finally {
    stopAll()
  }
}

function requireNone(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error([`${problems.length} problems`, ...problems.slice(0, 40)].join('\n'))
}

describe(`the ledger on ${runtime} (seed ${SEED})`, () => {
  it(`with history nothing is lost, doubled or out of order, whatever fails (${SECONDS} s)`, async () => {
    const nodes = await startHistoryNodes(WITH_HISTORY)
    const plan: Plan = { seconds: SECONDS, topics: [...KEPT, ...STREAMED], asks: true, restMs: [200, 1200], isChurning: true } // prettier-ignore
    await run(nodes, plan, async ({ bridges, subscribers, wanted }) => {
      const isWhole = ({ topic, bodies }: Subscriber): boolean => bodies.size >= wanted(topic).length
      const late = (): string[] => subscribers.filter((each) => !isWhole(each)).map(({ name }) => name)
      await eventually(() => expect(late()).toEqual([]), { timeoutMs: 20_000, intervalMs: 100 }).catch(() => {}) // told below
      requireNone(
        subscribers.flatMap((each) => {
          const lost = each.lost(wanted(each.topic))
          const isLost = lost.length > 0 ? [`${each.name} lost ${lost.length}: ${lost.slice(0, 5).join(', ')}`] : []
          return [...each.problems(wanted(each.topic)), ...isLost]
        }),
      )
      // All of one topic have the same order, that of the offsets.
      for (const topic of plan.topics) {
        const [first, ...others] = subscribers.filter((each) => each.topic === topic)
        const isOther = ({ order }: Subscriber): boolean => order.join() !== first!.order.join()
        expect(others.filter(isOther).map(({ name }) => name)).toEqual([])
      }
      for (const bridge of bridges.all) expect(await metric(bridge, 'stomp_bridge_gaps_not_filled_total')).toBe(0)
    })
  }, (SECONDS + 120) * 1000) // prettier-ignore

  it(
    `without history what is lost was published in an outage, and outages are counted (${SECONDS_WITHOUT} s)`,
    async () => {
      const nodes = await startHistoryNodes(EAGER_REDIS)
      const plan: Plan = {
        seconds: SECONDS_WITHOUT,
        topics: KEPT,
        asks: false,
        restMs: [3500, 1000],
        isChurning: false,
      }
      await run(nodes, plan, async ({ bridges, subscribers, publishers, happened, wanted }) => {
        const spans = new Map(publishers.flatMap((each) => [...each.spans]))
        const outages = happened
          .filter(({ fault }) => fault.isDeaf)
          .map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs + SLACK_MS }))
        // What is on its way has come when nothing more does.
        const counts = (): string => subscribers.map(({ order }) => order.length).join()
        for (let before = ''; before !== counts();) {
          before = counts()
          await new Promise((resolve) => setTimeout(resolve, 500))
        }
        let lostCount = 0
        requireNone(
          subscribers.flatMap((each) => {
          const lost = each.lost(wanted(each.topic))
          lostCount += lost.length
          const allowed = [...outages, ...each.away]
          const wrong = lost.filter((body) => !allowed.some((span) => overlaps(span, spans.get(body)!)))
          const isWrong = wrong.length > 0 ? [`${each.name} lost ${wrong.length} without an outage: ${wrong.slice(0, 5).join(', ')}`] : []
          return [...each.problems(wanted(each.topic)), ...isWrong]
        }), // prettier-ignore
        )
        console.log(`lost ${lostCount} of ${subscribers.reduce((sum, { topic }) => sum + wanted(topic).length, 0)}`)
        for (const [i, bridge] of bridges.all.entries()) {
          const cuts = happened.filter(({ fault, fromMs }) => fault.isCut && fromMs > bridges.startedMs[i]!)
          expect(await metric(bridge, 'stomp_bridge_bus_outages_total')).toBeGreaterThanOrEqual(cuts.length)
        }
      })
    },
    (SECONDS_WITHOUT + 120) * 1000,
  )
})

/** After it is over a node may have noticed it late. */
const SLACK_MS = 2000

function overlaps(one: Span, other: Span): boolean {
  return one.fromMs <= other.toMs && other.fromMs <= one.toMs
}
