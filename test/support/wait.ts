/**
 * Polling, for what has no event to wait for. Tests and the other support modules call it; it knows nothing of the
 * bridge.
 */
import { inspect } from 'node:util'

export interface WaitOptions {
  /** 5,000 unless told. */
  readonly timeoutMs?: number
  readonly intervalMs?: number
}

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>

/**
 * Calls the probe until it gives something truthy, and gives that.
 *
 * Errors: rejects at the time limit with what the probe gave last; at once when it throws.
 */
export async function waitFor<T>(probe: () => T | Promise<T>, options: WaitOptions = {}): Promise<Truthy<T>> {
  const { timeoutMs = 5_000, intervalMs = 10 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const last = await probe()
    if (last) return last as Truthy<T>
    if (performance.now() >= deadline) throw new Error(`Waited ${timeoutMs} ms in vain; last: ${inspect(last)}`)
    await pause(intervalMs)
  }
}

/**
 * Calls the assertions until they hold, and gives what they return.
 *
 * Errors: rejects at the time limit with their last failure.
 */
export async function eventually<T>(assertions: () => T | Promise<T>, options: WaitOptions = {}): Promise<T> {
  const { timeoutMs = 5_000, intervalMs = 10 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      return await assertions()
    } catch (error) {
      if (performance.now() >= deadline) throw error
    }
    await pause(intervalMs)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
