/** Several nodes on one real Redis: what they ask and tell each other, through everything that can happen to it. */
import * as z from 'zod'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SharedRevocations } from '../../src/access/shared-revocations.ts'
import type { Revocable } from '../../src/access/revocations.ts'
import { SharedBus } from '../../src/bus/shared-bus.ts'
import { systemClock } from '../../src/clock.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { ClusterSessions } from '../../src/cluster/sessions.ts'
import { leaseMs } from '../../src/presence/grace.ts'
import { Presence } from '../../src/presence/presence.ts'
import { RedisBus } from '../../src/redis/redis-bus.ts'
import { RedisRevocationStore } from '../../src/redis/revocation-store.ts'
import { FakeLog } from '../support/fake-log.ts'
import { eventually } from '../support/wait.ts'
import { IMPATIENT, PATIENT, redisForTest } from './support.ts'

const TTL_SECONDS = 5
const LEASE_MS = leaseMs(TTL_SECONDS)
const ROOM = '/topic/1'

const revocationSchema = z.object({ subject: z.string(), until: z.number() })

let nodes = 0

/** What a bridge makes of all this, with sessions that are only names. */
async function startNode(url: string) {
  const id = `n${++nodes}`
  const log = new FakeLog()
  const redis = new RedisBus({ url, ...PATIENT, ...IMPATIENT, keyPrefix: 'p:' }, id, log)
  const shared = new SharedBus(redis)
  const metrics = { count: { payloadsMalformed: 0 } }
  const cluster = new Cluster({ nodeId: id, channels: shared.own, clock: systemClock, leaseMs: LEASE_MS, log, metrics })
  const users = new Map<string, string>()
  const facts = (session: string) => ({ id: session, user: users.get(session), address: '', connectedAt: 0 })
  const closeAll = (isMeant: (session: string) => boolean) => {
    const closed = [...users.keys()].filter(isMeant)
    for (const session of closed) users.delete(session)
    return closed.length
  }
  const sessions = new ClusterSessions(cluster, {
    close: (session) => closeAll((each) => each === session) > 0,
    closeUser: (user) => closeAll((each) => users.get(each) === user),
    sessionsOf: (user) => [...users.keys()].filter((each) => users.get(each) === user).map(facts),
    users: () => [...new Set(users.values())].map((user) => ({ user, sessions: 1 })),
    subscribers: () => [...users.keys()].map(facts),
  })
  const presence = new Presence({ destinations: ['/topic/*'], cluster, clock: systemClock })
  const revoked: Revocable[] = []
  const revocations = new SharedRevocations({
    store: new RedisRevocationStore(redis.commands),
    clock: systemClock,
    checkEveryMs: LEASE_MS / 3,
    log,
    tell: (revocation) => cluster.tell('revoked', revocation),
    onRevoked: (what) => revoked.push(what),
  })
  cluster.hear('revoked', revocationSchema, (revocation) => revocations.heard(revocation))
  shared.start({
    onMessage: () => expect.unreachable(),
    onAvailability: (reason) => revocations.setUnavailableReason(reason),
    onRefusal: () => expect.unreachable(),
  })
  cluster.start()
  let isOver = false
  const stop = async (): Promise<void> => {
    if (isOver) return
    isOver = true
    presence.close()
    revocations.close()
    await cluster.close()
    await shared.close()
  }
  onTestFinished(stop)
  const node = {
    id,
    log,
    redis,
    cluster,
    sessions,
    presence,
    revocations,
    revoked,
    users,
    stop,
    /** Its connections are gone, without a goodbye. */
    kill: async (): Promise<void> => {
      isOver = true
      await shared.close()
      await cluster.close()
      presence.close()
      revocations.close()
    },
  }
  await eventually(() => expect([cluster.isConnected, revocations.isLoaded]).toEqual([true, true]))
  return node
}

type Node = Awaited<ReturnType<typeof startNode>>

function watch({ presence }: Node, destination = ROOM): string[] {
  const events: string[] = []
  const stop = presence.watch(destination, {
    snapshot: (users) => events.push(`snapshot ${users.map(({ user }) => user).join(' ')}`.trim()),
    join: (user) => events.push(`join ${user}`),
    leave: (user) => events.push(`leave ${user}`),
  })
  onTestFinished(stop)
  return events
}

async function usersOf({ sessions }: Node): Promise<string[]> {
  return (await sessions.users({ limit: 100 })).users.map(({ user, sessions: count }) => `${user}:${count}`)
}

