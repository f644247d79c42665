/** The history against a plain list of what was published: whatever is cut, trimmed, lost, cleared and repeated. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeHistory } from './fake-history.ts'
import { Stage } from './stage.ts'

interface Step {
  readonly do: 'publish' | 'unheard' | 'fallBack' | 'cutAfter' | 'overlap' | 'cut' | 'connect' | 'clear'
  /** 0 where nothing is counted. */
  readonly count: number
}

const counted = (name: Step['do'], max: number): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(name), count: fc.integer({ min: 1, max }) })
const plain = (name: Step['do']): fc.Arbitrary<Step> => fc.constant({ do: name, count: 0 })

/** Published as numbers from 1; `lost` stands where the client was told that something is missing. */
type Event = number | 'lost'

class World {
  readonly stage = new Stage({ onRecovery: ({ recovered }) => void (recovered || this.events.push('lost')) })
  readonly history: FakeHistory
  readonly events: Event[] = []
  published = 0

  constructor(size: number, last: number) {
    this.history = new FakeHistory(size)
    this.stage.client.subscribe('/topic/x', ({ body }) => this.events.push(Number(body)), { last })
    this.stage.client.activate()
  }

  get received(): number[] {
    return this.events.filter((event) => event !== 'lost')
  }

  next(count: number): string[] {
    return Array.from({ length: count }, () => String(++this.published))
  }

  async connect(): Promise<void> {
    if (this.stage.client.isConnected) return
    this.stage.clock.advance(8_000)
    const socket = await this.stage.socket()
    this.history.serve(socket)
    socket.open()
    socket.tell('CONNECTED', { version: '1.2' })
  }

  async run(step: Step): Promise<void> {
    const { history } = this
    if (step.do === 'connect') await this.connect()
    else if (step.do === 'cut') history.cut()
    else if (step.do === 'clear') history.clear()
    else if (step.do === 'publish') for (const body of this.next(step.count)) history.publish(body)
    else if (step.do === 'unheard') history.publishUnheard(this.next(step.count))
    else if (step.do === 'fallBack') history.fallBack(step.count)
    else if (step.do === 'overlap') history.overlap = step.count
    else history.cutAfter = step.count
  }

  /** In the end the connection holds, and one more message comes. */
  async settle(): Promise<void> {
    this.history.cutAfter = Infinity
    await this.connect()
    this.history.publish(this.next(1)[0]!)
  }
}

/** Everything from the first one on is there, unless the client was told between its neighbours. */
function untoldGaps(events: readonly Event[]): string[] {
  const gaps: string[] = []
  let before: number | undefined
  let isTold = false
  for (const event of events) {
    if (event === 'lost') isTold = true
    else {
      if (before !== undefined && event !== before + 1 && !isTold) gaps.push(`${before} to ${event}`)
      before = event
      isTold = false
    }
  }
  return gaps
}

const steps = [
  { weight: 8, arbitrary: counted('publish', 4) },
  { weight: 6, arbitrary: plain('connect') },
  { weight: 3, arbitrary: plain('cut') },
  { weight: 3, arbitrary: counted('cutAfter', 4) },
  { weight: 2, arbitrary: counted('overlap', 5) },
  { weight: 2, arbitrary: counted('unheard', 8) },
  { weight: 1, arbitrary: plain('clear') },
]

describe('a subscription with history', () => {
  it('hands over each message once and in order, and says of every gap', { timeout: 60_000 }, async () => {
    let recovered = 0
    let lost = 0
    const list = fc.array(fc.oneof(...steps), { maxLength: 60, size: 'max' })
    await fc.assert(
      fc.asyncProperty(list, fc.integer({ min: 1, max: 6 }), fc.nat(3), async (list, size, last) => {
        const world = new World(size, last)
        for (const step of list) await world.run(step)
        await world.settle()
        const { received } = world
        expect(received).toEqual([...new Set(received)].sort((a, b) => a - b))
        expect(received.at(-1)).toBe(world.published)
        expect(untoldGaps(world.events)).toEqual([])
        lost += world.events.includes('lost') ? 1 : 0
        recovered += world.stage.sockets.length > 3 && received.length > 20 ? 1 : 0
        expect(world.stage.errors).toEqual([])
      }),
      { numRuns: 300 },
    )
    expect(Math.min(recovered, lost)).toBeGreaterThan(3) // by chance, of 300 runs; mostly 20 and more
  })

  it('goes on behind a server that has fallen back, and loses nothing new', { timeout: 60_000 }, async () => {
    const list = fc.array(fc.oneof(...steps, { weight: 2, arbitrary: counted('fallBack', 4) }), {
      maxLength: 60,
      size: 'max',
    })
    await fc.assert(
      fc.asyncProperty(list, fc.integer({ min: 1, max: 6 }), async (list, size) => {
        const world = new World(size, 0)
        for (const step of list) await world.run(step)
        await world.settle()
        expect(world.received.at(-1)).toBe(world.published)
        // What comes a second time comes after it was told.
        const doubles = world.events.filter(
          (event, i) => event !== 'lost' && world.events[i - 1] !== 'lost' && event <= Number(world.events[i - 1]),
        )
        expect(doubles).toEqual([])
      }),
      { numRuns: 200 },
    )
  })
})
