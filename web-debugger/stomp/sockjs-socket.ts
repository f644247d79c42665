/**
 * SockJS over its WebSocket transport, as a WebSocket: it opens with the frame `o`, and its messages are what is in the
 * frames `a`. So nobody else here needs to know of it. The page has no other transport: what blocks WebSockets blocks it.
 */
import { SocketState, type Socket } from './environment.ts'

/** Returns where to open the WebSocket of a new session. `random`: from 0 up to 1. */
export function sockJsUrl(url: string, random: () => number): string {
  const at = new URL(url)
  const server = String(Math.floor(random() * 1000)).padStart(3, '0')
  const session = random().toString(36).slice(2) + random().toString(36).slice(2)
  at.pathname = `${at.pathname.replace(/\/+$/, '')}/${server}/${session}/websocket`
  return at.href
}

/** Returns the text of what is to be sent; undefined if it is none: SockJS carries nothing else. */
export function textIn(data: string | ArrayBuffer | Uint8Array): string | undefined {
  if (typeof data === 'string') return data
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    return undefined // not UTF-8
  }
}

export class SockJsSocket implements Socket {
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null
  readonly #socket: Socket
  #isOpen = false
  /** What the server has said of the end, which the close of the WebSocket may not say. */
  #close: { readonly code: number; readonly reason: string } | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(String(data))
    socket.onclose = (event: { readonly code: number; readonly reason: string }) => {
      this.onclose?.((this.#close ?? event) as never)
    }
    socket.onerror = (event: unknown) => this.onerror?.(event as never)
  }

  get url(): string {
    return this.#socket.url
  }

  get readyState(): number {
    const { readyState } = this.#socket
    return readyState === SocketState.open && !this.#isOpen ? SocketState.connecting : readyState
  }

  get protocol(): string {
    return ''
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  get binaryType(): string {
    return this.#socket.binaryType
  }

  set binaryType(type: string) {
    this.#socket.binaryType = type
  }

  /** Data that is no text is not sent. */
  send(data: string | ArrayBuffer): void {
    const text = textIn(data)
    if (text !== undefined) this.#socket.send(JSON.stringify([text]))
  }

  close(): void {
    this.#socket.close()
  }

  #receive(frame: string): void {
    if (frame === 'o') {
      this.#isOpen = true
      this.onopen?.({} as never)
      return
    }
    const values = valuesOf(frame.slice(1))
    if (frame[0] === 'a') for (const data of values) this.onmessage?.({ data } as never)
    const [code, reason] = values
    if (frame[0] === 'c' && typeof code === 'number' && typeof reason === 'string') this.#close = { code, reason }
  }
}

function valuesOf(json: string): readonly unknown[] {
  try {
    const values = JSON.parse(json || '[]') as unknown
    return Array.isArray(values) ? values : []
  } catch {
    return [] // a server that speaks something else: nothing of it is for us
  }
}
