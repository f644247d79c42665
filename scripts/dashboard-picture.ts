/**
 * `bun scripts/dashboard-picture.ts PROMETHEUS_URL [MINUTES]`: draws the panels of deploy/grafana.json with what a real
 * Prometheus answers to their queries, and writes docs/screenshots/dashboard.png. It is no Grafana: titles, places,
 * queries and legends are those of the dashboard, the drawing is this script's.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { launchChromium } from '../test/support/chromium.ts'
import { toSmallPng } from './small-png.ts'

interface Panel {
  readonly type: 'stat' | 'timeseries'
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig: { readonly defaults: { readonly unit: string } }
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}

interface Series {
  readonly legend: string
  readonly points: readonly (readonly [seconds: number, value: number])[]
}

const COLOURS = ['#73bf69', '#f2cc0c', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#8ab8ff', '#96d98d']
const [COLUMN, ROW, GAP] = [50, 26, 6] as const
const MAX_LEGENDS = 6

async function query(url: string, panel: Panel, minutes: number): Promise<Series[]> {
  const end = Math.floor(Date.now() / 1000)
  const answers = panel.targets.map(async ({ expr, legendFormat }) => {
    const filled = expr.replaceAll('$job', '.*').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m')
    const range = { query: filled, start: String(end - minutes * 60), end: String(end), step: '10' }
    const answer = await fetch(`${url}/api/v1/query_range?${new URLSearchParams(range).toString()}`)
    const { data, error } = (await answer.json()) as {
      data?: { result: { metric: Record<string, string>; values: [number, string][] }[] }
      error?: string
    }
    if (!data) throw new Error(`${panel.title}: ${error}`)
    return data.result.map(({ metric, values }) => ({
      legend: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '').trim(),
      points: values.map(([seconds, value]) => [seconds, Number(value)] as const).filter(([, value]) => !isNaN(value)),
    }))
  })
  return (await Promise.all(answers)).flat().filter(({ points }) => points.length > 0)
}

function shown(value: number, unit: string): string {
  if (unit === 's') return value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} s`
  if (unit === 'bytes') return value < 1e6 ? `${(value / 1e3).toPrecision(3)} kB` : `${(value / 1e6).toPrecision(3)} MB`
  if (unit === 'percentunit') return `${(value * 100).toPrecision(3)} %`
  const text = value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
  return unit === 'ops' ? `${text}/s` : text
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)

function draw({ type, title, gridPos, fieldConfig }: Panel, series: readonly Series[]): string {
  const { unit } = fieldConfig.defaults
  const [x, y, w, h] = [gridPos.x * COLUMN, gridPos.y * ROW, gridPos.w * COLUMN - GAP, gridPos.h * ROW - GAP]
  const box = `<rect width="${w}" height="${h}" fill="#181b1f" stroke="#2c3235"/><text x="10" y="18" class="t">${escaped(title)}</text>`
  const body = type === 'stat' ? stat(series, unit, w, h) : chart(series, unit, w, h)
  return `<g transform="translate(${x},${y})">${box}${body}</g>`
}

function stat(series: readonly Series[], unit: string, w: number, h: number): string {
  const isText = series.some(({ legend }) => legend.includes(' on '))
  const text = isText ? (series.at(0)?.legend ?? '') : shown(series[0]?.points.at(-1)?.[1] ?? NaN, unit)
  return `<text x="${w / 2}" y="${h / 2 + 18}" class="${isText ? 'm' : 'b'}">${escaped(text)}</text>`
}

function chart(series: readonly Series[], unit: string, w: number, h: number): string {
  if (series.length === 0) return `<text x="${w / 2}" y="${h / 2}" class="m">No data</text>`
  const [left, top, bottom] = [72, 28, 40] as const
  const all = series.flatMap(({ points }) => points)
  const [first, last] = [Math.min(...all.map(([at]) => at)), Math.max(...all.map(([at]) => at))]
  const most = Math.max(...all.map(([, value]) => value)) || 1
  const px = (at: number): number => left + ((at - first) / (last - first || 1)) * (w - left - 10)
  const py = (value: number): number => h - bottom - (value / most) * (h - bottom - top)
  const grid = [0, 0.5, 1].map(
    (part) =>
      `<line x1="${left}" x2="${w - 10}" y1="${py(part * most)}" y2="${py(part * most)}" stroke="#2c3235"/>` +
      `<text x="${left - 6}" y="${py(part * most) + 4}" class="a">${shown(part * most, unit)}</text>`,
  )
  const lines = series.map(({ points }, i) => {
    const path = points.map(([at, value]) => `${px(at).toFixed(1)},${py(value).toFixed(1)}`).join(' ')
    return `<polyline points="${path}" fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1.3"/>`
  })
  const names = series.slice(0, MAX_LEGENDS).map(({ legend }, i) => {
    const sign = `<tspan fill="${COLOURS[i % COLOURS.length]}">■</tspan>`
    return `${sign} ${escaped(legend)}`
  })
  const more = series.length > MAX_LEGENDS ? ` +${series.length - MAX_LEGENDS}` : ''
  const half = Math.ceil(names.length / 2)
  const rows = [names.slice(0, half), names.slice(half)].map(
    (row, i) => `<text x="10" y="${h - 20 + i * 13}" class="l">${row.join('  ')}${i === 1 ? more : ''}</text>`,
  )
  return [...grid, ...lines, ...rows].join('')
}

const [url = 'http://127.0.0.1:9090', minutes = '15'] = process.argv.slice(2)
const dashboard = new URL('../deploy/grafana.json', import.meta.url)
const { panels } = JSON.parse(readFileSync(dashboard, 'utf8')) as { panels: Panel[] }
const drawn = await Promise.all(panels.map(async (panel) => draw(panel, await query(url, panel, Number(minutes)))))
const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * ROW
const style =
  'text{font:11px sans-serif;fill:#ccccdc}.t{font-size:13px;font-weight:bold}.b{font-size:34px;fill:#73bf69;text-anchor:middle}' +
  '.m{font-size:15px;text-anchor:middle}.a{text-anchor:end;fill:#9fa7b3}.l{font-size:10.5px}'
const width = 24 * COLUMN
const page =
  `<body style="margin:0;background:#111217"><svg width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">` +
  `<style>${style}</style>${drawn.join('')}</svg></body>`
const browser = await launchChromium()
const tab = await browser.newPage({ viewport: { width, height } })
await tab.setContent(page)
writeFileSync(new URL('../docs/screenshots/dashboard.png', import.meta.url), toSmallPng(await tab.screenshot()))
await browser.close()
