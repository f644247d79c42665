import { describe, expect, it } from 'vitest'
import {
  addressProblem,
  groupOf,
  nameProblem,
  shownDestination,
  subscribedAddress,
} from '../../src/access/addresses.ts'
import { encodeSegment } from '../../src/destinations.ts'
import { ADDRESS_CONVENTIONS } from '../../src/routes/table.ts'
import { compileTemplate } from '../../src/routes/template.ts'
import { routeSeparators } from '../../src/config/template-syntax.ts'

const alice = { user: 'alice', session: 's-1' }
const odd = { user: 'a/b *', session: 's:1' }
const nobody = { user: undefined, session: 's-1' }

describe('the address of what is subscribed', () => {
  it.each([
    [alice, '/user/queue/x', 'user', '/user/alice/queue/x'],
    [alice, '/user/queue/x/y/z', 'user', '/user/alice/queue/x/y/z'],
    [alice, '/user/queue/queue', 'user', '/user/alice/queue/queue'],
    [alice, '/user/queue/errors', 'user', '/user/alice/queue/errors'],
    [odd, '/user/queue/x', 'user', '/user/a%2Fb%20%2A/queue/x'],
    [{ user: '..', session: 's' }, '/user/queue/x', 'user', '/user/../queue/x'],
    [nobody, '/user/queue/x', 'session', '/session/s-1/queue/x'],
    [alice, '/session/queue/x', 'session', '/session/s-1/queue/x'],
    [odd, '/session/queue/x/y', 'session', '/session/s%3A1/queue/x/y'],
    [alice, '/group/g/x', 'group', '/group/g/x'],
    [alice, '/group/a%2Fb/x/y', 'group', '/group/a%2Fb/x/y'],
    [alice, '/group/g/**', 'group', '/group/g/**'],
    [alice, '/topic/x', 'plain', '/topic/x'],
    [alice, '/topic/**', 'plain', '/topic/**'],
    [alice, '/users/queue/x', 'plain', '/users/queue/x'],
    [alice, '/topic/user/queue/x', 'plain', '/topic/user/queue/x'],
  ])('for %j and %s is %s %s', (addressee, destination, kind, internal) => {
    expect(subscribedAddress(destination, addressee)).toEqual({ kind, internal })
  })

  it.each([
    '/user',
    '/user/',
    '/user/queue',
    '/user/queue/',
    '/user/queue//x',
    '/user/queue/x/',
    '/user/queue/**',
    '/user/queue/*',
    '/user/queue/a?',
    '/user/*/queue/x',
    '/user/bob/queue/x',
    '/user/alice/queue/x',
    '/user/**',
    '/user/topic/x',
    '/session',
    '/session/queue/',
    '/session/queue/**',
    '/session/s-1/queue/x',
    '/session/*/queue/x',
    '/group',
    '/group/',
    '/group/g',
    '/group/g/',
    '/group//x',
    '/group/g//x',
    '/group/*/x',
    '/group/**',
    '/group/a b/x',
    '/group/a%2fb/x',
  ])('is none for %s', (destination) => {
    expect(subscribedAddress(destination, alice)).toBeUndefined()
  })
})

describe('the destination that is shown', () => {
  it.each([
    ['/user/alice/queue/x', '/user/queue/x', '/user/queue/x'],
    ['/user/a%2Fb/queue/x/y', '/user/queue/x/y', '/user/queue/x/y'],
    ['/session/s-1/queue/x', '/session/queue/x', '/user/queue/x'],
    ['/group/g/x', '/group/g/x', '/group/g/x'],
    ['/topic/x', '/topic/x', '/topic/x'],
    ['/user/alice', '/user/alice', '/user/alice'],
  ])('of %s is %s, and %s where it was subscribed as the user', (internal, shown, asUser) => {
    expect(shownDestination(internal)).toBe(shown)
    expect(shownDestination(internal, true)).toBe(asUser)
  })

  it.each([
    [alice, '/user/queue/x'],
    [odd, '/user/queue/x/y'],
    [nobody, '/user/queue/x'],
    [alice, '/session/queue/x'],
    [alice, '/group/g/x'],
    [alice, '/topic/x'],
  ])('is for %j what was subscribed: %s', (addressee, destination) => {
    const { kind, internal } = subscribedAddress(destination, addressee)!
    expect(shownDestination(internal, kind === 'session' && destination.startsWith('/user'))).toBe(destination)
  })
})

