/** Presence against a plain list of who is where: whatever comes, goes, is lost, cut off and killed. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GRACE_MS, LEASE_MS, PresenceStage, Watching, type PresenceNode } from './stage.ts'

const DESTINATIONS = ['/topic/1', '/topic/2']
const USERS = ['alice', 'bob', 'carol']

interface Session {
  readonly id: string
  readonly user: string
  readonly destination: string
  readonly node: PresenceNode
}

/** The list. */
class World {
  readonly stage = new PresenceStage()
  sessions: Session[] = []
  readonly watchers: { readonly node: PresenceNode; readonly watching: Watching }[] = []
  #count = 0

  get alive(): PresenceNode[] {
    return this.stage.nodes.filter(({ isAlive }) => isAlive)
  }

  join(node: PresenceNode, user: string, destination: string): Session {
    const session = { id: `s${++this.#count}`, user, destination, node }
    this.sessions.push(session)
    node.presence.joined(session.id, user, destination)
    return session
  }

  leave(session: Session): void {
    this.sessions.splice(this.sessions.indexOf(session), 1)
    session.node.presence.left(session.id, session.user, session.destination)
  }

  async end(node: PresenceNode, how: 'kill' | 'stop'): Promise<void> {
    const isElsewhere = (each: { readonly node: PresenceNode }) => each.node !== node
    if (how === 'stop') for (const session of this.sessions.filter((each) => each.node === node)) this.leave(session)
    this.sessions = this.sessions.filter(isElsewhere)
    this.watchers.splice(0, this.watchers.length, ...this.watchers.filter(isElsewhere))
    if (how === 'kill') this.stage.kill(node)
    else await this.stage.stop(node)
  }

  presentAt(destination: string): string[] {
    return [...new Set(this.sessions.filter((each) => each.destination === destination).map(({ user }) => user))].sort()
  }
}

const at = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)]
const index = fc.nat({ max: 11 })

type Step =
  | { readonly do: 'join'; readonly node: number; readonly user: number; readonly destination: number }
  | { readonly do: 'leave'; readonly session: number }
  | { readonly do: 'watch'; readonly node: number; readonly destination: number }
  | { readonly do: 'unwatch'; readonly watcher: number }
  | { readonly do: 'kill' | 'stop' | 'cut' | 'mend' | 'deliver'; readonly node: number }
  | { readonly do: 'lose'; readonly node: number; readonly count: number; readonly of: string }
  | { readonly do: 'start' }
  | { readonly do: 'deliverAll' }
  | { readonly do: 'wait'; readonly ms: number }

const calm: { weight: number; arbitrary: fc.Arbitrary<Step> }[] = [
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join'), node: index, user: index, destination: index }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('leave'), session: index }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('watch'), node: index, destination: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unwatch'), watcher: index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(100, 700, 1500, 2100) }) },
] as { weight: number; arbitrary: fc.Arbitrary<Step> }[]
const rough = [
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('kill', 'stop'), node: index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('lose'),
      node: index,
      count: fc.integer({ min: 1, max: 3 }),
      of: fc.constantFrom('', 'presence-changes', 'answer'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut', 'mend'), node: index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver'), node: index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deliverAll') }) },
] as { weight: number; arbitrary: fc.Arbitrary<Step> }[]

async function run(world: World, step: Step): Promise<void> {
  const { stage } = world
  if (step.do === 'join') {
    const node = at(world.alive, step.node)
    if (node) world.join(node, at(USERS, step.user)!, at(DESTINATIONS, step.destination)!)
  } else if (step.do === 'leave') {
    const session = at(world.sessions, step.session)
    if (session) world.leave(session)
  } else if (step.do === 'watch') {
    const node = at(world.alive, step.node)
    if (node) world.watchers.push({ node, watching: new Watching(node, at(DESTINATIONS, step.destination)!) })
  } else if (step.do === 'unwatch') {
    const watcher = at(world.watchers, step.watcher)
    if (!watcher) return
    watcher.watching.unwatch()
    world.watchers.splice(world.watchers.indexOf(watcher), 1)
  } else if (step.do === 'start') stage.add()
  else if (step.do === 'wait') await stage.pass(step.ms)
  else if (step.do === 'deliverAll') await stage.network.deliver()
  else {
    const node = at(world.alive, step.node)
    if (!node) return
    if (step.do === 'kill' || step.do === 'stop') await world.end(node, step.do)
    else if (step.do === 'lose') Object.assign(node.bus, { losing: step.count, losingOnly: step.of })
    else if (step.do === 'deliver') node.bus.deliver(1)
    else node.bus[step.do]()
  }
}

