/** Keeps the list of sessions up to date while somebody looks at it, and closes them. No DOM. */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { ApiError, type Api } from '../api/client.ts'
import type { SessionList } from '../api/types.ts'

const INTERVAL_MS = 2000
const LIMIT = 100

export interface SessionWatch {
  readonly search: Signal<string>
  /** Undefined before the first answer. */
  readonly list: ReadonlySignal<SessionList | undefined>
  readonly problem: ReadonlySignal<string | undefined>
  refresh(): Promise<void>
  close(id: string): Promise<void>
  /** Asks every two seconds; gives what ends it. */
  start(): () => void
}

export function createSessionWatch(api: Pick<Api, 'sessions' | 'closeSession'>): SessionWatch {
  const search = signal('')
  const list = signal<SessionList | undefined>(undefined)
  const problem = signal<string | undefined>(undefined)
  let lastRequest = 0

  const refresh = async () => {
    const request = ++lastRequest
    try {
      const answer = await api.sessions(search.peek().trim(), LIMIT)
      // A slow answer to what was searched before must not replace a newer one.
      if (request === lastRequest) list.value = answer
      problem.value = undefined
    } catch (error) {
      if (request === lastRequest) problem.value = wordsOf(error)
    }
  }

  return {
    search,
    list,
    problem,
    refresh,
    async close(id) {
      try {
        await api.closeSession(id)
      } catch (error) {
        // It is gone, which is what was wanted.
        if (!(error instanceof ApiError && error.status === 404)) {
          problem.value = wordsOf(error)
          return
        }
      }
      await refresh()
    },
    start() {
      const stopSearch = search.subscribe(() => void refresh())
      const timer = setInterval(() => void refresh(), INTERVAL_MS)
      return () => {
        stopSearch()
        clearInterval(timer)
      }
    },
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
