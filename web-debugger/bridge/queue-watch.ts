/**
 * Keeps the list of work queues up to date while somebody looks at it: how much each holds and who works on it; finds and
 * orders them. Looks into none of them. No DOM.
 */
import { computed, effect, signal, untracked, type ReadonlySignal, type Signal } from '@preact/signals'
import { ApiError, type Api } from '../api/client.ts'
import { isLastingRefusal, refusalWords } from '../api/refusal-words.ts'
import type { Queue } from '../api/types.ts'

const INTERVAL_MS = 3000
/** To list queues the bridge looks through the keys of Redis: where that takes long it is asked less often. */
const PAUSE_PER_ANSWER = 10
/** Redis may be back. */
const MAX_PAUSE_MS = 15_000

export type QueueOrder = 'name' | 'ready' | 'dead'

export interface QueueWatch {
  readonly apiKey: Signal<string>
  /** A part of the destination. */
  readonly search: Signal<string>
  readonly order: Signal<QueueOrder>
  /** The last answer; it stays when Redis goes away. Undefined where there is none, or nothing may be seen. */
  readonly queues: ReadonlySignal<readonly Queue[] | undefined>
  /** Those of them that are searched for, in the order that is wanted. */
  readonly found: ReadonlySignal<readonly Queue[]>
  /** Of all queues together. */
  readonly sum: ReadonlySignal<Omit<Queue, 'queue'>>
  /** Why there is nothing, or nothing new. */
  readonly problem: ReadonlySignal<string | undefined>
  /** `no-queues`: none is configured. `no-key`: it takes one; `wrong-key`: another one. */
  readonly access: ReadonlySignal<'unknown' | 'ok' | 'no-queues' | 'no-key' | 'wrong-key'>
  /** Asks now. Never rejects: see `problem`. */
  refresh(): Promise<void>
  /** What is known of one queue; it holds nothing if it is not listed. */
  of(destination: string): Queue
  /** Asks every three seconds while nothing lasting is wrong; gives what ends it. */
  start(): () => void
}

export interface QueueWatchOptions {
  readonly api: Pick<Api, 'queues'>
  readonly apiKey: Signal<string>
  /** Is anybody looking? */
  readonly isVisible?: () => boolean
}

export function createQueueWatch({ api, apiKey, isVisible = () => true }: QueueWatchOptions): QueueWatch {
  const search = signal('')
  const order = signal<QueueOrder>('name')
  const queues = signal<readonly Queue[] | undefined>(undefined)
  const failure = signal<ApiError | undefined>(undefined)
  let lastRequest = 0

  const refresh = async () => {
    const request = ++lastRequest
    try {
      const answer = await api.queues()
      if (request !== lastRequest) return
      queues.value = answer
      failure.value = undefined
    } catch (error) {
      if (request !== lastRequest) return
      failure.value = error instanceof ApiError ? error : new ApiError('unreachable', 0, String(error))
      if (isLastingRefusal(failure.value)) queues.value = undefined
    }
  }
  const isStuck = () => failure.peek() !== undefined && isLastingRefusal(failure.peek()!)

  return {
    apiKey,
    search,
    order,
    queues,
    found: computed(() => sorted(withName(queues.value ?? [], search.value.trim()), order.value)),
    sum: computed(() => sumOf(queues.value ?? [])),
    problem: computed(() => failure.value && refusalWords(failure.value, apiKey.value !== '')),
    access: computed(() => {
      const status = failure.value?.status
      if (status === 404) return 'no-queues'
      if (status === 401) return apiKey.value === '' ? 'no-key' : 'wrong-key'
      return queues.value ? 'ok' : 'unknown'
    }),
    refresh,
    of: (destination) => queues.value?.find(({ queue }) => queue === destination) ?? { queue: destination, ...EMPTY },
    start() {
      let timer: ReturnType<typeof setTimeout> | undefined
      let isStopped = false
      const wait = (ms: number) => {
        clearTimeout(timer)
        if (!isStopped) timer = setTimeout(() => void next(), ms)
      }
      const next = async () => {
        const begunAt = Date.now()
        if (isVisible() && !isStuck()) await refresh()
        wait(Math.min(MAX_PAUSE_MS, Math.max(INTERVAL_MS, PAUSE_PER_ANSWER * (Date.now() - begunAt))))
      }
      const stop = effect(() => {
        // With another key, what was wrong before may be right now.
        void apiKey.value
        untracked(() => {
          failure.value = undefined
          void next()
        })
      })
      return () => {
        isStopped = true
        stop()
        clearTimeout(timer)
      }
    },
  }
}

const EMPTY = { ready: 0, pending: 0, consumers: 0, dead: 0 }

function withName(queues: readonly Queue[], part: string): readonly Queue[] {
  return queues.filter(({ queue }) => queue.toLowerCase().includes(part.toLowerCase()))
}

/** By name they come as they were answered. */
function sorted(queues: readonly Queue[], order: QueueOrder): readonly Queue[] {
  return order === 'name' ? queues : [...queues].sort((a, b) => b[order] - a[order])
}

function sumOf(queues: readonly Queue[]): Omit<Queue, 'queue'> {
  const sum = { ...EMPTY }
  for (const { ready, pending, consumers, dead } of queues) {
    sum.ready += ready
    sum.pending += pending
    sum.consumers += consumers
    sum.dead += dead
  }
  return sum
}
