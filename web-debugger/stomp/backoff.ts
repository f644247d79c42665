/** How long to wait before the next attempt: twice as long each time, never twice the same. */

const FIRST_MS = 1_000
const LONGEST_MS = 30_000

/** `attempt` counts from 0; `random` is in [0, 1). Clients that lost one server do not come back in one moment. */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10))
  return Math.round(full / 2 + (full / 2) * random)
}
