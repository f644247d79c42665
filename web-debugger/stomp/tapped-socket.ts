/**
 * A WebSocket with a tap in it. The STOMP client uses it as if it were the WebSocket; a connection without STOMP sends
 * through it directly.
 */
import type { IStompSocket } from '@stomp/stompjs'
import { SocketState, type Socket } from './environment.ts'
import type { WireData } from './frame-record.ts'
import type { WireTap } from './wire-tap.ts'

/** How a WebSocket ended. */
export interface Close {
  readonly code: number
  readonly reason: string
}

/** No close frame was seen. RFC 6455, 7.4.1. */
const ABNORMAL = 1006

export class TappedSocket implements IStompSocket {
  onopen: IStompSocket['onopen']
  onmessage: IStompSocket['onmessage']
  onclose: IStompSocket['onclose']
  onerror: IStompSocket['onerror']
  readonly #socket: Socket
  readonly #tap: WireTap
  #isEnded = false

  /** `onOpen` is called before the client's own handler, `onClose` after it and once, whatever happens. */
  constructor(socket: Socket, tap: WireTap, events: { onOpen: () => void; onClose: (close: Close) => void }) {
    this.#socket = socket
    this.#tap = tap
    this.#onClose = events.onClose
    socket.binaryType = 'arraybuffer'
    socket.onopen = (event: unknown) => {
      events.onOpen()
      this.onopen?.(event)
    }
    socket.onmessage = (event: { readonly data: unknown }) => {
      const { data } = event
      tap.received(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
      this.onmessage?.(event)
    }
    socket.onerror = (event: unknown) => {
      // A close follows, which says as much.
      this.onerror?.(event)
    }
    socket.onclose = (event: Close) => this.#end(event)
  }

  readonly #onClose: (close: Close) => void

  get url(): string {
    return this.#socket.url
  }

  get readyState(): number {
    return this.#isEnded ? SocketState.closed : this.#socket.readyState
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  get isOpen(): boolean {
    return this.readyState === SocketState.open
  }

  send(data: Parameters<IStompSocket['send']>[0]): void {
    const wire = toWire(data)
    // A closing WebSocket takes data and throws it away: that was never on the wire.
    if (this.isOpen) this.#tap.sent(wire)
    this.#socket.send(typeof wire === 'string' ? wire : exactBuffer(wire))
  }

  close(): void {
    this.#socket.close()
  }

  /** Ends it without waiting for the other side, which may take minutes to answer a close. */
  abandon(): void {
    this.#socket.onopen = null
    this.#socket.onmessage = null
    this.#socket.onclose = null
    this.#socket.close()
    this.#end({ code: ABNORMAL, reason: '' })
  }

  #end(close: Close): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.onclose?.(close)
    this.#onClose({ code: close.code, reason: close.reason })
  }
}

function toWire(data: Parameters<IStompSocket['send']>[0]): WireData {
  if (typeof data === 'string') return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return new Uint8Array(data as ArrayBuffer)
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer
}
