import { describe, expect, it } from 'vitest'
import { RevokedSet, type Revocable, type Revocation, type RevocationStore } from '../../src/access/revocations.ts'
import { SharedRevocations } from '../../src/access/shared-revocations.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

const settle = () => new Promise(setImmediate)

/** One Redis for all nodes of a test. */
class FakeStore implements RevocationStore {
  readonly kept = new Map<string, number>()
  error: Error | undefined
  readonly calls: string[] = []

  async add(revocations: readonly Revocation[]): Promise<void> {
    this.#call('add')
    for (const { subject, until } of revocations) this.kept.set(subject, Math.max(until, this.kept.get(subject) ?? 0))
  }

  async load(now: number): Promise<Revocation[]> {
    this.#call('load')
    return [...this.kept].map(([subject, until]) => ({ subject, until })).filter(({ until }) => until > now)
  }

  async count(now: number): Promise<number> {
    this.#call('count')
    return [...this.kept.values()].filter((until) => until > now).length
  }

  #call(name: string): void {
    this.calls.push(name)
    if (this.error) throw this.error
  }
}

class Stage {
  readonly clock = new FakeClock()
  readonly store = new FakeStore()
  readonly nodes: { revocations: SharedRevocations; revoked: Revocable[]; log: FakeLog; isDeaf: boolean }[] = []

  add({ isAvailable = true, hasStore = true } = {}) {
    const revoked: Revocable[] = []
    const log = new FakeLog()
    const revocations = new SharedRevocations({
      store: hasStore ? this.store : undefined,
      clock: this.clock,
      checkEveryMs: 5000,
      log,
      tell: async (revocation) => {
        for (const other of this.nodes) if (other !== node && !other.isDeaf) other.revocations.heard(revocation)
      },
      onRevoked: (what) => revoked.push(what),
      nowSeconds: () => this.clock.now() / 1000,
    })
    const node = { revocations, revoked, log, isDeaf: false }
    this.nodes.push(node)
    if (isAvailable) revocations.setUnavailableReason(undefined)
    return node
  }

  async pass(ms: number): Promise<void> {
    await settle()
    for (let left = ms; left > 0; left -= 1000) {
      this.clock.advance(Math.min(1000, left))
      await settle()
    }
  }
}

describe('a set of revocations', () => {
  it('has what is revoked until its time is over, and takes the later end of two', () => {
    const set = new RevokedSet()
    expect(set.add({ subject: 'token:t', until: 100 }, 50)).toBe(true)
    expect(set.add({ subject: 'token:t', until: 90 }, 50)).toBe(false)
    expect(set.add({ subject: 'user:u', until: 120 }, 50)).toBe(true)
    expect(set.add({ subject: 'user:old', until: 50 }, 50)).toBe(false)
    expect(set.has({ tokenId: 't', user: 'x' }, 99)).toBe(true)
    expect(set.has({ tokenId: 't', user: 'x' }, 100)).toBe(false)
    expect(set.has({ user: 'u' }, 119)).toBe(true)
    // a user is no token
    expect(set.has({ tokenId: 'u', user: 't' }, 50)).toBe(false)
    expect(set.has({}, 50)).toBe(false)
    expect(set.list(100)).toEqual([{ subject: 'user:u', until: 120 }])
  })

  it('takes no more than it may hold, and lets go of what is over first', () => {
    const set = new RevokedSet(2)
    set.add({ subject: 'user:a', until: 10 }, 0)
    set.add({ subject: 'user:b', until: 20 }, 0)
    expect(set.add({ subject: 'user:c', until: 20 }, 5)).toBe(false)
    expect(set.add({ subject: 'user:b', until: 30 }, 5)).toBe(true)
    expect(set.add({ subject: 'user:c', until: 20 }, 10)).toBe(true)
  })
})

