/**
 * Measures in the page how soon it answers: the delay of every key, and how long the page was busy at a time. Knows
 * nothing of what the page is about.
 */
import type { Page } from 'playwright-core'

export interface Fluidity {
  /** Keys that were pressed since the probe was set. */
  readonly keys: number
  /** Longest from a key to the code of the page that hears it, ms: `processingStart - startTime`. */
  readonly worstDelayMs: number
  /** Longest from a key to the picture that shows what it did, ms; what is below 16 counts as 0. */
  readonly worstUntilPaintMs: number
  /** Longest that the page was busy without a pause, ms; what is below 50 counts as 0. */
  readonly longestTaskMs: number
  /** Pictures a second. */
  readonly framesPerSecond: number
}

const PROBE = `(() => {
  const seen = { keys: 0, worstDelayMs: 0, worstUntilPaintMs: 0, longestTaskMs: 0, frames: 0, startedAt: performance.now() }
  const isKey = ({ name, startTime }) => startTime >= seen.startedAt && /^(key|input|beforeinput)/.test(name)
  const inputs = new PerformanceObserver((list) => {
    for (const entry of list.getEntries().filter(isKey)) {
      seen.worstDelayMs = Math.max(seen.worstDelayMs, entry.processingStart - entry.startTime)
      seen.worstUntilPaintMs = Math.max(seen.worstUntilPaintMs, entry.duration)
    }
  })
  inputs.observe({ type: 'event', durationThreshold: 16 })
  const tasks = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.longestTaskMs = Math.max(seen.longestTaskMs, duration)
  })
  tasks.observe({ type: 'longtask' })
  // Chromium tells of no event that is quick, so the rest are measured here.
  const onKey = (event) => {
    seen.keys++
    seen.worstDelayMs = Math.max(seen.worstDelayMs, performance.now() - event.timeStamp)
  }
  addEventListener('keydown', onKey, true)
  let isRunning = true
  const countFrame = () => {
    seen.frames++
    if (isRunning) requestAnimationFrame(countFrame)
  }
  requestAnimationFrame(countFrame)
  window.readProbe = () => new Promise((resolve) => {
    // Two pictures later every entry is there.
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
      isRunning = false
      inputs.disconnect()
      tasks.disconnect()
      removeEventListener('keydown', onKey, true)
      const { startedAt, frames, ...rest } = seen
      resolve({ ...rest, framesPerSecond: (frames * 1000) / (performance.now() - startedAt) })
    })))
  })
})()`

/** Measures while the work is done. */
export async function measure(page: Page, work: () => Promise<unknown>): Promise<Fluidity> {
  await page.evaluate(PROBE)
  await work()
  return page.evaluate<Fluidity>('readProbe()')
}

/** The first result that is good, of up to three: on a machine with other work one may be bad by accident. The last if none is. */
export async function bestOfThree(attempt: () => Promise<Fluidity>, isGood: (result: Fluidity) => boolean) {
  const results: Fluidity[] = []
  do {
    results.push(await attempt())
  } while (!isGood(results.at(-1)!) && results.length < 3)
  return { result: results.at(-1)!, results }
}
