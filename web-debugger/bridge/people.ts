/**
 * Knows who is connected, by name and over all nodes, while somebody looks: a page of users, the one that was chosen,
 * and who has subscribed a destination. Ends sessions too. Everything here takes an API key. No DOM.
 */
import { computed, effect, signal, untracked, type ReadonlySignal, type Signal } from '@preact/signals'
import { ApiError, type Api } from '../api/client.ts'
import { isLastingRefusal, refusalWords } from '../api/refusal-words.ts'
import type { Presence, Revocation, User, UsersPage } from '../api/types.ts'

const INTERVAL_MS = 3000
const PAGE = 20

/** What became of the last thing that was done. */
export interface Done {
  readonly isOk: boolean
  readonly text: string
}

export interface People {
  readonly apiKey: Signal<string>
  /** The beginning of a name. */
  readonly search: Signal<string>
  /** Undefined before the first answer. */
  readonly page: ReadonlySignal<UsersPage | undefined>
  /** From 1. */
  readonly pageNumber: ReadonlySignal<number>
  readonly chosen: ReadonlySignal<User | undefined>
  /** Why there is nothing, or nothing new. */
  readonly problem: ReadonlySignal<string | undefined>
  /** The key is the problem. */
  readonly isKeyWrong: ReadonlySignal<boolean>
  readonly done: Signal<Done | undefined>
  readonly destination: Signal<string>
  readonly presence: ReadonlySignal<Presence | undefined>
  readonly presenceProblem: ReadonlySignal<string | undefined>
  refresh(): Promise<void>
  nextPage(): Promise<void>
  previousPage(): Promise<void>
  /** Shows the sessions of a user, whether on the page or not; none for undefined. */
  choose(name: string | undefined): Promise<void>
  askPresence(): Promise<void>
  closeSession(id: string): Promise<void>
  closeUser(name: string): Promise<void>
  revoke(revocation: Revocation, words: string): Promise<void>
  /** Asks every three seconds while there is a key and nothing lasting is wrong; gives what ends it. */
  start(): () => void
}

type PeopleApi = Pick<Api, 'users' | 'user' | 'presence' | 'endSession' | 'closeUser' | 'revoke'>

export function createPeople({ api, apiKey }: { readonly api: PeopleApi; readonly apiKey: Signal<string> }): People {
  const search = signal('')
  const page = signal<UsersPage | undefined>(undefined)
  /** Where each page begins, up to the one that is shown. */
  const starts = signal<readonly (string | undefined)[]>([undefined])
  const name = signal<string | undefined>(undefined)
  const chosen = signal<User | undefined>(undefined)
  const failure = signal<ApiError | undefined>(undefined)
  const done = signal<Done | undefined>(undefined)
  const destination = signal('')
  const presence = signal<Presence | undefined>(undefined)
  const presenceProblem = signal<string | undefined>(undefined)
  let lastRequest = 0
  let lastPresence = 0

  const words = (error: unknown) => refusalWords(asApiError(error), apiKey.peek() !== '')

  const refresh = async () => {
    const request = ++lastRequest
    const [prefix, start, user] = [search.peek().trim(), starts.peek().at(-1), name.peek()]
    try {
      const [answer, person] = await Promise.all([
        api.users(PAGE, start ?? beforePrefix(prefix)),
        user === undefined ? undefined : api.user(user),
      ])
      if (request !== lastRequest) return
      page.value = startingWith(answer, prefix)
      chosen.value = person
      failure.value = undefined
    } catch (error) {
      if (request === lastRequest) failure.value = asApiError(error)
    }
  }

  const askPresence = async () => {
    const request = ++lastPresence
    const wanted = destination.peek().trim()
    try {
      if (wanted === '') throw new ApiError('empty', 0, 'Give a destination, such as /topic/rooms/1')
      const answer = await api.presence(wanted)
      if (request !== lastPresence) return
      presence.value = answer
      presenceProblem.value = undefined
    } catch (error) {
      if (request !== lastPresence) return
      presence.value = undefined
      presenceProblem.value = words(error)
    }
  }

  const act = async (work: () => Promise<string>) => {
    try {
      done.value = { isOk: true, text: await work() }
    } catch (error) {
      done.value = { isOk: false, text: words(error) }
    }
    await refresh()
  }

  const turnTo = (pages: readonly (string | undefined)[]) => {
    starts.value = pages
    return refresh()
  }

  return {
    apiKey,
    search,
    page,
    pageNumber: computed(() => starts.value.length),
    chosen,
    problem: computed(() => failure.value && words(failure.value)),
    isKeyWrong: computed(() => failure.value?.status === 401 && apiKey.value !== ''),
    done,
    destination,
    presence,
    presenceProblem,
    refresh,
    nextPage: async () => {
      const next = page.value?.next
      if (next !== undefined) await turnTo([...starts.value, next])
    },
    previousPage: async () => {
      if (starts.value.length > 1) await turnTo(starts.value.slice(0, -1))
    },
    choose: async (wanted) => {
      name.value = wanted
      if (wanted === undefined) chosen.value = undefined
      else await refresh()
    },
    askPresence,
    closeSession: (id) =>
      act(async () => {
        await api.endSession(id).catch((error: unknown) => {
          // It is gone, which is what was wanted.
          if (!(error instanceof ApiError && error.status === 404 && error.code === 'not-found')) throw error
        })
        return `Session ${id} is closed.`
      }),
    closeUser: (user) =>
      act(async () => {
        const count = await api.closeUser(user)
        return `${count === 1 ? 'One session' : `${count} sessions`} of ${user} closed. ${user} may connect again.`
      }),
    revoke: (revocation, text) =>
      act(async () => {
        await api.revoke(revocation)
        return text
      }),
    start() {
      let isFirst = true
      const stop = effect(() => {
        // Another key, or other names: what was wrong before may be right now.
        const isKeyThere = apiKey.value !== ''
        void search.value
        untracked(() => {
          if (!isFirst) starts.value = [undefined]
          isFirst = false
          failure.value = undefined
          if (isKeyThere) void refresh()
          else page.value = undefined
        })
      })
      const timer = setInterval(() => {
        const isStuck = failure.value && isLastingRefusal(failure.value)
        if (apiKey.value === '' || isStuck) return
        void refresh()
        if (presence.value && presence.value.destination === destination.value.trim()) void askPresence()
      }, INTERVAL_MS)
      return () => {
        stop()
        clearInterval(timer)
      }
    },
  }
}

/** A text that stands before all names with this beginning, and behind all before them, by UTF-16 code units. */
function beforePrefix(prefix: string): string | undefined {
  const last = [...prefix].at(-1)
  if (last === undefined) return undefined
  const code = last.codePointAt(0)! - 1
  const isHalf = code >= 0xd800 && code <= 0xdfff
  return `${prefix.slice(0, -last.length)}${String.fromCodePoint(isHalf ? 0xd7ff : Math.max(0, code))}\uffff`
}

function startingWith(page: UsersPage, prefix: string): UsersPage {
  const users = page.users.filter(({ user }) => user.startsWith(prefix))
  const isLast = users.length < page.users.length || page.next === undefined
  return isLast ? { users } : { users, next: page.next }
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('unreachable', 0, String(error))
}
