/** WebSockets to other servers, for the commands that are clients. */

type SocketFactory = (url: string, protocols: readonly string[]) => WebSocket

/** Returns what opens a WebSocket: that of the runtime, or of `ws` on Node before version 22, which has none. */
export async function clientSockets(): Promise<SocketFactory> {
  if ('WebSocket' in globalThis) return (url, protocols) => new WebSocket(url, [...protocols])
  const ws = await import('ws')
  return (url, protocols) => new ws.WebSocket(url, [...protocols]) as unknown as WebSocket
}
