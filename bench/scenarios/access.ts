/**
 * What access costs: rules on a SEND, logins by JWT and by ticket beside a connect without, the queues of many users beside
 * as many topics, and what presence asks of Redis.
 */
import { body, BODY_BYTES, MARKER } from '../body.ts'
import { inTurns, measure, rowOf, thousands, withCompetitors, type Competitor, type Round } from '../arena.ts'
import type { Contender } from '../contender.ts'
import { bridgeWith, stompClients } from '../contenders/bridge.ts'
import { accessSettings, API_KEY, HS256, hs256Token, RsaKey } from '../credentials.ts'
import type { Protocol } from '../fleet.ts'
import { Unit, type Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { connectMany } from './connect.ts'

const RULES = 50
const SEND_CLIENTS = 50
const SENDS_PER_CLIENT = 8
const SENDS_IN_FLIGHT = SEND_CLIENTS * SENDS_PER_CLIENT
const IN_FLIGHT = 32
/** How long Redis is watched, in milliseconds: more than one lease interval. */
const WATCH_MS = 25_000

export const RULES_CASE = `SEND, ${SENDS_IN_FLIGHT} in flight`
export const LOGIN_CASE = 'connect and SUBSCRIBE'
export const QUEUES_CASE = `one subscriber each, ${IN_FLIGHT} in flight`

export const WITHOUT_RULES = 'without access'
export const WITH_RULES = `with ${RULES} rules`
export const WITHOUT_LOGIN = 'no login'
export const BY_RS256 = 'JWT, RS256'
export const BY_HS256 = 'JWT, HS256'
export const BY_TICKET = 'ticket'

export function presenceCase({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(subscribers * 5)} sessions present`
}

export function topicsName({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(subscribers * 10)} topics`
}

export function queuesName({ subscribers }: Pick<Stage, 'subscribers'>): string {
  return `${thousands(subscribers * 10)} users`
}

const ALLOW_ALL = [{ allow: ['subscribe', 'send'], destination: '/topic/**' }]

export async function access(stage: Stage): Promise<Row[]> {
  return [...(await rules(stage)), ...(await logins(stage)), ...(await queues(stage)), ...(await presence(stage))]
}

// --- Rules

function rules(stage: Stage): Promise<Row[]> {
  // All of them are about what is sent to, and the last one decides.
  const all = Array.from({ length: RULES - 1 }, (_, i) => ({ allow: 'send', destination: `/app/area-${i}/{user}/**` }))
  const settings = accessSettings([...all, { allow: 'send', destination: '/app/{service}' }])
  const senders: Protocol = { path: '/stomp', hello: [connectWith(`passcode:${hs256Token('sender')}\n`)] }
  const entries = [
    { contender: bridgeWith(WITHOUT_RULES, {}), subscribers: SEND_CLIENTS, protocol: () => senders },
    { contender: bridgeWith(WITH_RULES, settings), subscribers: SEND_CLIENTS, protocol: () => senders },
  ]
  return compare(stage, RULES_CASE, Unit.perMessage, entries, (competitor) => sendAll(stage, competitor))
}

function sendAll(stage: Stage, competitor: Competitor): Promise<Round> {
  const frame = (receipt: string): string =>
    `SEND\ndestination:/app/bench\ncontent-type:text/plain\n${receipt}content-length:${BODY_BYTES}\n\n${body()}\0`
  return measure(stage, competitor, async () => {
    const arrived = competitor.fleet.expectEach(1)
    await competitor.fleet.send(frame(''), SENDS_PER_CLIENT - 1, frame(`receipt:${MARKER}\n`))
    await arrived
    return SENDS_IN_FLIGHT
  })
}

// --- Logins

async function logins(stage: Stage): Promise<Row[]> {
  const key = new RsaKey()
  const hello = (headers: string): Protocol => ({
    path: '/stomp',
    hello: [connectWith(headers), subscribeTo('/topic/x')],
  })
  const connections = stage.subscribers * 4
  const ways: Readonly<Record<string, (port: number) => Promise<Protocol>>> = {
    [WITHOUT_LOGIN]: () => Promise.resolve(stompClients('/topic/x')),
    [BY_HS256]: () => Promise.resolve(hello(`passcode:${hs256Token('alice')}\n`)),
    [BY_RS256]: () => Promise.resolve(hello(`passcode:${key.token('alice')}\n`)),
    [BY_TICKET]: async (port) => ({ ...hello('passcode:{secret}\n'), secrets: await tickets(port, connections) }),
  }
  const settings = accessSettings(ALLOW_ALL, [HS256, key.authenticator, { type: 'ticket', ttlSeconds: 3600 }])
  const entries = Object.keys(ways).map((name) => ({
    contender: bridgeWith(name, name === WITHOUT_LOGIN ? {} : settings),
    subscribers: 1,
    protocol: () => (name === WITHOUT_LOGIN ? stompClients('/topic/x') : hello(`passcode:${hs256Token('alice')}\n`)),
  }))
  try {
    return await compare(stage, LOGIN_CASE, Unit.perConnection, entries, async (competitor) =>
      connectMany(stage, competitor, await ways[competitor.name]!(competitor.running.server.port)),
    )
  } finally {
    key.remove()
  }
}

async function tickets(port: number, count: number): Promise<string[]> {
  const one = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/tickets`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ user: 'alice' }),
    })
    return ((await response.json()) as { ticket: string }).ticket
  }
  const all: string[] = []
  while (all.length < count) {
    const batch = Math.min(64, count - all.length)
    all.push(...(await Promise.all(Array.from({ length: batch }, one))))
  }
  return all
}

// --- Queues of users

function queues(stage: Stage): Promise<Row[]> {
  const count = stage.subscribers * 10
  const users: Protocol = {
    path: '/stomp',
    hello: [connectWith('passcode:{secret}\n'), subscribeTo('/user/queue/x')],
    secrets: Array.from({ length: count }, (_, i) => hs256Token(`u${i}`)),
  }
  const channels: Readonly<Record<string, (n: number) => string>> = {
    [topicsName(stage)]: (n) => `topic:many.${n}`,
    [queuesName(stage)]: (n) => `user:u${n}:x`,
  }
  const entries = [
    {
      contender: bridgeWith(topicsName(stage), {}),
      subscribers: count,
      protocol: () => stompClients('/topic/many.{n}'),
    },
    {
      contender: bridgeWith(queuesName(stage), accessSettings(ALLOW_ALL)),
      subscribers: count,
      protocol: () => users,
    },
  ]
  return compare(stage, QUEUES_CASE, Unit.perMessage, entries, (competitor) =>
    deliverInTurn(stage, competitor, channels[competitor.name]!),
  )
}

/** A message to each client in turn, so many at once. */
function deliverInTurn(stage: Stage, competitor: Competitor, channelOf: (n: number) => string): Promise<Round> {
  const { fleet } = competitor
  let next = 0
  return measure(stage, competitor, async () => {
    const arrived = fleet.expectInTurn(IN_FLIGHT, next)
    const pipeline = stage.redis.pipeline()
    for (let i = 0; i < IN_FLIGHT; i++) pipeline.publish(channelOf(next++ % fleet.size), JSON.stringify(body()))
    await pipeline.exec()
    await arrived
    return IN_FLIGHT
  })
}

// --- Presence

async function presence(stage: Stage): Promise<Row[]> {
  const count = stage.subscribers * 5
  const what = presenceCase(stage)
  stage.say(what)
  const contender = bridgeWith('stomp-bridge', {
    ...accessSettings(ALLOW_ALL),
    STOMP_BRIDGE_PRESENCE_DESTINATIONS: '/topic/rooms/**',
  })
  const running = await contender.start(stage, 'presence')
  try {
    const fleet = await stage.clients.connect({
      port: running.server.port,
      size: count,
      protocol: {
        path: '/stomp',
        hello: [connectWith('passcode:{secret}\n'), subscribeTo('/topic/rooms/1')],
        secrets: Array.from({ length: count }, (_, i) => hs256Token(`u${i}`)),
      },
    })
    await pause(1_000)
    const before = await commandsOf(stage)
    await pause(WATCH_MS)
    // One of them is the question itself.
    const perSecond = ((await commandsOf(stage)) - before - 1) / (WATCH_MS / 1000)
    await fleet.close()
    return [
      {
        scenario: 'access',
        case: what,
        contender: contender.name,
        unit: Unit.commands,
        value: perSecond,
        rounds: [perSecond],
      },
    ]
  } finally {
    await running.stop()
  }
}

async function commandsOf({ redis }: Stage): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))![1])
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

// --- What they share

interface Entry {
  readonly contender: Contender
  readonly subscribers: number
  readonly protocol: () => Protocol
}

function compare(
  stage: Stage,
  what: string,
  unit: Unit,
  entries: readonly Entry[],
  round: (competitor: Competitor) => Promise<Round>,
): Promise<Row[]> {
  return withCompetitors(stage, entries, async (competitors) => {
    stage.say(what)
    for (const competitor of competitors) await round(competitor) // warm up
    const results = await inTurns(stage, competitors, round)
    return competitors.map(({ name }, at) => rowOf('access', what, name, unit, results[at]!))
  })
}

function connectWith(headers: string) {
  return { send: `CONNECT\naccept-version:1.2\nhost:bench\nheart-beat:0,0\n${headers}\n\0`, until: 'CONNECTED' }
}

function subscribeTo(destination: string) {
  return { send: `SUBSCRIBE\nid:sub-0\ndestination:${destination}\nreceipt:r\n\n\0`, until: 'RECEIPT' }
}
