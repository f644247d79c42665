/** SockJS protocol 0.3.3, request by request, as its own suite asks it; cited by the names of its tests. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openPlainWebSocket } from '../../support/clients/plain-websocket.ts'
import { XhrRequests } from '../../support/clients/sockjs.ts'
import { spawnBridge, type BridgeProcess } from '../../support/process.ts'
import { connectRaw } from '../../support/raw-http.ts'
import { runtime } from '../../support/runtime.ts'

const UNCACHED = 'no-store, no-cache, must-revalidate, max-age=0'
const CONNECT = 'CONNECT\naccept-version:1.2\n\n\0'
const SECOND = 'c[2010,"Another connection still open"]'
const INTERRUPTED = 'c[1002,"Connection interrupted"]'
const JAVASCRIPT = /^application\/javascript; ?charset=utf-8$/i

describe(`SockJS 0.3.3 on ${runtime}`, () => {
  let bridge: BridgeProcess
  beforeAll(async () => {
    bridge = await spawnBridge({
      runtime,
      env: { STOMP_BRIDGE_DOORS_SOCKJS: 'true', STOMP_BRIDGE_SERVER_ALLOWED_ORIGINS: '["https://app.example"]' },
    })
  })
  const session = (options = {}) => new XhrRequests(bridge.url, options)
  const get = (path: string, init = {}) => fetch(`${bridge.url}/stomp${path}`, init)

  it('InfoTest.test_basic, test_entropy', async () => {
    const [one, two] = [await get('/info'), await get('/info')]
    expect(one.status).toBe(200)
    expect(one.headers.get('content-type')).toMatch(/^application\/json; ?charset=utf-8$/i)
    expect(one.headers.get('cache-control')).toBe(UNCACHED)
    expect(one.headers.get('set-cookie')).toBeNull()
    const [first, second] = [await one.json(), await two.json()] as Record<string, unknown>[]
    expect(first).toMatchObject({ websocket: true, origins: ['*:*'], cookie_needed: true })
    expect(first!['entropy']).not.toBe(second!['entropy'])
  })

  it.each([
    ['/info', 'OPTIONS, GET'],
    ['/abc/abc/xhr', 'OPTIONS, POST'],
    ['/abc/abc/xhr_send', 'OPTIONS, POST'],
    ['/abc/abc/xhr_streaming', 'OPTIONS, POST'],
  ])('test_options: %s', async (path, allow) => {
    const response = await get(path, { method: 'OPTIONS', headers: { Origin: 'https://app.example' } })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-methods')).toBe(allow)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
    expect(response.headers.get('cache-control')).toMatch(/public.*max-age=[1-9][0-9]{6}/)
    expect(response.headers.get('expires')).not.toBeNull()
    expect(await response.text()).toBe('')
  })

  it.each(['//', '/a./a', '/a/a.', '/./.', '/', '///'])('SessionURLs.test_invalidPaths: %s', async (path) => {
    const connection = await connectRaw(bridge.port)
    for (const method of ['GET', 'POST']) {
      const from = connection.text().length
      connection.write(`${method} /stomp${path}/xhr HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`)
      await connection.until('"not-found"', from)
      expect(connection.text().slice(from)).toMatch(/^HTTP\/1\.1 404 /)
    }
    connection.destroy()
  })

  it.each(['/a/a', '/_/_', '/1/1', '/abcdefgh_i-j%20/abcdefg_i-j%20'])(
    'SessionURLs.test_anyValue: %s',
    async (path) => {
      expect(await (await get(`${path}/xhr`, { method: 'POST' })).text()).toBe('o\n')
    },
  )

  it('Protocol.test_simpleSession, SessionURLs.test_ignoringServerId', async () => {
    const id = randomUUID()
    const [one, other] = [session({ id }), session({ id, server: '999' })]
    expect(await one.poll()).toBe('o\n')
    const waiting = one.poll()
    expect(await other.send(CONNECT)).toBe(204)
    expect(await waiting).toMatch(/^a\["CONNECTED\\n.*\\u0000"\]\n$/)
    expect(await session().send('a')).toBe(404)
  })

  it('XhrPolling.test_transport', async () => {
    const polled = session()
    const response = await polled.request('xhr')
    expect(response.headers.get('content-type')).toMatch(JAVASCRIPT)
    expect(response.headers.get('cache-control')).toBe(UNCACHED)
    expect(await response.text()).toBe('o\n')
    const sent = await polled.request('xhr_send', { body: JSON.stringify([CONNECT]) })
    expect(sent.status).toBe(204)
    expect(sent.headers.get('content-type')).toMatch(/^text\/plain; ?charset=utf-8$/i)
    expect(sent.headers.get('cache-control')).toBe(UNCACHED)
    expect(await sent.text()).toBe('')
    expect(await polled.poll()).toMatch(/^a\["CONNECTED/)
  })

  it('XhrPolling.test_invalid_json, test_content_types', async () => {
    const polled = session()
    await polled.poll()
    for (const [body, text] of [
      ['["x', 'Broken JSON encoding.'],
      ['', 'Payload expected.'],
    ] as const) {
      const response = await polled.request('xhr_send', { body })
      expect([response.status, await response.text()]).toEqual([500, text])
    }
    const types = [
      'text/plain',
      'T',
      'application/json',
      'application/xml',
      'application/json; charset=utf-8',
      'text/xml',
    ]
    for (const type of types) {
      const response = await polled.request('xhr_send', { body: '["\\n"]', headers: { 'Content-Type': type } })
      expect(response.status).toBe(204)
    }
    expect(await polled.send(CONNECT)).toBe(204)
    expect(await polled.poll()).toMatch(/^a\["CONNECTED/)
  })

  it('XhrStreaming.test_transport, test_response_limit', async () => {
    const streamed = session()
    const { response, lines, ended } = await streamed.stream()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(JAVASCRIPT)
    expect(response.headers.get('cache-control')).toBe(UNCACHED)
    expect(await lines.take(2)).toEqual(['h'.repeat(2048), 'o'])
    await streamed.send(CONNECT)
    expect(await lines.next()).toMatch(/^a\["CONNECTED/)
    await streamed.send('SUBSCRIBE\nid:0\ndestination:/topic/limit\n\n\0')
    let bytes = 0
    for (let i = 0; bytes < 131_072; i++) {
      await streamed.send(`SEND\ndestination:/topic/limit\n\n${i} ${'x'.repeat(10_000)}\0`)
      const line = await lines.next()
      expect(line).toContain(`\\n\\n${i} xxx`)
      bytes += line.length + 1
    }
    expect(await ended).toBe(true)
    await streamed.send('SEND\ndestination:/topic/limit\n\nlate\0')
    const next = await streamed.stream()
    expect((await next.lines.take(2))[1]).toContain('late')
  })

  it('HandlingClose.test_close_frame, Protocol.test_closeSession', async () => {
    const closed = session()
    const { lines, ended } = await closed.stream()
    await lines.take(2)
    await closed.send('NONSENSE\n\n\0')
    const end = await lines.take(2)
    expect(end[0]).toMatch(/^a\["ERROR\\n/)
    expect(end[1]).toMatch(/^c\[1002,"/)
    expect(await ended).toBe(true)
    const again = await closed.stream()
    expect(await again.lines.take(2)).toEqual(['h'.repeat(2048), end[1]])
    expect(await again.ended).toBe(true)
    expect(await closed.poll()).toBe(`${end[1]}\n`)
    expect(await closed.send('a')).toBe(404)
  })

  it.each(['xhr', 'xhr_streaming'])('HandlingClose.test_close_request, test_abort: %s', async (transport) => {
    const one = session()
    const first = await one.stream()
    await first.lines.take(2)
    const second = await (await one.request(transport)).text()
    expect(second.replace(/^h{2048}\n/, '')).toBe(`${SECOND}\n`)
    await one.send(CONNECT)
    expect(await first.lines.next()).toMatch(/^a\["CONNECTED/)
    one.abort()
    let third: string
    do third = (await (await one.request(transport)).text()).replace(/^h{2048}\n/, '')
    while (third === `${SECOND}\n`) // until the runtime has seen it
    expect(third).toBe(`${INTERRUPTED}\n`)
  })

  it('JSONEncoding: what browsers would change is escaped, and read when they have escaped it', async () => {
    const one = session()
    await one.connect()
    await one.pollUntil('CONNECTED')
    const changed = '\u200c\u200f\u2028\u202f\u2060\u206f\ufff0\uffff'
    const escaped = [...changed].map((unit) => `\\u${unit.charCodeAt(0).toString(16)}`).join('')
    await one.send('SUBSCRIBE\nid:0\ndestination:/topic/code\n\n\0')
    await one.send(`SEND\ndestination:/topic/code\n\n${changed}\0`)
    expect(await one.pollUntil('MESSAGE')).toContain(`\\n\\n${escaped}\\u0000`)
    const body = `["SEND\\ndestination:/topic/code\\n\\n${escaped}\\u0000"]`
    expect((await one.request('xhr_send', { body })).status).toBe(204)
    expect(await one.pollUntil('MESSAGE')).toContain(`\\n\\n${escaped}\\u0000`)
  })

  const webSocket = (path: string) => openPlainWebSocket(`${bridge.url.replace('http', 'ws')}/stomp${path}`)

  it('Websocket: test_transport, test_empty_frame, test_reuseSessionId', async () => {
    const id = randomUUID()
    const sockets = [await webSocket(`/000/${id}/websocket`), await webSocket(`/000/${id}/websocket`)]
    for (const socket of sockets) {
      expect(await socket.messages.next()).toBe('o')
      socket.send('')
      socket.send(JSON.stringify([CONNECT]))
      expect(await socket.messages.next()).toMatch(/^a\["CONNECTED/)
    }
    sockets[0]!.send(JSON.stringify(['SUBSCRIBE\nid:0\nreceipt:r\ndestination:/topic/reuse\n\n\0']))
    expect(await sockets[0]!.messages.next()).toMatch(/^a\["RECEIPT/)
    sockets[1]!.send(JSON.stringify(['SEND\ndestination:/topic/', 'reuse\n\nhello\0']))
    expect(await sockets[0]!.messages.next()).toContain('hello')
  })

  it('Websocket: test_close, test_broken_json', async () => {
    const [closed, broken] = [await webSocket('/000/a/websocket'), await webSocket('/000/b/websocket')]
    closed.send(JSON.stringify(['NONSENSE\n\n\0']))
    expect((await closed.messages.take(3)).map((text) => String(text).slice(0, 8))).toEqual([
      'o',
      'a["ERROR',
      'c[1002,"',
    ])
    expect((await closed.closed).code).toBe(1002)
    broken.send('["a')
    expect((await broken.closed).code).toBe(1002)
    expect(broken.messages.all).toEqual(['o'])
  })

  it('WebsocketHttpErrors', async () => {
    expect((await get('/0/0/websocket')).status).toBe(426)
    const refused = await get('/0/0/websocket', { method: 'POST' })
    expect(refused.status).toBe(405)
    expect(refused.headers.get('allow')).toContain('GET')
  })

  it('RawWebsocket.test_transport', async () => {
    const raw = await webSocket('/websocket')
    raw.send(CONNECT)
    expect(await raw.messages.next()).toMatch(/^CONNECTED\n/)
  })

  it('Http10.test_streaming: a stream of HTTP/1.0 has no chunks and ends with its connection', async () => {
    const id = randomUUID()
    const connection = await connectRaw(bridge.port)
    connection.write(
      `POST /stomp/000/${id}/xhr_streaming HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n`,
    )
    await connection.until('o\n')
    await session({ id }).send('NONSENSE\n\n\0')
    await connection.closed
    const [head, body] = connection.text().split('\r\n\r\n') as [string, string]
    expect(head).not.toMatch(/transfer-encoding|content-length/i)
    expect(body).toMatch(/^h{2048}\no\na\["ERROR.*"\]\nc\[1002,".*"\]\n$/)
  })

  it('Http11: polls follow one another on one connection', async () => {
    const id = randomUUID()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const polled = async (): Promise<{ text: string; isReused: boolean }> => {
      const request = httpRequest(`${bridge.url}/stomp/000/${id}/xhr`, { method: 'POST', agent }).end()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      let text = ''
      for await (const chunk of response) text += String(chunk)
      return { text, isReused: request.reusedSocket }
    }
    expect(await polled()).toEqual({ text: 'o\n', isReused: false })
    for (let i = 0; i < 50; i++) {
      const poll = polled()
      await session({ id }).send(i === 0 ? CONNECT : `SUBSCRIBE\nid:${i}\nreceipt:r${i}\ndestination:/topic/many\n\n\0`)
      const { text, isReused } = await poll
      expect(text).toContain(i === 0 ? 'CONNECTED' : `receipt-id:r${i}\\n`)
      expect(isReused).toBe(true)
    }
  })
})
