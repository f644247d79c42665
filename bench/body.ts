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

/** The same clock in every process of this machine, in milliseconds with a fraction. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now()
}
