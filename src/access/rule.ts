/**
 * One compiled rule: does it apply to a destination, does it hold all of a pattern, does it meet one? Which rule decides
 * is for the list of them.
 */
import { patternSegments } from '../destinations.ts'
import type { Decision } from './decision.ts'
import { covers, meet, takesTexts } from './patterns.ts'
import { boundNames, isFree, partsOf, ruleText, type Action, type RuleSettings } from '../config/rule-syntax.ts'
import { parseSegment, takesText, type Effort, type Segment } from './segments.ts'
import type { OwnValue, Subject } from './subject.ts'
import { NO_BINDINGS, Who, type Bindings } from './who.ts'

/** Holds values of the client's own: what set it is depends on who asks. */
interface OwnSegment {
  readonly kind: 'own'
  readonly parts: readonly (string | OwnValue)[]
}

/** Holds a free variable whose value matters. */
interface BoundSegment {
  readonly kind: 'bound'
  readonly name: string
  readonly before: string
  readonly after: string
  /** Its place, from the start; or from the end (the last is 1), if a `**` stands before it. */
  readonly place: number
  readonly isFromEnd: boolean
}

type RuleSegment = Segment | OwnSegment | BoundSegment

export class Rule {
  /** From 0. */
  readonly index: number
  readonly isAllowing: boolean
  readonly actions: readonly Action[]
  /** The segments that it begins with and that are only text. */
  readonly prefix: readonly string[]
  readonly applies: Decision
  /** For a pattern that meets this rule, which denies. */
  readonly meets: Decision
  readonly #who: Who
  readonly #segments: readonly RuleSegment[]
  readonly #bound: readonly BoundSegment[]
  /** Segments before the first `**`. */
  readonly #places: number
  /** The segments, where they are the same for every client. */
  readonly #fixed: readonly Segment[] | undefined

  constructor(settings: RuleSettings, index: number) {
    const text = ruleText(settings)
    this.index = index
    this.isAllowing = settings.allow !== undefined
    this.actions = [settings.allow ?? settings.deny ?? []].flat()
    this.applies = { allowed: this.isAllowing, rule: index, reason: text }
    this.meets = { allowed: false, rule: index, reason: `${text}, denies something that the pattern matches` }
    this.#who = new Who(settings)
    this.#segments = compileSegments(settings)
    this.#bound = this.#segments.filter((segment) => segment.kind === 'bound')
    const deep = this.#segments.findIndex(({ kind }) => kind === 'deep')
    this.#places = deep < 0 ? this.#segments.length : deep
    const end = this.#segments.findIndex(({ kind }) => kind !== 'text')
    this.prefix = settings.destination.split('/').slice(0, end < 0 ? undefined : end)
    this.#fixed = this.#segments.every(isFixed) ? this.#segments : undefined
  }

