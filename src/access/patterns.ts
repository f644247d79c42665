/**
 * Destinations and Ant patterns as sets, segment by segment. A client's pattern is judged by these before it is
 * subscribed: its cost is the product of the numbers of segments, times that of the segments that are compared.
 */
import { patternSegments } from '../destinations.ts'
import { parseSegment, segmentCovers, segmentsMeet, type Effort, type Segment } from './segments.ts'

export function parsePattern(pattern: string): Segment[] {
  return patternSegments(pattern).map(parseSegment)
}

/**
 * Do the segments take these texts? Both are looked at from their place `from` on. What a `**` takes is only ever
 * lengthened at the last one, which is enough.
 */
export function takesTexts<S extends { readonly kind: string }>(
  segments: readonly S[],
  texts: readonly string[],
  from: number,
  takes: (segment: S, text: string) => boolean,
): boolean {
  let s = from
  let t = from
  let deep = -1
  let resume = -1
  while (t < texts.length) {
    const segment = segments[s]
    if (segment?.kind === 'deep') {
      deep = s++
      resume = t
    } else if (segment && takes(segment, texts[t]!)) {
      s++
      t++
    } else if (deep >= 0) {
      s = deep + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (segments[s]?.kind === 'deep') s++
  return s === segments.length
}

/** Is every destination of `narrow` one of `wide`? May err on the side of no. */
export function covers(wide: readonly Segment[], narrow: readonly Segment[], effort: Effort): boolean {
  const from = upToDeep(wide, narrow)
  for (let i = 0; i < from; i++) if (!segmentCovers(wide[i]!, narrow[i]!, effort)) return false
  const end = narrow.length - from
  effort.steps += (wide.length - from + 1) * (end + 1)
  // row[j]: what is left of `wide` takes all that the rest of `narrow` from j on does
  let row = Array.from({ length: end + 1 }, (_each, j) => j === end)
  for (const own of wide.slice(from).reverse()) {
    const current = new Array<boolean>(end + 1).fill(false)
    for (let j = end; j >= 0; j--) {
      const other = narrow[from + j]
      if (own.kind === 'deep') current[j] = row[j]! || (other !== undefined && current[j + 1]!)
      else if (other && other.kind !== 'deep') current[j] = row[j + 1]! && segmentCovers(own, other, effort)
    }
    row = current
  }
  return row[0]!
}

/** Is there a destination that both take? */
export function meet(a: readonly Segment[], b: readonly Segment[], effort: Effort): boolean {
  const from = upToDeep(a, b)
  for (let i = 0; i < from; i++) if (!segmentsMeet(a[i]!, b[i]!, effort)) return false
  const end = b.length - from
  effort.steps += (a.length - from + 1) * (end + 1)
  // row[j]: what is left of `a` meets the rest of `b` from j on
  let row: boolean[] = new Array<boolean>(end + 1).fill(true)
  for (let j = end - 1; j >= 0; j--) row[j] = row[j + 1]! && b[from + j]!.kind === 'deep'
  for (const own of a.slice(from).reverse()) {
    const current = new Array<boolean>(end + 1).fill(false)
    for (let j = end; j >= 0; j--) {
      const other = b[from + j]
      if (own.kind === 'deep') current[j] = row[j]! || (other !== undefined && current[j + 1]!)
      else if (other?.kind === 'deep') current[j] = current[j + 1]! || row[j]!
      else if (other) current[j] = row[j + 1]! && segmentsMeet(own, other, effort)
    }
    row = current
  }
  return row[0]!
}

/** How many segments stand against each other one by one: up to the first `**` of either, or the end. */
function upToDeep(a: readonly Segment[], b: readonly Segment[]): number {
  let i = 0
  while (i < a.length && i < b.length && a[i]!.kind !== 'deep' && b[i]!.kind !== 'deep') i++
  return i
}
