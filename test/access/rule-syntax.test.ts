import { describe, expect, it } from 'vitest'
import { partsOf, ruleProblems, type RuleSettings } from '../../src/config/rule-syntax.ts'

describe('the parts of a text', () => {
  it.each([
    ['/a/{user}', ['/a/', { kind: 'user' }]],
    ['{claims.a.b}-{x}', [{ kind: 'claim', path: 'a.b' }, '-', { kind: 'free', name: 'x' }]],
    ['{claims.https://id}', ['{claims.https://id}']],
    ['a{*x}', ['a', '{*x}']],
    ['', []],
  ])('%j are %j', (text, parts) => {
    expect(partsOf(text)).toEqual(parts)
  })
})

describe('the problems of a rule', () => {
  const well: RuleSettings[] = [
    { allow: 'send', destination: '/app/**' },
    { deny: ['subscribe', 'send'], destination: '/topic/{a}/{b}', groups: ['{a}-{b}', 'x-{user}'] },
    { allow: 'send', destination: '/app/x-{name}.txt', users: ['a'], claims: { a: 1, b: true, c: 'x' } },
    { allow: 'subscribe', destination: '/topic/{room}/**', groups: ['{room}'] },
    { allow: 'subscribe', destination: '/**/{any}/**' },
    { allow: 'subscribe', destination: '/topic/{user}-{claims.a}*', anonymous: true },
  ]
  it.each(well)('are none for $destination', (rule) => {
    expect(ruleProblems(rule)).toEqual([])
  })

  it.each<[string, RuleSettings, string]>([
    ['no action', { destination: '/a' }, ' must have either allow or deny'],
    ['two effects', { allow: 'send', deny: 'send', destination: '/a' }, ' must have either allow or deny'],
    ['an empty action', { allow: [], destination: '/a' }, 'allow must not be empty'],
    ['no slash', { allow: 'send', destination: 'a' }, 'destination must start with "/"'],
    ['an open brace', { allow: 'send', destination: '/{a' }, 'destination has "{" without "}"'],
    ['a closing brace', { allow: 'send', destination: '/a}' }, 'destination has "}" without "{"'],
    ['a rest', { allow: 'send', destination: '/{*a}' }, 'destination has "{*a}": write ** for the rest'],
    [
      'no name',
      { allow: 'send', destination: '/{claims}' },
      'destination has "{claims}": a variable is written {user}, {claims.name} or {name}',
    ],
    [
      'two variables in a segment',
      { allow: 'send', destination: '/{a}-{b}' },
      'destination must have no wildcard and no other variable in the segment of {a}',
    ],
    [
      'a variable and a wildcard',
      { allow: 'send', destination: '/{a}*' },
      'destination must have no wildcard and no other variable in the segment of {a}',
    ],
    [
      'a variable between **',
      { allow: 'send', destination: '/**/{a}/**', groups: ['{a}'] },
      'destination must have "**" at most once, or else {a} could be several segments',
    ],
    [
      'a long destination',
      { allow: 'send', destination: `/${'a'.repeat(1024)}` },
      'destination must have at most 1024 characters and 64 segments',
    ],
    [
      'an unknown variable',
      { allow: 'send', destination: '/{a}', groups: ['g', '{b}'] },
      'groups.1 has {b}, which its destination does not have',
    ],
    ['no users', { allow: 'send', destination: '/a', users: [] }, 'users must not be empty'],
    ['an empty group', { allow: 'send', destination: '/a', groups: [''] }, 'groups.0 must not be empty'],
    ['no claims', { allow: 'send', destination: '/a', claims: {} }, 'claims must not be empty'],
    [
      'an empty claim',
      { allow: 'send', destination: '/a', claims: { b: '' } },
      'claims.b must not be empty: an empty claim never matches',
    ],
    [
      'everyone and some',
      { allow: 'send', destination: '/a', users: ['a'], anonymous: true },
      'users must not be there with anonymous: true',
    ],
  ])('are said for %s', (_name, rule, problem) => {
    expect(ruleProblems(rule).map(({ path, text }) => `${path.join('.')} ${text}`)).toEqual([problem])
  })
})
