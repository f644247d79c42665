/**
 * Members that come, go and are written to alone for a while, in any order: each gets every message from the moment it
 * came to the moment it left, once and in order, and what is counted for it is what it got.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { Broker, type BrokerSubscription } from '../../src/broker/broker.ts'
import { Metrics } from '../../src/metrics.ts'
import { RouteTable } from '../../src/routes/table.ts'
import { FakeBus } from '../support/fake-bus.ts'
import { FakeLog } from '../support/fake-log.ts'
import { turn } from '../support/fake-turn.ts'
import { bodyOf, FakeMeter, FakeNetwork, type FakeSubscriber } from './fake-subscriber.ts'

const { V1_1, V1_2 } = Version

/** The first three are in one group, the others each in another, one of them in another topic; the last acknowledges. */
const KINDS = [
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/a', acknowledges: false },
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/a', acknowledges: false },
  { transport: 'tcp', id: '1', version: V1_2, destination: '/topic/a', acknowledges: false },
  { transport: 'tcp', id: '2', version: V1_1, destination: '/topic/a', acknowledges: false },
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/*', acknowledges: false },
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/a', acknowledges: true },
] as const

/** Its number, and whether it is text, bytes (no text begins with that octet), or too long to be gathered. */
const BODIES = {
  text: (n: number) => `${n}`,
  bytes: (n: number) => Uint8Array.of(255, ...new TextEncoder().encode(`${n}`)),
  long: (n: number) => `${n}${' '.repeat(17_000)}`,
} as const

type Move = 'subscribe' | 'unsubscribe' | 'detach' | 'attach'
type Step = readonly [Move, who: number] | readonly ['deliver', keyof typeof BODIES] | readonly ['turn']

const moves = fc.tuple(
  fc.constantFrom<Move>('subscribe', 'subscribe', 'unsubscribe', 'detach', 'attach'),
  fc.nat(KINDS.length - 1),
)
const deliveries = fc.tuple(
  fc.constant('deliver' as const),
  fc.constantFrom<keyof typeof BODIES>('text', 'text', 'text', 'bytes', 'long'),
)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: moves },
    { weight: 4, arbitrary: deliveries },
    { weight: 1, arbitrary: fc.constant(['turn'] as const) },
  ),
  { maxLength: 60, size: 'max' },
)

class Member {
  readonly subscriber: FakeSubscriber
  /** The numbers that it has to get. */
  readonly expected: number[] = []
  subscription: BrokerSubscription | undefined
  /** What went to it through the fan-out in groups that it has left. */
  publishedBefore = 0
  readonly #kind: (typeof KINDS)[number]
  readonly #broker: Broker

  constructor(kind: (typeof KINDS)[number], network: FakeNetwork, broker: Broker) {
    this.subscriber = network.subscriber(kind.transport)
    this.#kind = kind
    this.#broker = broker
  }

  move(move: Move): void {
    const { subscription } = this
    if (move === 'subscribe') {
      this.subscription ??= this.#broker.subscribe({ ...this.#kind, subscriber: this.subscriber }).subscription
    } else if (subscription) {
      this.publishedBefore += this.#broker[move](subscription) ?? 0
      if (move === 'unsubscribe') this.subscription = undefined
    }
  }

  get received(): number[] {
    return this.subscriber.frames(this.#kind.version).map((frame) => Number(bodyOf(frame).replace('\uFFFD', '')))
  }

  /** As a session counts: what it wrote itself, and what was published to the groups that it is or was in. */
  get counted(): number {
    const { direct, delivered } = this.subscriber
    const own = [...direct, ...delivered.map(({ data }) => data)].reduce((sum, { length }) => sum + length, 0)
    return own + this.publishedBefore + (this.subscription ? this.#broker.published(this.subscription) : 0)
  }

  get sent(): number {
    return this.subscriber.received.reduce((sum, { length }) => sum + length, 0)
  }
}

function setUp(joinFrames: boolean) {
  const prefixes = { prefixes: ['/topic'], applicationPrefixes: ['/app'] }
  const table = new RouteTable(
    { outbound: [], inbound: [], convention: true, conventionCodec: 'raw' },
    ['/app'],
    ['/topic'],
  )
  const options = { ...prefixes, broadcastChannel: 'b', joinFrames, releaseDelayMs: 1, slowClients: [] }
  const bus = new FakeBus()
  const metrics = new Metrics()
  const broker = new Broker(options, table, bus, 'node', new FakeLog(), metrics, new FakeMeter())
  const network = new FakeNetwork()
  for (const transport of ['websocket', 'tcp'] as const) broker.attachFanout(transport, network[transport])
  broker.start()
  const members = KINDS.map((kind) => new Member(kind, network, broker))
  let count = 0
  const deliver = (kind: keyof typeof BODIES) => {
    const n = ++count
    const body = BODIES[kind](n)
    const headers = [] as const
    const octets = typeof body === 'string' ? new TextEncoder().encode(body) : body
    const { channel, payload } = broker.route({
      destination: '/topic/a',
      body: octets,
      headers,
      session: 's',
      user: undefined,
    })
    bus.deliver(channel, payload)
    for (const { subscription, expected } of members) if (subscription) expected.push(n)
  }
  return { broker, metrics, members, deliver }
}

describe('broker: members that come and go', () => {
  it('#72 #80 get all that comes between their coming and their leaving, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (all, joinFrames) => {
        const { broker, metrics, members, deliver } = setUp(joinFrames)
        for (const step of all) {
          if (step[0] === 'turn') await turn()
          else if (step[0] === 'deliver') deliver(step[1])
          else members[step[1]]!.move(step[0])
        }
        await turn()
        for (const { received, expected } of members) expect(received).toEqual(expected)
        const delivered = members.reduce((sum, { expected }) => sum + expected.length, 0)
        expect(metrics.count.messagesDelivered).toBe(delivered)
        for (const member of members) member.move('unsubscribe')
        for (const { subscriber } of members) expect(subscriber.groups.size).toBe(0)
        broker.close()
        metrics.close()
      }),
      { numRuns: 500 },
    )
  })

  it('are counted to have been sent what they got', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { broker, metrics, members, deliver } = setUp(true)
        for (const step of all) {
          if (step[0] === 'turn') await turn()
          else if (step[0] === 'deliver') deliver(step[1])
          else {
            members[step[1]]!.move(step[0])
          }
        }
        await turn()
        for (const { counted, sent } of members) expect(counted).toBe(sent)
        broker.close()
        metrics.close()
      }),
      { numRuns: 300 },
    )
  })
})