describe('what is sent to', () => {
  it.each([
    ['/user/alice/queue/x', 'user', 'alice'],
    ['/user/a%2Fb%20c/queue/x/y', 'user', 'a%2Fb%20c'],
    ['/user/queue/queue/x', 'user', 'queue'],
    ['/user/é😀@x/queue/x', 'user', 'é😀@x'],
    ['/session/s-1/queue/x', 'session', 's-1'],
    ['/group/g/x', 'group', 'g'],
    ['/group/g/x/y', 'group', 'g'],
  ])('%s is for the %s %s', (destination) => {
    expect(addressProblem(destination)).toBeUndefined()
  })

  it.each(['/topic/x', '/app/x', '/users/a b', '/topic//', ''])(
    '%j is no address and has no problem',
    (destination) => {
      expect(addressProblem(destination)).toBeUndefined()
    },
  )

  it.each([
    ['/user', 'must have the form /user/{name}/queue/…'],
    ['/user/', 'must have the form /user/{name}/queue/…'],
    ['/user//queue/x', 'must have the form /user/{name}/queue/…'],
    ['/user/queue/x', 'must have the form /user/{name}/queue/…, with no empty segment'],
    ['/user/alice/topic/x', 'must have the form /user/{name}/queue/…, with no empty segment'],
    ['/user/alice/queue', 'must have the form /user/{name}/queue/…, with no empty segment'],
    ['/user/alice/queue/', 'must have the form /user/{name}/queue/…, with no empty segment'],
    ['/user/alice/queue//x', 'must have the form /user/{name}/queue/…, with no empty segment'],
    ['/session/s', 'must have the form /session/{name}/queue/…, with no empty segment'],
    ['/group/g', 'must have the form /group/{name}/…, with no empty segment'],
    ['/group/g/', 'must have the form /group/{name}/…, with no empty segment'],
    ['/user/a b/queue/x', 'must have its user name percent-encoded: "a b" is written "a%20b"'],
    ['/user/*/queue/x', 'must have its user name percent-encoded: "*" is written "%2A"'],
    ['/group/a:b/x', 'must have its group name percent-encoded: "a:b" is written "a%3Ab"'],
    ['/group/a%2fb/x', 'must have its group name percent-encoded: "a%2fb" is written "a%2Fb"'],
    ['/user/%61lice/queue/x', 'must have its user name percent-encoded: "%61lice" is written "alice"'],
    ['/user/me%40x/queue/x', 'must have its user name percent-encoded: "me%40x" is written "me@x"'],
    [
      '/user/50%/queue/x',
      'must have its user name percent-encoded: "50%" has "%" without two hex digits: "%" itself is written %25',
    ],
    ['/user/%FF/queue/x', 'must have its user name percent-encoded: "%FF" has escapes that are not UTF-8'],
    ['/user/alice/queue/**', 'must not be a pattern'],
    ['/group/g/a?', 'must not be a pattern'],
  ])('%s has a problem: %s', (destination, problem) => {
    expect(addressProblem(destination)).toBe(problem)
  })
})

describe('a name in a destination', () => {
  it.each(['alice', 'a/b', '*', 'a?b', '%', '%2F', '..', ' ', 'é', '😀', '{x}', '\u0000', '\u2028', '\ud800'])(
    'is taken as it is encoded: %j',
    (name) => {
      const encoded = encodeSegment(name)
      expect(nameProblem(encoded)).toBeUndefined()
      expect(groupOf(`/group/${encoded}/x`)).toBe(encoded)
      expect(subscribedAddress('/user/queue/x', { user: name, session: 's' })?.internal).toBe(
        `/user/${encoded}/queue/x`,
      )
    },
  )
})

describe('the channels of addresses', () => {
  const templates = ADDRESS_CONVENTIONS.map((route) => ({
    channel: compileTemplate(route.channel, routeSeparators(route)),
    destination: compileTemplate(route.destination, routeSeparators(route)),
  }))

  it.each([
    ['user:alice:x', '/user/alice/queue/x'],
    ['user:a%3Ab:x', '/user/a%3Ab/queue/x'],
    ['user:alice:x/y:z', '/user/alice/queue/x/y:z'],
    ['group:g:x', '/group/g/x'],
    ['session:s-1:x/y', '/session/s-1/queue/x/y'],
  ])('are by convention: %s for %s', (channel, destination) => {
    const to = templates.flatMap((each) => {
      const variables = each.channel.match(channel)
      return variables ? [each.destination.expand(variables)] : []
    })
    expect(to).toEqual([destination])
    const from = templates.flatMap((each) => {
      const variables = each.destination.match(destination)
      return variables ? [each.channel.expand(variables)] : []
    })
    expect(from).toEqual([channel])
  })
})
