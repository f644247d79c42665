/**
 * The answer to who asks for a WebSocket in a way that is none, by RFC 6455 section 4.2. The application has no part in it:
 * only the runtime looks at what makes a handshake.
 */

const MESSAGE = 'This is no handshake of a WebSocket: it needs "Connection: Upgrade", version 13, and a key of 16 bytes'

export function badHandshakeResponse(): Response {
  const headers = { 'cache-control': 'no-store', 'sec-websocket-version': '13', upgrade: 'websocket' }
  return Response.json({ error: { code: 'upgrade-required', message: MESSAGE } }, { status: 426, headers })
}
