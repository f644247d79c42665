/** What history costs: fan-out and SEND beside the same without, and clients that all come back at once. */
import { body, BODY_BYTES, MARKER } from '../body.ts'
import { inTurns, measure, rowOf, thousands, withCompetitors, type Competitor, type Round } from '../arena.ts'
import { bridgeWith, SENDERS, stompClients } from '../contenders/bridge.ts'
import type { Protocol } from '../fleet.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { connectMany } from './connect.ts'

const IN_FLIGHT = 8
const SEND_CLIENTS = 50
const SENDS_PER_CLIENT = 8
const SENDS_IN_FLIGHT = SEND_CLIENTS * SENDS_PER_CLIENT
/** Messages that each has missed. */
const MISSED = 20
const SIZE = 1000

export const WITHOUT_HISTORY = 'without history'
export const WITH_HISTORY = 'with history'
export const COME_BACK = `come back, ${MISSED} missed each`

const SETTINGS = {
  STOMP_BRIDGE_HISTORY: JSON.stringify([{ destination: '/topic/**', size: SIZE, ttlSeconds: 3600 }]),
}

export function historyFanOutCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(subscribers)} subscribers, ${IN_FLIGHT} in flight`
}

export const HISTORY_SEND_CASE = `SEND to a topic, ${SENDS_IN_FLIGHT} in flight`

export function comeBackCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(subscribers * 4)} connections, 64 at once`
}

export async function history(stage: Stage): Promise<Row[]> {
  return [...(await fanOut(stage)), ...(await send(stage)), ...(await comeBack(stage))]
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
    const round = (competitor: Competitor): Promise<Round> =>
      measure(stage, competitor, async () => {
        const arrived = competitor.fleet.expectEach(1)
        await competitor.fleet.send(frame(''), SENDS_PER_CLIENT - 1, frame(`receipt:${MARKER}\n`))
        await arrived
        return SENDS_IN_FLIGHT
      })
    return rows(stage, HISTORY_SEND_CASE, Unit.perMessage, competitors, round)
  })
}

async function comeBack(stage: Stage): Promise<Row[]> {
  const labels = [WITHOUT_HISTORY, COME_BACK]
  const entries = BOTH.map((contender, i) => ({ contender, subscribers: 1, label: labels[i]! }))
  return withCompetitors(stage, entries, async (competitors) => {
    const what = comeBackCase(stage)
    stage.say(what)
    const protocols = await Promise.all(
      competitors.map(async (competitor, i) => (i === 0 ? stompClients('/topic/back') : missedBy(competitor))),
    )
    const round = (competitor: Competitor): Promise<Round> =>
      connectMany(stage, competitor, protocols[competitors.indexOf(competitor)]!)
    return rows(stage, what, Unit.perConnection, competitors, round)
  })
}

/** Clients whose last message was so many before the newest; they are there when they have the newest. */
async function missedBy({ running }: Competitor): Promise<Protocol> {
  const url = `http://127.0.0.1:${running.server.port}`
  const messages = [...Array.from({ length: MISSED * 2 }, () => body()), `${body()} THE LAST ONE`]
  for (const message of messages) {
    const answer = await fetch(`${url}/api/notification`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic: '/topic/back', message }),
    })
    await answer.arrayBuffer()
  }
  const page = (await (await fetch(`${url}/api/history?destination=/topic/back`)).json()) as {
    readonly epoch: string
    readonly messages: readonly { readonly offset: string }[]
  }
  const { offset } = page.messages.at(-1 - MISSED)!
  const subscribe = `SUBSCRIBE\nid:sub-0\ndestination:/topic/back\nsince:${offset}\nepoch:${page.epoch}\n\n\0`
  const { path, hello } = stompClients('/topic/back')
  return { path, hello: [hello[0]!, { send: subscribe, until: 'THE LAST ONE' }] }
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
