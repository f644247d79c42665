/**
 * Owns the requests to the bridge that this page came from: its debug API and its notification endpoint. Every failure
 * is one ApiError with a code and words for people; nothing here knows how they are shown.
 */
import type { About, Bridge, SessionList } from './types.ts'

/** The bridge answers at once, or something is wrong on the way. */
const PATIENCE_MS = 10_000

/** What a request of this page needs of `fetch`. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** A request that was refused, or that nobody answered. */
export class ApiError extends Error {
  override name = 'ApiError'
  /** The code of the bridge's answer; `unreachable` when there was none, `no-answer` when it was not the bridge's. */
  readonly code: string
  /** 0 when there was no answer. */
  readonly status: number

  constructor(code: string, status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = status
  }
}

export interface ApiOptions {
  readonly fetch: Fetch
  /** Where the bridge answers, without a slash at the end, such as `http://127.0.0.1:8080`. Asked before every request. */
  readonly root: () => string
  /** Where `about.json` is. */
  readonly aboutUrl: string
  /** The secret of the debug API; empty when there is none. Asked before every request. */
  readonly token: () => string
}

export interface Api {
  about(): Promise<About>
  bridge(): Promise<Bridge>
  sessions(search: string, limit: number): Promise<SessionList>
  closeSession(id: string): Promise<void>
  /** What a backend without Redis does. The message is text, or any JSON value but null. */
  notify(topic: string, message: unknown): Promise<void>
  /** Publishes the payload on the bus exactly as it is; gives its length. */
  publish(channel: string, payload: string): Promise<number>
  /** Opens the stream of what is published on a channel. */
  tail(channel: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
}

export function createApi({ fetch, root, aboutUrl, token }: ApiOptions): Api {
  const request = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const response = await send(fetch, url, init)
    if (!response.ok) throw await refusal(response)
    return response
  }
  const debug = (path: string, init: RequestInit = {}) => {
    const secret = token()
    const headers = secret === '' ? {} : { Authorization: `Bearer ${secret}` }
    return request(`${root()}/api/${path}`, { ...init, headers })
  }
  return {
    about: async () => json<About>(await request(aboutUrl)),
    bridge: async () => json<Bridge>(await debug('bridge')),
    sessions: async (search, limit) =>
      json<SessionList>(await debug(`sessions?limit=${limit}&search=${encodeURIComponent(search)}`)),
    closeSession: async (id) => {
      await debug(`sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
    },
    notify: async (topic, message) => {
      const headers = { 'Content-Type': 'application/json' }
      await request(`${root()}/api/notification`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ topic, message }),
      })
    },
    publish: async (channel, payload) => {
      const response = await debug(channelPath(channel), { method: 'POST', body: payload })
      return (await json<{ bytes: number }>(response)).bytes
    },
    tail: async (channel, signal) => {
      const { body } = await debug(`${channelPath(channel)}/tail`, { signal })
      if (!body) throw new ApiError('no-answer', 200, 'The bridge answered without a stream')
      return body
    },
  }
}

/** Was it a fault of ours to ask again later, rather than one that stays until something is changed? */
export function isPassing(error: ApiError): boolean {
  return error.code === 'unreachable' || error.status >= 500
}

function channelPath(channel: string): string {
  return `channels/${encodeURIComponent(channel)}`
}

async function send(fetch: Fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    // A stream brings the signal that ends it, and is open for as long as it likes.
    return await fetch(url, { ...init, signal: init.signal ?? AbortSignal.timeout(PATIENCE_MS) })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError('unreachable', 0, 'The bridge does not answer. Is it running, and can this machine reach it?', {
      cause: error,
    })
  }
}

async function json<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T
  } catch (error) {
    throw new ApiError('no-answer', response.status, `${response.url} answered with something that is not JSON`, {
      cause: error,
    })
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const { status } = response
  const text = await response.text().catch(() => '')
  const { code, message } = readError(text)
  if (code !== undefined && message !== undefined) return new ApiError(code, status, message)
  return new ApiError(
    'no-answer',
    status,
    `The answer was HTTP ${status}, and not one of the bridge: is a proxy between?`,
  )
}

function readError(text: string): { code?: string; message?: string } {
  try {
    return (JSON.parse(text) as { error?: { code?: string; message?: string } } | null)?.error ?? {}
  } catch {
    // A proxy's error page; the caller says so.
    return {}
  }
}
