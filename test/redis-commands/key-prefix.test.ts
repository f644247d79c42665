import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyPrefixFor } from '../../src/redis-commands/key-prefix.ts'

const prefix = (user: string | undefined, template = '{user}:') => keyPrefixFor(template, { user, session: 'k3x9ab-1' })

describe('the prefix of the keys of a client', () => {
  it.each([
    ['alice', 'alice:'],
    ['a:b', 'a%3Ab:'],
    ['a*{b}', 'a%2A%7Bb%7D:'],
    ['$&', '$&:'],
    ['Ann Lee', 'Ann%20Lee:'],
    [undefined, 'k3x9ab-1:'],
    // would be that of a session, or of the bridge itself
    ['k3x9ab-1', 'k3x9ab%2D1:'],
    ['stomp-bridge', '%73tomp-bridge:'],
    ['queue', '%71ueue:'],
  ])('of %s is %s', (user, expected) => {
    expect(prefix(user)).toBe(expected)
  })

  it('has its place in the template', () => {
    expect(prefix('alice', 'of:{user}/x:')).toBe('of:alice/x:')
  })

  it('begins the key of nobody else, whatever the names and keys', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', ':', '%', '/', '3', 'A', '-', '1', ' '), minLength: 1 })
    fc.assert(
      fc.property(name, name, fc.string(), (one, other, key) => {
        fc.pre(one !== other)
        expect((prefix(one) + key).startsWith(prefix(other))).toBe(false)
      }),
    )
  })
})
