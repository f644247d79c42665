import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { giveSameDestination, takesAll, type RouteTemplates } from '../../src/config/route-conflicts.ts'
import { routeSeparators, templateProblems } from '../../src/config/template-syntax.ts'
import { compileTemplate } from '../../src/routes/template.ts'

const route = (way: string): RouteTemplates => {
  const [channel = '', destination = ''] = way.split(' > ')
  return { channel, destination }
}

/** Every text of one to six of these characters. */
const texts = textsOf('az:/', 6)

function textsOf(characters: string, length: number): string[] {
  let longest = ['']
  const all: string[] = []
  for (let i = 0; i < length; i++) {
    longest = longest.flatMap((text) => [...characters].map((character) => text + character))
    all.push(...longest)
  }
  return all
}

/** As the route table compiles it. */
function compiled(templates: RouteTemplates) {
  const separators = routeSeparators(templates)
  return {
    channel: compileTemplate(templates.channel, separators),
    destination: compileTemplate(templates.destination, separators),
  }
}

/** Short templates with the same variables on both sides, in any order. */
const routes = fc
  .record({
    variables: fc.subarray(['{x}', '{y}']),
    rest: fc.boolean(),
    isTurned: fc.boolean(),
    literals: fc.array(fc.constantFrom('', 'a', ':', '/', 'a:'), { minLength: 8, maxLength: 8 }),
  })
  .map(({ variables, rest, isTurned, literals }): RouteTemplates => {
    const write = (names: readonly string[], [first = '', ...others]: readonly string[]) =>
      first + names.map((name, i) => name + (name === '{*r}' ? '' : (others[i] ?? ''))).join('')
    const all = (names: readonly string[]) => (rest ? [...names, '{*r}'] : names)
    const turned = isTurned ? [...variables].reverse() : variables
    return { channel: write(all(variables), literals), destination: write(all(turned), literals.slice(4)) }
  })
  .filter(({ channel, destination }) => [channel, destination].every((each) => templateProblems(each).length === 0))
  // So that what two of them have in common, or not, shows in a text of six characters.
  .filter(({ channel, destination }) =>
    [channel, destination].every((each) => each.replace(/\{.*?\}/g, 'z').length <= 3),
  )

describe('giveSameDestination', () => {
  it.each([
    ['a > /topic/a', 'a > /topic/a'],
    ['topic:{a} > /topic/{a}', 'topic:{b} > /topic/{b}'],
    ['topic:x > /topic/x', 'topic:{name} > /topic/{name}'],
    ['topic:{name} > /topic/{name}', 'topic:{*rest} > /topic/{*rest}'],
    ['topic:a{name} > /topic/a{name}', 'topic:{name}b > /topic/{name}b'],
    ['p:{a}:{b} > /topic/{a}/{b}', 'p:x:{b} > /topic/x/{b}'],
    ['p:{a}:{b} > /topic/{a}/{b}', 'p:{b}:{a} > /topic/{a}/{b}'],
    ['p:{a}:{b} > /topic/{b}/{a}', 'p:{x}:{y} > /topic/{y}/{x}'],
    ['{*all} > /topic/{*all}', 'a:{x}:{y} > /topic/a:{x}:{y}'],
  ])('%s and %s: yes', (a, b) => {
    expect([giveSameDestination(route(a), route(b)), giveSameDestination(route(b), route(a))]).toEqual([true, true])
  })

  it.each([
    ['a > /topic/a', 'a > /topic/b'],
    ['a > /topic/a', 'b > /topic/a'],
    ['topic:{a} > /topic/{a}', 'topic:{a} > /topic/x/{a}'],
    ['topic:{a} > /topic/{a}', 'topic:{a} > /topic/{a}x'],
    ['topic:{a} > /topic/{a}', 'topics:{a} > /topic/{a}'],
    ['topic:x/y > /topic/x/y', 'topic:{name} > /topic/{name}'],
    ['p:{a}:{b} > /topic/{a}/{b}', 'p:x > /topic/x'],
    ['p:{a}:{b} > /topic/{a}/{b}', 'p:x:y:z > /topic/x/y:z'],
    ['{a}:{b} > /topic/{a}/{b}', '{*r} > /topic/x/{*r}'],
  ])('%s and %s: no', (a, b) => {
    expect([giveSameDestination(route(a), route(b)), giveSameDestination(route(b), route(a))]).toEqual([false, false])
  })

  it('is right for all short templates: there is a channel that the table would bring to one place by both', () => {
    let yes = 0
    fc.assert(
      fc.property(routes, routes, (a, b) => {
        const [first, second] = [compiled(a), compiled(b)]
        const channel = texts.find((text) => {
          const [one, two] = [first.channel.match(text), second.channel.match(text)]
          return one && two && first.destination.expand(one) === second.destination.expand(two)
        })
        if (channel !== undefined) yes++
        expect(giveSameDestination(a, b), `${JSON.stringify([a, b])} by ${channel}`).toBe(channel !== undefined)
      }),
      { numRuns: 700 },
    )
    expect(yes).toBeGreaterThan(0)
  })

  it('takes no longer than a moment for long templates', () => {
    const long = (names: readonly string[]) =>
      route(
        `${names.map((name) => `a{${name}}aa`).join('')} > /topic/${[...names]
          .reverse()
          .map((name) => `aa{${name}}a`)
          .join('')}`,
      )
    const startedAt = performance.now()
    expect(giveSameDestination(long(['a', 'b', 'c', 'd', 'e', 'f']), long(['u', 'v', 'w', 'x', 'y', 'z']))).toBe(true)
    giveSameDestination(long(['a', 'b', 'c', 'd', 'e', 'f']), long(['u', 'v', 'w', 'x', 'y']))
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})

describe('takesAll', () => {
  const outbound = (destination: string) => ({ destination, channel: destination.slice(1) })

  it.each([
    ['/app/a', '/app/a'],
    ['/app/{x}', '/app/a'],
    ['/app/{x}', '/app/{y}'],
    ['/app/{x}', '/app/a{y}b'],
    ['/app/{*x}', '/app/{y}'],
    ['/app/{*x}', '/app/a/{y}/{*z}'],
    ['/app/a{*x}', '/app/a{y}b'],
    ['/app/{x}', '/app/{y}:{z}'],
  ])('%s takes all of %s', (outer, inner) => {
    expect(takesAll(outbound(outer), outbound(inner))).toBe(true)
  })

  it.each([
    ['/app/a', '/app/{x}'],
    ['/app/{x}', '/app/{*y}'],
    ['/app/{x}', '/app/a/b'],
    ['/app/a{x}', '/app/{x}a'],
    ['/app/{x}:{y}', '/app/{z}'],
    ['/app/{x}/{y}', '/app/{*z}'],
    ['/app/{x}:{y}', '/app/a:b:c'],
    ['/app/{*x}', '/application/{x}'],
  ])('%s leaves something of %s', (outer, inner) => {
    expect(takesAll(outbound(outer), outbound(inner))).toBe(false)
  })

  it('is right for all short templates', () => {
    let yes = 0
    fc.assert(
      fc.property(routes, routes, (outer, inner) => {
        const [all, some] = [compiled(outer).destination, compiled(inner).destination]
        const left = texts.find((text) => some.match(text) && !all.match(text))
        if (left === undefined) yes++
        expect(takesAll(outer, inner), `${JSON.stringify([outer, inner])} but for ${left}`).toBe(left === undefined)
      }),
      { numRuns: 700 },
    )
    expect(yes).toBeGreaterThan(0)
  })
})
