/**
 * A work queue: messages that clients SEND, each of which goes to one consumer and is acknowledged by it. Of the bridge the CPU of
 * Redis counts too, which holds the queue. Neither server writes it to disk.
 */
import { inTurns, measure, rowOf, withCompetitors, type Competitor, type Entry } from '../arena.ts'
import { body, BODY_BYTES } from '../body.ts'
import type { ClientFleet } from '../clients.ts'
import type { Contender } from '../contender.ts'
import { bridgeWith, SENDERS } from '../contenders/bridge.ts'
import { RABBITMQ } from '../contenders/index.ts'
import { RABBITMQ_SENDERS } from '../contenders/rabbitmq.ts'
import type { Protocol } from '../fleet.ts'
import { cpuMicros } from '../process-usage.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'

const CONSUMERS = 10
const PREFETCH = 16
const SENDING = 10
const EACH = 50

export const QUEUE_CASE = `${CONSUMERS} consumers, prefetch ${PREFETCH}, ${SENDING * EACH} in flight`
export const QUEUE_ON_BRIDGE = 'stomp-bridge and Redis'

const bridge = bridgeWith(QUEUE_ON_BRIDGE, { STOMP_BRIDGE_QUEUES: JSON.stringify([{ destination: '/queue/**' }]) })

/** Redis does a part of the work. */
const BRIDGE_WITH_REDIS: Contender = {
  ...bridge,
  async start(stage, channel) {
    const running = await bridge.start(stage, channel)
    const { server } = running
    const redisPid = Number(/^process_id:(\d+)/m.exec(await stage.redis.info('server'))![1])
    const both = { ...server, cpuMicros: () => server.cpuMicros() + cpuMicros(redisPid) }
    return { ...running, server: both }
  },
}

function consumersOf(senders: Protocol): (channel: string) => Protocol {
  const headers = `ack:client-individual\nprefetch-count:${PREFETCH}\nreceipt:r\n`
  return (channel) => ({
    ...senders,
    acknowledges: true,
    hello: [
      ...senders.hello,
      { send: `SUBSCRIBE\nid:sub-0\ndestination:/queue/${channel}\n${headers}\n\0`, until: 'RECEIPT' },
    ],
  })
}

export function queue(stage: Stage): Promise<Row[]> {
  const entries: Entry[] = [
    { contender: BRIDGE_WITH_REDIS, subscribers: CONSUMERS, protocol: consumersOf(SENDERS) },
    { contender: RABBITMQ, subscribers: CONSUMERS, protocol: consumersOf(RABBITMQ_SENDERS) },
  ]
  return withCompetitors(stage, entries, async (competitors) => {
    stage.say(QUEUE_CASE)
    const senders = new Map<Competitor, ClientFleet>()
    for (const competitor of competitors) {
      const { name, running } = competitor
      const protocol = name === RABBITMQ.name ? RABBITMQ_SENDERS : SENDERS
      senders.set(competitor, await stage.clients.connect({ port: running.server.port, size: SENDING, protocol }))
    }
    const round = (competitor: Competitor) => {
      const destination = `/queue/bench${competitors.indexOf(competitor)}`
      const frame = `SEND\ndestination:${destination}\ncontent-type:text/plain\ncontent-length:${BODY_BYTES}\n\n${body()}\0`
      return measure(stage, competitor, async () => {
        await senders.get(competitor)!.send(frame, EACH - 1, frame)
        await competitor.fleet.expectTogether(SENDING * EACH)
        return SENDING * EACH
      })
    }
    try {
      for (const competitor of competitors) await round(competitor) // warm up
      const results = await inTurns(stage, competitors, round)
      return competitors.map(({ name }, at) => rowOf('queue', QUEUE_CASE, name, Unit.perMessage, results[at]!))
    } finally {
      for (const fleet of senders.values()) await fleet.close()
    }
  })
}
