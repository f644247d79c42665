/**
 * Owns two questions about route templates, each decided for all texts that there are: does one template match
 * everything that another matches, and do two routes give one channel the same destination? Pure; the rules ask.
 */
import { routeSeparators, templateParts, type TemplateVariable } from './template-syntax.ts'

/** The two templates of a route. Both must be well formed and have the same variables. */
export interface RouteTemplates {
  readonly destination: string
  readonly channel: string
}

/** One character, or a variable: one or more characters, none of `excluded`. */
type Token = string | { readonly excluded: ReadonlySet<string> }

/** Stands for every character that no template names. */
const OTHER = 'any other'

/** Says whether `outer` takes every destination that `inner` takes. */
export function takesAll(outer: RouteTemplates, inner: RouteTemplates): boolean {
  // Most pairs differ here already, and a bridge may have hundreds of routes.
  if (!beginning(inner.destination).startsWith(beginning(outer.destination))) return false
  const outerTokens = destinationTokens(outer)
  const innerTokens = destinationTokens(inner)
  // So do most of the others in the shortest text of all.
  const shortest = innerTokens.map((token) => (typeof token === 'string' ? token : OTHER))
  const after = shortest.reduce((places, character) => allPlacesAfter(outerTokens, places, character), [0])
  if (!after.includes(outerTokens.length)) return false

  const characters = new Set([OTHER])
  for (const each of [...outerTokens, ...innerTokens]) {
    if (typeof each === 'string') characters.add(each)
    else each.excluded.forEach((character) => characters.add(character))
  }

  // Where `inner` can be after some text, with all places where `outer` can be after the same text.
  const pending: { readonly at: number; readonly outerAt: readonly number[] }[] = [{ at: 0, outerAt: [0] }]
  const seen = new Set<string>()
  for (let state = pending.pop(); state; state = pending.pop()) {
    const { at, outerAt } = state
    if (outerAt.length === 0) return false
    if (at === innerTokens.length && !outerAt.includes(outerTokens.length)) return false
    for (const character of characters) {
      for (const next of placesAfter(innerTokens, at, character)) {
        const outerNext = allPlacesAfter(outerTokens, outerAt, character)
        const key = `${next}:${outerNext.join()}`
        if (seen.has(key)) continue
        seen.add(key)
        pending.push({ at: next, outerAt: outerNext })
      }
    }
  }
  return true
}

/** What every text of a template begins with. */
function beginning(template: string): string {
  return template.split('{', 1)[0] ?? ''
}

function canBeginAlike(a: string, b: string): boolean {
  return beginning(a).startsWith(beginning(b)) || beginning(b).startsWith(beginning(a))
}

/** What the values of a variable must not hold. */
function excludedBy(route: RouteTemplates): (variable: TemplateVariable) => ReadonlySet<string> {
  const excluded = new Set(['/', ...routeSeparators(route)])
  const nothing = new Set<string>()
  return ({ rest }) => (rest ? nothing : excluded)
}

function destinationTokens(route: RouteTemplates): Token[] {
  const excluded = excludedBy(route)
  return templateParts(route.destination).flatMap((part): Token[] =>
    typeof part === 'string' ? part.split('') : [{ excluded: excluded(part) }],
  )
}

function allPlacesAfter(tokens: readonly Token[], places: readonly number[], character: string): number[] {
  return [...new Set(places.flatMap((place) => placesAfter(tokens, place, character)))].sort()
}

/** Past the token at this place, and once more through the variable before it. */
function placesAfter(tokens: readonly Token[], at: number, character: string): number[] {
  const token = tokens[at]
  const before = tokens[at - 1]
  const places: number[] = []
  if (token !== undefined && takes(token, character)) places.push(at + 1)
  if (typeof before === 'object' && takes(before, character)) places.push(at)
  return places
}

function takes(token: Token, character: string): boolean {
  return typeof token === 'string' ? token === character : !token.excluded.has(character)
}

/** A word of an equation: characters, and variables by their number. */
type Word = readonly (string | number)[]

/** Between channel and destination; no variable holds it. */
const BORDER = 'border'