  /** Does it decide on this destination? `texts`: its segments, of which the prefix is known to fit. */
  appliesTo(texts: readonly string[], subject: Subject): boolean {
    if (!this.#hasTexts(texts)) return false
    const takes = (segment: RuleSegment, text: string) => takesFor(segment, text, subject)
    if (!takesTexts(this.#segments, texts, this.prefix.length, takes)) return false
    const bindings = this.#bind((bound) => texts.at(bound.isFromEnd ? -bound.place : bound.place))
    return bindings !== undefined && this.#who.holds(subject, bindings)
  }

  /** Does it decide on everything that the pattern matches? May err on the side of no. */
  coversAll(pattern: readonly Segment[], subject: Subject, effort: Effort): boolean {
    const bindings = this.#bind((bound) => textAt(pattern, bound))
    if (bindings === undefined || !this.#who.holds(subject, bindings)) return false
    const segments = this.#segmentsFor(subject, bindings)
    return segments !== undefined && covers(segments, pattern, effort)
  }

  /** Does it decide on something that the pattern matches? May err on the side of yes. */
  meetsSome(pattern: readonly Segment[], subject: Subject, effort: Effort): boolean {
    if (!this.#who.mayHold(subject)) return false
    const bindings = this.#bind((bound) => textAt(pattern, bound))
    if (bindings !== undefined && !this.#who.holds(subject, bindings)) return false
    const segments = this.#segmentsFor(subject, bindings)
    return segments !== undefined && meet(segments, pattern, effort)
  }

  /** Most rules differ in a word: seen at once, before anything is made for a closer look. */
  #hasTexts(texts: readonly string[]): boolean {
    if (this.#places === this.#segments.length && texts.length !== this.#segments.length) return false
    for (let i = this.prefix.length; i < this.#places; i++) {
      const segment = this.#segments[i]!
      if (segment.kind === 'text' && segment.text !== texts[i]) return false
    }
    return true
  }

  /** The values of the free variables, or undefined if one has none, or two. */
  #bind(textFor: (bound: BoundSegment) => string | undefined): Bindings | undefined {
    if (this.#bound.length === 0) return NO_BINDINGS
    const bindings = new Map<string, string>()
    for (const bound of this.#bound) {
      const text = textFor(bound)
      const value = text === undefined ? undefined : valueIn(bound, text)
      if (value === undefined || (bindings.get(bound.name) ?? value) !== value) return undefined
      bindings.set(bound.name, value)
    }
    return bindings
  }

  /** For this client; a variable without a value takes any. Undefined if a value of the client's own is missing. */
  #segmentsFor(subject: Subject, bindings: Bindings | undefined): readonly Segment[] | undefined {
    if (this.#fixed) return this.#fixed
    const segments: Segment[] = []
    for (const segment of this.#segments) {
      const resolved =
        segment.kind === 'own'
          ? ownSegment(segment, subject)
          : segment.kind === 'bound'
            ? parseSegment(`${segment.before}${bindings?.get(segment.name) ?? '?*'}${segment.after}`)
            : segment
      if (resolved === undefined) return undefined
      segments.push(resolved)
    }
    return segments
  }
}

function isFixed(segment: RuleSegment): segment is Segment {
  return segment.kind !== 'own' && segment.kind !== 'bound'
}

function compileSegments(settings: RuleSettings): RuleSegment[] {
  const bound = new Set(boundNames(settings))
  const texts = patternSegments(settings.destination)
  const deep = texts.indexOf('**')
  return texts.map((text, i): RuleSegment => {
    const parts = partsOf(text)
    const free = parts.find(isFree)
    if (free && bound.has(free.name)) {
      const isFromEnd = deep >= 0 && deep < i
      const [before = '', after = ''] = text.split(`{${free.name}}`)
      return { kind: 'bound', name: free.name, before, after, place: isFromEnd ? texts.length - i : i, isFromEnd }
    }
    if (parts.every((part) => typeof part === 'string' || isFree(part))) {
      return parseSegment(parts.map((part) => (typeof part === 'string' ? part : '?*')).join(''))
    }
    return { kind: 'own', parts: parts.filter((part): part is string | OwnValue => !isFree(part)) }
  })
}

function takesFor(segment: RuleSegment, text: string, subject: Subject): boolean {
  if (segment.kind === 'bound') return valueIn(segment, text) !== undefined
  if (segment.kind !== 'own') return takesText(segment, text)
  const own = ownSegment(segment, subject)
  return own !== undefined && takesText(own, text)
}

function ownSegment({ parts }: OwnSegment, subject: Subject): Segment | undefined {
  let text = ''
  for (const part of parts) {
    const value = typeof part === 'string' ? part : subject.value(part)
    if (value === undefined) return undefined
    text += value
  }
  return parseSegment(text)
}

/** The value of the variable in this text; undefined if the text does not fit, or nothing would be left. */
function valueIn({ before, after }: BoundSegment, text: string): string | undefined {
  const isInShape = text.length > before.length + after.length && text.startsWith(before) && text.endsWith(after)
  return isInShape ? text.slice(before.length, text.length - after.length) : undefined
}

/** The one text that all destinations of a pattern have where the variable is; undefined if there is none. */
function textAt(pattern: readonly Segment[], { place, isFromEnd }: BoundSegment): string | undefined {
  const segment = pattern.at(isFromEnd ? -place : place)
  const between = isFromEnd ? pattern.slice(-place) : pattern.slice(0, place)
  return segment?.kind === 'text' && between.every(({ kind }) => kind !== 'deep') ? segment.text : undefined
}
