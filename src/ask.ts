/**
 * Owns one question by HTTP to a server that this process trusts, and how little of the answer it believes: a time limit
 * over all of it, a size limit while it comes, no redirects. It knows no tokens; but its errors must not show the ones that
 * are in a URL, so nothing of what a runtime says of a failure is kept but its code.
 */

/** The part of `fetch` that is used; tests put in their own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export const globalFetch: Fetch = (url, init) => fetch(url, init)

export interface Question {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  /** JSON. */
  readonly body?: string | undefined
  /** What may be answered; JSON if nothing is said. */
  readonly accept?: string | undefined
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly timeoutMs: number
  /** Longest answer, unpacked. */
  readonly maxBytes: number
  /** Aborted when nobody waits any more. */
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  readonly status: number
  /** Of a 2xx; of others it is not read. */
  readonly text: string
}

/** As it came. */
export interface RawAnswer {
  readonly status: number
  /** Of a 2xx; of others it is not read. */
  readonly octets: Uint8Array
  readonly contentType: string | undefined
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
const NOTHING = new Uint8Array()

/** Why there is no answer: safe to log. */
export class AskError extends Error {
  override name = 'AskError'
}

/**
 * Returns the answer, whatever its status.
 * Errors: rejects with AskError, also when `signal` is aborted, and if it is not UTF-8.
 */
export async function ask(fetch: Fetch, question: Question): Promise<Answer> {
  const { status, octets } = await askForOctets(fetch, question)
  const text = utf8TextOf(octets)
  if (text === undefined) throw new AskError('the answer is not UTF-8')
  return { status, text }
}

/** Returns the text, without a byte order mark; undefined if it is not UTF-8. */
export function utf8TextOf(octets: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(octets)
  } catch {
    return undefined
  }
}

/**
 * Returns the answer, whatever its status and its octets.
 * Errors: rejects with AskError, also when `signal` is aborted.
 */
export async function askForOctets(fetch: Fetch, question: Question): Promise<RawAnswer> {
  const { url, timeoutMs, signal } = question
  const controller = new AbortController()
  const giveUp = (reason: string): void => controller.abort(new AskError(reason))
  const leave = (): void => giveUp('nobody waits for the answer any more')
  const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs} ms`), timeoutMs)
  // Not AbortSignal.any: a signal that outlives the question would collect them.
  signal?.addEventListener('abort', leave, { once: true })
  const ended = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as AskError), { once: true })
  })
  if (signal?.aborted) leave()
  const work = converse(fetch, url, question, controller.signal)
  // Who loses the race must not come up as an unhandled rejection.
  work.catch(() => undefined)
  ended.catch(() => undefined)
  try {
    return await Promise.race([ended, work])
  } catch (error) {
    throw error instanceof AskError ? error : new AskError(`no answer: ${codeOf(error)}`)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
  }
}

async function converse(fetch: Fetch, url: URL, question: Question, signal: AbortSignal): Promise<RawAnswer> {
  const { method, body, maxBytes } = question
  const init = {
    method,
    headers: { ...question.headers, ...headersFor(url, question) },
    ...(body === undefined ? {} : { body }),
    redirect: 'manual' as const,
    signal,
    // Bun would send even a question to 127.0.0.1 through the proxy of `HTTP_PROXY`; Node never does.
    proxy: false,
  }
  const response = await fetch(withoutLogin(url), init)
  const { status, ok } = response
  const contentType = response.headers.get('content-type') ?? undefined
  if (ok) return { status, octets: await readOctets(response, maxBytes, signal), contentType }
  response.body?.cancel().catch(() => undefined)
  return { status, octets: NOTHING, contentType }
}

function headersFor(url: URL, { body, accept = 'application/json' }: Question): Record<string, string> {
  const headers: Record<string, string> = { accept, 'accept-encoding': 'identity' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (url.username !== '' || url.password !== '') {
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    headers['authorization'] = `Basic ${Buffer.from(login).toString('base64')}`
  }
  return headers
}

/** Node's fetch refuses a URL with a login in it; the others make this header of it, too. */
function withoutLogin(url: URL): string {
  const plain = new URL(url)
  plain.username = ''
  plain.password = ''
  return plain.href
}

async function readOctets(response: Response, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
  if (!reader) return NOTHING
  const chunks: Uint8Array[] = []
  let bytes = 0
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.byteLength
    chunks.push(value)
    if (bytes <= maxBytes && !signal.aborted) continue
    cancel()
    throw new AskError(`the answer is longer than ${maxBytes} bytes`)
  }
  return Buffer.concat(chunks)
}

/** Returns what a runtime calls the failure, such as `ECONNREFUSED`: its message may show the URL. */
function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  const known = [code, cause?.code].find((each) => typeof each === 'string' && /^[A-Za-z_]{1,40}$/.test(each))
  return (known as string | undefined) ?? 'the connection failed'
}
