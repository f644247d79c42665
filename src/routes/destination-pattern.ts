/**
 * Ant-style patterns over destinations, as Spring's simple broker takes them in SUBSCRIBE: `?` one character, `*` any
 * characters of one segment, `**` any number of segments. Every match runs in bounded time: patterns come from clients.
 */

/** Is this destination a pattern rather than an exact name? */
export function isPattern(destination: string): boolean {
  return destination.includes('*') || destination.includes('?')
}

/** The segments of a pattern, repeated `**` folded into one. */
export function patternSegments(pattern: string): string[] {
  const segments = pattern.split('/')
  return segments.filter((segment, i) => segment !== '**' || segments[i - 1] !== '**')
}

/** Does one segment match? Two pointers and one point to go back to, so at most length times length steps. */
export function segmentMatches(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let afterStar = 0
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      afterStar = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++afterStar
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** Can some destination that the template gives match the pattern? Errs on the side of yes. */
export function patternMeetsTemplate(pattern: string, template: string): boolean {
  const patterns = patternSegments(pattern)
  const templates = template.split('/')
  const refuted = new Set<number>()
  const meets = (p: number, t: number): boolean => {
    if (p === patterns.length) return t === templates.length
    const key = p * (templates.length + 1) + t
    if (refuted.has(key)) return false
    const found = meetsHere(p, t)
    if (!found) refuted.add(key)
    return found
  }
  const meetsHere = (p: number, t: number): boolean => {
    if (patterns[p] === '**') return meets(p + 1, t) || (t < templates.length && meets(p, t + 1))
    const segment = templates[t]
    if (segment === undefined) return false
    if (segment.includes('{*')) return true
    return (segment.includes('{') || segmentMatches(patterns[p]!, segment)) && meets(p + 1, t + 1)
  }
  return meets(0, 0)
}
