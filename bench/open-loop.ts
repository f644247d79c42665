/** Publishing at a fixed rate, whatever the server does: a stall shows in every message that was due meanwhile. */
import { stampedBody, wallClockMs } from './body.ts'
import type { Competitor } from './arena.ts'

/** Timers are about this late; the rest is waited for by looking at the clock. In milliseconds. */
const TIMER_SLACK_MS = 2

export interface OpenLoop {
  readonly perSecond: number
  readonly seconds: number
  readonly bodyBytes?: number
}

/**
 * Publishes to all clients of a competitor. A message carries the time at which it was due, not the one at which it was
 * published. Resolves to how many were published; they may still be on their way.
 */
export async function publishAtRate(
  competitor: Competitor,
  { perSecond, seconds, bodyBytes }: OpenLoop,
): Promise<number> {
  const count = Math.round(perSecond * seconds)
  const begin = wallClockMs() + TIMER_SLACK_MS
  const published: Promise<unknown>[] = []
  for (let i = 0; i < count; i++) {
    const due = begin + (i * 1_000) / perSecond
    await until(due)
    published.push(competitor.running.publish([stampedBody(bodyBytes, due)]))
  }
  await Promise.all(published)
  return count
}

async function until(due: number): Promise<void> {
  const wait = due - wallClockMs()
  if (wait > TIMER_SLACK_MS) await new Promise((resolve) => setTimeout(resolve, wait - TIMER_SLACK_MS))
  while (wallClockMs() < due) await new Promise((resolve) => setImmediate(resolve))
}
