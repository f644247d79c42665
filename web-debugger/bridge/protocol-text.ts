/** What a session speaks, in words. Pure; it must not know how the list of sessions looks. */
import type { Session } from '../api/types.ts'

const TRANSPORTS: Readonly<Record<Session['transport'], string>> = {
  websocket: 'WebSocket',
  tcp: 'TCP',
  http: 'HTTP',
  'sockjs-websocket': 'SockJS (WebSocket)',
  'sockjs-xhr': 'SockJS (HTTP)',
}

/** Returns the protocol of a session: a STOMP version and its transport, or the name of another door. */
export function protocolText({
  protocol,
  transport,
  version,
}: Pick<Session, 'protocol' | 'transport' | 'version'>): string {
  if (protocol === 'sse') return 'Server-Sent Events'
  if (protocol === 'raw') return 'plain WebSocket'
  const over = TRANSPORTS[transport]
  return version === null ? `STOMP over ${over}, not connected yet` : `STOMP ${version} over ${over}`
}
