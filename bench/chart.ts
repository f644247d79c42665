/** The results as a bar chart in SVG, for the README: CPU per delivery, shorter is better. Readable on light and dark. Pure. */
import type { Row } from './row.ts'

const WIDTH = 760
const LABEL_WIDTH = 210
const BAR_HEIGHT = 20
const GAP = 8
const TOP = 56
const VALUE_WIDTH = 90

/** `rows` of one case; the bridge is the name that `ours` begins with. */
export function chart(rows: readonly Row[], ours: string): string {
  const sorted = [...rows].sort((a, b) => a.value - b.value)
  const longest = Math.max(...sorted.map(({ value }) => value))
  const height = TOP + sorted.length * (BAR_HEIGHT + GAP) + GAP
  const bars = sorted.map(({ contender, value }, i) => {
    const y = TOP + i * (BAR_HEIGHT + GAP)
    const width = Math.max(2, (value / longest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH))
    const middle = y + BAR_HEIGHT / 2 + 5
    const colour = contender.startsWith(ours) ? 'ours' : 'theirs'
    return [
      `<text x="${LABEL_WIDTH - 10}" y="${middle}" text-anchor="end">${escapeXml(contender)}</text>`,
      `<rect class="${colour}" x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="3"/>`,
      `<text x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${middle}">${value.toFixed(2)} µs</text>`,
    ].join('\n')
  })
  const what = rows[0]?.case ?? ''
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>Server CPU per delivered message: ${escapeXml(what)}</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600; font-size: 15px }
.ours { fill: #1a7f64 } .theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #3fb994 } .theirs { fill: #6e7681 } }
</style>
<text class="title" x="10" y="22">Server CPU per delivered message</text>
<text x="10" y="42">${escapeXml(what)}; shorter is better</text>
${bars.join('\n')}
</svg>
`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
