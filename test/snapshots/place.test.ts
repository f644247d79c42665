import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeSegment } from '../../src/destinations.ts'
import { encodeValue, PlaceTemplate } from '../../src/snapshots/place.ts'
import { codeOf } from '../support/failure.ts'

describe('the place of a snapshot', () => {
  const rooms = new PlaceTemplate('/app/rooms/{room}', 'room:{room}', false)

  it.each([
    ['/app/rooms/7', 'room:7', '/app/rooms/7'],
    ['/app/rooms/a:b', 'room:a%3Ab', '/app/rooms/a%3Ab'],
    ['/app/rooms/a%3Ab', 'room:a%3Ab', '/app/rooms/a%3Ab'],
    ['/app/rooms/Ann%20Lee', 'room:Ann%20Lee', '/app/rooms/Ann%20Lee'],
    // not as a name is encoded: it is another one than "secret"
    ['/app/rooms/%73ecret', 'room:%2573ecret', '/app/rooms/%2573ecret'],
    ['/app/rooms/100%', 'room:100%25', '/app/rooms/100%25'],
    ['/app/rooms/{x}', 'room:%7Bx%7D', '/app/rooms/%7Bx%7D'],
    ['/app/rooms/žluť', 'room:žluť', '/app/rooms/žluť'],
  ])('of %s is %s', (destination, name, meant) => {
    expect(rooms.of(destination)).toEqual({ destination: meant, name })
  })

  it.each(['/app/rooms/', '/app/rooms', '/app/rooms/a/b', '/app/room/7'])('of %s is nowhere', (destination) => {
    expect(rooms.of(destination)).toBeUndefined()
  })

  it('has the rest with its slashes, and a variable as often as it likes, or not at all', () => {
    const rest = new PlaceTemplate('/app/{kind}/x/{*path}', 'k:{*path}', false)
    expect(rest.of('/app/any/x/a/b:c')?.name).toBe('k:a/b%3Ac')
  })

  it('has no value that makes two places of several variables one', () => {
    const two = new PlaceTemplate('/app/{a}/{b}', 'x-{a}-{b}', false)
    expect(two.of('/app/1/2')?.name).toBe('x-1-2')
    expect(two.of('/app/1-2/3')).toBeUndefined()
  })

  it('of a URL has values that stay where they are', () => {
    const url = new PlaceTemplate('/app/state/{id}/{*rest}', 'http://state/{id}?of={*rest}', true)
    expect(url.of('/app/state/a#b&c/d=e/f')?.name).toBe('http://state/a%23b%26c?of=d%3De/f')
    expect(url.of('/app/state/a%2Fb/x')?.name).toBe('http://state/a%2Fb?of=x')
    for (const value of ['.', '..']) expect(codeOf(() => url.of(`/app/state/${value}/x`))).toBe('bad-destination')
    expect(codeOf(() => url.of('/app/state/x/a/../b'))).toBe('bad-destination')
  })

  it('of a URL never leaves its path, whatever the value', () => {
    const url = new PlaceTemplate('/app/state/{id}', 'http://state:1/a/{id}/z', true)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (id) => {
        fc.pre(!id.includes('/') && id !== '.' && id !== '..')
        const { origin, pathname, search, hash } = new URL(url.of(`/app/state/${id}`)!.name)
        expect([origin, search, hash]).toEqual(['http://state:1', '', ''])
        expect(pathname).toMatch(/^\/a\/[^/]+\/z$/)
      }),
    )
  })

  it('keeps what is encoded, encodes all else, and says the same of what it has said', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        fc.pre(!name.includes('/'))
        const encoded = encodeValue(name)
        expect(encoded.replace(/%[0-9A-F]{2}/g, '')).not.toMatch(/[%:*?{}[\]\\\s]/)
        expect(encodeValue(encoded)).toBe(encoded)
        expect(encodeValue(encodeSegment(name))).toBe(encodeSegment(name))
      }),
    )
  })
})
