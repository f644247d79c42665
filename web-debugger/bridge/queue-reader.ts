/**
 * Looks into one work queue for somebody: its oldest messages that are ready, or its oldest dead ones. Puts dead ones back
 * and deletes. What is shown stays as it was read until somebody reads again, however fast the queue goes on. No DOM.
 */
import { batch, computed, effect, signal, untracked, type ReadonlySignal, type Signal } from '@preact/signals'
import { ApiError, isPassing, type Api } from '../api/client.ts'
import { refusalWords } from '../api/refusal-words.ts'
import type { Queue, QueueMessage } from '../api/types.ts'
import type { Done } from './people.ts'

/** Messages may be large: few at first, and then as many as somebody asks for. The last is the most that the API lists. */
const LIMITS = [20, 100, 500, 1000] as const

export type QueuePart = 'ready' | 'dead'

/** What was read. */
export interface ReadQueue {
  readonly destination: string
  readonly part: QueuePart
  /** Oldest first. */
  readonly messages: readonly QueueMessage[]
  /** Milliseconds since 1970. */
  readonly readAt: number
  /** Are there some behind those that were read? */
  readonly hasMore: boolean
  /** Can more be read? */
  readonly canReadMore: boolean
}

export interface QueueReader {
  /** Destination of the queue; undefined if none is open. */
  readonly opened: ReadonlySignal<string | undefined>
  /** Which messages are wanted. They are read when it changes. */
  readonly part: Signal<QueuePart>
  readonly view: ReadonlySignal<ReadQueue | undefined>
  readonly isBusy: ReadonlySignal<boolean>
  /** Why there is nothing, or nothing new. */
  readonly problem: ReadonlySignal<string | undefined>
  /** What became of the last thing that was done. */
  readonly done: Signal<Done | undefined>
  /** Reads the dead messages if there are only those. */
  open(queue: Queue): void
  close(): void
  /** Never rejects, as those below: see `problem` and `done`. */
  read(): Promise<void>
  readMore(): Promise<void>
  redrive(): Promise<void>
  /** Deletes the part that is shown. */
  purge(): Promise<void>
}

export interface QueueReaderOptions {
  readonly api: Pick<Api, 'queueMessages' | 'redriveQueue' | 'purgeQueue'>
  readonly apiKey: ReadonlySignal<string>
  /** The numbers of the queues have changed. */
  readonly onChange: () => Promise<void>
}

export function createQueueReader({ api, apiKey, onChange }: QueueReaderOptions): QueueReader {
  const opened = signal<string | undefined>(undefined)
  const part = signal<QueuePart>('ready')
  const view = signal<ReadQueue | undefined>(undefined)
  const problem = signal<string | undefined>(undefined)
  const done = signal<Done | undefined>(undefined)
  const busy = signal(0)
  let step = 0
  let lastRequest = 0

  const words = (error: unknown) => refusalWords(asApiError(error), apiKey.peek() !== '')

  const read = async () => {
    const request = ++lastRequest
    const [destination, wanted, limit] = [opened.peek(), part.peek(), LIMITS[step]!]
    if (destination === undefined) return
    busy.value++
    try {
      const { messages, more: hasMore } = await api.queueMessages(destination, wanted === 'dead', limit)
      if (request !== lastRequest) return
      // An answer also ends where it is long enough.
      const canReadMore = hasMore && messages.length >= limit && step < LIMITS.length - 1
      view.value = { destination, part: wanted, messages, readAt: Date.now(), hasMore, canReadMore }
      problem.value = undefined
    } catch (error) {
      if (request === lastRequest) problem.value = words(error)
    } finally {
      busy.value--
    }
  }

  effect(() => {
    const isOpen = opened.value !== undefined
    void part.value
    untracked(() => {
      // Of another queue, or other messages: they would be taken for those of this one.
      view.value = undefined
      problem.value = undefined
      step = 0
      lastRequest++
      if (isOpen) void read()
    })
  })

  const act = async (work: (destination: string) => Promise<string>) => {
    const destination = opened.peek()
    if (destination === undefined) return
    busy.value++
    try {
      done.value = { isOk: true, text: await work(destination) }
    } catch (error) {
      // It goes by some hundreds at a time.
      const rest = isPassing(asApiError(error)) ? ' Part of it may be done: the numbers tell.' : ''
      done.value = { isOk: false, text: words(error) + rest }
    } finally {
      busy.value--
    }
    await Promise.all([onChange(), read()])
  }

  return {
    opened,
    part,
    view,
    isBusy: computed(() => busy.value > 0),
    problem,
    done,
    open: ({ queue, ready, dead }) =>
      batch(() => {
        opened.value = queue
        part.value = ready === 0 && dead > 0 ? 'dead' : 'ready'
        done.value = undefined
      }),
    close: () => {
      opened.value = undefined
    },
    read,
    readMore: () => {
      step = Math.min(step + 1, LIMITS.length - 1)
      return read()
    },
    redrive: () =>
      act(async (queue) => {
        const count = await api.redriveQueue(queue)
        if (count === 0) return `Nothing went back into ${queue}: nothing was dead, or the queue is full.`
        return `${countOfMessages(count)} went back into ${queue}.`
      }),
    purge: () => {
      const isDead = part.peek() === 'dead'
      return act(async (queue) => {
        const count = await api.purgeQueue(queue, isDead)
        return `${isDead ? countOfDead(count) : countOfMessages(count)} of ${queue} deleted.`
      })
    },
  }
}

/** `1 message`, `1,200 messages`. */
export function countOfMessages(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'message' : 'messages'}`
}

export function countOfDead(count: number): string {
  return `${count.toLocaleString('en')} dead ${count === 1 ? 'message' : 'messages'}`
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('unreachable', 0, String(error))
}
