import { describe, expect, it } from 'vitest'
import { TicketAuthenticator } from '../../src/access/ticket-authenticator.ts'
import { MemoryTicketStore, type TicketStore } from '../../src/access/ticket-store.ts'
import { Tickets } from '../../src/access/tickets.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { credentials, errorOf, NOW } from './support.ts'

/** Remembers what it was given. */
class SpyStore extends MemoryTicketStore {
  readonly puts: [id: string, value: string, ttlSeconds: number][] = []

  override async put(...put: [id: string, value: string, ttlSeconds: number]): Promise<void> {
    this.puts.push(put)
    await super.put(...put)
  }
}

function setUp({ ttlSeconds = 60, store: given }: { ttlSeconds?: number; store?: TicketStore } = {}) {
  const clock = new FakeClock()
  const store = new SpyStore(clock)
  const count = { ticketsIssued: 0, ticketsRedeemed: 0, ticketsRefused: 0 }
  const startMs = clock.now()
  const now = () => NOW * 1000 + clock.now() - startMs
  const metrics = { count } as unknown as ConstructorParameters<typeof Tickets>[1]['metrics']
  const tickets = new Tickets({ ttlSeconds }, { store: given ?? store, now, metrics })
  return { clock, store, count, tickets }
}

const alice = { user: 'alice', groups: ['staff'], claims: { a: { b: [1] } }, expiresAt: NOW + 3600, tokenId: 'id-1' }

describe('a ticket', () => {
  it('gives back all of the identity, once', async () => {
    const { tickets, count } = setUp()
    const { ticket, expiresInSeconds } = await tickets.issue(alice)
    expect(expiresInSeconds).toBe(60)
    expect(await tickets.redeem(ticket)).toEqual(alice)
    expect(await tickets.redeem(ticket)).toBeUndefined()
    expect(count).toEqual({ ticketsIssued: 1, ticketsRedeemed: 1, ticketsRefused: 1 })
  })

  it('can be told from other credentials, and cannot be guessed', async () => {
    const { tickets } = setUp()
    const all = await Promise.all(Array.from({ length: 100 }, async () => (await tickets.issue(alice)).ticket))
    expect(new Set(all).size).toBe(100)
    for (const ticket of all) {
      expect(ticket).toMatch(/^tkt_[\w-]{43}$/)
      expect(tickets.isTicket(ticket)).toBe(true)
    }
    const [one] = all as [string]
    for (const other of ['', 'tkt_', 'abc', `${one}x`, one.slice(0, -1), ` ${one}`, `${one}\n`, one.toUpperCase()]) {
      expect(tickets.isTicket(other)).toBe(false)
    }
  })

  it('is not in the store, only its digest', async () => {
    const { tickets, store } = setUp()
    const { ticket } = await tickets.issue(alice)
    const [id, value, ttlSeconds] = store.puts[0]!
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(ttlSeconds).toBe(60)
    expect(id + value).not.toContain(ticket.slice(4))
    expect(await tickets.redeem(id)).toBeUndefined()
  })

  it('admits one of fifty who redeem it at once', async () => {
    const { tickets } = setUp()
    const { ticket } = await tickets.issue(alice)
    const answers = await Promise.all(Array.from({ length: 50 }, () => tickets.redeem(ticket)))
    expect(answers.filter((identity) => identity !== undefined)).toEqual([alice])
  })

  it('is worth nothing when its time is over', async () => {
    const { tickets, clock } = setUp()
    const [one, other] = [await tickets.issue({ user: 'alice' }), await tickets.issue({ user: 'alice' })]
    clock.advance(59_999)
    expect(await tickets.redeem(one.ticket)).toEqual({ user: 'alice' })
    clock.advance(1)
    expect(await tickets.redeem(other.ticket)).toBeUndefined()
  })

  it.each([
    ['the identity has none and nothing is said', undefined, undefined, undefined],
    ['the identity has one', NOW + 3600, undefined, NOW + 3600],
    ['seconds are said', undefined, 600, NOW + 600],
    ['the identity ends earlier', NOW + 100, 600, NOW + 100],
    ['the session ends earlier', NOW + 3600, 600, NOW + 600],
  ])('holds the expiry of the session: %s', async (_which, expiresAt, sessionSeconds, expected) => {
    const { tickets } = setUp()
    const options = sessionSeconds === undefined ? {} : { sessionSeconds }
    const { ticket } = await tickets.issue({ user: 'alice', expiresAt }, options)
    expect((await tickets.redeem(ticket))?.expiresAt).toBe(expected)
  })

  it('gives its session all of the seconds, whatever part of the present one is over', async () => {
    const { tickets, clock } = setUp()
    clock.advance(900)
    const { ticket, expiresInSeconds } = await tickets.issue({ user: 'alice' }, { sessionSeconds: 2 })
    expect(expiresInSeconds).toBe(2)
    expect((await tickets.redeem(ticket))?.expiresAt).toBe(NOW + 2.9)
  })

  it('does not outlive its session', async () => {
    const { tickets } = setUp()
    expect(await tickets.issue({ user: 'alice' }, { sessionSeconds: 5 })).toMatchObject({ expiresInSeconds: 5 })
    expect(await tickets.issue({ user: 'alice', expiresAt: NOW - 5 })).toMatchObject({ expiresInSeconds: 1 })
  })

  it.each([undefined, '', 'a\nb'])('is not issued to the user %j', async (user) => {
    expect(await errorOf(() => setUp().tickets.issue({ user }))).toMatchObject({ code: 'not-authenticated' })
  })

  it.each(['junk', 'null', '{}', '{"user":5}', '{"user":"a","groups":"b"}', '{"user":"a","expiresAt":"x"}'])(
    'whose value in the store is %j is refused',
    async (value) => {
      const { tickets } = setUp({ store: { put: async () => undefined, take: async () => value } })
      expect(await tickets.redeem((await tickets.issue(alice)).ticket)).toBeUndefined()
    },
  )

  it('cannot be judged while the store is away', async () => {
    const away = async () => Promise.reject(new Error('ECONNREFUSED'))
    const { tickets } = setUp({ store: { put: away, take: away } })
    expect(await errorOf(() => tickets.issue(alice))).toMatchObject({ code: 'auth-unavailable' })
    const { ticket } = await setUp().tickets.issue(alice)
    expect(await errorOf(() => tickets.redeem(ticket))).toMatchObject({ code: 'auth-unavailable' })
  })
})

