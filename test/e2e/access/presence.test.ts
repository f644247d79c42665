/** Who is there: over HTTP and as messages, on all nodes, also when a node dies and when Redis forgets. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openEventStream } from '../../support/clients/event-stream.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import {
  api,
  API_KEYS,
  errorBody,
  expectError,
  expectNothing,
  HS256,
  logIn,
  logInAs,
  post,
  send,
  startNodes,
  subscribe,
  subscribing,
  token,
  untilUser,
  type Member,
  type Nodes,
} from './stage.ts'

const GRACE_MS = 2000
const TTL_MS = 5000

const CONFIG = `
access:
  authenticators: [${HS256}, { type: anonymous }]
  rules:
    - { allow: [subscribe, send], destination: '/topic/rooms/**', anonymous: true }
    - { allow: subscribe, destination: '/topic/**' }
  ${API_KEYS}
presence: { destinations: ['/topic/rooms/**'], ttlSeconds: 5 }
`

interface Event {
  readonly event: string
  readonly body: unknown
  readonly atMs: number
}

describe(`presence on ${runtime}`, () => {
  let nodes: Nodes
  let a: BridgeProcess
  let b: BridgeProcess
  beforeAll(async () => {
    nodes = await startNodes(CONFIG, { tcp: true })
    ;({ a, b } = nodes)
  })

  let rooms = 0
  const newRoom = () => `/topic/rooms/${++rooms}`

  /** The next thing that a watcher is told. */
  const next = async (peer: StompPeer, destination: string): Promise<Event> => {
    const frame = await peer.expect('MESSAGE', { destination: `/presence${destination}` })
    return { event: frame.headers.get('event')!, body: JSON.parse(bodyText(frame)), atMs: performance.now() }
  }
  const told = async (peer: StompPeer, destination: string) => {
    const { event, body } = await next(peer, destination)
    return [event, body]
  }
  const watch = async (on: BridgeProcess, destination: string, users: unknown[]): Promise<StompPeer> => {
    const { peer } = await logIn(on)
    subscribing(peer, `/presence${destination}`)
    expect(await told(peer, destination)).toEqual(['snapshot', { users }])
    return peer
  }
  const leave = async ({ peer }: Member): Promise<void> => {
    peer.close()
    await peer.closed
  }

  describe('over HTTP', () => {
    it('lists users in pages, by name, over all nodes', async () => {
      const names = ['page-é', 'page-a', 'page-b', 'page-B', 'page-c/d', 'page- ', 'page-😀']
      for (const [i, name] of names.entries()) await logInAs(i % 2 === 0 ? a : b, name)
      await logInAs(a, 'page-b')
      await logInAs(b, 'page-b')
      await logIn(b)
      const sorted = names.toSorted()
      const seen: { user: string; sessions: number }[] = []
      let after: string | undefined = 'page'
      do {
        const { status, headers, json } = await api(b, 'GET', `/api/users?limit=2&after=${encodeURIComponent(after)}`)
        expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
        const page = json as { users: { user: string; sessions: number }[]; next?: string }
        expect(page.users.length).toBeLessThanOrEqual(2)
        seen.push(...page.users)
        after = page.next
      } while (after !== undefined)
      const listed = seen.filter(({ user }) => user.startsWith('page'))
      expect(listed).toEqual(sorted.map((user) => ({ user, sessions: user === 'page-b' ? 3 : 1 })))
      const all = (await api(a, 'GET', '/api/users')).json as { users: { user: string }[] }
      expect(all.users.map(({ user }) => user)).toEqual(expect.arrayContaining(names))
      expect(all).not.toHaveProperty('next')
      for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=-1', 'limit=1.5', 'limit=']) {
        const answer = await api(a, 'GET', `/api/users?${query}`)
        expect([query, answer.status, answer.json]).toEqual([query, 400, errorBody('bad-field')])
      }
    })

    it('says where a user is', async () => {
      const before = Date.now()
      const user = 'ulla/ü:*'
      const members = [await logInAs(a, user), await logInAs(b, user)]
      const { json } = await api(b, 'GET', `/api/users/${encodeURIComponent(user)}`)
      const found = json as { sessions: { id: string; node: string; address: string; connectedAt: string }[] }
      expect(found).toMatchObject({ user, online: true })
      expect(found.sessions.map(({ id }) => id)).toEqual(members.map(({ session }) => session))
      expect(new Set(found.sessions.map(({ node }) => node)).size).toBe(2)
      for (const { id, node, address, connectedAt } of found.sessions) {
        expect(id.startsWith(`${node}-`)).toBe(true)
        expect(address).toMatch(/127\.0\.0\.1$|^::1$/)
        expect(connectedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
        expect(Date.parse(connectedAt)).toBeGreaterThanOrEqual(before - 1000)
      }
      expect((await api(a, 'GET', '/api/users/nobody')).json).toEqual({ user: 'nobody', online: false, sessions: [] })
      for (const member of members) await leave(member)
      await untilUser(a, user, 0)
    })

    it('says who has subscribed to a destination, whatever it is', async () => {
      const room = newRoom()
      const path = `/api/presence?destination=${room}`
      expect((await api(a, 'GET', path)).json).toEqual({ destination: room, sessions: 0, users: [] })
      const two = [await logInAs(a, 'zoe'), await logInAs(b, 'zoe'), await logInAs(b, 'abe')]
      const nobody = await logIn(a)
      for (const { peer } of [...two, nobody]) await subscribe(peer, room)
      // twice is once
      await subscribe(nobody.peer, room, { id: 'again' })
      // patterns do not count
      const pattern = await logInAs(a, 'pat')
      await subscribe(pattern.peer, '/topic/rooms/**')
      await subscribe(pattern.peer, '/topic/rooms/*')
      const events = await openEventStream(`${b.url}/sse${room}?access_token=${await token('eve')}`)
      expect(events.response.status).toBe(200)
      expect((await api(b, 'GET', path)).json).toEqual({
        destination: room,
        sessions: 5,
        users: [
          { user: 'abe', sessions: 1 },
          { user: 'eve', sessions: 1 },
          { user: 'zoe', sessions: 2 },
        ],
      })
      two[0]!.peer.send(frameText('UNSUBSCRIBE', { id: room, receipt: 'gone' }))
      await two[0]!.peer.receipt('gone')
      expect((await api(b, 'GET', path)).json).toMatchObject({ sessions: 4 })
      // also where nobody keeps attendance
      await subscribe(pattern.peer, '/topic/elsewhere')
      expect((await api(b, 'GET', '/api/presence?destination=/topic/elsewhere')).json).toMatchObject({
        users: [{ user: 'pat', sessions: 1 }],
      })
      await subscribe(pattern.peer, '/user/queue/x')
      expect((await api(b, 'GET', '/api/presence?destination=/user/pat/queue/x')).json).toMatchObject({ sessions: 1 })
      for (const query of ['', '?destination=', '?destination=/topic/*', '?destination=/topic/**']) {
        expect((await api(a, 'GET', `/api/presence${query}`)).status, query).toBe(400)
      }
    })
  })

  describe('as messages', () => {
    it('is a snapshot, then who comes and who goes, on every node', async () => {
      const room = newRoom()
      const early = await logInAs(b, 'early')
      await subscribe(early.peer, room)
      await eventually(async () => {
        expect((await api(a, 'GET', `/api/presence?destination=${room}`)).json).toMatchObject({ sessions: 1 })
      })
      const watchers = await Promise.all([a, b].map((on) => watch(on, room, [{ user: 'early', sessions: 1 }])))
      const joined = await logInAs(a, 'mia')
      await subscribe(joined.peer, room)
      for (const watcher of watchers) {
        expect(await told(watcher, room)).toEqual(['join', { user: 'mia', session: joined.session }])
      }
      // more sessions of the same user, and anonymous ones, say nothing
      const second = await logInAs(b, 'mia')
      await subscribe(second.peer, room)
      const nobody = await logIn(b)
      await subscribe(nobody.peer, room)
      await leave(joined)
      await leave(nobody)
      const left = performance.now()
      await leave(second)
      for (const watcher of watchers) {
        const { event, body, atMs } = await next(watcher, room)
        expect([event, body]).toMatchObject(['leave', { user: 'mia' }])
        // Which of two nodes was last, each of them hears differently.
        expect([joined.session, second.session]).toContain((body as { session: string }).session)
        expect(atMs - left).toBeGreaterThan(GRACE_MS - 100)
        expect(atMs - left).toBeLessThan(GRACE_MS + 1500)
      }
      for (const watcher of watchers) await expectNothing(watcher)
    })

    it('tells nothing of who is back within two seconds, on another node too, and shows them meanwhile', async () => {
      const room = newRoom()
      const watcher = await watch(a, room, [])
      const first = await logInAs(a, 'ben')
      await subscribe(first.peer, room)
      expect(await told(watcher, room)).toMatchObject(['join', { user: 'ben' }])
      await leave(first)
      await watch(b, room, [{ user: 'ben', sessions: 1 }])
      const again = await logInAs(b, 'ben')
      await subscribe(again.peer, room)
      // UNSUBSCRIBE is a leave as any other
      again.peer.send(frameText('UNSUBSCRIBE', { id: room, receipt: 'r' }))
      await again.peer.receipt('r')
      await subscribe(again.peer, room)
      const other = await logInAs(b, 'other')
      await subscribe(other.peer, room)
      expect(await told(watcher, room)).toMatchObject(['join', { user: 'other' }])
      await leave(other)
      // The grace of "other" is over later than that of "ben" would have been.
      expect(await told(watcher, room)).toMatchObject(['leave', { user: 'other' }])
      await expectNothing(watcher)
    })

    it('counts every door, and what ends a session', async () => {
      const room = newRoom()
      const watcher = await watch(b, room, [])
      const credential = await token('sse')
      const events = await openEventStream(`${a.url}/sse${room}?access_token=${credential}`)
      expect(await told(watcher, room)).toMatchObject(['join', { user: 'sse' }])
      const tcp = await logIn(a, { tcp: true, connect: { passcode: await token('tcp') } })
      await subscribe(tcp.peer, room)
      expect(await told(watcher, room)).toMatchObject(['join', { user: 'tcp' }])
      events.close()
      await api(b, 'DELETE', `/api/sessions/${tcp.session}`)
      const gone = [await told(watcher, room), await told(watcher, room)] as [string, { user: string }][]
      expect(gone.map(([event, { user }]) => `${event} ${user}`).toSorted()).toEqual(['leave sse', 'leave tcp'])
    })

    it('is only for those who may subscribe to what is watched, and only where attendance is kept', async () => {
      const { peer } = await logIn(a)
      subscribing(peer, '/presence/topic/secret')
      await expectError(peer, 'not-authorized')
      const elsewhere = await logInAs(a, 'wanda')
      subscribing(elsewhere.peer, '/presence/topic/elsewhere')
      await expectError(elsewhere.peer, 'bad-destination', 1002)
      const sender = await logInAs(a, 'wanda')
      send(sender.peer, `/presence${newRoom()}`, 'forged', { receipt: 'r' })
      await expectError(sender.peer, 'not-authorized')
      const posted = await api(a, 'POST', '/api/notification', { body: { topic: '/presence/topic/rooms/1', message: 'x' } })
      expect(posted.status).toBe(400)
    }) // prettier-ignore

    it('goes on without the user once it is unsubscribed, and comes with a snapshot again', async () => {
      const room = newRoom()
      const watcher = await watch(a, room, [])
      watcher.send(frameText('UNSUBSCRIBE', { id: `/presence${room}`, receipt: 'r' }))
      await watcher.receipt('r')
      const member = await logInAs(b, 'uwe')
      await subscribe(member.peer, room)
      await eventually(async () => {
        expect((await api(a, 'GET', `/api/presence?destination=${room}`)).json).toMatchObject({ sessions: 1 })
      })
      await expectNothing(watcher)
      subscribing(watcher, `/presence${room}`)
      expect(await told(watcher, room)).toEqual(['snapshot', { users: [{ user: 'uwe', sessions: 1 }] }])
    })

    it('of names that are unusual, and of many at once, is complete', async () => {
      const room = newRoom()
      const watcher = await watch(a, room, [])
      const names = ['a:b\n'.trim(), 'ž/*{}', '__proto__', 'x'.repeat(255), ...Array.from({ length: 40 }, (_, i) => `m${i}`)]
      const members = await Promise.all(names.map((name, i) => logInAs(i % 2 === 0 ? a : b, name)))
      for (const { peer } of members) subscribing(peer, room)
      const come = new Set<string>()
      while (come.size < names.length) {
        const { event, body } = await next(watcher, room)
        expect(event).toBe('join')
        come.add((body as { user: string }).user)
      }
      expect(come).toEqual(new Set(names))
      await watch(b, room, names.toSorted().map((user) => ({ user, sessions: 1 })))
      await expectNothing(watcher)
    }) // prettier-ignore
  })

  describe('when a node dies', () => {
    it('its users leave within the time, and those who are elsewhere too stay', async () => {
      const room = newRoom()
      const dying = await nodes.startAnother()
      onTestFinished(async () => void (await dying.stop('SIGKILL')))
      const only = await logInAs(dying, 'only')
      const both = [await logInAs(dying, 'both'), await logInAs(b, 'both')]
      for (const { peer } of [only, ...both]) await subscribe(peer, room)
      const users = [
        { user: 'both', sessions: 2 },
        { user: 'only', sessions: 1 },
      ]
      await eventually(async () => {
        expect((await api(a, 'GET', `/api/presence?destination=${room}`)).json).toMatchObject({ users })
      })
      const watcher = await watch(a, room, users)
      const killedAt = performance.now()
      expect(await dying.stop('SIGKILL')).toBe(137)
      // While it is not known yet, questions are answered without it.
      const asked = performance.now()
      expect((await api(a, 'GET', '/api/users/both')).status).toBe(200)
      expect(performance.now() - asked).toBeLessThan(2500)
      const { event, body, atMs } = await next(watcher, room)
      expect([event, body]).toEqual(['leave', { user: 'only', session: only.session }])
      expect(atMs - killedAt).toBeLessThan(TTL_MS + 200)
      await watch(b, room, [{ user: 'both', sessions: 1 }])
      expect((await api(b, 'GET', '/api/users/only')).json).toMatchObject({ online: false })
      await expectNothing(watcher)
    })

    it('one that is stopped says goodbye: its users leave after their grace', async () => {
      const room = newRoom()
      const stopping = await nodes.startAnother()
      const member = await logInAs(stopping, 'gone')
      await subscribe(member.peer, room)
      await eventually(async () => {
        expect((await api(a, 'GET', `/api/presence?destination=${room}`)).json).toMatchObject({ sessions: 1 })
      })
      const watcher = await watch(a, room, [{ user: 'gone', sessions: 1 }])
      const stoppedAt = performance.now()
      expect(await stopping.stop()).toBe(0)
      const { event, body, atMs } = await next(watcher, room)
      expect([event, body]).toEqual(['leave', { user: 'gone', session: member.session }])
      expect(atMs - stoppedAt).toBeLessThan(TTL_MS)
    })
  })

  describe('when Redis', () => {
    it('is emptied nothing is forgotten', async () => {
      const room = newRoom()
      const member = await logInAs(b, 'flo')
      await subscribe(member.peer, room)
      await eventually(async () => {
        expect((await api(a, 'GET', `/api/presence?destination=${room}`)).json).toMatchObject({ sessions: 1 })
      })
      const watcher = await watch(a, room, [{ user: 'flo', sessions: 1 }])
      await nodes.backend.flushall()
      await watch(b, room, [{ user: 'flo', sessions: 1 }])
      expect((await api(a, 'GET', '/api/users/flo')).json).toMatchObject({ online: true })
      const other = await logInAs(b, 'later')
      await subscribe(other.peer, room)
      expect(await told(watcher, room)).toMatchObject(['join', { user: 'later' }])
    })

    it('goes and comes back, nobody has left who is still there', async () => {
      const room = newRoom()
      const stays = await logInAs(b, 'stays')
      const leaves = await logInAs(b, 'leaves')
      for (const { peer } of [stays, leaves]) await subscribe(peer, room)
      await eventually(async () => {
        expect((await api(a, 'GET', `/api/presence?destination=${room}`)).json).toMatchObject({ sessions: 2 })
      })
      const watcher = await watch(a, room, [
        { user: 'leaves', sessions: 1 },
        { user: 'stays', sessions: 1 },
      ])
      await nodes.redis.crash()
      await eventually(async () => expect((await fetch(`${a.url}/ready`)).status).toBe(503))
      await leave(leaves)
      const arrives = await logInAs(a, 'arrives')
      subscribing(arrives.peer, room)
      expect(await told(watcher, room)).toMatchObject(['join', { user: 'arrives' }])
      await nodes.redis.restart()
      for (const node of [a, b]) {
        await eventually(async () => expect((await fetch(`${node.url}/ready`)).status).toBe(200), { timeoutMs: 15_000 })
      }
      expect(await told(watcher, room)).toEqual(['leave', { user: 'leaves', session: leaves.session }])
      await watch(b, room, [
        { user: 'arrives', sessions: 1 },
        { user: 'stays', sessions: 1 },
      ])
      await post(b, room, 'a message')
      await expectNothing(watcher)
    })
  })
})
