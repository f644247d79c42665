/** `/app` SEND → Redis: CPU per message of the bridge, beside a process that only publishes the same on Redis. */
import { body, BODY_BYTES, MARKER } from '../body.ts'
import { inTurns, measure, rowOf, withCompetitors, type Competitor, type Round } from '../arena.ts'
import { commandContender } from '../contender.ts'
import { BRIDGE } from '../contenders/index.ts'
import { SENDERS } from '../contenders/bridge.ts'
import { fromRoot, installed } from '../contenders/paths.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

const CLIENTS = 50
const PER_CLIENT = 8
const IN_FLIGHT = CLIENTS * PER_CLIENT

export const SEND_CASE = `${IN_FLIGHT} in flight, ${CLIENTS} clients`
const RECEIPTS_CASE = `${SEND_CASE}, a receipt each`

export const PUBLISH_ALONE = commandContender(
  'ioredis PUBLISH alone',
  undefined,
  [installed('bun'), fromRoot('bench/peers/publish-alone.ts')],
  (_stage, _channel, port) => ({
    subscriber: SENDERS,
    publish: (bodies) => fetch(`http://127.0.0.1:${port}/?count=${bodies.length}&bytes=${BODY_BYTES}`),
  }),
)

export function send(stage: Stage): Promise<Row[]> {
  const entries = [
    { contender: BRIDGE, subscribers: CLIENTS, protocol: () => SENDERS },
    { contender: PUBLISH_ALONE, subscribers: 0, protocol: () => SENDERS },
  ]
  return withCompetitors(stage, entries, async (competitors) => {
    const rows: Row[] = []
    for (const [what, hasReceipts] of [
      [SEND_CASE, false],
      [RECEIPTS_CASE, true],
    ] as const) {
      stage.say(what)
      const round = (competitor: Competitor): Promise<Round> =>
        measure(
          stage,
          competitor,
          competitor.fleet.size === 0 ? () => publishAlone(competitor) : () => sendAll(competitor, hasReceipts),
        )
      for (const competitor of competitors) await round(competitor) // warm up
      const results = await inTurns(stage, competitors, round)
      rows.push(...competitors.map(({ name }, at) => rowOf('send', what, name, Unit.perMessage, results[at]!)))
    }
    return rows
  })
}

/** Each asks for a receipt, or only the last of each client: it comes when Redis has everything before it. */
async function sendAll({ fleet }: Competitor, hasReceipts: boolean): Promise<number> {
  const frame = (receipt: string): string =>
    `SEND\ndestination:/app/bench\ncontent-type:text/plain\n${receipt}content-length:${BODY_BYTES}\n\n${body()}\0`
  const last = frame(`receipt:${MARKER}\n`)
  const arrived = fleet.expectEach(hasReceipts ? PER_CLIENT : 1)
  await fleet.send(hasReceipts ? last : frame(''), PER_CLIENT - 1, last)
  await arrived
  return IN_FLIGHT
}

async function publishAlone({ running }: Competitor): Promise<number> {
  await running.publish(Array.from({ length: IN_FLIGHT }, () => body()))
  return IN_FLIGHT
}
