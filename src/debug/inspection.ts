/**
 * What a bridge tells of its insides to those who look for a fault: the questions, the answers as plain data that can be
 * sent to another process, and how the answers of several workers become one. Asked by HTTP, answered by the bridge.
 */
import { mergeSamples } from './samples.ts'
import {
  totalsSchema,
  type DestinationCount,
  type ErrorCount,
  type HistoryView,
  type SamplesView,
  type SessionsView,
  type Totals,
} from './schema.ts'

/** One process as a whole, or several. */
export interface ProcessView {
  readonly workers: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly totals: Totals
  /** Messages since start, in the order of the routes. */
  readonly routeMessages: readonly number[]
  /** Those with the most subscriptions, most first. */
  readonly destinations: readonly DestinationCount[]
  /** Since start, most first. */
  readonly errors: readonly ErrorCount[]
  readonly histories: readonly HistoryView[]
  /** Null where no stream is read. */
  readonly streamLagSeconds: number | null
}

export interface SessionsQuery {
  readonly limit: number
  /** Part of an id, a user, a remote address or a destination; `""` is every session. */
  readonly search: string
}

/** What can be asked, by name. */
export interface Inspections {
  readonly process: { readonly question: null; readonly answer: ProcessView }
  readonly samples: { readonly question: null; readonly answer: SamplesView }
  readonly sessions: { readonly question: SessionsQuery; readonly answer: SessionsView }
  /** By its id; true if it was there. */
  readonly closeSession: { readonly question: string; readonly answer: boolean }
}

export type InspectionName = keyof Inspections
export type Question<Name extends InspectionName> = Inspections[Name]['question']
export type Answer<Name extends InspectionName> = Inspections[Name]['answer']

/** A question with its name, as it travels to another process. */
export type InspectionRequest = {
  readonly [Name in InspectionName]: { readonly name: Name; readonly question: Question<Name> }
}[InspectionName]

/** Asks one process, or all of them and merges what they say. */
export type Inspect = <Name extends InspectionName>(name: Name, question: Question<Name>) => Promise<Answer<Name>>

/** Asks all processes of a bridge; who does not answer in time is left out. What travels is plain data. */
export type AskAll = (request: InspectionRequest) => Promise<readonly unknown[]>

/** Returns what asks all processes, and this one alone when nobody answers for all. */
export function inspectTogether(askAll: AskAll, inspectThis: Inspect): Inspect {
  return async (name, question) => {
    const answers = await askAll({ name, question } as InspectionRequest)
    if (answers.length === 0) return inspectThis(name, question)
    return MERGE[name](answers as readonly Answer<typeof name>[], question)
  }
}

/** How many destinations are named; of several workers, those that are among so many of one of them. */
export const MAX_DESTINATIONS = 100

/** Returns the answers of several processes as one; there is at least one. */
export const MERGE: {
  readonly [Name in InspectionName]: (answers: readonly Answer<Name>[], question: Question<Name>) => Answer<Name>
} = {
  process: mergeProcesses,
  samples: mergeSamples,
  sessions: (answers, { limit }) => ({
    total: sum(answers.map(({ total }) => total)),
    sessions: answers
      .flatMap(({ sessions }) => sessions)
      .sort((a, b) => b.openedAt - a.openedAt)
      .slice(0, limit),
  }),
  closeSession: (answers) => answers.includes(true),
}

function mergeProcesses(views: readonly ProcessView[]): ProcessView {
  const destinations = new Map<string, number>()
  for (const { destination, subscriptions } of views.flatMap((view) => view.destinations)) {
    destinations.set(destination, (destinations.get(destination) ?? 0) + subscriptions)
  }
  const errors = new Map<string, number>()
  for (const { code, count } of views.flatMap((view) => view.errors)) errors.set(code, (errors.get(code) ?? 0) + count)
  const histories = new Map<string, HistoryView>()
  for (const each of views.flatMap((view) => view.histories)) {
    if (each.messages >= (histories.get(each.rule)?.messages ?? 0)) histories.set(each.rule, each)
  }
  const lags = views.map(({ streamLagSeconds }) => streamLagSeconds).filter((lag) => lag !== null)
  const routes = Math.max(...views.map(({ routeMessages }) => routeMessages.length))
  return {
    workers: sum(views.map(({ workers }) => workers)),
    startedAt: Math.min(...views.map(({ startedAt }) => startedAt)),
    totals: mergeTotals(views.map(({ totals }) => totals)),
    routeMessages: Array.from({ length: routes }, (_, i) => sum(views.map((view) => view.routeMessages[i] ?? 0))),
    destinations: mostSubscribed(destinations, MAX_DESTINATIONS),
    errors: mostFrequent(errors),
    histories: [...histories.values()],
    streamLagSeconds: lags.length === 0 ? null : Math.max(...lags),
  }
}

function mergeTotals(all: readonly Totals[]): Totals {
  const names = Object.keys(totalsSchema.shape) as (keyof Totals)[]
  return Object.fromEntries(names.map((name) => [name, sum(all.map((totals) => totals[name]))])) as unknown as Totals
}

/** Returns those with the most subscriptions, most first; equal ones stay in their order. Not all are sorted: there may be a lot. */
export function mostSubscribed(counts: Iterable<readonly [string, number]>, max: number): DestinationCount[] {
  const most: DestinationCount[] = []
  for (const [destination, subscriptions] of counts) {
    if (most.length === max && most[max - 1]!.subscriptions >= subscriptions) continue
    const at = most.findIndex((other) => other.subscriptions < subscriptions)
    most.splice(at < 0 ? most.length : at, 0, { destination, subscriptions })
    if (most.length > max) most.pop()
  }
  return most
}

/** Returns them as a list, most first. There are as many as there are codes. */
export function mostFrequent(errors: Iterable<readonly [code: string, count: number]>): ErrorCount[] {
  return [...errors].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
