import { describe, expect, it } from 'vitest'
import { QueueRules } from '../../src/queue/queue-rules.ts'
import { codeOf } from '../support/failure.ts'

const rule = (destination: string, maxLength = 10) => ({
  destination,
  maxDeliveries: 3,
  visibilitySeconds: 30,
  maxLength,
})
const rulesOf = (...destinations: readonly string[]) => new QueueRules(destinations.map((each, i) => rule(each, i + 1)))

describe('the rules of queues', () => {
  it('say which destinations are queues, and how their streams are called', () => {
    const rules = rulesOf('/queue/**')
    expect(rules.of('/queue/orders')).toMatchObject({ destination: '/queue/orders', stream: 'queue:orders' })
    expect(rules.of('/queue/a/b')).toMatchObject({ stream: 'queue:a/b' })
    expect(rules.of('/queue/ü 1')).toMatchObject({ stream: 'queue:ü 1' })
    for (const other of ['/topic/a', '/queue', '/queue/', 'queue/a', '/queues/a', '/user/queue/a', '', '/queue/*'])
      expect([other, rules.of(other)]).toEqual([other, undefined])
  })

  it('take the first that matches, however often they are asked', () => {
    const rules = rulesOf('/queue/a', '/queue/a/*', '/queue/**')
    for (let i = 0; i < 2; i++) {
      expect(rules.of('/queue/a')?.rule.maxLength).toBe(1)
      expect(rules.of('/queue/a/b')?.rule.maxLength).toBe(2)
      expect(rules.of('/queue/a/b/c')?.rule.maxLength).toBe(3)
    }
    expect(rulesOf('/queue/x').of('/queue/y')).toBeUndefined()
  })

  it('have no queue with the name of dead ones, each time that one asks', () => {
    const rules = rulesOf('/queue/a*')
    for (let i = 0; i < 2; i++) expect(codeOf(() => rules.of('/queue/a:dead'))).toBe('bad-destination')
    expect(rules.of('/queue/b:dead')).toBeUndefined()
    expect(rules.of('/queue/a:dead:x')).toBeDefined()
  })

  it('name the queues that have a rule of their own', () => {
    const rules = rulesOf('/queue/a', '/queue/b/**', '/queue/c')
    expect(rules.named.map(({ destination }) => destination)).toEqual(['/queue/a', '/queue/c'])
    expect([rules.isEmpty, rulesOf().isEmpty]).toEqual([false, true])
  })

  it('let a queue be subscribed by its name', () => {
    const rules = rulesOf('/queue/**')
    expect(rules.ofSubscription('/queue/a')?.stream).toBe('queue:a')
    expect(rules.ofSubscription('/topic/*')).toBeUndefined()
    expect(codeOf(() => rules.ofSubscription('/queue/a:dead'))).toBe('bad-destination')
    expect(rulesOf().ofSubscription('/queue/*')).toBeUndefined()
  })

  it.each([
    ['/queue/**', '/queue/*'],
    ['/queue/**', '/queue/**'],
    ['/queue/**', '/**'],
    ['/queue/**', '/*/a'],
    ['/queue/**', '/queue/a?'],
    ['/queue/**', '/q*/a/b/c'],
    ['/queue/a', '/queue/*'],
    ['/queue/a', '/queue/?'],
    ['/queue/a', '/**/a'],
    ['/queue/a/*', '/queue/*/b'],
    ['/queue/a*', '/queue/*b'],
    ['/queue/*/c', '/queue/a/**'],
  ])('%s lets nobody subscribe %s', (destination, pattern) => {
    expect(codeOf(() => rulesOf('/queue/other', destination).ofSubscription(pattern))).toBe('bad-header')
  })

  it.each([
    ['/queue/a', '/queue/b*'],
    ['/queue/a', '/queue/a/*'],
    ['/queue/a', '/queue/??'],
    ['/queue/a/*', '/queue/b/*'],
    ['/queue/a/*', '/queue/*'],
    ['/queue/**', '/topic/**'],
    ['/queue/**', '/queues/*'],
  ])('%s lets anybody subscribe %s', (destination, pattern) => {
    expect(rulesOf(destination).ofSubscription(pattern)).toBeUndefined()
  })

  it('answer at once to a pattern that is made to take long', () => {
    const rules = rulesOf(`/queue/${'*a'.repeat(60)}/b`)
    const pattern = `/queue/${Array(14).fill('*').join('/')}`
    expect(rules.ofSubscription(pattern)).toBeUndefined()
    const deep = rulesOf(`/queue/${'*/'.repeat(14)}x`)
    expect(codeOf(() => deep.ofSubscription(`/queue/${'?*/'.repeat(14)}x*`))).toBe('bad-header')
  })
})
