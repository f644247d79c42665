/**
 * Keeps heart-beats within what a timer can wait for. @stomp/stompjs hands what a server names in CONNECTED to a timer as
 * it is; with more than 2^31-1 ms, or with what is no number, a timer fires every millisecond.
 */
import type { IStompSocket } from '@stomp/stompjs'

/** One day. A larger number is read as this, as the bridge does. */
const MAX_MS = 86_400_000

/** The first `heart-beat` header of CONNECTED: what is before its value, and the value. */
const HEART_BEAT = /^([\s\0]*CONNECTED\r?\n(?:[^\n]+\n)*?[ \t]*heart-beat[ \t]*:)(.*)/

/** Returns what can be offered to a server. */
export function limitHeartBeat(ms: number): number {
  return Math.min(ms, MAX_MS)
}

/**
 * Returns the WebSocket, for `webSocketFactory`. Where CONNECTED names a heart-beat that cannot be kept,
 * @stomp/stompjs reads another one; everything else it gets as it came.
 */
export function withKeptHeartBeats(socket: IStompSocket): IStompSocket {
  // @stomp/stompjs puts in its listener right after it has got the WebSocket.
  queueMicrotask(() => {
    const listener = socket.onmessage
    socket.onmessage = (event: { readonly data: unknown }) => {
      const text = typeof event.data === 'string' ? event.data : new TextDecoder().decode(event.data as ArrayBuffer)
      // Line feeds may come before it.
      if (/[^\s\0]/.test(text)) socket.onmessage = listener
      const kept = text.replace(HEART_BEAT, (_, before: string, value: string) => before + keep(value))
      listener?.(kept === text ? event : { data: kept })
    }
  })
  return socket
}

/** What @stomp/stompjs can read, as it reads it, stays as it is. */
function keep(value: string): string {
  const wishes = value.split(',').map((wish) => Number.parseInt(wish, 10))
  return wishes.every((ms) => ms <= MAX_MS) ? value : wishes.map((ms) => limitHeartBeat(ms || 0)).join(',')
}
