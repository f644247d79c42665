/** Messages a second over the last minutes: what was published, and what was delivered to clients. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { RatePoint } from '../api/rates.ts'
import { formatRate } from '../ui/format.ts'

/** In CSS pixels, as all that follows. */
const MIN_HEIGHT = 180
const MIN_SPAN_MS = 60_000
const MAX_SPAN_MS = 5 * 60_000
const LEFT = 40
const RIGHT = 8
const TOP = 8
const BOTTOM = 22

const LINES = [
  { key: 'published', text: 'In', className: 'chart-in', title: 'Published: from clients and over HTTP' },
  { key: 'delivered', text: 'Out', className: 'chart-out', title: 'Delivered to clients, once for each subscription' },
] as const

export function RateChart({ history }: { readonly history: readonly RatePoint[] }) {
  const box = useRef<HTMLDivElement>(null)
  const size = useSignal({ width: 600, height: MIN_HEIGHT })
  const hovered = useSignal<RatePoint | undefined>(undefined)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect
      size.value = { width: Math.max(200, width), height: Math.max(MIN_HEIGHT, height) }
    })
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])

  const { width, height } = size.value
  const last = history.at(-1)
  const end = last?.at ?? 0
  const spanMs = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, end - (history[0]?.at ?? end)))
  const max = niceMax(Math.max(...history.map((point) => Math.max(point.published, point.delivered)), 0))
  const x = (at: number) => LEFT + (1 - (end - at) / spanMs) * (width - LEFT - RIGHT)
  const y = (rate: number) => TOP + (1 - rate / max) * (height - TOP - BOTTOM)
  const shown = hovered.value ?? last
  const onPointerMove = (event: PointerEvent) => {
    const at = event.clientX - box.current!.getBoundingClientRect().left
    hovered.value = history.reduce<RatePoint | undefined>(
      (best, point) => (!best || Math.abs(x(point.at) - at) < Math.abs(x(best.at) - at) ? point : best),
      undefined,
    )
  }
  return (
    <figure class="chart">
      <figcaption class="chart-legend">
        {LINES.map(({ key, text, className, title }) => (
          <span key={key} class={`chart-key ${className}`} title={title}>
            <span class="chart-name">{text}</span>
            <strong class="tabular">{shown ? formatRate(shown[key]) : '–'}</strong>
          </span>
        ))}
        <span class="muted chart-when">
          messages a second, {hovered.value ? `${Math.round((end - hovered.value.at) / 1000)} s ago` : 'now'}
        </span>
      </figcaption>
      <div class="chart-box" ref={box} onPointerMove={onPointerMove} onPointerLeave={() => (hovered.value = undefined)}>
        <svg role="img" aria-label={describe(history)} viewBox={`0 0 ${width} ${height}`} height={height}>
          {[0, 0.5, 1].map((part) => (
            <g key={part}>
              <line class="chart-grid" x1={LEFT} x2={width - RIGHT} y1={y(part * max)} y2={y(part * max)} />
              <text class="chart-tick" x={LEFT - 8} y={y(part * max) + 4} text-anchor="end">
                {formatRate(part * max)}
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
              {seconds === 0 ? 'now' : seconds % 60 === 0 ? `−${seconds / 60} min` : `−${seconds} s`}
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
          {LINES.map(({ key, className }) => {
            const points = history.filter((point) => end - point.at <= spanMs)
            const line = points.map((point) => `${x(point.at).toFixed(1)} ${y(point[key]).toFixed(1)}`).join('L')
            if (!line) return null
            const floor = y(0).toFixed(1)
            return (
              <g key={key} class={className}>
                <path class="chart-area" d={`M${x(points[0]!.at).toFixed(1)} ${floor}L${line}L${x(end)} ${floor}Z`} />
                <path class="chart-line" d={`M${line}`} />
                <circle class="chart-dot" cx={x((shown ?? points[0]!).at)} cy={y((shown ?? points[0]!)[key])} r="3" />
              </g>
            )
          })}
        </svg>
      </div>
    </figure>
  )
}

/** Seconds before now that are written below the chart: six of them or fewer. */
function ticks(spanMs: number): number[] {
  const step = spanMs > 2 * MIN_SPAN_MS ? 60 : spanMs > MIN_SPAN_MS ? 30 : 15
  return Array.from({ length: Math.floor(spanMs / 1000 / step) + 1 }, (_, i) => i * step)
}

/** The next 1, 2 or 5 with zeros. */
function niceMax(value: number): number {
  if (value <= 2) return 2
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value)!
}

function describe(history: readonly RatePoint[]): string {
  const last = history.at(-1)
  if (!last) return 'Messages a second: no data yet'
  const most = (key: 'published' | 'delivered') => formatRate(Math.max(...history.map((point) => point[key])))
  return (
    `Messages a second over the last five minutes. Published, from clients and over HTTP: now ${formatRate(last.published)}, at most ` +
    `${most('published')}. Delivered to clients: now ${formatRate(last.delivered)}, at most ${most('delivered')}.`
  )
}
