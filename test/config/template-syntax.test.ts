import { describe, expect, it } from 'vitest'
import { templateProblems, templateVariables } from '../../src/config/template-syntax.ts'

describe('templateVariables', () => {
  it.each([
    ['/app/greet', []],
    ['/app/orders/{id}', [{ name: 'id', rest: false }]],
    [
      'a:{one}:b:{*two}',
      [
        { name: 'one', rest: false },
        { name: 'two', rest: true },
      ],
    ],
  ])('%s', (template, variables) => {
    expect(templateVariables(template)).toEqual(variables)
  })
})

describe('templateProblems', () => {
  it.each(['/app/greet', '/app/orders/{id}', 'orders:{id}:out', '/topic/{*rest}', '/a/{b}-{c_1}', 'GREETING_CHANNEL'])(
    'accepts %s',
    (template) => {
      expect(templateProblems(template)).toEqual([])
    },
  )

  it.each([
    ['', ['must not be empty']],
    ['/app/{id', ['has "{" without "}"']],
    ['/app/id}', ['has "}" without "{"']],
    ['/app/{}', ['has "{}", but a variable is written {name} or {*name}']],
    ['/app/{a b}', ['has "{a b}", but a variable is written {name} or {*name}']],
    ['/topic/*', ['has "*": write {name} for one segment or {*name} for the rest']],
    ['/app/{a}{b}', ['has two variables side by side: put some text between them']],
    ['/app/{a}/{b}/{a}', ['has the variable "a" more than once']],
    ['/app/{*a}/b', ['has text after {*a}, which takes the rest and must come last']],
  ])('refuses "%s"', (template, problems) => {
    expect(templateProblems(template)).toEqual(problems)
  })

  it('reports all that is wrong at once', () => {
    expect(templateProblems('/{a}/{a}/{b')).toEqual(['has "{" without "}"', 'has the variable "a" more than once'])
  })
})
