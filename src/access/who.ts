/** For whom a rule is: names, groups, claims, everyone; compiled once. */
import { encodeSegment } from '../destinations.ts'
import { isFree, partsOf, type ClaimValue, type RuleSettings } from '../config/rule-syntax.ts'
import type { OwnValue, Subject } from './subject.ts'

/** Values of the free variables of a rule, by name; percent-encoded as they are in the destination. */
export type Bindings = ReadonlyMap<string, string>

export const NO_BINDINGS: Bindings = new Map()

/** A group whose name has variables. */
type GroupTemplate = readonly (string | OwnValue | { readonly kind: 'free'; readonly name: string })[]

export class Who {
  readonly #everyone: boolean
  readonly #users: ReadonlySet<string> | undefined
  readonly #claims: readonly [path: string, expected: ClaimValue][]
  /** Without variables, encoded. */
  readonly #groups: readonly string[] | undefined
  readonly #templates: readonly GroupTemplate[]

  constructor({ users, groups, claims, anonymous }: RuleSettings) {
    this.#everyone = anonymous === true
    this.#users = users && new Set(users)
    this.#claims = Object.entries(claims ?? {})
    const isTemplate = (group: string) => partsOf(group).some((part) => typeof part !== 'string')
    this.#groups = groups?.filter((group) => !isTemplate(group)).map(encodeSegment)
    this.#templates = groups?.filter(isTemplate).map(compileGroup) ?? []
  }

  /** Does it hold for this client, where the destination gives the variables these values? */
  holds(subject: Subject, bindings: Bindings): boolean {
    if (!this.#holdsBesideGroups(subject)) return false
    if (this.#holdsByFixedGroup(subject)) return true
    return this.#templates.some((template) => {
      const group = expand(template, subject, bindings)
      return group !== undefined && subject.groups.has(group)
    })
  }

  /** Can it hold for this client, whatever the values of the variables are? Errs on the side of yes. */
  mayHold(subject: Subject): boolean {
    if (!this.#holdsBesideGroups(subject)) return false
    if (this.#holdsByFixedGroup(subject)) return true
    return this.#templates.some((template) => isInShape(template, subject))
  }

  #holdsBesideGroups(subject: Subject): boolean {
    if (this.#everyone) return true
    const { user } = subject.identity
    if (user === undefined || (this.#users && !this.#users.has(user))) return false
    return this.#claims.every(([path, expected]) => subject.hasClaim(path, expected))
  }

  #holdsByFixedGroup(subject: Subject): boolean {
    return this.#groups === undefined || this.#groups.some((group) => subject.groups.has(group))
  }
}

function compileGroup(group: string): GroupTemplate {
  return partsOf(group).map((part) => (typeof part === 'string' ? encodeSegment(part) : part))
}

/** The name of the group, or undefined if a value is missing. */
function expand(template: GroupTemplate, subject: Subject, bindings: Bindings): string | undefined {
  let group = ''
  for (const part of template) {
    const text = typeof part === 'string' ? part : part.kind === 'free' ? bindings.get(part.name) : subject.value(part)
    if (text === undefined) return undefined
    group += text
  }
  return group
}

/** Has the client a group that begins and ends as the template does? */
function isInShape(template: GroupTemplate, subject: Subject): boolean {
  const first = template.findIndex(isFree)
  if (first < 0) return subject.groups.has(expand(template, subject, NO_BINDINGS) ?? '')
  const start = expand(template.slice(0, first), subject, NO_BINDINGS)
  const end = expand(template.slice(template.findLastIndex(isFree) + 1), subject, NO_BINDINGS)
  if (start === undefined || end === undefined) return false
  for (const group of subject.groups) {
    if (group.length > start.length + end.length && group.startsWith(start) && group.endsWith(end)) return true
  }
  return false
}
