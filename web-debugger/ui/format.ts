/** Numbers and times as people read them. Pure. */

export function formatCount(value: number): string {
  return value.toLocaleString('en')
}

/** `512 B`, `64 KiB`, `1.5 MiB`, `977 KiB`: short enough for a column of them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let value = bytes
  let unit = 0
  // `1,010 KiB` would be wider than all others.
  while (value >= (unit === 0 ? 1024 : 999.5) && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toFixed(value < 99.95 ? 1 : 0)).toLocaleString('en')} ${units[unit]}`
}

/** The two largest units: `3 d 4 h`, `12 min 5 s`, `8 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([value]) => value > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([value], i) => i === 0 || value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** A short time in one unit: `0.3 s`, `12 s`; minutes and more as {@link formatDuration}. */
export function formatSeconds(ms: number): string {
  if (ms >= 60_000) return formatDuration(ms)
  return ms >= 9_950 ? `${Math.round(ms / 1000)} s` : `${Number((ms / 1000).toFixed(1))} s`
}

/** What something took: `0.4 ms`, `120 ms`, `1.2 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`
}

/** A limit by its name, which ends in its unit: `maxFrameBytes`, `connectTimeoutMs`, `maxSessions`. */
export function formatLimit(name: string, value: number | null): string {
  if (value === null) return 'none'
  // A limit of 0 would let nobody do anything: it means that there is none.
  if (value === 0) return 'off'
  if (name.endsWith('Bytes')) return formatBytes(value)
  if (name.endsWith('Ms')) return value < 1000 ? `${value} ms` : formatDuration(value)
  return formatCount(value)
}

const pad = (value: number, length = 2): string => String(value).padStart(length, '0')

/** Of the day, to the millisecond, in the time of this computer. */
export function formatTime(atMs: number): string {
  const date = new Date(atMs)
  const day = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  return `${day}.${pad(date.getMilliseconds(), 3)}`
}

/** Between two times: `+0.4 ms`, `+12 ms`, `+1.25 s`, `+2 min`, `+9 d`; `−12 ms` where a clock was set back. */
export function formatGap(ms: number): string {
  const gap = Math.abs(ms)
  const sign = ms > -0.05 ? '+' : '−'
  if (gap < 9.95) return `${sign}${Number(gap.toFixed(1))} ms`
  if (gap < 999.5) return `${sign}${Math.round(gap)} ms`
  if (gap < 60_000) return `${sign}${Number((gap / 1000).toFixed(2))} s`
  if (gap < 3_600_000) return `${sign}${Math.floor(gap / 60_000)} min`
  // An imported log may have been open for days.
  return `${sign}${gap < 172_800_000 ? `${Math.floor(gap / 3_600_000)} h` : `${Math.floor(gap / 86_400_000)} d`}`
}

/** Of the day, to the second; with the date where it is another day. */
export function formatClock(atMs: number, nowMs = Date.now()): string {
  const date = new Date(atMs)
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  const day = (of: Date) => `${of.getFullYear()}-${pad(of.getMonth() + 1)}-${pad(of.getDate())}`
  return day(date) === day(new Date(nowMs)) ? time : `${day(date)} ${time}`
}

/** A rate for people: `0`, `0.4`, `12`, `1,200`. */
export function formatRate(rate: number): string {
  if (rate === 0) return '0'
  if (rate < 0.1) return '<0.1'
  return rate < 10 ? rate.toFixed(1).replace(/\.0$/, '') : Math.round(rate).toLocaleString('en')
}
