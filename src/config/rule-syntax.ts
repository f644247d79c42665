/**
 * Owns the syntax of destinations in `access.rules`: Ant patterns with variables, `/topic/rooms/{room}`. What they match
 * is decided elsewhere.
 */

const VARIABLE = /\{(claims\.[A-Za-z_][\w-]*|[A-Za-z_]\w*)\}/g

/** Returns the names of the variables, such as `user`, `claims.tenant` or `room`, from left to right. */
export function ruleVariables(template: string): string[] {
  return [...template.matchAll(VARIABLE)].map((match) => match[1] ?? '')
}

/** Returns what is wrong with a destination, as phrases that continue its name; an empty list when it is well formed. */
export function ruleDestinationProblems(destination: string): string[] {
  const problems = variableProblems(destination, '{user}, {claims.name}, or a name of your own such as {room}')
  const literal = destination.replace(/\{[^{}]*\}/g, 'x')
  if (problems.length === 0 && !/^(\/[^/\s]+)+$/.test(literal)) {
    return ['must be a destination such as "/topic/rooms/{room}", or a pattern with *, ** or ?']
  }
  const names = ruleVariables(destination).filter((name) => !isOwn(name))
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
  return [...problems, ...twice.map((name) => `has the variable "${name}" more than once`)]
}

/** Returns what is wrong with a group, which may have the free variables of its destination. */
export function ruleGroupProblems(group: string, destination: string | undefined): string[] {
  const problems = variableProblems(group, '{name}')
  if (problems.length > 0 || destination === undefined) return problems
  const free = ruleVariables(destination).filter((name) => !isOwn(name))
  return ruleVariables(group)
    .filter((name) => !free.includes(name))
    .map((name) =>
      isOwn(name)
        ? `has {${name}}, which can be used in the destination only`
        : `has the variable {${name}}, which its destination "${destination}" does not have`,
    )
}

/** Does it stand for something of the client itself? */
function isOwn(variable: string): boolean {
  return variable === 'user' || variable.startsWith('claims.')
}

function variableProblems(template: string, forms: string): string[] {
  const literal = template.replace(VARIABLE, '')
  const wrong = /\{[^{}]*\}/.exec(literal)
  const loose = literal.replace(/\{[^{}]*\}/g, '')
  return [
    ...(wrong ? [`has ${JSON.stringify(wrong[0])}, but a variable is written ${forms}`] : []),
    ...(loose.includes('{') ? ['has "{" without "}"'] : []),
    ...(loose.includes('}') ? ['has "}" without "{"'] : []),
  ]
}
