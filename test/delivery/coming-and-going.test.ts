/**
 * Feeds that come, go, and are held for a while, in any order: each gets every message from the moment it came to the
 * moment it left, once and in order, and what is counted for it is what it got.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { HeldMessages } from '../../src/delivery/held-messages.ts'
import type { SlowPolicy } from '../../src/delivery/slow-policy.ts'
import { bodyOf, type Data } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { FakeReceiver, lengthOf } from './fake-receiver.ts'
import { DeliveryStage } from './stage.ts'

const { V1_1, V1_2 } = Version

/** The first two are in one group, the others each in another, one of them in another topic; the last acknowledges. */
const KINDS = [
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/a', isSingle: false },
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/a', isSingle: false },
  { transport: 'tcp', id: '1', version: V1_2, destination: '/topic/a', isSingle: false },
  { transport: 'tcp', id: '2', version: V1_1, destination: '/topic/a', isSingle: false },
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/*', isSingle: false },
  { transport: 'websocket', id: '1', version: V1_2, destination: '/topic/a', isSingle: true },
] as const

/** Its number, and whether it is text, bytes (no text begins with that octet), or too long to be gathered. */
const BODIES = {
  text: (n: number) => `${n}`,
  bytes: (n: number) => Uint8Array.of(255, ...new TextEncoder().encode(`${n}`)),
  long: (n: number) => `${n}${' '.repeat(17_000)}`,
} as const satisfies Record<string, (n: number) => Data>

/** Nothing is ever let go. */
const POLICY: SlowPolicy = { policy: 'drop-oldest', maxBytes: 100_000_000, maxAgeMs: 1_000_000_000 }

type Move = 'open' | 'close' | 'hold' | 'catchUp'
type Step =
  | readonly [Move, who: number]
  /** When somebody is written to the next time. */
  | readonly ['meanwhile', Move, who: number]
  | readonly ['deliver', keyof typeof BODIES]
  | readonly ['turn']

const move = fc.constantFrom<Move>('open', 'open', 'close', 'hold', 'catchUp')
const who = fc.nat(KINDS.length - 1)
const deliveries = fc.tuple(
  fc.constant('deliver' as const),
  fc.constantFrom<keyof typeof BODIES>('text', 'text', 'text', 'bytes', 'long'),
)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(move, who) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constant('meanwhile' as const), fc.constantFrom<Move>('hold', 'catchUp'), who),
    },
    { weight: 4, arbitrary: deliveries },
    { weight: 1, arbitrary: fc.constant(['turn'] as const) },
  ),
  { maxLength: 60, size: 'max' },
)

class Member {
  /** The numbers that it has to get. */
  readonly expected: number[] = []
  readonly #stage: DeliveryStage
  readonly #receiver: FakeReceiver
  #isOpen = false

  constructor(kind: (typeof KINDS)[number], stage: DeliveryStage) {
    this.#stage = stage
    this.#receiver = new FakeReceiver(stage.network, stage.meter, kind)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  move(how: Move): void {
    const { delivery } = this.#stage
    const receiver = this.#receiver
    if (how === 'open') {
      if (this.#isOpen) return
      receiver.feed = delivery.open(receiver.feedOptions, this.#stage.topic(receiver.destination), POLICY)
      this.#isOpen = true
    } else if (this.#isOpen) {
      if (how === 'hold') delivery.hold(receiver.feed, new HeldMessages(POLICY, receiver.feed.encoding))
      else delivery.catchUp(receiver.feed, () => true)
      if (how !== 'close') return
      delivery.close(receiver.feed)
      this.#isOpen = false
    }
  }

  get received(): number[] {
    return this.#receiver.frames.map((frame) => Number(bodyOf(frame).replace('\uFFFD', '')))
  }

  get groups(): ReadonlySet<string> {
    return this.#receiver.socket.groups
  }

  /** As a client counts: what its output wrote itself, and what was written to the groups that it is or was in. */
  get counted(): number {
    const group = this.#isOpen ? this.#receiver.feed.group : undefined
    return this.#receiver.output.total(group && group.sole !== this.#receiver.feed ? [group] : [])
  }

  get sent(): number {
    return lengthOf(this.#receiver.socket.sent)
  }
}

async function play(all: readonly Step[], joinFrames: boolean) {
  const stage = new DeliveryStage({ joinFrames })
  const members = KINDS.map((kind) => new Member(kind, stage))
  let count = 0
  for (const step of all) {
    if (step[0] === 'turn') await turn()
    else if (step[0] === 'meanwhile') stage.meter.once(() => members[step[2]]!.move(step[1]))
    else if (step[0] !== 'deliver') members[step[1]]!.move(step[0])
    else {
      const body = BODIES[step[1]](++count)
      for (const member of members) if (member.isOpen) member.expected.push(count)
      // As a broker does for a message that reaches both topics.
      for (const destination of ['/topic/a', '/topic/*']) stage.deliver(body, destination)
    }
  }
  await turn()
  for (const member of members) member.move('catchUp')
  await turn()
  return { stage, members }
}

describe('feeds that come and go', () => {
  it(
    '#72 #80 get all that comes between their coming and their leaving, once and in order',
    { timeout: 20_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, fc.boolean(), async (all, joinFrames) => {
          const { stage, members } = await play(all, joinFrames)
          for (const { received, expected } of members) expect(received).toEqual(expected)
          const delivered = members.reduce((sum, { expected }) => sum + expected.length, 0)
          expect(stage.metrics.count).toMatchObject({ messagesDelivered: delivered, messagesDropped: 0 })
          for (const member of members) member.move('close')
          for (const { groups } of members) expect(groups.size).toBe(0)
        }),
        { numRuns: 500 },
      )
    },
  )

  it('are counted to have been sent what they got', { timeout: 20_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { members } = await play(all, true)
        for (const { counted, sent } of members) expect(counted).toBe(sent)
      }),
      { numRuns: 300 },
    )
  })
})
