/** What balancers and proxies in front meet: HTTP without Host, kept-alive connections, pings; and clients' odd ways. */
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { decodeFrames } from '../../frames/index.ts'
import { connectRaw, exchange } from '../support/raw-http.ts'
import { runtime } from '../support/runtime.ts'
import { bodyText, connectPeer, frameText, type PeerOptions, type StompPeer } from '../support/stomp-peer.ts'

/** Longer than the patience with heart-beats in proportion, so that it is clear which of the two has closed a client. */
const PING_INTERVAL_MS = 1000
const KEEP_ALIVE_MS = 1500
const MAX_BODY_BYTES = 64 * 1_048_576
/** Bun closes what is idle up to this much later: its timers tick every 4 s. */
const LATE_MS = 10_000

describe(`the edge on ${runtime}`, () => {
  let bridge: BridgeProcess
  const peers = new Set<StompPeer>()

  beforeAll(async () => {
    bridge = await spawnBridge({
      runtime,
      tcp: true,
      env: {
        STOMP_BRIDGE_SERVER_PING_INTERVAL_MS: String(PING_INTERVAL_MS),
        STOMP_BRIDGE_SERVER_KEEP_ALIVE_MS: String(KEEP_ALIVE_MS),
        STOMP_BRIDGE_HEART_BEAT_INCOMING_MS: '600',
        STOMP_BRIDGE_HEART_BEAT_PONG_COUNTS: 'true',
        STOMP_BRIDGE_TCP_ENABLED: 'true',
        STOMP_BRIDGE_TCP_PORT: '0',
        STOMP_BRIDGE_LIMITS_MAX_BODY_BYTES: String(MAX_BODY_BYTES),
        STOMP_BRIDGE_LIMITS_MAX_UNSENT_MS: '3000',
        STOMP_BRIDGE_DEBUGGER_API: 'on',
      },
    })
  })

  afterEach(() => {
    for (const peer of peers) peer.terminate()
    peers.clear()
  })

  afterAll(async () => {
    expect(await bridge.stop()).toBe(0)
  })

  const open = async (options: Omit<PeerOptions, 'url'> & { url?: string } = {}): Promise<StompPeer> => {
    const peer = await connectPeer({ url: bridge.wsUrl, ...options })
    peers.add(peer)
    return peer
  }
  const openTcp = () => open({ url: `tcp://127.0.0.1:${bridge.tcpPort}` })

  const subscribed = async (peer: StompPeer, destination: string, send = (text: string) => peer.send(text)) => {
    send(frameText('SUBSCRIBE', { id: '0', destination, receipt: 'live' }))
    await peer.receipt('live')
    return peer
  }

  const notify = async (topic: string, message: string): Promise<void> => {
    const body = JSON.stringify({ topic, message })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${bridge.url}/api/notification`, { method: 'POST', headers, body })).status).toBe(200)
  }

  describe('without Host', () => {
    it.each([
      ['GET', '/health', 200],
      ['HEAD', '/health', 200],
      ['GET', '/health?x=1', 200],
      ['GET', '/ready', 200],
      ['GET', '/metrics', 200],
      ['GET', '/openapi.json', 200],
      ['GET', '/', 302],
      ['GET', '/nothing', 404],
      ['GET', '/stomp', 426],
      ['GET', '/api/bridge', 400],
      ['POST', '/api/notification', 400],
      ['OPTIONS', '/api/notification', 400],
    ])('HTTP/1.0 %s %s is answered with %i, and closed', async (method, path, status) => {
      const answer = await exchange(bridge.port, `${method} ${path} HTTP/1.0\r\n\r\n`)
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.[01] ${status} `))
      if (method === 'HEAD') expect(answer).toMatch(/\r\n\r\n$/)
      if (status === 400) expect(answer).toContain('"code":"missing-host"')
    })

    it.each(['/health', '/api/bridge'])('HTTP/1.1 is refused with 400: %s', async (path) => {
      expect(await exchange(bridge.port, `GET ${path} HTTP/1.1\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    })

    it('HTTP/1.1 is refused with 400 where it asks for a WebSocket', async () => {
      const upgrade =
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
      expect(await exchange(bridge.port, `GET /stomp HTTP/1.1\r\n${upgrade}\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    })
  })

  const statusOf = async (head: string): Promise<string> => {
    const connection = await connectRaw(bridge.port)
    connection.write(`${head}\r\n\r\n`)
    await connection.until('\r\n\r\n')
    connection.destroy()
    return connection.text().split(' ')[1]!
  }

  it.each([
    ['a b', '400'],
    ['a/b', '400'],
    ['a\r\nHost: a', '400'],
    ['a?b', '400'],
    ['user@a', '400'],
    ['[::1', '400'],
    ['a:99999', '400'],
    ['é', '400'],
    ['a"b', '400'],
    ['{a}', '400'],
    ['a`b', '400'],
    ['127.0.0.1:8080', '200'],
    ['[::1]:8080', '200'],
    ['bridge_1.example', '200'],
    ['UPPER.example', '200'],
    ['', '200'],
  ])('Host "%s" is answered with %s', async (host, status) => {
    expect(await statusOf(`GET /health HTTP/1.1\r\nHost: ${host}`)).toBe(status)
  })

  it('with a strange Host a path is not taken for another one', async () => {
    expect(await statusOf('GET /xxx/health HTTP/1.1\r\nHost: é')).toBe('400')
  })

  it('a whole URL as target is answered as its path is', async () => {
    expect(await statusOf('GET http://bridge.example/health?a=b HTTP/1.1\r\nHost: bridge.example')).toBe('200')
    expect(await statusOf('GET http://bridge.example/nothing HTTP/1.1\r\nHost: bridge.example')).toBe('404')
  })

  it.each([1, 2, 100])('a body of more than %d times the limit is refused with a code, as all is', async (times) => {
    const connection = await connectRaw(bridge.port)
    const length = MAX_BODY_BYTES * times + 1
    connection.write(`POST /api/notification HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`)
    connection.write(`Content-Length: ${length}\r\n\r\n{`)
    await connection.until('{"error":{"code":"body-too-large"')
    expect(connection.text()).toMatch(/^HTTP\/1\.1 413 /)
    connection.destroy()
  })

  it('a connection between two requests is kept as long as the setting says, and then closed', async () => {
    const connection = await connectRaw(bridge.port)
    const request = 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n'
    connection.write(request)
    await connection.until('}')
    const first = connection.text()
    connection.write(request)
    await connection.until(first.slice(0, 15), first.length)
    await connection.closed
    expect(connection.idleMs()).toBeGreaterThanOrEqual(KEEP_ALIVE_MS - 50)
    expect(connection.idleMs()).toBeLessThan(KEEP_ALIVE_MS + (runtime === 'bun' ? LATE_MS : 2000))
  })

  it('a WebSocket is pinged, also one without heart-beats, and no ping is a heart-beat', async () => {
    const ws = new WebSocket(bridge.wsUrl)
    const startedAt = performance.now()
    const pingTimes: number[] = []
    const messages: string[] = []
    ws.on('message', (data: Buffer) => messages.push(data.toString()))
    ws.once('open', () => ws.send(frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': '0,0' })))
    await new Promise<void>((resolve) => {
      ws.on('ping', () => {
        pingTimes.push(performance.now() - startedAt)
        if (pingTimes.length === 8) resolve()
      })
    })
    // longer than a peer that is silent would be kept, and it has sent nothing but pongs
    expect(pingTimes[7]).toBeGreaterThan(6 * PING_INTERVAL_MS)
    expect(messages).toHaveLength(1)
    expect(ws.readyState).toBe(WebSocket.OPEN)
    ws.terminate()
  })

  it('a WebSocket that answers no ping is dropped', async () => {
    const ws = new WebSocket(bridge.wsUrl, { autoPong: false })
    const startedAt = performance.now()
    ws.once('open', () => ws.send(frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': '0,0' })))
    const code = await new Promise<number>((resolve) => ws.on('close', resolve))
    expect(code).toBe(1006)
    expect(performance.now() - startedAt).toBeGreaterThan(2 * PING_INTERVAL_MS)
  })

  it('a client that can beat only rarely is kept by its pongs where they count', async () => {
    const peer = await open()
    const startedAt = performance.now()
    await peer.stompConnect({ 'accept-version': '1.2', 'heart-beat': '600,100' })
    // ten times what a silent client has
    while (performance.now() - startedAt < 12_000) await peer.beats(peer.heartBeats.length + 1)
    expect(peer.isClosed).toBe(false)
  })

  it('a client that answers no ping is closed as silent, where pongs count too', async () => {
    const ws = new WebSocket(bridge.wsUrl, { autoPong: false })
    ws.once('open', () => ws.send(frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': '600,0' })))
    const messages: string[] = []
    ws.on('message', (data: Buffer) => messages.push(data.toString()))
    expect(await new Promise<number>((resolve) => ws.on('close', resolve))).toBe(1002)
    expect(messages.at(-1)).toMatch(/^ERROR\n(.*\n)*code:heart-beat-timeout\n/)
  })

  it('one message of 8 MB reaches a client that reads steadily, which is then kept', async () => {
    const body = '汉'.repeat(2_800_000)
    const ws = new WebSocket(bridge.wsUrl)
    await new Promise((resolve) => ws.once('open', resolve))
    let closed: number | undefined
    ws.on('close', (code) => (closed = code))
    const received: string[] = []
    const wanted = (what: string) =>
      new Promise<string>((resolve, reject) => {
        ws.on('message', (data: Buffer) => {
          received.push(data.toString())
          if (received.at(-1)!.includes(what)) resolve(received.at(-1)!)
        })
        ws.on('close', (code, reason) => reject(new Error(`closed with ${code} ${reason.toString()}`)))
      })
    ws.send(frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': '0,0' }))
    ws.send(frameText('SUBSCRIBE', { id: '0', destination: '/topic/large', receipt: 'live' }))
    await wanted('receipt-id:live')
    // 4 MB a second, by the chunk
    const { _socket: socket } = ws as unknown as { _socket: Socket }
    let allowed = 0
    const pace = setInterval(() => {
      allowed += 200_000
      socket.resume()
    }, 50)
    socket.on('data', (chunk: Buffer) => {
      allowed -= chunk.length
      if (allowed < 0) socket.pause()
    })
    const whole = wanted(body)
    await notify('/topic/large', body)
    const small = wanted('small')
    await notify('/topic/large', 'small')
    expect((await whole).length).toBeGreaterThan(body.length)
    await small
    clearInterval(pace)
    expect(closed).toBeUndefined()
    ws.terminate()
  })

  describe('over TCP', () => {
    it('an EOL ends every frame, those that are shared and those that are not', async () => {
      const [one, other] = [await openTcp(), await openTcp()]
      for (const peer of [one, other]) {
        await peer.stompConnect()
        await subscribed(peer, '/topic/eol')
      }
      for (let i = 0; i < 3; i++) await notify('/topic/eol', `message ${i}`)
      one.send(frameText('SUBSCRIBE', { id: '1', destination: '/topic/own', ack: 'client', receipt: 'own' }))
      for (const peer of [one, other]) {
        for (let i = 0; i < 3; i++) expect(bodyText(await peer.expect('MESSAGE'))).toBe(`message ${i}`)
      }
      await one.receipt('own')
      await notify('/topic/own', 'acknowledged')
      await one.expect('MESSAGE')
      for (const peer of [one, other]) {
        peer.send('NONSENSE\n\n\0')
        await peer.expect('ERROR')
        await peer.closed
        const { text } = peer
        expect(text.split('\0').length - 1).toBe(peer.frames.length)
        expect(text.split('\0\n').length - 1).toBe(peer.frames.length)
        expect(text.endsWith('\0\n')).toBe(true)
      }
    })

    it('an EOL ends the bytes of a binary body with NULs in it, and what is long', async () => {
      const peer = await openTcp()
      await peer.stompConnect()
      await subscribed(peer, '/topic/bytes')
      const sender = await open()
      await sender.stompConnect()
      const body = Buffer.alloc(50_000).fill(Buffer.from([0, 10, 255, 65]))
      const head = `SEND\ndestination:/topic/bytes\ncontent-length:${body.length}\ncontent-type:application/octet-stream\n\n`
      sender.send(Buffer.concat([Buffer.from(head), body, Buffer.from([0])]))
      expect(Buffer.from((await peer.expect('MESSAGE')).body).equals(body)).toBe(true)
      expect(Buffer.from(peer.messages.at(-1)!).subarray(-2)).toEqual(Buffer.from([0, 10]))
    })

    it('a heart-beat is one EOL', async () => {
      const peer = await openTcp()
      await peer.stompConnect({ 'accept-version': '1.2', 'heart-beat': '0,100' })
      const { length } = peer.text
      peer.heartBeats.length = 0
      expect(peer.text.endsWith('\0\n')).toBe(true)
      await peer.beats(1)
      expect(peer.text.slice(length)).toBe('\n'.repeat(peer.heartBeats.length))
    }, 40_000)
  })

  describe('a client whose CONNECT is binary', () => {
    const bytes = (text: string) => Buffer.from(text)

    it('gets binary messages only, those of groups and heart-beats too; the others of its groups get text', async () => {
      const binary = await Promise.all([open({ timeoutMs: 20_000 }), open()])
      const text = await Promise.all([open(), open()])
      for (const [i, peer] of binary.entries()) {
        peer.send(bytes(frameText('CONNECT', { 'accept-version': '1.2', 'heart-beat': i === 0 ? '0,100' : '0,0' })))
        await peer.expect('CONNECTED')
        await subscribed(peer, '/topic/mixed', (frame) => peer.send(bytes(frame)))
      }
      for (const peer of text) {
        await peer.stompConnect()
        await subscribed(peer, '/topic/mixed')
      }
      const check = async (message: string, to: readonly StompPeer[]) => {
        await notify('/topic/mixed', message)
        for (const peer of to) expect(bodyText(await peer.expect('MESSAGE'))).toBe(message)
      }
      await check('to all: 汉', [...binary, ...text])
      binary[1].terminate()
      await check('to three', [binary[0], ...text])
      for (const peer of text) peer.terminate()
      await check('to one', [binary[0]])
      await binary[0].beats(1)
      for (const peer of binary) expect(peer.messages.filter((data) => typeof data === 'string')).toEqual([])
      for (const peer of text) expect(peer.messages.filter((data) => typeof data !== 'string')).toEqual([])
      binary[0].send(bytes(frameText('UNSUBSCRIBE', { id: '0', receipt: 'gone' })))
      await binary[0].receipt('gone')
      await notify('/topic/mixed', 'to nobody')
      binary[0].send(bytes('NONSENSE\n\n\0'))
      await binary[0].expect('ERROR')
      expect(typeof binary[0].messages.at(-1)).toBe('object')
    }, 40_000)

    it('is one whose CONNECT is: a binary SEND later changes nothing', async () => {
      const peer = await open()
      await peer.stompConnect()
      await subscribed(peer, '/topic/still-text')
      peer.send(bytes(frameText('SEND', { destination: '/topic/still-text' }, 'x')))
      await peer.expect('MESSAGE')
      expect(peer.messages.every((data) => typeof data === 'string')).toBe(true)
    })
  })

  it('each frame is a WebSocket message of its own, however many leave at once', async () => {
    // Many clients read only the first frame of a message; and one buffer of 8 KiB is all that some have.
    const [sole, ...group] = await Promise.all([open(), open(), open()])
    for (const peer of [sole, ...group]) {
      await peer.stompConnect()
      await subscribed(peer, peer === sole ? '/topic/burst/*' : '/topic/burst/1')
    }
    const sends = Array.from({ length: 200 }, (_, i) =>
      frameText('SEND', { destination: '/topic/burst/1', transaction: 't' }, `${i} ${'x'.repeat(200)}`),
    )
    for (const batch of [sends.slice(0, 100), sends.slice(100)]) {
      sole.send(
        [frameText('BEGIN', { transaction: 't' }), ...batch, frameText('COMMIT', { transaction: 't' })].join(''),
      )
    }
    for (const peer of [sole, ...group]) {
      for (let i = 0; i < sends.length; i++)
        expect(bodyText(await peer.expect('MESSAGE'))).toMatch(new RegExp(`^${i} `))
      const frames = peer.messages.filter((data) => data !== '\n').map((data) => decodeFrames(data, '1.2').length)
      expect(new Set(frames)).toEqual(new Set([1]))
    }
  })

  it('SUBSCRIBE with a selector is refused: without one everything would come', async () => {
    const peer = await open()
    await peer.stompConnect()
    peer.send(frameText('SUBSCRIBE', { id: '0', destination: '/topic/a', selector: 'price > 10', receipt: 'r' }))
    await peer.expect('ERROR', { code: 'bad-header', message: /selector.*not supported/, 'receipt-id': 'r' })
    expect((await peer.closed).code).toBe(1002)
  })
})
