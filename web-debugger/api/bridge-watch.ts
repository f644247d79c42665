/**
 * Keeps what is known of the bridge up to date: asks again and again while somebody watches, makes rates and their
 * history, and knows why there is nothing when there is nothing. Holds the token; the views only read signals.
 */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { ApiError, type Api } from './client.ts'
import { ratesBetween, type RatePoint, type Rates } from './rates.ts'
import type { About, Bridge } from './types.ts'

/** How long the history is, in answers: five minutes. */
const MAX_POINTS = 150
const INTERVAL_MS = 2000
/** Rates over less than this say nothing. */
const MIN_SPAN_MS = 1000

/** What this page may do with the debug API: `unknown` until the first answer. */
export type Access = 'unknown' | 'on' | 'off' | 'token-needed' | 'token-wrong' | 'refused' | 'unreachable'

export interface BridgeWatch {
  readonly about: ReadonlySignal<About | undefined>
  readonly access: ReadonlySignal<Access>
  /** The last answer; it stays when the bridge goes away. */
  readonly bridge: ReadonlySignal<Bridge | undefined>
  readonly rates: ReadonlySignal<Rates | undefined>
  /** Oldest first. */
  readonly history: ReadonlySignal<readonly RatePoint[]>
  readonly problem: ReadonlySignal<ApiError | undefined>
  readonly token: Signal<string>
  /** Asks now. Never rejects: see `problem`. */
  refresh(): Promise<void>
  /** Asks every two seconds from now on, while the page is in sight; gives what ends it. */
  start(): () => void
}

export interface BridgeWatchOptions {
  readonly api: Pick<Api, 'about' | 'bridge'>
  readonly token: Signal<string>
  /** Is anybody looking? */
  readonly isVisible?: () => boolean
}

export function createBridgeWatch({ api, token, isVisible = () => true }: BridgeWatchOptions): BridgeWatch {
  const about = signal<About | undefined>(undefined)
  const bridge = signal<Bridge | undefined>(undefined)
  const rates = signal<Rates | undefined>(undefined)
  const history = signal<readonly RatePoint[]>([])
  const problem = signal<ApiError | undefined>(undefined)

  let earlier: Bridge | undefined
  const take = (answer: Bridge) => {
    bridge.value = answer
    const isTooSoon = earlier?.node === answer.node && Math.abs(answer.now - earlier.now) < MIN_SPAN_MS
    if (isTooSoon) return
    rates.value = earlier && ratesBetween(earlier, answer)
    earlier = answer
    if (!rates.value) return
    const point = { at: answer.now, published: rates.value.published, delivered: rates.value.delivered }
    history.value = [...history.value, point].slice(-MAX_POINTS)
  }

  const ask = async () => {
    // What it says may have changed with a restart.
    if (!about.value || problem.value) about.value = await api.about()
    const { api: isOn, tokenNeeded } = about.value
    if (isOn && (!tokenNeeded || token.value !== '')) take(await api.bridge())
  }
  const refresh = async () => {
    try {
      await ask()
      problem.value = undefined
    } catch (error) {
      problem.value = error instanceof ApiError ? error : new ApiError('unreachable', 0, String(error))
      rates.value = undefined
    }
  }

  return {
    about,
    bridge,
    rates,
    history,
    problem,
    token,
    access: computed(() => accessOf(about.value, problem.value, token.value)),
    refresh,
    start() {
      let timer: ReturnType<typeof setTimeout> | undefined
      let isStopped = false
      const wait = () => {
        if (!isStopped) timer = setTimeout(() => void next(), INTERVAL_MS)
      }
      const next = async () => {
        if (isVisible()) await refresh()
        wait()
      }
      wait()
      return () => {
        isStopped = true
        clearTimeout(timer)
      }
    },
  }
}

function accessOf(about: About | undefined, problem: ApiError | undefined, token: string): Access {
  if (problem?.status === 401) return token === '' ? 'token-needed' : 'token-wrong'
  if (problem?.status === 403) return 'refused'
  if (problem) return 'unreachable'
  if (!about) return 'unknown'
  if (!about.api) return 'off'
  return about.tokenNeeded && token === '' ? 'token-needed' : 'on'
}
