/**
 * A regular expression that no text can make slow: each character is looked at once, whatever somebody typed. The
 * engine of the browser goes back and tries again, for ever with `(a+)+b`, and nothing can stop it.
 */
import { compilePattern, isWord, Side, type PatternFlags, type PatternProgram } from './pattern-syntax.ts'

/** Part of a text, from and before which character. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** What is looked through of one text, in characters. */
export const MAX_TEXT = 65_536
/** Steps that finding places in one text may take. */
const MAX_STEPS = 300_000
/** Beyond these what was worked out is forgotten, and worked out again. */
const MAX_STATES = 1_000
/** In place of a character at the end of a text. */
const END = -1

export class Pattern {
  readonly #search: Automaton
  readonly #anchored: Automaton

  /** Throws a PatternError. */
  constructor(source: string, flags: PatternFlags) {
    const program = compilePattern(source, flags)
    this.#search = new Automaton(program, false)
    this.#anchored = new Automaton(program, true)
  }

  /** Is it anywhere in the text? */
  test(text: string): boolean {
    const end = Math.min(text.length, MAX_TEXT)
    let state = this.#search.begin(Side.line)
    for (let at = 0; at <= end; at++) {
      const step = this.#search.step(state, codeAt(text, at, end))
      if (step.isMatch) return true
      state = step.next
    }
    return false
  }

  /** Where it is, the longest from each place; at most so many. Empty places are left out. */
  ranges(text: string, max: number): Range[] {
    const found: Range[] = []
    if (!this.test(text)) return found
    const end = Math.min(text.length, MAX_TEXT)
    const budget = { steps: MAX_STEPS }
    for (let from = 0; from < end && found.length < max && budget.steps > 0;) {
      const to = this.#longest(text, from, end, budget)
      if (to > from) found.push({ from, to })
      from = Math.max(to, from + 1)
    }
    return found
  }

  #longest(text: string, from: number, end: number, budget: { steps: number }): number {
    let state = this.#anchored.begin(from === 0 ? Side.line : sideOf(text.charCodeAt(from - 1)))
    let to = from
    for (let at = from; at <= end && budget.steps > 0 && state.nodes.length > 0; at++) {
      budget.steps--
      const step = this.#anchored.step(state, codeAt(text, at, end))
      if (step.isMatch) to = at
      state = step.next
    }
    return to
  }
}

function codeAt(text: string, at: number, end: number): number {
  return at < end ? text.charCodeAt(at) : END
}

function sideOf(code: number): Side {
  // The NUL is where a frame ends.
  if (code === END || code === 10 || code === 13 || code === 0) return Side.line
  return isWord(code) ? Side.word : Side.other
}

/** All places of the program that a text may have led to. */
interface State {
  readonly nodes: readonly number[]
  readonly before: Side
  readonly steps: Map<number, Step>
}

interface Step {
  /** Does a match end before this character? */
  readonly isMatch: boolean
  readonly next: State
}

/** Works out each step once, when it is first taken. */
class Automaton {
  readonly #program: PatternProgram
  readonly #isAnchored: boolean
  readonly #states = new Map<string, State>()

  constructor(program: PatternProgram, isAnchored: boolean) {
    this.#program = program
    this.#isAnchored = isAnchored
  }

  begin(before: Side): State {
    return this.#stateOf([this.#program.start], before)
  }

  step(state: State, code: number): Step {
    let step = state.steps.get(code)
    if (!step) {
      step = this.#work(state, code)
      state.steps.set(code, step)
    }
    return step
  }

  #work(state: State, code: number): Step {
    const { nodes, start } = this.#program
    const after = sideOf(code)
    const reached = this.#reach(state, after)
    const next = new Set<number>()
    let isMatch = false
    for (const place of reached) {
      const node = nodes[place]!
      if (node.kind === 'match') isMatch = true
      else if (node.kind === 'char' && code !== END && node.has(code)) next.add(node.next)
    }
    if (!this.#isAnchored) next.add(start)
    return {
      isMatch,
      next: this.#stateOf(
        [...next].sort((a, b) => a - b),
        after,
      ),
    }
  }

  /** Everything that can be reached without a character. */
  #reach(state: State, after: Side): Set<number> {
    const { nodes } = this.#program
    const reached = new Set<number>()
    const waiting = [...state.nodes]
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      if (reached.has(place)) continue
      reached.add(place)
      const node = nodes[place]!
      if (node.kind === 'split') waiting.push(node.next, node.other)
      else if (node.kind === 'assert' && node.holds(state.before, after)) waiting.push(node.next)
    }
    return reached
  }

  #stateOf(nodes: readonly number[], before: Side): State {
    const key = `${before}:${nodes.join()}`
    let state = this.#states.get(key)
    if (!state) {
      // Those in use live on until they are left.
      if (this.#states.size >= MAX_STATES) this.#states.clear()
      state = { nodes, before, steps: new Map() }
      this.#states.set(key, state)
    }
    return state
  }
}
