/** What history costs: fan-out and SEND beside the same without, and clients that all come back at once. */
import { body, BODY_BYTES, MARKER } from '../body.ts'
import {
  inTurns,
  measure,
  rowOf,
  thousands,
  withCompetitors,
  type Competitor,
  type Entry,
  type Round,
} from '../arena.ts'
import { bridgeWith, SENDERS, stompClients } from '../contenders/bridge.ts'
import { centrifugoClients, publishOnCentrifugo } from '../contenders/centrifugo.ts'
import { CENTRIFUGO } from '../contenders/index.ts'
import type { Protocol } from '../fleet.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'
import { connectMany } from './connect.ts'
import { historyWindow } from './history-window.ts'

const IN_FLIGHT = 8
const SEND_CLIENTS = 50
const SENDS_PER_CLIENT = 8
/** Until the code is compiled, however busy the machine is. */
const WARM_UP_SENDS = 200_000
const WARM_UP_MAX_MS = 30_000
const SENDS_IN_FLIGHT = SEND_CLIENTS * SENDS_PER_CLIENT
/** Messages that each has missed. */
const MISSED = 20
const SIZE = 1000

export const WITHOUT_HISTORY = 'without history'
export const WITH_HISTORY = 'with history'
export const COME_BACK = `come back, ${MISSED} missed each`
export const COME_BACK_READS = 'what each of these rounds asked of Redis'

const SETTINGS = {
  // Else it would record what the other one broadcasts.
  STOMP_BRIDGE_BROKER_BROADCAST_CHANNEL: 'BROADCAST-WITH-HISTORY',
  STOMP_BRIDGE_HISTORY: JSON.stringify([{ destination: '/topic/**', size: SIZE, ttlSeconds: 3600 }]),
}

export function historyFanOutCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(subscribers)} subscribers, ${IN_FLIGHT} in flight`
}

export const HISTORY_SEND_CASE = `SEND to a topic, ${SENDS_IN_FLIGHT} in flight`

export function comeBackCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(clientsBack({ subscribers }))} connections, 64 at once`
}

function clientsBack({ subscribers }: Pick<Stage, 'subscribers'>): number {
  return subscribers * 10
}

export async function history(stage: Stage): Promise<Row[]> {
  return [...(await fanOut(stage)), ...(await send(stage)), ...(await comeBack(stage)), ...(await historyWindow(stage))]
}

const BOTH = [bridgeWith(WITHOUT_HISTORY, {}), bridgeWith(WITH_HISTORY, SETTINGS)]

function fanOut(stage: Stage): Promise<Row[]> {
  const entries = BOTH.map((contender) => ({ contender, subscribers: stage.subscribers }))
  return withCompetitors(stage, entries, async (competitors) => {
    const what = historyFanOutCase(stage)
    stage.say(what)
    const round = (competitor: Competitor): Promise<Round> =>
      measure(stage, competitor, async () => {
        const arrived = competitor.fleet.expectEach(IN_FLIGHT)
        await post(competitor, `/topic/bench${competitors.indexOf(competitor)}`, IN_FLIGHT)
        await arrived
        return IN_FLIGHT * competitor.fleet.size
      })
    return rows(stage, what, Unit.perDelivery, competitors, round)
  })
}

