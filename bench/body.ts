/** Message bodies that clients can count without parsing, and read the time of sending from. */

/** Once in every message body and nowhere else: WebSocket headers, frame heads and bodies are made to be free of it. */
export const MARKER = '`'
export const MARKER_BYTE = MARKER.charCodeAt(0)

/** Digits of a time stamp, behind the marker. */
export const STAMP_LENGTH = 18

/** Unless a scenario says otherwise, bodies have this many bytes. */
export const BODY_BYTES = 128

/** A body without a time. */
export function body(bytes = BODY_BYTES): string {
  return MARKER.padEnd(bytes, 'x')
}

/** A body with a time in it, by default now; in milliseconds, as `wallClockMs` counts them. */
export function stampedBody(bytes = BODY_BYTES, at = wallClockMs()): string {
  return (MARKER + at.toFixed(4).padStart(STAMP_LENGTH, '0')).padEnd(bytes, 'x')
}

/** JSON as backends send it, of about a kilobyte: an array of records whose values differ from body to body. */
export function jsonBody(seed: number): string {
  const records = Array.from({ length: 9 }, (_, i) => {
    const value = mixed(seed * 9 + i)
    return {
      id: `${MARKER.slice(i)}${value.toString(36)}`,
      symbol: ['AAPL', 'GOOG', 'MSFT', 'NVDA', 'ORCL'][value % 5],
      price: (value % 100_000) / 100,
      change: ((value >>> 7) % 1_000) / 100 - 5,
      side: value % 2 === 0 ? 'buy' : 'sell',
      at: new Date(1_700_000_000_000 + value).toISOString(),
    }
  })
  return JSON.stringify(records)
}

/** A number of 32 bits that looks random and is the same in every run. */
function mixed(index: number): number {
  let value = (index + 1) * 0x9e3779b1
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

/** The same clock in every process of this machine, in milliseconds with a fraction. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now()
}
