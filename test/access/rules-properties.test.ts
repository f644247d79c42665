import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Identity } from '../../src/access/identity.ts'
import { Rules } from '../../src/access/rules.ts'
import { ruleProblems, type RuleSettings } from '../../src/config/rule-syntax.ts'
import { isPattern } from '../../src/destinations.ts'
import { naiveMatches } from '../routes/arbitraries.ts'
import { naiveMay } from './naive-rules.ts'

const action = fc.constantFrom('subscribe' as const, 'send' as const)
const actions = fc.oneof(action, fc.constant(['subscribe', 'send'] as const))

const ruleSegment = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'ab') },
  { weight: 3, arbitrary: fc.constantFrom('*', '**', '?', 'a*', '*b') },
  { weight: 3, arbitrary: fc.constantFrom('{x}', '{y}', 'a{x}', '{x}b') },
  { weight: 2, arbitrary: fc.constantFrom('{user}', '{claims.c}', 'a{claims.c}', '{user}*') },
)
const ruleDestination = fc.array(ruleSegment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)

const rule: fc.Arbitrary<RuleSettings> = fc
  .record(
    {
      isAllowing: fc.boolean(),
      actions,
      destination: ruleDestination,
      users: fc.constantFrom(['a'], ['b', 'a/b']),
      groups: fc.constantFrom(['g'], ['{x}'], ['a-{x}'], ['{x}', 'g'], ['{x}-{y}'], ['{y}']),
      claims: fc.constantFrom({ c: 'a' }, { c: 1 }, { c: 'b', d: true }),
      anonymous: fc.boolean(),
    },
    { requiredKeys: ['isAllowing', 'actions', 'destination'] },
  )
  .map(({ isAllowing, actions, anonymous, ...rest }) => {
    const effect = isAllowing ? { allow: actions } : { deny: actions }
    return anonymous ? { ...effect, destination: rest.destination, anonymous } : { ...effect, ...rest }
  })
  .filter((each) => ruleProblems(each).length === 0)

const ruleLists = fc.array(rule, { minLength: 1, maxLength: 5 })

const name = fc.constantFrom('a', 'b', 'ab', 'a/b', '*', '**', '..', 'x')
const identity: fc.Arbitrary<Identity> = fc.record({
  user: fc.option(name, { nil: undefined, freq: 6 }),
  groups: fc.array(fc.constantFrom('g', 'a', 'b', 'ab', 'a-a', 'a-b', 'a-ab', 'a*', '*', 'a/b'), { maxLength: 4 }),
  claims: fc.record(
    {
      c: fc.oneof(name, fc.constantFrom(1, '1', true, '', null, ['a', 'b'], { c: 'a' }, '__proto__')),
      d: fc.constantFrom(true, 'true'),
    },
    { requiredKeys: [] },
  ),
})

const destination = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'bb', 'aab', 'x', 'a%2Fb', '%2A', '..', '1', ''), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => `/${parts.join('/')}`)

