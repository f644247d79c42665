/** Rules word for word, for exact destinations: slow, by regular expressions, and with none of the code that it checks. */
import type { Identity } from '../../src/access/identity.ts'
import type { Action, RuleSettings } from '../../src/config/rule-syntax.ts'

/** May it? The first rule that applies decides. `destination`: below none of the roots that have rules of their own. */
export function naiveMay(rules: readonly RuleSettings[], who: Identity, action: Action, destination: string): boolean {
  for (const rule of rules) {
    if (![rule.allow ?? rule.deny].flat().includes(action)) continue
    if (applies(rule, who, destination)) return rule.allow !== undefined
  }
  return false
}

function applies(rule: RuleSettings, who: Identity, destination: string): boolean {
  const expression = expressionOf(rule.destination, who)
  const found = expression && new RegExp(expression, 's').exec(destination)
  if (!found) return false
  if (rule.anonymous) return true
  if (who.user === undefined) return false
  if (rule.users && !rule.users.includes(who.user)) return false
  for (const [name, expected] of Object.entries(rule.claims ?? {})) {
    const claim = who.claims?.[name]
    if (Array.isArray(claim) ? !claim.includes(expected) : claim !== expected) return false
  }
  if (!rule.groups) return true
  return rule.groups.some((group) => {
    const name = group.replace(/\{(\w+)\}/g, (_all, variable: string) => found.groups![variable]!)
    return who.groups?.some((each) => percentEncoded(each) === name)
  })
}

/** Undefined if a value of the client's own is missing. */
function expressionOf(destination: string, who: Identity): string | undefined {
  const seen = new Set<string>()
  let isMissing = false
  const own = (value: unknown) => {
    if (value === undefined || value === '' || typeof value === 'object') isMissing = true
    return escaped(percentEncoded(String(value)))
  }
  const segments = destination
    .slice(1)
    .split('/')
    .map((segment) => {
      if (segment === '**') return '(?:/[^/]*)*'
      const text = segment.replace(/\{([^}]*)\}|[*?]|[^{*?]+/g, (part, name: string | undefined) => {
        if (part === '*') return '[^/]*'
        if (part === '?') return '[^/]'
        if (name === undefined) return escaped(part)
        if (name === 'user') return own(who.user)
        if (name.startsWith('claims.')) return own(who.claims?.[name.slice(7)])
        if (seen.has(name)) return `\\k<${name}>`
        seen.add(name)
        return `(?<${name}>[^/]+)`
      })
      return segment === '' ? '/' : `/(?=[^/])${text}`
    })
  return isMissing ? undefined : `^${segments.join('')}$`
}

function percentEncoded(name: string): string {
  return name.replace(
    /[%/:*?{}[\]\\ ]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function escaped(text: string): string {
  return text.replace(/[^\w]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
