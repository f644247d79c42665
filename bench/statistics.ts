/** Numbers from samples: medians, percentiles, ratios of rounds that were run in turns. Pure. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length % 2 === 1) return sorted[middle]!
  return sorted.length === 0 ? NaN : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest value that so many percent of the values do not exceed (nearest rank); NaN for no values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = Float64Array.from(values).sort()
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[rank - 1] ?? NaN
}

/**
 * How many times `ours` is `theirs`: the median over the rounds, each divided by the round of the other that ran beside
 * it. Whatever loads the machine for a while then loads both.
 */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  const count = Math.min(ours.length, theirs.length)
  return median(Array.from({ length: count }, (_, round) => ours[round]! / theirs[round]!))
}
