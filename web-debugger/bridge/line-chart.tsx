/** Draws one or two quantities over time, with the values of the moment under the pointer. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Point, Quantity } from './quantities.ts'

/** In CSS pixels, as all that follows. */
const MIN_HEIGHT = 180
const LEFT = 56
const RIGHT = 8
const TOP = 8
const BOTTOM = 22

export interface LineChartProps {
  readonly quantity: Pick<Quantity, 'text' | 'lines' | 'format'>
  /** Oldest first. */
  readonly points: readonly Point[]
  /** How much time there is room for. */
  readonly spanMs: number
}

export function LineChart({ quantity, points, spanMs }: LineChartProps) {
  const { lines, format, text } = quantity
  const box = useRef<HTMLDivElement>(null)
  const size = useSignal({ width: 600, height: MIN_HEIGHT })
  const hovered = useSignal<Point | undefined>(undefined)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect
      size.value = { width: Math.max(200, width), height: Math.max(MIN_HEIGHT, height) }
    })
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])

  const { width, height } = size.value
  const last = points.at(-1)
  const end = last?.at ?? 0
  const shownPoints = points.filter((point) => end - point.at <= spanMs)
  const max = niceMax(Math.max(0, ...shownPoints.flatMap(({ values }) => values)))
  const x = (at: number) => LEFT + (1 - (end - at) / spanMs) * (width - LEFT - RIGHT)
  const y = (value: number) => TOP + (1 - value / max) * (height - TOP - BOTTOM)
  const shown = hovered.value ?? last
  const onPointerMove = (event: PointerEvent) => {
    const at = event.clientX - box.current!.getBoundingClientRect().left
    hovered.value = shownPoints.reduce<Point | undefined>(
      (best, point) => (!best || Math.abs(x(point.at) - at) < Math.abs(x(best.at) - at) ? point : best),
      undefined,
    )
  }
  return (
    <figure class="chart">
      <figcaption class="chart-legend">
        {lines.map((line, i) => (
          <span key={line.text} class={`chart-key ${line.className}`} title={line.title}>
            <span class="chart-name">{line.text}</span>
            <strong class="tabular">{shown ? format(shown.values[i]!) : '–'}</strong>
          </span>
        ))}
        <span class="muted chart-when">
          {text.toLowerCase()}, {hovered.value ? agoText(end - hovered.value.at) : 'now'}
        </span>
      </figcaption>
      <div class="chart-box" ref={box} onPointerMove={onPointerMove} onPointerLeave={() => (hovered.value = undefined)}>
        <svg
          role="img"
          aria-label={describe(quantity, shownPoints, spanMs)}
          viewBox={`0 0 ${width} ${height}`}
          height={height}
        >
          {[0, 0.5, 1].map((part) => (
            <g key={part}>
              <line class="chart-grid" x1={LEFT} x2={width - RIGHT} y1={y(part * max)} y2={y(part * max)} />
              <text class="chart-tick" x={LEFT - 8} y={y(part * max) + 4} text-anchor="end">
                {format(part * max)}
              </text>
            </g>
          ))}
          {ticks(spanMs).map((seconds) => (
            <text
              key={seconds}
              class="chart-tick"
              x={x(end - seconds * 1000)}
              y={height - 4}
              text-anchor={seconds === 0 ? 'end' : seconds * 1000 === spanMs ? 'start' : 'middle'}
            >
              {tickText(seconds)}
            </text>
          ))}
          {hovered.value && (
            <line
              class="chart-cursor"
              x1={x(hovered.value.at)}
              x2={x(hovered.value.at)}
              y1={TOP}
              y2={height - BOTTOM}
            />
          )}
          {lines.map(({ text: name, className }, i) => {
            if (shownPoints.length === 0) return null
            const line = shownPoints
              .map(({ at, values }) => `${x(at).toFixed(1)} ${y(values[i]!).toFixed(1)}`)
              .join('L')
            const floor = y(0).toFixed(1)
            return (
              <g key={name} class={className}>
                <path
                  class="chart-area"
                  d={`M${x(shownPoints[0]!.at).toFixed(1)} ${floor}L${line}L${x(end)} ${floor}Z`}
                />
                <path class="chart-line" d={`M${line}`} />
                <circle class="chart-dot" cx={x(shown!.at)} cy={y(shown!.values[i]!)} r="3" />
              </g>
            )
          })}
        </svg>
      </div>
    </figure>
  )
}

/** Seconds before now that are written below the chart: seven of them or fewer. */
function ticks(spanMs: number): number[] {
  const seconds = spanMs / 1000
  const step = [15, 30, 60, 600].find((each) => seconds / each <= 6)!
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => i * step)
}

function tickText(seconds: number): string {
  if (seconds === 0) return 'now'
  return seconds % 60 === 0 ? `−${seconds / 60} min` : `−${seconds} s`
}

function agoText(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`
}

/** The next 1, 2 or 5 with zeros. */
function niceMax(value: number): number {
  if (value <= 2) return 2
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value)!
}

function describe(
  { text, lines, format }: LineChartProps['quantity'],
  points: readonly Point[],
  spanMs: number,
): string {
  const last = points.at(-1)
  if (!last) return `${text}: no data yet`
  const words = lines.map(({ title }, i) => {
    const most = Math.max(...points.map(({ values }) => values[i]!))
    return `${title}: now ${format(last.values[i]!)}, at most ${format(most)}.`
  })
  return `${text} over the last ${Math.round(spanMs / 60_000)} minutes. ${words.join(' ')}`
}
