/** SockJS: `@stomp/stompjs` over the real `sockjs-client`, and its requests one by one, as only a test sends them. */
import { randomUUID } from 'node:crypto'
import type { StompConfig } from '@stomp/stompjs'
import SockJS from 'sockjs-client'
import { onTestFinished } from 'vitest'
import { Inbox } from './inbox.ts'
import { connectStompjs7, type Stompjs7Client } from './stompjs7.ts'

export const TRANSPORTS = ['websocket', 'xhr-streaming', 'xhr-polling'] as const
export type TransportName = (typeof TRANSPORTS)[number]

/** `url`: of the bridge, or of a proxy before it; a query may follow the path. */
export function connectSockJs(
  url: string,
  transports: TransportName | readonly TransportName[],
  config: StompConfig = {},
  path = '/stomp',
): Promise<Stompjs7Client> {
  return connectStompjs7(
    { wsUrl: '' },
    {
      webSocketFactory: () => new SockJS(url + path, null, { transports }),
      ...config,
    },
  )
}

/** One session over HTTP. */
export class XhrRequests {
  readonly url: string
  readonly #query: string
  readonly #init: RequestInit

  /** `init`: of each of its requests. */
  constructor(url: string, { id = randomUUID(), server = '000', query = '', init = {} } = {}) {
    this.url = `${url}/stomp/${server}/${id}`
    this.#query = query
    this.#init = init
  }

  request(transport: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/${transport}${this.#query}`, { method: 'POST', ...this.#init, ...init })
  }

  /** Resolves with what the poll brought. */
  async poll(): Promise<string> {
    return (await this.request('xhr')).text()
  }

  /** Polls until a frame brings this. Resolves with all that came, without heart-beats. */
  async pollUntil(wanted: string): Promise<string> {
    let text = ''
    while (!text.includes(wanted)) text += (await this.poll()).replace(/^h\n$/, '')
    return text
  }

  async send(...messages: string[]): Promise<number> {
    return (await this.request('xhr_send', { body: JSON.stringify(messages) })).status
  }

  /** Opens the session with a poll, and sends CONNECT; CONNECTED waits. */
  async connect(headers = ''): Promise<void> {
    if ((await this.poll()) !== 'o\n') throw new Error('The session was there already')
    await this.send(`CONNECT\naccept-version:1.2\n${headers}\n\0`)
  }

  stream(): Promise<XhrStream> {
    return openXhrStream(() => this.request('xhr_streaming', { signal: this.#signal() }))
  }

  #abort = new AbortController()

  /** Breaks off the stream. */
  abort(): void {
    this.#abort.abort()
  }

  #signal(): AbortSignal {
    this.#abort = new AbortController()
    const { signal } = this.#abort
    onTestFinished(() => this.abort())
    return signal
  }
}

export interface XhrStream {
  readonly response: Response
  /** Without the ends of the lines. */
  readonly lines: Inbox<string>
  /** Resolves when the response has ended, true if that was in order. */
  readonly ended: Promise<boolean>
}

async function openXhrStream(request: () => Promise<Response>): Promise<XhrStream> {
  const response = await request()
  const lines = new Inbox<string>('line of a stream')
  const read = async (): Promise<boolean> => {
    const decoder = new TextDecoder()
    let tail = ''
    try {
      for await (const chunk of response.body!) {
        const whole = (tail + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
        tail = whole.pop()!
        for (const line of whole) lines.put(line)
      }
      return true
    } catch {
      return false
    }
  }
  return { response, lines, ended: read() }
}
