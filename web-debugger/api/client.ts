/**
 * Owns the requests to the bridge that this page came from: its debug API, which wants a token of its own, and what is
 * there for backends, which wants an API key. Every failure is one ApiError with a code and words for people; nothing here knows how they are shown.
 */
import type {
  About,
  Bridge,
  Closed,
  Explanation,
  HistoryMessage,
  HistoryPage,
  Presence,
  Queue,
  QueuePage,
  Revocation,
  Samples,
  SessionList,
  User,
  UsersPage,
  Wish,
} from './types.ts'

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
  /** The key for what backends may do; empty when there is none. Asked before every request. */
  readonly apiKey: () => string
}

export interface HistoryPlace {
  readonly offset: string
  readonly epoch: string
}

export interface Api {
  about(): Promise<About>
  bridge(): Promise<Bridge>
  /** The last hour. */
  samples(): Promise<Samples>
  /** Which rule lets somebody do something, or does not. */
  explain(wish: Wish): Promise<Explanation>
  sessions(search: string, limit: number): Promise<SessionList>
  closeSession(id: string): Promise<void>
  /** By name, those behind `after`. */
  users(limit: number, after: string | undefined): Promise<UsersPage>
  user(name: string): Promise<User>
  presence(destination: string): Promise<Presence>
  /** The same as `closeSession` with the key of a backend. */
  endSession(id: string): Promise<void>
  /** Returns how many there were. */
  closeUser(name: string): Promise<number>
  revoke(revocation: Revocation): Promise<void>
  /** The oldest messages that are held, or that came after the place. */
  history(destination: string, limit: number, after?: HistoryPlace): Promise<HistoryPage>
  /** What new subscribers get. */
  retained(destination: string): Promise<HistoryMessage>
  clearHistory(destination: string): Promise<void>
  /** All work queues that there are, by destination. */
  queues(): Promise<readonly Queue[]>
  /** The oldest messages that are ready, or the oldest dead ones. */
  queueMessages(queue: string, isDead: boolean, limit: number): Promise<QueuePage>
  /** Puts the dead ones back; returns how many. */
  redriveQueue(queue: string): Promise<number>
  /** Deletes what is ready, or what is dead; returns how many. */
  purgeQueue(queue: string, isDead: boolean): Promise<number>
  /** What a backend without Redis does. The message is text, or any JSON value but null. */
  notify(topic: string, message: unknown): Promise<void>
  /** Publishes the payload on the bus exactly as it is; gives its length. */
  publish(channel: string, payload: string): Promise<number>
  /** Opens the stream of what is published on a channel. */
  tail(channel: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
}

export function createApi({ fetch, root, aboutUrl, token, apiKey }: ApiOptions): Api {
  const request = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const response = await send(fetch, url, init)
    if (!response.ok) throw await refusal(response)
    return response
  }
  const ask = (path: string, init: RequestInit, secret: string) => {
    const headers = new Headers(init.headers)
    if (secret !== '') headers.set('Authorization', `Bearer ${secret}`)
    return request(`${root()}/api/${path}`, { ...init, headers })
  }
  const debug = (path: string, init: RequestInit = {}) => ask(path, init, token())
  const backend = (path: string, init: RequestInit = {}) => ask(path, init, apiKey())
  const post = (path: string, value: unknown) => backend(path, jsonBody(value))
  return {
    about: async () => json<About>(await request(aboutUrl)),
    bridge: async () => json<Bridge>(await debug('bridge')),
    samples: async () => json<Samples>(await debug('bridge/samples')),
    explain: async (wish) => json<Explanation>(await debug('explain', jsonBody(wish))),
    sessions: async (search, limit) =>
      json<SessionList>(await debug(`sessions?limit=${limit}&search=${encodeURIComponent(search)}`)),
    closeSession: async (id) => {
      await debug(`sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
    },
    users: async (limit, after) =>
      json<UsersPage>(
        await backend(`users?limit=${limit}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`),
      ),
    user: async (name) => json<User>(await backend(userPath(name))),
    presence: async (destination) =>
      json<Presence>(await backend(`presence?destination=${encodeURIComponent(destination)}`)),
    endSession: async (id) => {
      await backend(`sessions/${encodeURIComponent(id)}`, { method: 'DELETE' })
    },
    closeUser: async (name) =>
      (await json<Closed>(await backend(`${userPath(name)}/sessions`, { method: 'DELETE' }))).closed,
    revoke: async (revocation) => {
      await post('revocations', revocation)
    },
    history: async (destination, limit, after) => {
      const since = after && { since: after.offset, epoch: after.epoch }
      const query = new URLSearchParams({ destination, limit: String(limit), ...since })
      return json<HistoryPage>(await backend(`history?${query.toString()}`))
    },
    retained: async (destination) =>
      json<HistoryMessage>(await backend(`retained?destination=${encodeURIComponent(destination)}`)),
    clearHistory: async (destination) => {
      await backend(`history?destination=${encodeURIComponent(destination)}`, { method: 'DELETE' })
    },
    queues: async () => json<readonly Queue[]>(await backend('queues')),
    queueMessages: async (queue, isDead, limit) => {
      const response = await backend(`${queuePath(queue)}/messages?dead=${isDead}&limit=${limit}`)
      return json<QueuePage>(response)
    },
    redriveQueue: async (queue) =>
      (await json<{ moved: number }>(await backend(`${queuePath(queue)}/redrive`, { method: 'POST' }))).moved,
    purgeQueue: async (queue, isDead) => {
      const response = await backend(`${queuePath(queue)}/messages?dead=${isDead}`, { method: 'DELETE' })
      return (await json<{ deleted: number }>(response)).deleted
    },
    notify: async (topic, message) => {
      await post('notification', { topic, message })
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

function userPath(name: string): string {
  // Also percent-encoded these are steps of a path, and would ask for something else.
  if (/^\.\.?$/.test(name)) {
    throw new ApiError('bad-name', 0, `A user called "${name}" cannot be asked for: it is no part of a URL`)
  }
  return `users/${encodeURIComponent(name)}`
}

function jsonBody(value: unknown): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) }
}

function queuePath(queue: string): string {
  return `queues/${encodeURIComponent(queue)}`
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
