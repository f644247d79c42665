import { describe, expect, it } from 'vitest'
import { maySendOpenly, maySubscribeOpenly } from '../../src/access/built-in.ts'
import { ANONYMOUS } from '../../src/access/identity.ts'
import { Rules } from '../../src/access/rules.ts'
import { identities, tables } from './rule-tables.ts'

describe.each(tables)('$name', ({ rules: settings, rows }) => {
  const rules = new Rules(settings)

  it.each(rows)('let %s %s %s: %s, by %s', (who, action, destination, expected, by) => {
    const identity = identities[who]!
    const decision = rules.explain(identity, action, destination)
    expect(decision.allowed, decision.reason).toBe(expected)
    if (typeof by === 'number')
      expect([decision.rule, decision.reason]).toEqual([by - 1, expect.stringContaining('{ ')])
    else expect([decision.rule, decision.reason]).toEqual([undefined, expect.stringContaining(by)])
    for (let i = 0; i < 2; i++) {
      expect(
        action === 'send' ? rules.maySend(identity, destination) : rules.explain(identity, action, destination).allowed,
      ).toBe(expected)
    }
  })
})

describe('an open bridge', () => {
  it.each([
    ['/topic/x', true],
    ['/topic/**', true],
    ['/queue/x', true],
    ['/user/queue/x', true],
    ['/session/queue/x', true],
    ['/presence/topic/x', true],
    ['/presence/topic/*', false],
    ['/user/bob/queue/x', false],
    ['/user/queue/**', false],
    ['/user/**', false],
    ['/session/s/queue/x', false],
    ['/group/g/x', false],
    ['/**', false],
    ['/*/bob/queue/x', false],
  ])('lets %s be subscribed: %s', (destination, expected) => {
    expect(maySubscribeOpenly(ANONYMOUS, destination)).toBe(expected)
  })

  it('lets members have their groups, and everything be sent but presence', () => {
    expect(maySubscribeOpenly(identities['alice']!, '/group/staff/x')).toBe(true)
    const destinations = ['/app/x', '/topic/x', '/user/bob/queue/x', '/group/g/x']
    expect(destinations.filter((each) => !maySendOpenly(each))).toEqual([])
    expect(maySendOpenly('/presence/topic/x')).toBe(false)
  })
})

describe('rules', () => {
  it('say the deciding rule as it was written', () => {
    const rules = new Rules([
      {
        allow: ['subscribe', 'send'],
        destination: '/topic/{room}',
        groups: ['room-{room}'],
        claims: { a: 1, b: 'x y' },
      },
      { deny: 'subscribe', destination: '/topic/secret', anonymous: true },
    ])
    const reason = (destination: string) => rules.explain({ user: 'x' }, 'subscribe', destination).reason
    expect(reason('/topic/secret')).toBe('{ deny: subscribe, destination: /topic/secret, anonymous: true }')
    expect(reason('/topic/*')).toBe(
      '{ deny: subscribe, destination: /topic/secret, anonymous: true }, denies something that the pattern matches',
    )
    const member = { user: 'x', groups: ['room-1'], claims: { a: 1, b: 'x y' } }
    expect(rules.explain(member, 'send', '/topic/1').reason).toBe(
      '{ allow: [subscribe, send], destination: "/topic/{room}", groups: ["room-{room}"], claims: { a: 1, b: "x y" } }',
    )
  })

  it('that are none deny everything but what is built in', () => {
    const rules = new Rules([])
    expect(rules.explain({ user: 'a' }, 'subscribe', '/topic/x').allowed).toBe(false)
    expect(rules.maySend({ user: 'a' }, '/app/x')).toBe(false)
    expect(rules.explain({ user: 'a' }, 'subscribe', '/user/queue/x').allowed).toBe(true)
  })

  it('that are not well formed are not compiled', () => {
    expect(
      () =>
        new Rules([
          { allow: 'send', destination: '/a' },
          { allow: 'send', destination: '/a/{' },
        ]),
    ).toThrow('Rule 2: destination has "{" without "}"')
  })

  it('judge each identity by itself, also one that is renewed, and remember more destinations than they keep', () => {
    const rules = new Rules([{ allow: 'send', destination: '/app/{user}/*', groups: ['g'] }])
    const [before, after] = [
      { user: 'a', groups: ['g'] },
      { user: 'a', groups: [] },
    ]
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 40; i++) {
        expect(rules.maySend(before, `/app/a/${i}`)).toBe(true)
        expect(rules.maySend(before, `/app/b/${i}`)).toBe(false)
        expect(rules.maySend(after, `/app/a/${i}`)).toBe(false)
      }
      expect(rules.maySend(before, `/app/a/${'x'.repeat(900)}`)).toBe(true)
    }
  })

  it('give up on a pattern that takes too much work, rather than allow it', () => {
    const hard = `/topic/${'*a'.repeat(100)}c`
    const rules = new Rules([
      ...Array.from({ length: 1000 }, (_each, i) => ({
        deny: 'subscribe' as const,
        destination: `/topic/${'?a'.repeat(60)}${i}`,
      })),
      { allow: 'subscribe', destination: '/topic/*' },
    ])
    expect(rules.explain({ user: 'a' }, 'subscribe', hard).reason).toContain('too much work')
    expect(rules.explain({ user: 'a' }, 'subscribe', '/topic/bb*').allowed).toBe(true)
  })
})
