/**
 * Owns what the backend side of the page holds, so that it survives a change of the view: the two forms with what
 * became of them, and the watched channels. No DOM.
 */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { BridgeWatch } from '../api/bridge-watch.ts'
import { ApiError, type Api } from '../api/client.ts'
import { refusalWords } from '../api/refusal-words.ts'
import type { Codec } from '../api/types.ts'
import { createChannelWatch, type ChannelWatch } from './channel-watch.ts'
import { encodePayload, isJson, jsonProblem, type Encoded } from './payload.ts'
import { matchChannel, type RouteMatch } from './route-match.ts'

/** What became of the last attempt. */
export interface Outcome {
  readonly isOk: boolean
  readonly text: string
  /** Changes with every attempt, the same words or not. */
  readonly attempt: number
}

export interface NotificationForm {
  /** Where the bridge answers, for the command that does the same. */
  readonly root: ReadonlySignal<string>
  readonly apiKey: Signal<string>
  /** The bridge wants an API key, or has refused the one it got. */
  readonly isKeyWanted: ReadonlySignal<boolean>
  readonly isKeyWrong: ReadonlySignal<boolean>
  readonly topic: Signal<string>
  readonly message: Signal<string>
  readonly kind: Signal<'text' | 'json'>
  readonly problem: ReadonlySignal<string | undefined>
  readonly outcome: Signal<Outcome | undefined>
  readonly isBusy: ReadonlySignal<boolean>
  send(): Promise<boolean>
}

export interface PublishForm {
  readonly channel: Signal<string>
  readonly text: Signal<string>
  /** `route` is the codec of the route whose channel it is. */
  readonly choice: Signal<'route' | Codec>
  readonly match: ReadonlySignal<RouteMatch | undefined>
  /** The codec that the choice means now. */
  readonly codec: ReadonlySignal<Codec>
  readonly encoded: ReadonlySignal<Encoded>
  readonly outcome: Signal<Outcome | undefined>
  readonly isBusy: ReadonlySignal<boolean>
  send(): Promise<boolean>
}

export interface BackendSide {
  readonly notification: NotificationForm
  readonly publish: PublishForm
  readonly watch: ChannelWatch
}

export interface BackendSideOptions {
  readonly api: Pick<Api, 'notify' | 'publish' | 'tail'>
  readonly bridgeWatch: BridgeWatch
  /** Empty where there is none. */
  readonly apiKey: Signal<string>
  /** Where the bridge answers. */
  readonly root: ReadonlySignal<string>
  readonly schedule?: (change: () => void) => void
}

export function createBackendSide(options: BackendSideOptions): BackendSide {
  const { api, bridgeWatch, schedule } = options
  return {
    notification: createNotificationForm(options),
    publish: createPublishForm(api, bridgeWatch),
    watch: createChannelWatch({
      api,
      onRefused: () => void bridgeWatch.refresh(),
      ...(schedule && { schedule }),
    }),
  }
}

function createNotificationForm({ api, root, apiKey, bridgeWatch }: BackendSideOptions): NotificationForm {
  const topic = signal('/topic/toast')
  const message = signal('Hello from the backend')
  const kind = signal<'text' | 'json'>('text')
  const problem = computed(() =>
    kind.value === 'json' && !isJson(message.value) ? `This is no JSON: ${jsonProblem(message.value)}` : undefined,
  )
  const { outcome, isBusy, attempt } = createAttempts()
  /** The key that was refused, or the lack of one. */
  const refusedKey = signal<string | undefined>(undefined)
  const isRefused = computed(() => refusedKey.value === apiKey.value)
  return {
    root,
    apiKey,
    isKeyWanted: computed(() => isRefused.value || apiKey.value !== '' || bridgeWatch.bridge.value?.isOpen === false),
    isKeyWrong: computed(() => isRefused.value && apiKey.value !== ''),
    topic,
    message,
    kind,
    problem,
    outcome,
    isBusy,
    send: () =>
      attempt(async () => {
        if (topic.value.trim() === '') throw new Error('Give a topic, such as /topic/toast')
        if (problem.value !== undefined) throw new Error(problem.value)
        const value: unknown = kind.value === 'json' ? JSON.parse(message.value) : message.value
        const key = apiKey.value
        await api.notify(topic.value.trim(), value).catch((error: unknown) => {
          if (!(error instanceof ApiError)) throw error
          if (error.status === 401) refusedKey.value = key
          throw new Error(refusalWords(error, key !== ''), { cause: error })
        })
        return `Accepted. Every subscriber of ${topic.value.trim()} gets it.`
      }),
  }
}

function createPublishForm(api: Pick<Api, 'publish'>, bridgeWatch: BridgeWatch): PublishForm {
  const channel = signal('GREETING_CHANNEL_INBOUND')
  const text = signal('Hello from Redis')
  const choice = signal<'route' | Codec>('route')
  const match = computed(() => matchChannel(bridgeWatch.bridge.value?.routes ?? [], 'inbound', channel.value.trim()))
  const codec = computed<Codec>(() => (choice.value === 'route' ? (match.value?.route.codec ?? 'raw') : choice.value))
  const encoded = computed(() => encodePayload(codec.value, text.value))
  const { outcome, isBusy, attempt } = createAttempts()
  return {
    channel,
    text,
    choice,
    match,
    codec,
    encoded,
    outcome,
    isBusy,
    send: () =>
      attempt(async () => {
        if (channel.value.trim() === '') throw new Error('Give a channel, such as GREETING_CHANNEL_INBOUND')
        if ('problem' in encoded.value) throw new Error(encoded.value.problem)
        const bytes = await api.publish(channel.value.trim(), encoded.value.payload)
        const goesTo = match.value ? ` Subscribers of ${match.value.destination} get it.` : ''
        return `Published ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} on ${channel.value.trim()}.${goesTo}`
      }),
  }
}

function createAttempts() {
  const outcome = signal<Outcome | undefined>(undefined)
  const isBusy = signal(false)
  let count = 0
  const attempt = async (run: () => Promise<string>): Promise<boolean> => {
    isBusy.value = true
    try {
      outcome.value = { isOk: true, text: await run(), attempt: ++count }
    } catch (error) {
      outcome.value = { isOk: false, text: wordsOf(error), attempt: ++count }
    } finally {
      isBusy.value = false
    }
    return outcome.value?.isOk ?? false
  }
  return { outcome, isBusy, attempt }
}

function wordsOf(error: unknown): string {
  if (error instanceof ApiError) return error.message
  return error instanceof Error ? error.message : String(error)
}