const segmentPattern = fc.constantFrom('a', 'b', 'ab', 'aab', '%2A', '*', '**', '?', 'a*', '*b', 'a?', '?*')
const pattern = fc
  .array(segmentPattern, { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`)
  .filter(isPattern)

/** A pattern near a rule: that rule's own destination, its variables filled in, something perhaps made wider. */
function patternNear(rules: readonly RuleSettings[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...rules), fc.array(segmentPattern, { minLength: 8, maxLength: 8 }), fc.integer({ min: 0 }))
    .map(([{ destination }, fillings, seed]) =>
      destination
        .split('/')
        .map((segment, i) => {
          if (segment === '**' && (seed >> i) % 3 === 0) return `${fillings[i]!}/**`
          const filled = segment.replace(/\{[^}]*\}/g, (seed >> i) % 4 === 0 ? fillings[i]! : 'a')
          return (seed >> i) % 5 === 0 && segment.includes('*') ? fillings[i]! : filled
        })
        .join('/'),
    )
    .map((each) => (isPattern(each) ? each : each.replace(/[^/]*$/, '*')))
}

/** Destinations that a pattern takes, and now and then not: its wildcards filled in. */
function destinationsOf(pattern: string): fc.Arbitrary<string[]> {
  const texts = fc.constantFrom('a', 'b', 'ab', 'x', 'aab', 'a%2Fb', '')
  const rest = fc.array(texts, { maxLength: 3 })
  const one = pattern.split('/').map((segment) => {
    if (segment === '**') return rest
    if (!isPattern(segment)) return fc.constant([segment])
    return fc
      .tuple(texts, fc.constantFrom('a', 'b', 'x'))
      .map(([text, char]) => [segment.replace(/\*+/g, () => text).replaceAll('?', () => char)])
  })
  const destination = fc.tuple(...one).map((parts) => parts.flat().join('/'))
  return fc.array(destination, { minLength: 8, maxLength: 8 })
}

/** What a subscriber of the pattern gets: `*` takes no empty segment. */
function isDelivered(pattern: string, destination: string): boolean {
  return naiveMatches(pattern.replace(/(?<=\/)\*(?=\/|$)/g, '?*'), destination)
}

describe('rules', () => {
  it('decide on an exact destination as they read, by the first that applies', () => {
    let allowed = 0
    const destinations = fc.array(destination, { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(ruleLists, identity, action, destinations, (list, who, action, all) => {
        const rules = new Rules(list)
        for (const each of all) {
          const expected = naiveMay(list, who, action, each)
          if (expected) allowed++
          const may = action === 'send' ? rules.maySend(who, each) : rules.explain(who, 'subscribe', each).allowed
          if (may !== expected || rules.explain(who, action, each).allowed !== expected) {
            expect.fail(`${each} must be ${expected ? 'allowed' : 'refused'}`)
          }
        }
      }),
      { numRuns: 3000 },
    )
    expect(allowed).toBeGreaterThan(300)
  }, 20_000)

  it('let nothing be delivered that an exact SUBSCRIBE would have been refused', () => {
    const cases = ruleLists.chain((list) =>
      fc
        .oneof(pattern, { weight: 3, arbitrary: patternNear(list) })
        .chain((each) => fc.tuple(fc.constant(list), identity, fc.constant(each), destinationsOf(each))),
    )
    let [delivered, refusedBeside] = [0, 0]
    fc.assert(
      fc.property(cases, ([list, who, pattern, destinations]) => {
        const rules = new Rules(list)
        if (!rules.explain(who, 'subscribe', pattern).allowed) return
        for (const each of destinations) {
          const isAllowed = rules.explain(who, 'subscribe', each).allowed
          if (isDelivered(pattern, each)) delivered++
          else if (!isAllowed) refusedBeside++
          if (isDelivered(pattern, each) && !isAllowed) expect.fail(`${pattern} gets ${each}`)
        }
      }),
      { numRuns: 10_000 },
    )
    expect(delivered).toBeGreaterThan(3000)
    expect(refusedBeside).toBeGreaterThan(10)
  }, 20_000)

  it('let a pattern be subscribed if one of them allows all of it', () => {
    const all = ['a', 'b', 'ab', 'x'].flatMap((x) => ['a', 'b', 'ab', 'x'].map((y) => `/a/${x}/${y}`))
    let [covered, missed] = [0, 0]
    const patterns = fc.constantFrom('/a/*/*', '/a/a/*', '/a/*/b', '/a/a*/x')
    fc.assert(
      fc.property(rule, identity, patterns, (only, who, pattern) => {
        const taken = all.filter((each) => isDelivered(pattern, each))
        if (!taken.every((each) => naiveMay([only], who, 'subscribe', each))) return
        covered++
        if (!new Rules([only]).explain(who, 'subscribe', pattern).allowed) missed++
      }),
      { numRuns: 16_000 },
    )
    expect(covered).toBeGreaterThan(20)
    // a few only seem covered, by the texts that are tried
    expect(missed).toBeLessThan(covered / 4)
  }, 20_000)
})