describe('nodes on one Redis', () => {
  it('answer for all of them, close sessions of each other, and forget nothing in a FLUSHALL', async () => {
    const redis = await redisForTest()
    const [a, b, c] = [await startNode(redis.url), await startNode(redis.url), await startNode(redis.url)]
    a.users.set('a-1', 'alice')
    b.users.set('b-1', 'alice').set('b-2', 'bob')
    c.users.set('c-1', 'carol')
    await (await redis.client()).flushall()
    for (const node of [a, b, c]) expect(await usersOf(node)).toEqual(['alice:2', 'bob:1', 'carol:1'])
    expect(await a.sessions.closeSession('c-1')).toBe(true)
    expect(await b.sessions.closeUserSessions('alice')).toBe(2)
    expect(await c.sessions.user('bob')).toEqual([{ id: 'b-2', node: b.id, address: '', connectedAt: 0 }])
    expect(await (await redis.client()).keys('*')).toEqual([])
  })

  it('see who joins and leaves elsewhere, also through a FLUSHALL and a restart of Redis', async () => {
    const redis = await redisForTest()
    const [a, b] = [await startNode(redis.url), await startNode(redis.url)]
    b.presence.joined('b-1', 'bob', ROOM)
    const events = watch(a)
    await eventually(() => expect(events).toEqual(['snapshot bob']))
    await (await redis.client()).flushall()
    b.presence.joined('b-2', 'carol', ROOM)
    await eventually(() => expect(events.slice(1)).toEqual(['join carol']))
    await redis.crash()
    await eventually(() => expect([a.cluster.isConnected, b.cluster.isConnected]).toEqual([false, false]))
    await expect(usersOf(a)).rejects.toThrow('Redis')
    b.presence.joined('b-3', 'dora', ROOM)
    b.presence.left('b-2', 'carol', ROOM)
    await redis.restart()
    await eventually(() => expect(events.slice(2).sort()).toEqual(['join dora', 'leave carol']), { timeoutMs: 10_000 })
    expect(await usersOf(a)).toEqual([])
  })

  it('let the users of a killed node leave within the time to live, and take its place by another one', async () => {
    const redis = await redisForTest()
    const [a, b] = [await startNode(redis.url), await startNode(redis.url)]
    b.presence.joined('b-1', 'bob', ROOM)
    b.presence.joined('b-2', 'carol', ROOM)
    const events = watch(a)
    await eventually(() => expect(events).toEqual(['snapshot bob carol']))
    await b.kill()
    const killedAt = performance.now()
    const c = await startNode(redis.url)
    c.presence.joined('c-1', 'carol', ROOM)
    await eventually(() => expect(events.slice(1)).toEqual(['leave bob']), { timeoutMs: TTL_SECONDS * 1000 + 500 })
    expect(performance.now() - killedAt).toBeLessThan(TTL_SECONDS * 1000)
    expect(a.cluster.nodes).toEqual([c.id])
  }, 15_000)

  it('revoke for all within a moment, and for those that start later', async () => {
    const redis = await redisForTest()
    const [a, b] = [await startNode(redis.url), await startNode(redis.url)]
    await a.revocations.revoke({ tokenId: 't' }, 60)
    await eventually(() => expect(b.revoked).toEqual([{ tokenId: 't' }]), { timeoutMs: 1000 })
    expect(a.revoked).toEqual([{ tokenId: 't' }])
    const c = await startNode(redis.url)
    expect(c.revocations.isRevoked({ tokenId: 't' })).toBe(true)
    const outside = await redis.client()
    await outside.flushall()
    await eventually(async () => expect(await outside.zcard('p:stomp-bridge:revocations')).toBe(1))
    await redis.crash()
    await eventually(() => expect(a.cluster.isConnected).toBe(false))
    await expect(a.revocations.revoke({ user: 'u' }, 60)).rejects.toThrow('Redis')
    await redis.restart()
    await eventually(async () => expect(await outside.zcard('p:stomp-bridge:revocations')).toBe(1))
  }, 15_000)

  it('go on alone where the access rules refuse their channels, and say so once', async () => {
    const redis = await redisForTest()
    const admin = await redis.client()
    await admin.acl('SETUSER', 'bridge', 'on', '>pw', '+@all', '~*', 'resetchannels', '&p:stomp-bridge:probe:*')
    const [other, a] = [await startNode(redis.url), await startNode(`redis://bridge:pw@127.0.0.1:${redis.port}`)]
    a.users.set('a-1', 'alice')
    expect(a.redis.unavailableReason).toBeUndefined()
    expect(await usersOf(a)).toEqual(['alice:1'])
    const events = watch(a)
    await eventually(() => expect(events).toEqual(['snapshot']))
    await a.revocations.revoke({ user: 'u' }, 60)
    await eventually(() => expect(other.revocations.isRevoked({ user: 'u' })).toBe(true))
    expect(a.log.messages('warn')).toEqual([expect.stringMatching(/^Redis refuses the channels of the nodes: /)])
    await admin.acl('SETUSER', 'bridge', '&p:stomp-bridge:*')
    await eventually(async () => expect(await usersOf(other)).toEqual(['alice:1']))
  }, 15_000)
})
