/**
 * Owns what the settings of `access` mean together: which authenticators can work, which rules can match, which keys can
 * be told apart. It never quotes a secret.
 */
import { createHash } from 'node:crypto'
import { isGroup, type Group } from './group.ts'
import { pathText, type Finding, type SettingPath } from './problems.ts'
import { urlProblem } from './schema/addresses.ts'
import { ruleProblems } from './rule-syntax.ts'
import { rule as ruleSchema } from './schema/access.ts'

/** Returns what is wrong between the settings of the section `access`, as it was given. */
export function accessFindings(access: unknown): Finding[] {
  if (!isGroup(access)) return []
  const authenticators = entriesOf(access, 'authenticators')
  const rules = entriesOf(access, 'rules')
  return [
    ...orderFindings(authenticators),
    ...authenticators.flatMap(authenticatorFindings),
    ...userFindings(authenticators),
    ...(rules.length > 0 && authenticators.length === 0
      ? [{ path: ['access', 'authenticators'], text: 'is missing, and access.rules needs it: nobody could come in' }]
      : []),
    ...rules.flatMap(ruleFindings),
    ...keyFindings(entriesOf(access, 'apiKeys')),
  ]
}

interface Entry {
  readonly path: SettingPath
  readonly value: Group
}

/** Those of a list that are groups. */
function entriesOf(parent: Group, key: string, path: SettingPath = ['access']): Entry[] {
  const list = parent[key]
  if (!Array.isArray(list)) return []
  return list.flatMap((value: unknown, index) => (isGroup(value) ? [{ path: [...path, key, index], value }] : []))
}

function orderFindings(authenticators: readonly Entry[]): Finding[] {
  return authenticators.flatMap(({ path, value: { type } }, index): Finding[] => {
    const first = authenticators.findIndex((other) => other.value['type'] === type)
    if ((type === 'ticket' || type === 'anonymous') && first < index) {
      return [
        { path: [...path, 'type'], text: `must not be ${type} a second time: access.authenticators[${first}] is` },
      ]
    }
    const isLast = index === authenticators.length - 1
    if (type !== 'anonymous' || isLast) return []
    return [
      { path, text: 'must be the last: anonymous lets in whoever brings nothing, and those after it are not asked' },
    ]
  })
}

function authenticatorFindings({ path, value }: Entry): Finding[] {
  if (value['type'] === 'jwt') return jwtFindings(path, value)
  if (value['type'] === 'callback') return callbackFindings(path, value)
  return []
}

function jwtFindings(path: SettingPath, jwt: Group): Finding[] {
  const algorithms = textsOf(jwt['algorithms'])
  const shared = algorithms.find((name) => /^HS\d/.test(name))
  const signed = algorithms.find((name) => /^((RS|PS|ES)\d|EdDSA$)/.test(name))
  const isGiven = (key: string): boolean => jwt[key] !== undefined
  const leftOut = (key: string, why: string): Finding[] =>
    isGiven(key) ? [{ path: [...path, key], text: `must be left out: ${why}` }] : []
  if (shared !== undefined && signed !== undefined) {
    const text = `must not have both ${shared} and ${signed}: a public key could pass for the secret. Make two authenticators`
    return [{ path: [...path, 'algorithms'], text }]
  }
  if (shared !== undefined) {
    return [
      ...(isGiven('secret') ? [] : [{ path: [...path, 'secret'], text: `is missing, and ${shared} needs it` }]),
      ...leftOut('publicKeyFile', `${shared} has a secret, and no public key`),
      ...leftOut('jwksUrl', `${shared} has a secret, and no public key`),
    ]
  }
  if (signed === undefined) return []
  return [
    ...leftOut('secret', `${signed} has a public key, and no secret`),
    ...(isGiven('publicKeyFile') ? leftOut('jwksUrl', 'publicKeyFile says already what the key is') : []),
    ...(isGiven('publicKeyFile') || isGiven('jwksUrl')
      ? []
      : [{ path, text: `must have publicKeyFile or jwksUrl: ${signed} needs a public key` }]),
  ]
}

function callbackFindings(path: SettingPath, { url, method = 'GET' }: Group): Finding[] {
  if (typeof url !== 'string' || urlProblem(url) !== undefined) return []
  const at = [...path, 'url']
  const hasToken = /^[^/]*\/\/[^/?]*[/?].*\{token\}/s.test(url)
  if (method === 'GET' && !hasToken) {
    return [{ path: at, text: 'must have {token} in its path or query, or else the service would never see the token' }]
  }
  if (method === 'POST' && url.includes('{token}')) {
    return [{ path: at, text: 'must not have {token}: with method: POST the token is sent as JSON' }]
  }
  return []
}

function userFindings(authenticators: readonly Entry[]): Finding[] {
  const users = authenticators
    .filter(({ value }) => value['type'] === 'users')
    .flatMap(({ path, value }) => entriesOf(value, 'users', path))
  return twiceFindings(
    users.map(({ path, value }) => ({ at: [...path, 'name'], key: value['name'] })),
    (first) => `must not be that of ${first} too`,
  )
}

/** Of a rule whose values are valid by themselves. */
function ruleFindings({ path, value }: Entry): Finding[] {
  const rule = ruleSchema.safeParse(value)
  if (!rule.success) return []
  return ruleProblems(rule.data).map((problem) => ({ path: [...path, ...problem.path], text: problem.text }))
}

function keyFindings(keys: readonly Entry[]): Finding[] {
  const names = keys.map(({ path, value }) => ({ at: [...path, 'name'], key: value['name'] }))
  const hashes = keys.map(({ path, value: { key, keyHash } }) => ({
    at: [...path, key === undefined ? 'keyHash' : 'key'],
    key: typeof key === 'string' ? sha256Hex(key) : typeof keyHash === 'string' ? keyHash.toLowerCase() : undefined,
  }))
  return [
    ...keys.flatMap(({ path, value: { key, keyHash } }): Finding[] => {
      if (key === undefined && keyHash === undefined) return [{ path, text: 'must have key or keyHash' }]
      if (key === undefined || keyHash === undefined) return []
      return [{ path: [...path, 'keyHash'], text: 'must be left out: there is the key already' }]
    }),
    ...twiceFindings(names, (first) => `must not be that of ${first} too`),
    ...twiceFindings(hashes, (first) => `must not be the key of ${first} too`),
  ]
}

/** Values that must differ. */
function twiceFindings(
  values: readonly { at: SettingPath; key: unknown }[],
  text: (first: string) => string,
): Finding[] {
  const seen = new Map<string, string>()
  return values.flatMap(({ at, key }): Finding[] => {
    if (typeof key !== 'string') return []
    const first = seen.get(key)
    if (first !== undefined) return [{ path: at, text: text(first) }]
    seen.set(key, pathText(at.slice(0, -1)))
    return []
  })
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
