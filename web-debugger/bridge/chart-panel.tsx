/** What the bridge has done: the last minutes as the page has seen them, and the last hour as the bridge remembers it. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { RatePoint } from '../api/rates.ts'
import type { SampleWatch } from '../api/sample-watch.ts'
import { Choice } from '../ui/choice.tsx'
import { Panel } from '../ui/panel.tsx'
import { Select } from '../ui/select.tsx'
import { LineChart } from './line-chart.tsx'
import { livePoints, pointsOf, QUANTITIES, type Point, type QuantityName } from './quantities.ts'

const MINUTE_MS = 60_000
const SPANS = [
  { value: 'minutes', text: '5 min' },
  { value: 'hour', text: '1 h' },
] as const
type Span = (typeof SPANS)[number]['value']
/** What it grows from: a minute of nothing says little. */
const MIN_SPAN_MS = MINUTE_MS

export interface ChartPanelProps {
  readonly history: readonly RatePoint[]
  readonly watch: SampleWatch
}

export function ChartPanel({ history, watch }: ChartPanelProps) {
  const name = useSignal<QuantityName>('messages')
  const span = useSignal<Span>('minutes')
  useEffect(() => watch.start(), [watch])
  const quantity = QUANTITIES[name.value]
  const isShort = span.value === 'minutes'
  const points = isShort && name.value === 'messages' ? livePoints(history) : pointsOf(quantity, watch.samples.value)
  const most = (isShort ? 5 : 60) * MINUTE_MS
  return (
    <Panel title="Activity" actions={<Choice label="Time" value={span} options={SPANS} />}>
      <div class="chart-what">
        <Select
          label="What is drawn"
          hideLabel
          value={name}
          options={Object.entries(QUANTITIES).map(([value, { text }]) => ({ value: value as QuantityName, text }))}
        />
      </div>
      <LineChart quantity={quantity} points={points} spanMs={spanOf(points, most)} />
    </Panel>
  )
}

/** What is there fills the width, up to what was chosen. */
function spanOf(points: readonly Point[], mostMs: number): number {
  const ageMs = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0)
  return Math.min(mostMs, Math.max(MIN_SPAN_MS, ageMs))
}