/** More than any real pair of templates comes to; beyond, they count as different. */
const MAX_STATES = 20_000

/**
 * Says whether there is a channel to which both routes give the same destination.
 *
 * It is the question whether channel and destination of one, with values for its variables, can be those of the other:
 * a word equation in which each variable stands twice. Nielsen's transformations solve it: what a variable at the
 * beginning of one side begins with is what the other side begins with, and no step makes the equation longer.
 */
export function giveSameDestination(a: RouteTemplates, b: RouteTemplates): boolean {
  if (!canBeginAlike(a.channel, b.channel) || !canBeginAlike(a.destination, b.destination)) return false
  const excludedAtFirst: ReadonlySet<string>[] = []
  const first = { left: wordOf(a, excludedAtFirst), right: wordOf(b, excludedAtFirst), excluded: excludedAtFirst }
  const pending: Equation[] = [first]
  const seen = new Set<string>()
  for (let equation = pending.pop(); equation && seen.size < MAX_STATES; equation = pending.pop()) {
    const reduced = withoutCommonStart(equation)
    if (reduced.left.length === 0 && reduced.right.length === 0) return true
    const key = JSON.stringify([reduced.left, reduced.right, reduced.excluded.map((set) => [...set].sort().join(''))])
    if (seen.has(key)) continue
    seen.add(key)
    pending.push(...nextEquations(reduced))
  }
  return false
}

interface Equation {
  readonly left: Word
  readonly right: Word
  /** By the number of the variable. */
  readonly excluded: readonly ReadonlySet<string>[]
}

function wordOf(route: RouteTemplates, excluded: ReadonlySet<string>[]): Word {
  const numbers = new Map<string, number>()
  const excludedFor = excludedBy(route)
  const numberOf = (variable: TemplateVariable): number => {
    const known = numbers.get(variable.name)
    if (known !== undefined) return known
    const number = excluded.push(excludedFor(variable)) - 1
    numbers.set(variable.name, number)
    return number
  }
  const symbols = (template: string): (string | number)[] =>
    templateParts(template).flatMap((part): (string | number)[] =>
      typeof part === 'string' ? part.split('') : [numberOf(part)],
    )
  return [...symbols(route.channel), BORDER, ...symbols(route.destination)]
}

function withoutCommonStart({ left, right, excluded }: Equation): Equation {
  let start = 0
  while (start < left.length && left[start] === right[start]) start++
  return { left: left.slice(start), right: right.slice(start), excluded }
}

/** What the equation can become: the two sides begin differently. None where it has no solution. */
function nextEquations(equation: Equation): Equation[] {
  const [a] = equation.left
  const [b] = equation.right
  // No variable is empty, so a side that is over cannot equal one that is not.
  if (a === undefined || b === undefined) return []
  if (typeof a === 'string' && typeof b === 'string') return []
  if (typeof a === 'number' && typeof b === 'number') {
    const both = new Set([...equation.excluded[a]!, ...equation.excluded[b]!])
    return [
      // The two are the same; or one is the beginning of the other, and then holds only what the other may hold.
      replaced(withExcluded(withExcluded(equation, a, both), b, both), a, [b]),
      replaced(withExcluded(equation, b, both), a, [b, a]),
      replaced(withExcluded(equation, a, both), b, [a, b]),
    ]
  }
  const [variable, character] = typeof a === 'number' ? [a, b as string] : [b as number, a]
  if (character === BORDER || equation.excluded[variable]!.has(character)) return []
  return [replaced(equation, variable, [character]), replaced(equation, variable, [character, variable])]
}

function replaced({ left, right, excluded }: Equation, variable: number, by: Word): Equation {
  const replace = (word: Word): Word => word.flatMap((symbol) => (symbol === variable ? by : [symbol]))
  return { left: replace(left), right: replace(right), excluded }
}

function withExcluded(equation: Equation, variable: number, characters: ReadonlySet<string>): Equation {
  return { ...equation, excluded: equation.excluded.map((each, i) => (i === variable ? characters : each)) }
}