/** Over HTTP: what backends publish on a channel is another way with history. */
async function post({ running }: Competitor, topic: string, count: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${running.server.port}/api/notifications`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Array.from({ length: count }, () => ({ topic, message: body() }))),
  })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`The notifications were answered with ${response.status}`)
}

function send(stage: Stage): Promise<Row[]> {
  const entries = BOTH.map((contender) => ({ contender, subscribers: SEND_CLIENTS, protocol: () => SENDERS }))
  return withCompetitors(stage, entries, async (competitors) => {
    stage.say(HISTORY_SEND_CASE)
    const frame = (receipt: string): string =>
      `SEND\ndestination:/topic/sent\ncontent-type:text/plain\n${receipt}content-length:${BODY_BYTES}\n\n${body()}\0`
    const sendAll = async ({ fleet }: Competitor): Promise<number> => {
      const arrived = fleet.expectEach(1)
      await fleet.send(frame(''), SENDS_PER_CLIENT - 1, frame(`receipt:${MARKER}\n`))
      await arrived
      return SENDS_IN_FLIGHT
    }
    const round = (competitor: Competitor): Promise<Round> => measure(stage, competitor, () => sendAll(competitor))
    for (const competitor of competitors) {
      const begun = performance.now()
      for (let sent = 0; sent < WARM_UP_SENDS && performance.now() - begun < WARM_UP_MAX_MS;) {
        sent += await sendAll(competitor)
      }
    }
    return rows(stage, HISTORY_SEND_CASE, Unit.perMessage, competitors, round)
  })
}

async function comeBack(stage: Stage): Promise<Row[]> {
  const labels = [WITHOUT_HISTORY, COME_BACK]
  const entries: Entry[] = BOTH.map((contender, i) => ({ contender, subscribers: 1, label: labels[i]! }))
  entries.push({ contender: CENTRIFUGO, subscribers: 1 })
  return withCompetitors(stage, entries, async (competitors) => {
    const what = comeBackCase(stage)
    stage.say(what)
    const scripts = new Map<string, number[]>()
    let topics = 0
    const round = async (competitor: Competitor): Promise<Round> => {
      const { name, running } = competitor
      // Nobody has asked for it before.
      const topic = `back${++topics}`
      const protocol =
        name === WITHOUT_HISTORY
          ? stompClients(`/topic/${topic}`)
          : await (name === CENTRIFUGO.name ? missedOnCentrifugo : missedOnBridge)(running.server.port, topic)
      const before = await scriptsRun(stage)
      const result = await connectMany(stage, competitor, protocol, clientsBack(stage))
      scripts.set(name, [...(scripts.get(name) ?? []), (await scriptsRun(stage)) - before])
      return result
    }
    const measured = await rows(stage, what, Unit.perConnection, competitors, round)
    const counted = competitors.slice(1).map(({ name: contender }): Row => {
      const rounds = scripts.get(contender)!.slice(1)
      return {
        scenario: 'history',
        case: COME_BACK_READS,
        contender,
        unit: Unit.scripts,
        value: median(rounds),
        rounds,
      }
    })
    return [...measured, ...counted]
  })
}

/** Each read of a history is a script, with both. */
async function scriptsRun({ redis }: Stage): Promise<number> {
  const calls = (await redis.info('commandstats')).matchAll(/^cmdstat_(?:evalsha|eval)(?:_ro)?:calls=(\d+)/gm)
  return [...calls].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** What is published before the clients come; the last one is what they wait for. */
function published(): string[] {
  return [...Array.from({ length: MISSED * 2 }, () => body()), `${body()} THE LAST ONE`]
}

/** Clients whose last message was so many before the newest; they are there when they have the newest. */
async function missedOnBridge(port: number, topic: string): Promise<Protocol> {
  const url = `http://127.0.0.1:${port}`
  for (const message of published()) {
    const answer = await fetch(`${url}/api/notification`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic: `/topic/${topic}`, message }),
    })
    await answer.arrayBuffer()
  }
  const page = (await (await fetch(`${url}/api/history?destination=/topic/${topic}`)).json()) as {
    readonly epoch: string
    readonly messages: readonly { readonly offset: string }[]
  }
  const { offset } = page.messages.at(-1 - MISSED)!
  const subscribe = `SUBSCRIBE\nid:sub-0\ndestination:/topic/${topic}\nsince:${offset}\nepoch:${page.epoch}\n\n\0`
  const { path, hello } = stompClients(`/topic/${topic}`)
  return { path, hello: [hello[0]!, { send: subscribe, until: 'THE LAST ONE' }] }
}

/** The same clients of Centrifugo. */
async function missedOnCentrifugo(port: number, channel: string): Promise<Protocol> {
  let position = { offset: 0, epoch: '' }
  for (const message of published()) position = await publishOnCentrifugo(port, channel, message)
  const { offset, epoch } = position
  return centrifugoClients({ channel, recover: true, offset: offset - MISSED, epoch }, 'THE LAST ONE')
}

async function rows(
  stage: Stage,
  what: string,
  unit: Unit,
  competitors: readonly Competitor[],
  round: (competitor: Competitor) => Promise<Round>,
): Promise<Row[]> {
  for (const competitor of competitors) await round(competitor) // warm up
  const results = await inTurns(stage, competitors, round)
  return competitors.map(({ name }, at) => rowOf('history', what, name, unit, results[at]!))
}
