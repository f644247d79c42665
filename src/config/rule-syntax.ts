/**
 * Owns how a rule is written: its fields, the variables in its texts, and what is wrong with it. The configuration check
 * and the compiled rules both use it. It judges nobody.
 */

export type Action = 'subscribe' | 'send'

/** A rule as the configuration has it. Exactly one of `allow` and `deny`; all conditions on who it is for must hold. */
export interface RuleSettings {
  readonly allow?: Action | readonly Action[] | undefined
  readonly deny?: Action | readonly Action[] | undefined
  /** Exact or an Ant pattern, with `{user}`, `{claims.x}` and free variables `{name}`. */
  readonly destination: string
  /** One of these names. */
  readonly users?: readonly string[] | undefined
  /** One of these groups; may hold the variables of the destination. */
  readonly groups?: readonly string[] | undefined
  /** Every one of these; a list holds what it contains. */
  readonly claims?: Readonly<Record<string, ClaimValue>> | undefined
  /** True: for everyone, also without a user. */
  readonly anonymous?: boolean | undefined
}

export type ClaimValue = string | number | boolean

/** What stands in braces in a text of a rule. */
export type Variable =
  | { readonly kind: 'user' }
  | { readonly kind: 'claim'; readonly path: string }
  | { readonly kind: 'free'; readonly name: string }

/** What is wrong with a rule, and where in it. */
export interface RuleProblem {
  readonly path: readonly (string | number)[]
  /** A phrase that continues the name of the setting. */
  readonly text: string
}

const BRACES = /\{([^{}]*)\}/

/** Returns text and variables from left to right; no text is empty. What is not well formed stays text. */
export function partsOf(text: string): (string | Variable)[] {
  return text
    .split(BRACES)
    .map((part, i) => (i % 2 === 0 ? part : (readVariable(part) ?? `{${part}}`)))
    .filter((part) => part !== '')
}

function readVariable(name: string): Variable | undefined {
  if (name === 'user') return { kind: 'user' }
  if (name === 'claims') return undefined
  if (/^claims\.[^\s/*?]+$/.test(name)) return { kind: 'claim', path: name.slice('claims.'.length) }
  return /^[A-Za-z_]\w*$/.test(name) ? { kind: 'free', name } : undefined
}

export function isFree(part: string | Variable): part is Variable & { kind: 'free' } {
  return typeof part !== 'string' && part.kind === 'free'
}

/** Returns the free variables of a text, each as often as it is there. */
export function freeNames(text: string): string[] {
  return partsOf(text)
    .filter(isFree)
    .map(({ name }) => name)
}

/** Returns the free variables whose value matters: those that `groups` use, and those that are there twice. */
export function boundNames({ destination, groups = [] }: Pick<RuleSettings, 'destination' | 'groups'>): string[] {
  const names = freeNames(destination)
  const used = new Set(groups.flatMap(freeNames))
  return [...new Set(names.filter((name, i) => used.has(name) || names.indexOf(name) !== i))]
}

/** Returns all that is wrong with a rule whose fields have the right types; an empty list if it is well formed. */
export function ruleProblems(rule: RuleSettings): RuleProblem[] {
  return [
    ...actionProblems(rule),
    ...destinationProblems(rule).map((text) => ({ path: ['destination'], text })),
    ...whoProblems(rule),
  ]
}

function actionProblems({ allow, deny }: RuleSettings): RuleProblem[] {
  if ((allow === undefined) === (deny === undefined)) return [{ path: [], text: 'must have either allow or deny' }]
  const actions = allow ?? deny
  return Array.isArray(actions) && actions.length === 0
    ? [{ path: [allow ? 'allow' : 'deny'], text: 'must not be empty' }]
    : []
}

function destinationProblems({ destination, groups }: RuleSettings): string[] {
  if (!destination.startsWith('/')) return ['must start with "/"']
  const problems = braceProblems(destination)
  if (destination.length > 1024 || destination.split('/').length > 65) {
    problems.push('must have at most 1024 characters and 64 segments')
  }
  for (const segment of destination.split('/')) {
    const parts = partsOf(segment)
    const free = parts.find(isFree)
    if (!free) continue
    const others = parts.filter((part) => part !== free)
    const isAlone = others.every((part) => typeof part === 'string' && !/[*?]/.test(part))
    if (!isAlone) problems.push(`must have no wildcard and no other variable in the segment of {${free.name}}`)
  }
  const [bound] = boundNames({ destination, groups })
  if (bound !== undefined && destination.split('/').filter((segment) => segment === '**').length > 1) {
    problems.push(`must have "**" at most once, or else {${bound}} could be several segments`)
  }
  return problems
}

function whoProblems(rule: RuleSettings): RuleProblem[] {
  const { destination, users, groups, claims, anonymous } = rule
  const problems: RuleProblem[] = []
  for (const [key, values] of Object.entries({ users, groups })) {
    if (values?.length === 0) problems.push({ path: [key], text: 'must not be empty' })
    values?.forEach((value, i) => value === '' && problems.push({ path: [key, i], text: 'must not be empty' }))
    if (values && anonymous) problems.push({ path: [key], text: 'must not be there with anonymous: true' })
  }
  const known = new Set(freeNames(destination))
  groups?.forEach((group, i) => {
    const unknown = freeNames(group).filter((name) => !known.has(name))
    const texts = [
      ...braceProblems(group),
      ...unknown.map((name) => `has {${name}}, which its destination does not have`),
    ]
    problems.push(...texts.map((text) => ({ path: ['groups', i], text })))
  })
  if (claims && Object.keys(claims).length === 0) problems.push({ path: ['claims'], text: 'must not be empty' })
  if (claims && anonymous) problems.push({ path: ['claims'], text: 'must not be there with anonymous: true' })
  for (const [name, value] of Object.entries(claims ?? {})) {
    if (value === '') problems.push({ path: ['claims', name], text: 'must not be empty: an empty claim never matches' })
  }
  return problems
}

function braceProblems(text: string): string[] {
  const rest = text.split(BRACES)
  const unknown = rest.filter((part, i) => i % 2 === 1 && readVariable(part) === undefined)
  const problems = unknown.map((name) =>
    name.startsWith('*')
      ? `has "{${name}}": write ** for the rest`
      : `has "{${name}}": a variable is written {user}, {claims.name} or {name}`,
  )
  const loose = rest.filter((_part, i) => i % 2 === 0).join('')
  if (loose.includes('{')) problems.push('has "{" without "}"')
  if (loose.includes('}')) problems.push('has "}" without "{"')
  return problems
}

/** Returns a rule in one line, as people write it. */
export function ruleText(rule: RuleSettings): string {
  const fields = Object.entries(rule).filter(([, value]) => value !== undefined)
  return `{ ${fields.map(([name, value]) => `${name}: ${valueText(value)}`).join(', ')} }`
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, each]) => `${name}: ${valueText(each)}`)
      .join(', ')} }`
  }
  return typeof value === 'string' && /^[\w./*?-]+$/.test(value) ? value : JSON.stringify(value)
}
