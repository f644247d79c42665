/** A small line of numbers over time, with the same in words for those who do not see it. */

export interface SparklineProps {
  readonly points: readonly number[]
  readonly label: string
  readonly unit?: string | undefined
  /** In CSS pixels. */
  readonly width?: number | undefined
  readonly height?: number | undefined
}

const INSET = 2

export function Sparkline({ points, label, unit = '', width = 120, height = 28 }: SparklineProps) {
  const text = describe(points, label, unit)
  return (
    <svg
      class="sparkline"
      role="img"
      aria-label={text}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
    >
      <title>{text}</title>
      {points.length > 1 && <SparkPath points={points} width={width} height={height} />}
    </svg>
  )
}

function SparkPath({ points, width, height }: { points: readonly number[]; width: number; height: number }) {
  const max = Math.max(...points, Number.MIN_VALUE)
  const step = (width - 2 * INSET) / (points.length - 1)
  const xs = points.map((_, i) => INSET + i * step)
  const ys = points.map((value) => height - INSET - (Math.max(0, value) / max) * (height - 2 * INSET))
  const line = xs.map((x, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${ys[i]!.toFixed(1)}`).join('')
  const area = `${line}L${xs.at(-1)!.toFixed(1)} ${height}L${xs[0]!.toFixed(1)} ${height}Z`
  return (
    <>
      <path class="sparkline-area" d={area} />
      <path class="sparkline-line" d={line} />
      <circle class="sparkline-dot" cx={xs.at(-1)} cy={ys.at(-1)} r="2" />
    </>
  )
}

function describe(points: readonly number[], label: string, unit: string): string {
  const last = points.at(-1)
  if (last === undefined) return `${label}: no data yet`
  const format = (value: number) => `${Number(value.toPrecision(3))}${unit && ` ${unit}`}`
  return `${label}: now ${format(last)}, between ${format(Math.min(...points))} and ${format(Math.max(...points))}`
}
