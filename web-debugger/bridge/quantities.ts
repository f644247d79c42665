/** What can be drawn of the samples of a bridge, and how its values are made and written. Pure. */
import type { RatePoint } from '../api/rates.ts'
import type { Sample } from '../api/types.ts'
import { formatBytes, formatCount, formatRate } from '../ui/format.ts'

export interface Line {
  readonly text: string
  readonly className: 'chart-in' | 'chart-out'
  readonly title: string
}

export interface Point {
  /** Milliseconds since 1970, by the clock of the bridge. */
  readonly at: number
  /** In the order of the lines. */
  readonly values: readonly number[]
}

export interface Quantity {
  /** With the unit, as a heading. */
  readonly text: string
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  /** Undefined where two samples do not tell, since a process has begun anew between them. */
  readonly valuesOf: (sample: Sample, previous: Sample) => readonly number[] | undefined
}

const rate =
  (...counts: readonly ((sample: Sample) => number)[]) =>
  (sample: Sample, previous: Sample): readonly number[] | undefined => {
    const seconds = (sample.at - previous.at) / 1000
    const values = counts.map((count) => (count(sample) - count(previous)) / seconds)
    return values.some((value) => value < 0) ? undefined : values
  }

const MESSAGE_LINES: readonly Line[] = [
  { text: 'In', className: 'chart-in', title: 'Published, from clients and over HTTP' },
  { text: 'Out', className: 'chart-out', title: 'Delivered to clients, once for each subscription' },
]

export const QUANTITIES = {
  messages: {
    text: 'Messages a second',
    lines: MESSAGE_LINES,
    format: formatRate,
    valuesOf: rate(
      ({ published }) => published,
      ({ delivered }) => delivered,
    ),
  },
  sessions: {
    text: 'Sessions and subscriptions',
    lines: [
      { text: 'Sessions', className: 'chart-in', title: 'Open sessions' },
      { text: 'Subscriptions', className: 'chart-out', title: 'Live subscriptions' },
    ],
    format: formatWhole,
    valuesOf: ({ sessions, subscriptions }) => [sessions, subscriptions],
  },
  memory: {
    text: 'Memory',
    lines: [{ text: 'Resident', className: 'chart-out', title: 'Resident memory of all processes' }],
    format: formatBytes,
    valuesOf: ({ memoryBytes }) => [memoryBytes],
  },
  unsent: {
    text: 'Output that waits for clients',
    lines: [{ text: 'Unsent', className: 'chart-out', title: 'Bytes that clients have not read yet' }],
    format: formatBytes,
    valuesOf: ({ unsentBytes }) => [unsentBytes],
  },
  errors: {
    text: 'Errors a second',
    lines: [{ text: 'Errors', className: 'chart-out', title: 'ERROR frames, and events "error"' }],
    format: formatRate,
    valuesOf: rate(({ errors }) => errors),
  },
  delay: {
    text: 'Delay of the event loop',
    lines: [
      { text: 'Longest', className: 'chart-out', title: 'The longest in ten seconds: above 100 ms clients notice' },
    ],
    format: (ms) => `${formatRate(ms)} ms`,
    valuesOf: ({ loopDelaySeconds }) => [loopDelaySeconds * 1000],
  },
} as const satisfies Readonly<Record<string, Quantity>>

export type QuantityName = keyof typeof QUANTITIES

/** Returns a point for each sample that says something together with the one before it. */
export function pointsOf({ valuesOf }: Quantity, samples: readonly Sample[]): Point[] {
  return samples.slice(1).flatMap((sample, i) => {
    const values = valuesOf(sample, samples[i]!)
    return values ? [{ at: sample.at, values }] : []
  })
}

/** The same for what was seen since the page was opened, which is finer. */
export function livePoints(history: readonly RatePoint[]): Point[] {
  return history.map(({ at, published, delivered }) => ({ at, values: [published, delivered] }))
}

function formatWhole(value: number): string {
  return formatCount(Math.round(value))
}
