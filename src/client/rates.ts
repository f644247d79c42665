/**
 * How often a session may do something: the rates of the configuration, compiled for all sessions. In no span of
 * `perSeconds` are there more than `count`; what is refused does not count. All rates that match apply.
 */
import { meet, parsePattern, takesTexts } from '../access/patterns.ts'
import type { Action } from '../config/rule-syntax.ts'
import { takesText, type Segment } from '../access/segments.ts'
import { isPattern } from '../destinations.ts'

export interface RateSettings {
  readonly action: Action
  /** Exact or a pattern; all that it matches is counted together. */
  readonly destination: string
  readonly count: number
  readonly perSeconds: number
}

/** A session: it has room for what is counted, which is made when a rate first applies. */
export interface Rated {
  rates: RateState | undefined
}

/** By the text of the rate. */
export type RateState = Map<string, Window>

/** What has been taken lately. Times in milliseconds, the oldest first. */
interface Window {
  /** Of the last event of each batch, and how many it has. */
  readonly times: number[]
  readonly counts: number[]
  total: number
  /** Of the first event of the last batch. */
  batchStart: number
}

interface Rate {
  /** What it was made from, as text: what a session has done counts on when the rates change around it. */
  readonly source: string
  readonly action: Action
  readonly segments: readonly Segment[]
  readonly count: number
  readonly perMs: number
  /** Events this near to each other are kept as one, in milliseconds: at the time of the last of them, so never too early. */
  readonly batchMs: number
}

/** Batches per window; up to as many events each are kept by themselves, and their rate is exact. */
const MAX_BATCHES = 32

export class Rates {
  #rates: Readonly<Record<Action, readonly Rate[]>>
  #sources: ReadonlySet<string>

  constructor(settings: readonly RateSettings[]) {
    this.#rates = compileAll(settings)
    this.#sources = sourcesOf(this.#rates)
  }

  /** From here on these apply. */
  replace(settings: readonly RateSettings[]): void {
    this.#rates = compileAll(settings)
    this.#sources = sourcesOf(this.#rates)
  }

  /** Is there any rate for it? Nearly always there is none, and nobody need look at the clock. */
  limits(action: Action): boolean {
    return this.#rates[action].length > 0
  }

  /**
   * Counts one action of a session. Returns undefined if it may be; else after how many seconds it may be tried again,
   * at least 1. `destination`: as the client writes it; a pattern counts where it meets that of a rate.
   */
  take(session: Rated, action: Action, destination: string, nowMs: number): number | undefined {
    const matching = matchingRates(this.#rates[action], destination)
    if (matching.length === 0) return undefined
    const state = (session.rates ??= new Map<string, Window>())
    if (state.size > this.#sources.size) this.#forget(state)
    let waitMs = 0
    for (const rate of matching) waitMs = Math.max(waitMs, waitFor(rate, windowOf(state, rate), nowMs))
    if (waitMs > 0) return Math.max(1, Math.ceil(waitMs / 1000))
    for (const rate of matching) count(rate, windowOf(state, rate), nowMs)
    return undefined
  }

  /** What was counted for rates that are no more. */
  #forget(state: RateState): void {
    for (const source of state.keys()) if (!this.#sources.has(source)) state.delete(source)
  }
}

function compileAll(settings: readonly RateSettings[]): Readonly<Record<Action, readonly Rate[]>> {
  // the same rate twice is one
  const all = [...new Map(settings.map((each) => compile(each)).map((rate) => [rate.source, rate])).values()]
  const rates = (action: Action) => all.filter((rate) => rate.action === action)
  return { subscribe: rates('subscribe'), send: rates('send') }
}

function sourcesOf({ subscribe, send }: Readonly<Record<Action, readonly Rate[]>>): ReadonlySet<string> {
  return new Set([...subscribe, ...send].map(({ source }) => source))
}

function compile({ action, destination, count, perSeconds }: RateSettings): Rate {
  const source = JSON.stringify([action, destination, count, perSeconds])
  const perMs = perSeconds * 1000
  const batchMs = count <= MAX_BATCHES ? 0 : perMs / MAX_BATCHES
  return { source, action, segments: parsePattern(destination), count, perMs, batchMs }
}

function matchingRates(rates: readonly Rate[], destination: string): Rate[] {
  if (isPattern(destination)) {
    const pattern = parsePattern(destination)
    return rates.filter(({ segments }) => meet(segments, pattern, { steps: 0 }))
  }
  const texts = destination.split('/')
  return rates.filter(({ segments }) => takesTexts(segments, texts, 0, takesText))
}

function windowOf(state: RateState, { source }: Rate): Window {
  let window = state.get(source)
  if (!window) state.set(source, (window = { times: [], counts: [], total: 0, batchStart: 0 }))
  return window
}

/** Milliseconds until one more is possible; 0 for now. */
function waitFor({ count, perMs }: Rate, window: Window, nowMs: number): number {
  const { times, counts } = window
  while (times.length > 0 && times[0]! + perMs <= nowMs) {
    times.shift()
    window.total -= counts.shift()!
  }
  return window.total < count ? 0 : times[0]! + perMs - nowMs
}

function count({ batchMs }: Rate, window: Window, nowMs: number): void {
  const { times, counts } = window
  const last = times.length - 1
  window.total++
  if (last >= 0 && nowMs - window.batchStart <= batchMs) {
    times[last] = nowMs
    counts[last]!++
  } else {
    times.push(nowMs)
    counts.push(1)
    window.batchStart = nowMs
  }
}
