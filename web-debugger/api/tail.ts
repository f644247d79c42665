/**
 * Follows one channel through the debug API for as long as it is wanted: reads the stream, and opens it anew after it
 * was lost. Whoever follows hears everything as one kind of event.
 */
import { ApiError, isPassing, type Api } from './client.ts'
import { readServerEvents, type ServerEvent } from './server-events.ts'
import type { ChannelMessage } from './types.ts'

export type TailEvent =
  /** From now on nothing that is published is missed. */
  | { readonly type: 'live' }
  | { readonly type: 'message'; readonly message: ChannelMessage }
  /** So many messages came too fast to be sent here. */
  | { readonly type: 'dropped'; readonly count: number }
  /** The bus is away, or the bridge: nothing arrives until the next `live`. */
  | { readonly type: 'unavailable'; readonly reason: string }
  /** The bridge does not let us, and will not until something is changed. It is the last event. */
  | { readonly type: 'refused'; readonly error: ApiError }

const FIRST_PAUSE_MS = 1000
const MAX_PAUSE_MS = 15_000

export interface TailOptions {
  readonly api: Pick<Api, 'tail'>
  readonly channel: string
  readonly onEvent: (event: TailEvent) => void
  /** Ends it. */
  readonly signal: AbortSignal
  /** Waits before the stream is opened anew; ends early when aborted. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Resolves when aborted or refused; never rejects. */
export async function followChannel({ api, channel, onEvent, signal, pause = wait }: TailOptions): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS
  while (!signal.aborted) {
    try {
      for await (const event of readServerEvents(await api.tail(channel, signal))) {
        const known = parseEvent(event)
        if (!known) continue
        if (known.type === 'live') pauseMs = FIRST_PAUSE_MS
        onEvent(known)
      }
      if (signal.aborted) return
      onEvent({ type: 'unavailable', reason: 'The bridge has ended the stream; opening it again' })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && !isPassing(error)) {
        onEvent({ type: 'refused', error })
        return
      }
      const reason = error instanceof ApiError ? error.message : 'The connection to the bridge was lost; trying again'
      onEvent({ type: 'unavailable', reason })
    }
    await pause(pauseMs, signal)
    pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)
  }
}

function parseEvent({ event, data }: ServerEvent): TailEvent | undefined {
  switch (event) {
    case 'live':
      return { type: 'live' }
    case 'message':
      return { type: 'message', message: JSON.parse(data) as ChannelMessage }
    case 'dropped':
      return { type: 'dropped', count: (JSON.parse(data) as { count: number }).count }
    case 'unavailable':
      return { type: 'unavailable', reason: (JSON.parse(data) as { reason: string }).reason }
    default:
      return undefined
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish)
    function finish() {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
  })
}
