/** A text in which some places are marked. */
import type { Range } from '../stomp/pattern.ts'

export interface MarkedProps {
  readonly text: string
  /** In order, and apart from each other. */
  readonly ranges: readonly Range[]
}

export function Marked({ text, ranges }: MarkedProps) {
  if (ranges.length === 0) return <>{text}</>
  return (
    <>
      {ranges.map(({ from, to }, index) => (
        <>
          {text.slice(ranges[index - 1]?.to ?? 0, from)}
          <mark>{text.slice(from, to)}</mark>
        </>
      ))}
      {text.slice(ranges.at(-1)!.to)}
    </>
  )
}

/** Those that lie between two places, counted from the first of them. */
export function rangesBetween(ranges: readonly Range[], from: number, to: number): Range[] {
  return ranges
    .filter((range) => range.from < to && range.to > from)
    .map((range) => ({ from: Math.max(0, range.from - from), to: Math.min(range.to, to) - from }))
}
