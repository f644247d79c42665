/** Globs as Redis PSUBSCRIBE reads them. */

/** Returns text as a glob that matches only itself. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&')
}

/** Redis PSUBSCRIBE globs: `*`, `?`, `[ab-c]`, `[^a]` and a backslash before a literal. Counts characters where Redis counts bytes. */
export function globToRegExp(glob: string): RegExp {
  let source = ''
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!
    if (char === '*') source += '.*'
    else if (char === '?') source += '.'
    else if (char === '[') {
      const { members, end } = readClass(glob, i + 1)
      source += members
      i = end
    } else source += literal(char === '\\' && i + 1 < glob.length ? glob[++i]! : char)
  }
  return new RegExp(`^${source}$`, 's')
}

/** A class from behind its `[`, as Redis reads it: it may be unclosed, hold escapes, and name a range from its end. */
function readClass(glob: string, start: number): { members: string; end: number } {
  const isNegated = glob[start] === '^'
  let members = ''
  let i = isNegated ? start + 1 : start
  for (; i < glob.length && glob[i] !== ']'; i++) {
    if (glob[i] === '\\' && i + 1 < glob.length) members += literal(glob[++i]!)
    else if (glob[i + 1] === '-' && i + 2 < glob.length) {
      members += [glob[i]!, glob[i + 2]!].sort().map(literal).join('-')
      i += 2
    } else members += literal(glob[i]!)
  }
  return { members: `[${isNegated ? '^' : ''}${members}]`, end: i }
}

function literal(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
