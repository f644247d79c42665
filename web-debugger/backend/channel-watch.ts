/**
 * Owns the channels that are watched live and what was seen on them. Bounded: the oldest messages go, and how many went
 * is known. No DOM; the views read signals and a list that changes in place with its version.
 */
import { signal, type ReadonlySignal } from '@preact/signals'
import type { Api, ApiError } from '../api/client.ts'
import { followChannel, type TailEvent } from '../api/tail.ts'
import type { ChannelMessage } from '../api/types.ts'

const MAX_MESSAGES = 5000
/** Dropped in one go, so that adding stays cheap. */
const SPARE_MESSAGES = 500

export interface WatchedChannel {
  readonly channel: string
  readonly state: ReadonlySignal<'connecting' | 'live' | 'unavailable' | 'refused'>
  /** Why it is not live. */
  readonly reason: ReadonlySignal<string>
  readonly messages: ReadonlySignal<number>
  /** Messages that came too fast to be shown. */
  readonly dropped: ReadonlySignal<number>
}

export interface ChannelWatch {
  readonly channels: ReadonlySignal<readonly WatchedChannel[]>
  /** Oldest first; changes in place, see `version`. */
  readonly messages: readonly ChannelMessage[]
  readonly version: ReadonlySignal<number>
  /** Older messages that are no longer in the list. */
  readonly forgotten: ReadonlySignal<number>
  /** Returns the one there is when it is watched already. */
  watch(channel: string): WatchedChannel
  unwatch(channel: string): void
  clear(): void
  /** Called with each message as it comes. Returns the function that ends it. */
  onMessage(listener: (message: ChannelMessage) => void): () => void
}

export interface ChannelWatchOptions {
  readonly api: Pick<Api, 'tail'>
  readonly onRefused?: (error: ApiError) => void
  /** Called with what redraws the list; a page gives requestAnimationFrame, so that many messages are one change. */
  readonly schedule?: (change: () => void) => void
}

export function createChannelWatch({ api, onRefused, schedule = (run) => run() }: ChannelWatchOptions): ChannelWatch {
  const channels = signal<readonly WatchedChannel[]>([])
  const version = signal(0)
  const forgotten = signal(0)
  const messages: ChannelMessage[] = []
  const aborts = new Map<string, AbortController>()
  const counts = new Map<WatchedChannel, () => void>()
  const listeners = new Set<(message: ChannelMessage) => void>()
  let isScheduled = false

  const changed = () => {
    if (isScheduled) return
    isScheduled = true
    schedule(() => {
      isScheduled = false
      for (const update of counts.values()) update()
      version.value++
    })
  }
  const add = (message: ChannelMessage) => {
    messages.push(message)
    if (messages.length >= MAX_MESSAGES + SPARE_MESSAGES) {
      messages.splice(0, SPARE_MESSAGES)
      forgotten.value += SPARE_MESSAGES
    }
  }

  return {
    channels,
    messages,
    version,
    forgotten,
    watch(channel) {
      const present = channels.value.find((entry) => entry.channel === channel)
      if (present?.state.value === 'refused') this.unwatch(channel)
      else if (present) return present
      const state = signal<'connecting' | 'live' | 'unavailable' | 'refused'>('connecting')
      const reason = signal('')
      const count = signal(0)
      const dropped = signal(0)
      let seen = 0
      const entry: WatchedChannel = { channel, state, reason, messages: count, dropped }
      const onEvent = (event: TailEvent) => {
        if (event.type === 'message') {
          seen++
          add(event.message)
          changed()
          for (const listener of listeners) listener(event.message)
        } else if (event.type === 'dropped') {
          dropped.value += event.count
        } else {
          state.value = event.type
          reason.value =
            event.type === 'unavailable' ? event.reason : event.type === 'refused' ? event.error.message : ''
          if (event.type === 'refused') onRefused?.(event.error)
        }
      }
      const abort = new AbortController()
      aborts.set(channel, abort)
      counts.set(entry, () => (count.value = seen))
      channels.value = [...channels.value, entry]
      void followChannel({ api, channel, onEvent, signal: abort.signal })
      return entry
    },
    unwatch(channel) {
      aborts.get(channel)?.abort()
      aborts.delete(channel)
      for (const entry of channels.value) if (entry.channel === channel) counts.delete(entry)
      channels.value = channels.value.filter((entry) => entry.channel !== channel)
    },
    clear() {
      messages.length = 0
      forgotten.value = 0
      version.value++
    },
    onMessage(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
