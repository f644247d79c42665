/** Times and sizes, as the console writes them. */

const pad = (value: number, length = 2): string => String(value).padStart(length, '0')

/** Of the day, to the millisecond, in the time of this computer. */
export function formatTime(atMs: number): string {
  const date = new Date(atMs)
  const day = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  return `${day}.${pad(date.getMilliseconds(), 3)}`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

export function formatCount(count: number): string {
  return count.toLocaleString('en')
}
