/** Does memory stay where it is? From samples over time, to a verdict. Pure. */
import { median } from '../statistics.ts'

export interface Sample {
  /** Since the beginning, in seconds. */
  readonly seconds: number
  readonly value: number
}

export interface Trend {
  /** Per hour, in the unit of the values. */
  readonly perHour: number
  /** Of the values after the warm-up. */
  readonly median: number
  /** How much more at the end than at its beginning, by the slope, as a part of the median. */
  readonly growth: number
  readonly isFlat: boolean
}

/** The first part of a run: pools and caches fill, and the compiler is at work. */
const WARM_UP_SHARE = 1 / 3
/** What a collector that comes now and then makes of flat memory. */
const MAX_GROWTH = 0.05

/** Returns the trend after the warm-up: the median of the slopes between all pairs, which one odd sample does not move. */
export function trendOf(samples: readonly Sample[]): Trend {
  const last = samples.at(-1)?.seconds ?? 0
  const warm = samples.filter(({ seconds }) => seconds >= last * WARM_UP_SHARE)
  if (warm.length < 3) throw new Error('The run is too short: there are not three samples after the warm-up')
  const slopes = warm.flatMap((a, i) => warm.slice(i + 1).map((b) => (b.value - a.value) / (b.seconds - a.seconds)))
  const perSecond = median(slopes)
  const middle = median(warm.map(({ value }) => value))
  const growth = (perSecond * (last - warm[0]!.seconds)) / middle
  return { perHour: perSecond * 3600, median: middle, growth, isFlat: growth <= MAX_GROWTH }
}
