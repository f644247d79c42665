/**
 * The limit: nothing but `Bun.serve` and `server.publish` of the bytes that a bridge would send. No STOMP, no Redis; a
 * request says how many messages to publish in one turn.
 */
const frame = `MESSAGE\nsubscription:sub-0\nmessage-id:abcdef-123456\ndestination:/topic/bench0\ncontent-type:text/plain;charset=UTF-8\ncontent-length:128\n\n`

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env['PORT']),
  async fetch(request, server) {
    const url = new URL(request.url)
    if (url.pathname !== '/publish') return server.upgrade(request) ? undefined : new Response(null, { status: 426 })
    const body = await request.text()
    for (let left = Number(url.searchParams.get('count')); left > 0; left--)
      server.publish('bench', `${frame}${body}\0`)
    return new Response(null)
  },
  websocket: {
    open: (ws) => void ws.subscribe('bench'),
    message: (ws, message) => void ws.send(message),
  },
})
console.log(server.port)
