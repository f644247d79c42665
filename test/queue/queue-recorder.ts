/** What a store of queues tells of those that wait, to be looked at or waited for. */
import type { QueueListener, TakenEntry } from '../../src/queue/queue.ts'
import { waitFor } from '../support/wait.ts'

export class QueueRecorder implements QueueListener {
  readonly arrivals: { readonly stream: string; readonly entries: readonly TakenEntry[] }[] = []
  readonly ends: { readonly stream: string; readonly isUnsure: boolean }[] = []

  arrived(stream: string, entries: readonly TakenEntry[]): void {
    this.arrivals.push({ stream, entries })
  }

  waitEnded(stream: string, isUnsure: boolean): void {
    this.ends.push({ stream, isUnsure })
  }

  /** How many waits are over. */
  get count(): number {
    return this.arrivals.length + this.ends.length
  }

  clear(): void {
    this.arrivals.length = 0
    this.ends.length = 0
  }

  async untilOver(count = 1): Promise<void> {
    await waitFor(() => this.count >= count, { timeoutMs: 10_000 })
  }
}
