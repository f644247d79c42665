import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { separatorsOf } from '../../src/config/template-syntax.ts'
import { compileTemplate } from '../../src/routes/template.ts'
import { cpuMs } from './cpu-time.ts'
import { templates, templateWith, values, variableLists } from './arbitraries.ts'

const RUNS = { numRuns: 1000 }

const compile = (source: string) => compileTemplate(source, separatorsOf(source))
const matched = (source: string, text: string) => {
  const variables = compile(source).match(text)
  return variables && Object.fromEntries(variables)
}

describe('template', () => {
  it.each([
    { template: 'GREETING', text: 'GREETING', variables: {} },
    { template: '/app/orders/{id}', text: '/app/orders/42', variables: { id: '42' } },
    { template: 'orders:{id}:out', text: 'orders:42:out', variables: { id: '42' } },
    { template: 'orders:{id}:out', text: 'orders:4:2:out', variables: { id: '4:2' } },
    { template: 'orders:{id}:out', text: 'orders:out:out', variables: { id: 'out' } },
    { template: 'a:{x}:{y}', text: 'a:1:2', variables: { x: '1', y: '2' } },
    { template: '/t/{x}/{*rest}', text: '/t/1/2/3', variables: { x: '1', rest: '2/3' } },
    { template: 'topic:{*name}', text: 'topic:a/b:c', variables: { name: 'a/b:c' } },
    { template: '/t/{x}', text: '/t/line\nbreak', variables: { x: 'line\nbreak' } },
    { template: '/t/{*rest}', text: '/t/line\nbreak', variables: { rest: 'line\nbreak' } },
    { template: '/t/{x}', text: '/t/{x}', variables: { x: '{x}' } },
    { template: 'a.b+c(d)', text: 'a.b+c(d)', variables: {} },
    { template: '[{x}]', text: '[*]', variables: { x: '*' } },
    { template: '{x}', text: '__proto__', variables: { x: '__proto__' } },
  ])('$template matches "$text" and gives it back', ({ template, text, variables }) => {
    expect(matched(template, text)).toEqual(variables)
    expect(compile(template).expand(new Map(Object.entries(variables)))).toBe(text)
  })

  it.each([
    { template: '/app/orders/{id}', text: '/app/orders/' },
    { template: '/app/orders/{id}', text: '/app/orders/4/2' },
    { template: '/app/orders/{id}', text: '/app/orders/42/' },
    { template: '/app/orders/{id}', text: 'x/app/orders/42' },
    { template: 'a:{x}:{y}', text: 'a:1:2:3' },
    { template: 'a:{x}:{y}', text: 'a:1:' },
    { template: '/t/{*rest}', text: '/t/' },
    { template: '/t/{*rest}', text: '/t' },
    { template: 'a.b', text: 'aXb' },
    { template: 'GREETING', text: 'GREETING\n' },
    { template: 'GREETING', text: 'greeting' },
  ])('$template does not match "$text"', ({ template, text }) => {
    expect(matched(template, text)).toBeUndefined()
  })

  it('without a variable is fixed', () => {
    expect(compile('a:b').isFixed).toBe(true)
    expect(compile('a:{x}').isFixed).toBe(false)
  })

  it('expands to the text that it matched, whatever that is', () => {
    fc.assert(
      fc.property(templates, fc.array(values), (source, parts) => {
        const template = compile(source)
        // Texts that match are rare unless they are made to.
        const text = source.replace(/\{\*?\w+\}/g, () => parts.pop() ?? 'v')
        const variables = template.match(text)
        if (variables) expect(template.expand(variables)).toBe(text)
      }),
      RUNS,
    )
  })

  it('matches what it expanded, with the same values, if no value holds a separator', () => {
    const cases = variableLists.chain((variables) =>
      fc.record({
        source: templateWith(variables),
        given: fc.tuple(...variables.map(() => values)),
        variables: fc.constant(variables),
      }),
    )
    fc.assert(
      fc.property(cases, ({ source, given, variables }) => {
        const separators = `/${separatorsOf(source)}`.split('')
        fc.pre(
          variables.every((name, i) => name.startsWith('*') || !separators.some((char) => given[i]!.includes(char))),
        )
        const map = new Map(variables.map((name, i) => [name.replace('*', ''), given[i]!]))
        const template = compile(source)
        expect(template.match(template.expand(map))).toEqual(map)
      }),
      RUNS,
    )
  })

  it('takes no longer than a moment for a long text that almost matches', () => {
    const matchAll = () => {
      for (const char of ['-', ':', 'a', '/', '.']) {
        compile('/app/{a}-{b}-{c}-{d}:{*e}').match(`/app/${char.repeat(50_000)}`)
        compile('x:{a}:{b}:{c}:{d}').match(`x:${char.repeat(50_000)}\n`)
      }
    }
    expect(cpuMs(matchAll)).toBeLessThan(500)
  })
})

describe('separatorsOf', () => {
  it.each([
    ['a:{x}:{y}', ':'],
    ['{x}--{y}', '-'],
    ['/a/{x}/{y}', ''],
    ['/a/{x}/b-{y}', ''],
    [':{x}:', ''],
    ['{x}:{y}.{z}:{w}', ':.'],
    ['fixed:text', ''],
  ])('%s is %j', (source, separators) => {
    expect(separatorsOf(source)).toBe(separators)
  })
})
