/**
 * Owns the syntax of route templates such as `/app/orders/{id}` and `orders:{id}:out`: what is well formed, and which
 * variables one has. The configuration check and the route table both use it. It matches and fills nothing in.
 */

/** One `{name}` or `{*name}` of a template. */
export interface TemplateVariable {
  readonly name: string
  /** True for `{*name}`, which takes everything up to the end; false for `{name}`, which takes one path segment. */
  readonly rest: boolean
}

const VARIABLE = /\{(\*?)([A-Za-z_][A-Za-z0-9_]*)\}/g
/** A field of the payload. */
const PAYLOAD_VARIABLE = /\{body((?:\.[A-Za-z0-9_]+)+)\}/g

/** Returns the variables of a template from left to right. What is not well formed is left out. */
export function templateVariables(template: string): TemplateVariable[] {
  return [...template.matchAll(VARIABLE)].map((match) => ({ name: match[2] ?? '', rest: match[1] === '*' }))
}

/** Does the template depend on fields of the payload, as `{body.a.b}`? */
export function hasPayloadVariables(template: string): boolean {
  return template.search(PAYLOAD_VARIABLE) >= 0
}

/** Returns the parts of a well-formed template from left to right: text that is not empty, and variables. */
export function templateParts(template: string): (string | TemplateVariable)[] {
  const variables = templateVariables(template)
  const texts = template.split(/\{\*?[A-Za-z_][A-Za-z0-9_]*\}/)
  return texts.flatMap((text, i) => [text, variables[i] ?? '']).filter((part) => part !== '')
}

/** Returns the characters between the variables of a template with more than one. */
export function separatorsOf(source: string): string {
  const between = source.split(/\{[^}]*\}/).slice(1, -1)
  return [...new Set(between.map((literal) => literal[0]).filter((char) => char !== undefined && char !== '/'))].join(
    '',
  )
}

/**
 * Returns the characters that no `{name}` of a route may hold beside `/`. One set for both sides: a value has to be
 * found again in either text, and at once, however long that is.
 */
export function routeSeparators({ channel, destination }: { channel: string; destination: string }): string {
  return separatorsOf(channel) + separatorsOf(destination)
}

/**
 * Returns everything that is wrong with a template, as phrases that continue its name (`has "{id" without "}"`); an
 * empty list when it is well formed. `hasPayload`: it may have `{body.a.b}` too.
 */
export function templateProblems(template: string, { hasPayload = false } = {}): string[] {
  if (template === '') return ['must not be empty']
  const problems: string[] = []
  const literal = (hasPayload ? template.replace(PAYLOAD_VARIABLE, '\0') : template).replace(VARIABLE, '\0')
  const braced = literal.match(/\{[^{}]*\}/)
  const loose = literal.replace(/\{[^{}]*\}/g, '')
  if (braced) problems.push(`has ${JSON.stringify(braced[0])}, but a variable is written {name} or {*name}`)
  if (loose.includes('{')) problems.push('has "{" without "}"')
  if (loose.includes('}')) problems.push('has "}" without "{"')
  if (loose.includes('*')) problems.push('has "*": write {name} for one segment or {*name} for the rest')
  if (literal.includes('\0\0')) problems.push('has two variables side by side: put some text between them')

  const variables = templateVariables(template)
  const names = variables.map((variable) => variable.name)
  for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index))) {
    problems.push(`has the variable "${name}" more than once`)
  }
  const rest = template.match(/\{\*[A-Za-z_][A-Za-z0-9_]*\}(?=.)/s)
  if (rest) problems.push(`has text after ${rest[0]}, which takes the rest and must come last`)
  return problems
}

/** A field of a stream's entry. */
const FIELD_VARIABLE = /\{field\.[^{}/\s]+\}/g

/** Is one field the whole destination? */
export function isOneField(template: string): boolean {
  return template.replace(/^\{field\.[^{}/\s]+\}$/, '') === ''
}

/** Returns everything that is wrong with a template of fields, as `templateProblems` does. */
export function fieldTemplateProblems(template: string): string[] {
  if (template === '') return ['must not be empty']
  const literal = template.replace(FIELD_VARIABLE, '\0')
  const problems: string[] = []
  if (/[{}]/.test(literal)) problems.push('has "{" or "}", but a field is written {field.name}')
  if (/[*?]/.test(literal)) problems.push('has "*" or "?": it must be a destination, not a pattern')
  if (literal.includes('\0\0')) problems.push('has two fields side by side: put some text between them')
  return problems
}

/** Returns a template of fields as a pattern that matches every destination that it gives, unless it is one field. */
export function fieldTemplatePattern(template: string): string {
  return template.replace(FIELD_VARIABLE, '*')
}