describe('the ticket store in memory', () => {
  it('keeps so many at most, and forgets the oldest', async () => {
    const store = new MemoryTicketStore(new FakeClock(), { maxTickets: 3 })
    for (const id of ['a', 'b', 'c', 'd']) await store.put(id, id, 60)
    expect(store.count).toBe(3)
    expect(await store.take('a')).toBeUndefined()
    expect(await store.take('b')).toBe('b')
    expect(store.count).toBe(2)
  })

  it('keeps so much at most', async () => {
    const store = new MemoryTicketStore(new FakeClock(), { maxCharacters: 10 })
    await store.put('a', '12345', 60)
    await store.put('b', '12345', 60)
    await store.put('c', '1', 60)
    expect(await store.take('a')).toBeUndefined()
    expect(await store.take('b')).toBe('12345')
    await store.put('d', '12345678901', 60)
    expect(await store.take('d')).toBeUndefined()
    expect(await store.take('c')).toBe('1')
  })

  it('sweeps what has expired while others come, without a timer', async () => {
    const clock = new FakeClock()
    const store = new MemoryTicketStore(clock)
    for (let i = 0; i < 100; i++) await store.put(`${i}`, 'x', 5)
    expect([store.count, clock.pending]).toEqual([100, 0])
    clock.advance(10_000)
    await store.put('new', 'x', 5)
    expect(store.count).toBe(1)
  })
})

describe('the authenticator for tickets', () => {
  it('takes tickets only', async () => {
    const { tickets } = setUp()
    const authenticator = new TicketAuthenticator(tickets)
    const { ticket } = await tickets.issue(alice)
    for (const parts of [{}, { token: 'abc' }, { token: 'a.b.c' }, { token: '' }, { login: 'x', passcode: 'y' }]) {
      expect(authenticator.authenticate(credentials(parts))).toBe('not-mine')
    }
    expect(await authenticator.authenticate(credentials({ passcode: ticket }))).toEqual(alice)
    expect(await authenticator.authenticate(credentials({ token: ticket }))).toBe('refused')
  })
})