describe('shared revocations', () => {
  it('are in force on all nodes, end sessions there once, and end by themselves', async () => {
    const stage = new Stage()
    const [a, b] = [stage.add(), stage.add()]
    await stage.pass(300) // the time is seldom a whole second
    await a.revocations.revoke({ tokenId: 't' }, 60)
    await a.revocations.revoke({ tokenId: 't' }, 60)
    for (const { revocations, revoked } of [a, b]) {
      expect(revoked).toEqual([{ tokenId: 't' }])
      expect(revocations.isRevoked({ tokenId: 't', user: 'u' })).toBe(true)
      expect(revocations.isRevoked({ tokenId: 'other', user: 'u' })).toBe(false)
    }
    await stage.pass(60_000)
    expect(b.revocations.isRevoked({ tokenId: 't' })).toBe(false)
  })

  it('are unknown before they were read for the first time, and known from then on', async () => {
    const stage = new Stage()
    stage.store.kept.set('user:u', stage.clock.now() / 1000 + 60)
    stage.store.error = new Error('BUSY')
    const { revocations, revoked, log } = stage.add({ isAvailable: false })
    expect(revocations.isLoaded).toBe(false)
    revocations.setUnavailableReason(undefined)
    await stage.pass(5000)
    expect(revocations.isLoaded).toBe(false)
    expect(log.messages('error')).toEqual([
      'The revocations cannot be read and kept: until they are, nobody can log in',
    ])
    stage.store.error = undefined
    await stage.pass(1000)
    expect(revocations.isLoaded).toBe(true)
    expect(revocations.isRevoked({ user: 'u' })).toBe(true)
    expect(revoked).toEqual([{ user: 'u' }])
    revocations.setUnavailableReason('away')
    expect(revocations.isLoaded).toBe(true)
  })

  it('are refused while the store cannot keep them, and nothing changes then', async () => {
    const stage = new Stage()
    const { revocations, revoked } = stage.add()
    await settle()
    stage.store.error = new Error('away')
    await expect(revocations.revoke({ user: 'u' }, 60)).rejects.toThrow('away')
    expect(revocations.isRevoked({ user: 'u' })).toBe(false)
    expect(revoked).toEqual([])
  })

  it('that a node has not heard of are found by counting, and those of an emptied store put back', async () => {
    const stage = new Stage()
    const [a, b] = [stage.add(), stage.add()]
    await settle()
    b.isDeaf = true
    await a.revocations.revoke({ user: 'u' }, 600)
    expect(b.revocations.isRevoked({ user: 'u' })).toBe(false)
    await stage.pass(6000)
    expect(b.revocations.isRevoked({ user: 'u' })).toBe(true)
    stage.store.kept.clear()
    await stage.pass(6000)
    expect([...stage.store.kept.keys()]).toEqual(['user:u'])
    stage.store.calls.length = 0
    await stage.pass(20_000)
    expect(new Set(stage.store.calls)).toEqual(new Set(['count']))
  })

  it('are all compared after an outage, also where the number is the same', async () => {
    const stage = new Stage()
    const a = stage.add()
    await settle()
    await a.revocations.revoke({ user: 'u' }, 600)
    a.revocations.setUnavailableReason('away')
    stage.store.kept.clear()
    stage.store.kept.set('user:v', stage.clock.now() / 1000 + 600)
    a.revocations.setUnavailableReason(undefined)
    await settle()
    expect([...stage.store.kept.keys()].sort()).toEqual(['user:u', 'user:v'])
    expect(a.revoked).toEqual([{ user: 'u' }, { user: 'v' }])
  })

  it('skip what another program has written, and do not read it again and again', async () => {
    const stage = new Stage()
    stage.store.kept.set('junk', stage.clock.now() / 1000 + 600)
    const { revocations, revoked } = stage.add()
    await settle()
    expect(revocations.isLoaded).toBe(true)
    expect(revoked).toEqual([])
    stage.store.calls.length = 0
    await stage.pass(20_000)
    expect(stage.store.calls).not.toContain('load')
  })

  it('need no store where there is one node, and leave no timer behind', async () => {
    const stage = new Stage()
    const alone = new Stage().add({ hasStore: false })
    expect(alone.revocations.isLoaded).toBe(true)
    await alone.revocations.revoke({ user: 'u' }, 60)
    expect(alone.revoked).toEqual([{ user: 'u' }])
    const { revocations } = stage.add()
    await settle()
    revocations.close()
    revocations.setUnavailableReason(undefined)
    await settle()
    expect(stage.clock.pending).toBe(0)
  })
})
