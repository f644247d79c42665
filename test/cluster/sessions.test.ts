import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addUp, firstAfter } from '../../src/cluster/first-names.ts'
import type { LocalSessions, SessionFacts } from '../../src/cluster/local-sessions.ts'
import { ClusterSessions } from '../../src/cluster/sessions.ts'
import { ClusterStage, LEASE_MS, type StagedNode } from './stage.ts'

/** The sessions of one node, each with the destinations that it has subscribed. */
class FakeSessions implements LocalSessions {
  readonly open: (SessionFacts & { readonly destinations: readonly string[] })[] = []

  add(id: string, user: string | undefined, ...destinations: string[]): this {
    this.open.push({ id, user, address: '10.0.0.1', connectedAt: 1000 + this.open.length + 0.5, destinations })
    return this
  }

  close(id: string): boolean {
    return this.#closeAll((session) => session.id === id) > 0
  }

  closeUser(user: string): number {
    return this.#closeAll((session) => session.user === user)
  }

  sessionsOf(name: string): SessionFacts[] {
    return this.open.filter(({ user }) => user === name)
  }

  users() {
    return addUp(this.open.flatMap(({ user }) => (user === undefined ? [] : [[{ user, sessions: 1 }]])))
  }

  subscribers(destination: string): SessionFacts[] {
    return this.open.filter(({ destinations }) => destinations.includes(destination))
  }

  #closeAll(isMeant: (session: SessionFacts) => boolean): number {
    const closed = this.open.filter(isMeant)
    for (const session of closed) this.open.splice(this.open.indexOf(session), 1)
    return closed.length
  }
}

interface Node extends StagedNode {
  readonly sessions: ClusterSessions
  readonly local: FakeSessions
}

async function nodesWith(locals: Record<string, FakeSessions>) {
  const stage = new ClusterStage()
  const nodes = Object.entries(locals).map(([id, local]): Node => {
    const node = stage.create(id)
    return { ...node, local, sessions: new ClusterSessions(node.cluster, local) }
  })
  for (const node of nodes) stage.start(node)
  await stage.pass(300)
  const soon = async <T>(answer: Promise<T>): Promise<T> => {
    await stage.pass(20)
    return answer
  }
  return { stage, nodes, soon }
}