describe('presence over a network that loses what it likes', () => {
  it('never tells what cannot be, and in the end shows everybody who is there', async () => {
    const steps = fc.array(fc.oneof(...calm, ...rough), { maxLength: 60, size: 'max' })
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const world = new World()
        await world.stage.addAll('a', 'b', 'c')
        for (const step of list) await run(world, step)
        for (const { bus } of world.alive) {
          bus.losing = 0
          bus.mend()
        }
        // The killed ones at the end of their lease; what was lost with the next sign of life; a silent one after a second.
        await world.stage.pass(LEASE_MS * 2 + GRACE_MS + 1500)
        for (const { watching } of world.watchers) {
          expect([...(watching.present ?? ['no snapshot'])].sort()).toEqual(world.presentAt(watching.destination))
        }
        for (const node of world.alive) await world.stage.stop(node)
        // of killed processes a timer may be left
        await world.stage.pass(LEASE_MS * 2)
        expect(world.stage.clock.pending).toBe(0)
      }),
      { numRuns: 300 },
    )
  }, 30_000)
})

/** What clients are to be told, told from the list alone. */
class Expected {
  readonly events: string[] = []
  readonly #destination: string
  readonly #leaving = new Map<string, { readonly at: number; readonly session: string }>()
  #shown = false

  constructor(destination: string) {
    this.#destination = destination
  }

  joined(session: Session, isFirst: boolean): void {
    if (session.destination !== this.#destination || !isFirst) return
    if (!this.#leaving.delete(session.user) && this.#shown) this.events.push(`join ${session.user} ${session.id}`)
  }

  left(session: Session, isLast: boolean, now: number): void {
    if (session.destination !== this.#destination || !isLast) return
    this.#leaving.set(session.user, { at: now, session: session.id })
  }

  passed(now: number): void {
    for (const [user, { at: leftAt, session }] of this.#leaving) {
      if (now - leftAt <= GRACE_MS) continue
      this.#leaving.delete(user)
      if (this.#shown) this.events.push(`leave ${user} ${session}`)
    }
  }

  show(sessions: readonly Session[]): void {
    const counts = new Map([...this.#leaving.keys()].map((user) => [user, 1]))
    for (const user of USERS) {
      const here = sessions.filter((each) => each.destination === this.#destination && each.user === user)
      if (here.length > 0) counts.set(user, here.length)
    }
    const users = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([user, count]) => `${user}:${count}`)
    this.events.push(`snapshot ${users.join(' ')}`.trim())
    this.#shown = true
  }
}

describe('presence over a network that works', () => {
  it('tells every watcher exactly what the list says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...calm), { maxLength: 40, size: 'max' }), async (list) => {
        const world = new World()
        const { stage } = world
        await stage.addAll('a', 'b', 'c')
        // Everybody who has left is remembered from the start, as nodes do.
        const hidden = new Map(DESTINATIONS.map((destination) => [destination, [] as Expected[]]))
        const pairs: { readonly watching: Watching; readonly expected: Expected }[] = []
        const leavers: { readonly session: Session; readonly at: number }[] = []
        const everywhere = (call: (expected: Expected) => void) => [...hidden.values()].flat().forEach(call)
        const others = ({ user, destination }: Session) =>
          world.sessions.filter((each) => each.user === user && each.destination === destination).length
        for (const step of list) {
          if (step.do === 'join') {
            const node = at(world.alive, step.node)!
            const session = world.join(node, at(USERS, step.user)!, at(DESTINATIONS, step.destination)!)
            everywhere((expected) => expected.joined(session, others(session) === 1))
          } else if (step.do === 'leave') {
            const session = at(world.sessions, step.session)
            if (!session) continue
            world.leave(session)
            const isLast = others(session) === 0
            if (isLast) leavers.push({ session, at: stage.clock.now() })
            everywhere((expected) => expected.left(session, isLast, stage.clock.now()))
          } else if (step.do === 'watch') {
            const destination = at(DESTINATIONS, step.destination)!
            const expected = new Expected(destination)
            for (const { session, at: leftAt } of leavers) {
              if (stage.clock.now() - leftAt < GRACE_MS && others(session) === 0) expected.left(session, true, leftAt)
            }
            hidden.get(destination)!.push(expected)
            const watching = new Watching(at(world.alive, step.node)!, destination)
            pairs.push({ watching, expected })
            await stage.network.deliver()
            expected.show(world.sessions)
          } else if (step.do === 'wait') await stage.pass(step.ms)
          await stage.pass(40)
          // Nothing happens just when two seconds are over: some nodes hear a little later of who has left.
          const isClose = ({ at: leftAt }: { readonly at: number }) =>
            Math.abs(stage.clock.now() - leftAt - GRACE_MS) <= 100
          while (leavers.some(isClose)) await stage.pass(20)
          everywhere((expected) => expected.passed(stage.clock.now()))
          for (const { watching, expected } of pairs) {
            expect([...watching.events].sort()).toEqual([...expected.events].sort())
          }
        }
        for (const node of world.alive) await stage.stop(node)
      }),
      { numRuns: 100 },
    )
  }, 30_000)
})
