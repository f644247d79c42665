/** Knows the last hour of the bridge while somebody looks: asks when it begins, and with every new sample. No DOM. */
import { signal, type ReadonlySignal } from '@preact/signals'
import type { Api } from './client.ts'
import type { Sample } from './types.ts'

const INTERVAL_MS = 10_000

export interface SampleWatch {
  /** Oldest first; the last ones stay when the bridge goes away. */
  readonly samples: ReadonlySignal<readonly Sample[]>
  /** Asks from now on; gives what ends it. */
  start(): () => void
}

export function createSampleWatch(api: Pick<Api, 'samples'>): SampleWatch {
  const samples = signal<readonly Sample[]>([])
  return {
    samples,
    start() {
      let isStopped = false
      const ask = async () => {
        try {
          const answer = await api.samples()
          if (!isStopped) samples.value = answer.samples
        } catch {
          // What is wrong is said above the chart; the next answer may come.
        }
      }
      void ask()
      const timer = setInterval(() => void ask(), INTERVAL_MS)
      return () => {
        isStopped = true
        clearInterval(timer)
      }
    },
  }
}
