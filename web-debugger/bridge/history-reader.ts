/**
 * Reads the history of one destination for somebody who looks: page by page, oldest first, with what new subscribers
 * get; and empties it. No DOM.
 */
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { ApiError, type Api } from '../api/client.ts'
import { refusalWords } from '../api/refusal-words.ts'
import type { HistoryMessage } from '../api/types.ts'

const PAGE = 50

/** What was read. */
export interface ReadHistory {
  readonly destination: string
  /** Does the destination have a history? */
  readonly isKept: boolean
  readonly epoch: string
  /** The offset of the newest message that there ever was. */
  readonly newest: string
  /** Oldest first. */
  readonly messages: readonly HistoryMessage[]
  /** What comes first to new subscribers, whether they ask or not. */
  readonly retained: HistoryMessage | undefined
  /** Are there some behind those that were read? */
  readonly hasMore: boolean
}

export interface HistoryReader {
  readonly destination: Signal<string>
  readonly isBusy: ReadonlySignal<boolean>
  readonly view: ReadonlySignal<ReadHistory | undefined>
  /** Why there is nothing, or nothing new. */
  readonly problem: ReadonlySignal<string | undefined>
  /** What else happened: it was emptied, or something went while it was read. */
  readonly note: Signal<string | undefined>
  /** From the beginning. Never rejects, as those below: see `problem`. */
  read(): Promise<void>
  /** What came behind those that are shown. */
  readMore(): Promise<void>
  empty(): Promise<void>
}

export interface HistoryReaderOptions {
  readonly api: Pick<Api, 'history' | 'retained' | 'clearHistory'>
  readonly apiKey: ReadonlySignal<string>
}

export function createHistoryReader({ api, apiKey }: HistoryReaderOptions): HistoryReader {
  const destination = signal('')
  const view = signal<ReadHistory | undefined>(undefined)
  const problem = signal<string | undefined>(undefined)
  const note = signal<string | undefined>(undefined)
  const busy = signal(0)
  let lastRequest = 0

  /** Only what was asked last counts. */
  const run = async (work: () => Promise<() => void>) => {
    const request = ++lastRequest
    busy.value++
    try {
      const take = await work()
      if (request !== lastRequest) return
      batch(() => {
        problem.value = undefined
        take()
      })
    } catch (error) {
      if (request === lastRequest) problem.value = wordsFor(error, apiKey.peek() !== '')
    } finally {
      busy.value--
    }
  }

  const readAll = async (wanted: string): Promise<ReadHistory> => {
    const [page, retained] = await Promise.all([
      unless(['no-history', 'not-found'], api.history(wanted, PAGE)),
      unless(['not-found'], api.retained(wanted)),
    ])
    const { epoch = '', offset: newest = '', messages = [] } = page ?? {}
    const isKept = page !== undefined
    return { destination: wanted, isKept, epoch, newest, messages, retained, hasMore: hasMore(messages, newest) }
  }

  const read = (words?: string) =>
    run(async () => {
      const wanted = destination.peek().trim()
      if (wanted === '') throw new ApiError('empty', 0, 'Give a destination, such as /topic/prices/gold')
      if (/[*?]/.test(wanted))
        throw new ApiError('empty', 0, 'A pattern has no history of its own: name one destination')
      const all = await readAll(wanted)
      return () => {
        view.value = all
        note.value = words
      }
    }).then(() => {
      // It would be taken for that of the destination in the field.
      if (problem.peek() !== undefined) view.value = undefined
    })

  return {
    destination,
    isBusy: computed(() => busy.value > 0),
    view,
    problem,
    note,
    read: () => read(),
    readMore: () =>
      run(async () => {
        const before = view.peek()
        if (!before) return () => {}
        const offset = before.messages.at(-1)?.offset
        const after = offset === undefined ? undefined : { offset, epoch: before.epoch }
        const page = await api.history(before.destination, PAGE, after)
        return () => {
          const isOther = page.epoch !== before.epoch
          const kept = isOther || after === undefined ? [] : before.messages
          const messages = [...kept, ...page.messages]
          const { epoch, offset: newest } = page
          view.value = { ...before, epoch, newest, messages, hasMore: hasMore(messages, newest) }
          note.value = lossOf(isOther, page.recovered)
        }
      }),
    empty: async () => {
      const before = view.peek()
      if (!before) return
      let isEmptied = false
      await run(async () => {
        await api.clearHistory(before.destination)
        return () => (isEmptied = true)
      })
      if (!isEmptied) return
      destination.value = before.destination
      await read(`The history of ${before.destination} is empty now. Subscribers that asked were told.`)
    },
  }
}

function hasMore(messages: readonly HistoryMessage[], newest: string): boolean {
  const last = messages.at(-1)?.offset
  return last !== undefined && last !== newest
}

function lossOf(isOther: boolean, isRecovered: boolean | undefined): string | undefined {
  if (isOther) return 'The history began anew meanwhile: this is all of it from its beginning.'
  return isRecovered === false ? 'Some messages went meanwhile, before they were read here.' : undefined
}

/** Undefined in place of an error with one of these codes. */
async function unless<T>(codes: readonly string[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && codes.includes(error.code)) return undefined
    throw error
  }
}

function wordsFor(error: unknown, hasKey: boolean): string {
  return refusalWords(error instanceof ApiError ? error : new ApiError('unreachable', 0, String(error)), hasKey)
}
