/** A reader of Server-Sent Events on `fetch`, with a parser of others. */
import { createParser } from 'eventsource-parser'
import { onTestFinished } from 'vitest'
import { Inbox } from './inbox.ts'

export interface StreamEvent {
  readonly event: string | undefined
  readonly data: string
  /** Of this event or the last one that had one, as a browser has it. */
  readonly id: string
}

export interface EventStreamReader {
  readonly response: Response
  readonly events: Inbox<StreamEvent>
  readonly comments: Inbox<string>
  /** Milliseconds to wait before coming back, as the server has said. */
  readonly retryMs: number | undefined
  /** Resolves when the stream has ended, whoever ended it: true if that was in order. */
  readonly ended: Promise<boolean>
  close(): void
}

/** Opens one, which goes with the test. Resolves with the head of the answer, whatever its status. */
export async function openEventStream(url: string, init: RequestInit = {}): Promise<EventStreamReader> {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const response = await fetch(url, { ...init, signal: abort.signal })
  const events = new Inbox<StreamEvent>(`event of ${url}`)
  const comments = new Inbox<string>(`comment of ${url}`)
  let retryMs: number | undefined
  let lastId = ''
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      lastId = id ?? lastId
      events.put({ event, data, id: lastId })
    },
    onComment: (text) => comments.put(text),
    onRetry: (ms) => (retryMs = ms),
  })
  const read = async (): Promise<boolean> => {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body!) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }))
      return true
    } catch {
      return false
    }
  }
  return {
    response,
    events,
    comments,
    get retryMs() {
      return retryMs
    },
    ended: read(),
    close: () => abort.abort(),
  }
}