describe('the sessions of all nodes', () => {
  it('are found and closed on whichever node they are', async () => {
    const { nodes, soon } = await nodesWith({
      a: new FakeSessions().add('a-1', 'alice').add('a-2', undefined),
      b: new FakeSessions().add('b-1', 'alice').add('b-2', 'bob'),
    })
    const { sessions } = nodes[0]!
    expect(await soon(sessions.user('alice'))).toEqual([
      { id: 'a-1', node: 'a', address: '10.0.0.1', connectedAt: 1000 },
      { id: 'b-1', node: 'b', address: '10.0.0.1', connectedAt: 1000 },
    ])
    expect(await soon(sessions.user('nobody'))).toEqual([])
    expect(await soon(sessions.closeSession('b-2'))).toBe(true)
    expect(await soon(sessions.closeSession('b-2'))).toBe(false)
    expect(await soon(sessions.closeUserSessions('alice'))).toBe(2)
    expect(nodes.map(({ local }) => local.open.length)).toEqual([1, 0])
  })

  it('are closed on this node also while the bus is away', async () => {
    const { nodes } = await nodesWith({ a: new FakeSessions().add('a-1', 'alice'), b: new FakeSessions() })
    nodes[0]!.bus.cut()
    expect(await nodes[0]!.sessions.closeSession('a-1')).toBe(true)
    await expect(nodes[0]!.sessions.closeSession('b-1')).rejects.toThrow('cut')
    await expect(nodes[0]!.sessions.users({ limit: 1 })).rejects.toThrow('cut')
  })

  it.each([
    ['is thought to be silent', 1020],
    ['is thought to be dead', LEASE_MS + 100],
  ])('are closed on a node that stood still and %s, as soon as it goes on', async (_how, stillMs) => {
    const { stage, nodes, soon } = await nodesWith({
      a: new FakeSessions(),
      b: new FakeSessions().add('b-1', 'alice').add('b-2', 'bob').add('b-3', 'eve'),
    })
    const [{ sessions }, b] = nodes as [Node, Node]
    b.bus.isStill = true
    const asked = sessions.users({ limit: 10 })
    await stage.pass(stillMs)
    expect((await asked).users).toEqual([])
    expect(await soon(sessions.closeUserSessions('alice'))).toBe(0)
    expect(await soon(sessions.closeSession('b-2'))).toBe(false)
    b.bus.isStill = false
    await stage.pass(20)
    expect(b.local.open.map(({ id }) => id)).toEqual(['b-3'])
  })

  it('of a killed node are not listed any more, and it is waited for once', async () => {
    const { stage, nodes, soon } = await nodesWith({
      a: new FakeSessions().add('a-1', 'alice'),
      b: new FakeSessions().add('b-1', 'bob'),
    })
    nodes[1]!.bus.kill()
    const first = nodes[0]!.sessions.users({ limit: 10 })
    await stage.pass(1020)
    expect(await first).toEqual({ users: [{ user: 'alice', sessions: 1 }], next: undefined })
    expect((await soon(nodes[0]!.sessions.users({ limit: 10 }))).users).toHaveLength(1)
    await stage.pass(LEASE_MS)
  })

  it('at a destination are counted by user, the anonymous ones too', async () => {
    const { nodes, soon } = await nodesWith({
      a: new FakeSessions()
        .add('a-1', 'bob', '/topic/x')
        .add('a-2', undefined, '/topic/x')
        .add('a-3', 'carol', '/topic/y'),
      b: new FakeSessions().add('b-1', 'bob', '/topic/x').add('b-2', 'alice', '/topic/x', '/topic/y'),
    })
    expect(await soon(nodes[0]!.sessions.presence('/topic/x'))).toEqual({
      sessions: 4,
      users: [
        { user: 'alice', sessions: 1 },
        { user: 'bob', sessions: 2 },
      ],
    })
    expect(await soon(nodes[0]!.sessions.presence('/topic/z'))).toEqual({ sessions: 0, users: [] })
  })

  it('are listed also beside one whose name is too long to hand on', async () => {
    const local = new FakeSessions().add('b-1', 'x'.repeat(2049), '/topic/x').add('b-2', 'bob', '/topic/x')
    const { nodes, soon } = await nodesWith({ a: new FakeSessions(), b: local })
    const users = [{ user: 'bob', sessions: 1 }]
    expect((await soon(nodes[0]!.sessions.users({ limit: 5 }))).users).toEqual(users)
    expect(await soon(nodes[0]!.sessions.presence('/topic/x'))).toEqual({ sessions: 2, users })
  })

  it('at one destination can be 100,000', async () => {
    const crowd = new FakeSessions()
    for (let i = 0; i < 100_000; i++) crowd.add(`b-${i}`, `user-${i}`, '/topic/x')
    const { nodes, soon } = await nodesWith({ a: new FakeSessions(), b: crowd })
    const { sessions, users } = await soon(nodes[0]!.sessions.presence('/topic/x'))
    expect([sessions, users.length, users[0]]).toEqual([100_000, 100_000, { user: 'user-0', sessions: 1 }])
  })

  it('are listed by user, page by page, and a page costs no more than its length', async () => {
    const [a, b] = [new FakeSessions(), new FakeSessions()]
    for (let i = 0; i < 10_000; i++) (i % 3 ? a : b).add(`${i}`, `user-${i}`)
    const { stage, nodes, soon } = await nodesWith({ a, b })
    stage.network.published.length = 0
    const page = await soon(nodes[0]!.sessions.users({ limit: 100, after: 'user-5' }))
    expect(page.users).toHaveLength(100)
    expect(page.users[0]).toEqual({ user: 'user-50', sessions: 1 })
    expect(page.next).toBe(page.users.at(-1)!.user)
    expect(JSON.stringify(stage.network.published).length).toBeLessThan(4000)
  })

  it('are all listed once, whatever the names, the nodes and the length of a page', async () => {
    const users = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.string({ maxLength: 2 })), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(users, fc.integer({ min: 1, max: 7 }), async (list, limit) => {
        const locals = { a: new FakeSessions(), b: new FakeSessions(), c: new FakeSessions() }
        list.forEach(([node, user], i) => locals[node as 'a'].add(`${i}`, user))
        const { nodes, soon } = await nodesWith(locals)
        const found = []
        for (let after: string | undefined; ;) {
          const page = await soon(nodes[0]!.sessions.users({ limit, after }))
          expect(page.users.length).toBeLessThanOrEqual(limit)
          found.push(...page.users)
          after = page.next
          if (after === undefined) break
        }
        expect(found).toEqual(addUp(list.map(([, user]) => [{ user, sessions: 1 }])))
      }),
      { numRuns: 50 },
    )
  })
})

describe('firstAfter', () => {
  it('gives the first of any list behind a name', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ maxLength: 3 })),
        fc.option(fc.string({ maxLength: 2 }), { nil: undefined }),
        fc.integer({ min: 1, max: 5 }),
        (names, after, limit) => {
          const users = names.map((user) => ({ user, sessions: 1 }))
          const behind = names.filter((name) => after === undefined || name > after).sort((x, y) => (x < y ? -1 : 1))
          expect(firstAfter(users, after, limit).map(({ user }) => user)).toEqual(behind.slice(0, limit))
        },
      ),
    )
  })
})
