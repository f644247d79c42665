/** TLS on the listeners themselves: real clients with a CA of their own, and certificates that are exchanged while they run. */
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect, type ConnectionOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { connectStompit } from '../support/clients/stompit.ts'
import { connectStompjs7 } from '../support/clients/stompjs7.ts'
import { makeCertificates, type Certificates, type Pair } from '../redis/tls.ts'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { runtime } from '../support/runtime.ts'
import { eventually } from '../support/wait.ts'

const SOON = { timeoutMs: 20_000, intervalMs: 100 }

describe(`TLS on ${runtime}`, () => {
  let made: Certificates
  let directory: string
  let ca: Buffer
  let bridge: BridgeProcess

  beforeAll(async () => {
    made = makeCertificates()
    ca = readFileSync(made.ca)
    directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-listeners-'))
    put(made.server)
    const files = (section: string) => ({
      [`STOMP_BRIDGE_${section}_TLS_CERT_FILE`]: join(directory, 'tls.crt'),
      [`STOMP_BRIDGE_${section}_TLS_KEY_FILE`]: join(directory, 'tls.key'),
    })
    const doors = {
      STOMP_BRIDGE_TCP_ENABLED: 'true',
      STOMP_BRIDGE_TCP_PORT: '0',
      STOMP_BRIDGE_DOORS_SOCKJS: 'true',
    }
    bridge = await spawnBridge({ runtime, tcp: true, env: { ...doors, ...files('SERVER'), ...files('TCP') } })
  })
  afterAll(async () => {
    expect(await bridge?.stop()).toBe(0)
    made.remove()
    rmSync(directory, { recursive: true, force: true })
  })

  function put({ cert, key }: Pair): void {
    copyFileSync(cert, join(directory, 'tls.crt'))
    copyFileSync(key, join(directory, 'tls.key'))
  }

  /** Returns whose certificate is shown there. Rejects when there is no handshake. */
  async function shown(port: number, options: ConnectionOptions = {}): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', ca, ...options })
    try {
      await once(socket, 'secureConnect')
      return String(socket.getPeerCertificate().subject.CN)
    } finally {
      socket.destroy()
    }
  }

  function overWebSocket() {
    const webSocketFactory = () => new WebSocket(bridge.wsUrl, ['v12.stomp'], { ca })
    return connectStompjs7(bridge, { webSocketFactory })
  }

  const overTcp = () => connectStompit(bridge, {}, { ssl: true, ca })

  async function fetchText(path: string, body?: unknown): Promise<{ status: number | undefined; body: string }> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const asked = request(`${bridge.url}${path}`, {
      ca,
      agent: false,
      method: body === undefined ? 'GET' : 'POST',
      headers,
    })
    asked.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return { status: response.statusCode, body: await text(response) }
  }

  it('serves STOMP over wss:// and over TCP, HTTP, and streams of events, and says so in its banner', async () => {
    expect(bridge.stdout()).toMatch(/wss:\/\/127\.0\.0\.1:\d+\/stomp/)
    expect(bridge.stdout()).toMatch(/stomp\+ssl:\/\/127\.0\.0\.1:\d+/)
    expect(bridge.stdout()).toContain(`GET  https://127.0.0.1:${bridge.port}/health`)
    const clients = [await overWebSocket(), await overTcp()]
    const subscriptions = []
    for (const client of clients) subscriptions.push(await client.subscribe('/topic/news'))
    const events = request(`${bridge.url}/sse/topic/news`, { ca, agent: false })
    onTestFinished(() => void events.destroy())
    events.end()
    const [stream] = (await once(events, 'response')) as [IncomingMessage]
    expect(stream.statusCode).toBe(200)
    let came = ''
    stream.setEncoding('utf8').on('data', (piece: string) => (came += piece))
    await clients[0]!.send('/topic/news', 'from the page')
    await clients[1]!.send('/topic/news', 'x'.repeat(60_000))
    for (const subscription of subscriptions) {
      expect((await subscription.next()).body).toBe('from the page')
      expect((await subscription.next()).body).toHaveLength(60_000)
    }
    await eventually(() => expect(came).toContain('data: from the page'))
    expect((await fetchText('/api/notification', { topic: '/topic/news', message: 'by HTTP' })).status).toBe(200)
    expect((await subscriptions[1]!.next()).body).toBe('by HTTP')
    for (const client of clients) await client.disconnect()
    expect((await fetchText('/debugger')).status).toBeLessThan(400)
  })

  it('sends at once what a stream begins with, however long nothing follows: SSE, xhr and xhr_streaming', async () => {
    const first = async (path: string, method: string, wanted: string) => {
      const asked = request(`${bridge.url}${path}`, { ca, agent: false, method })
      onTestFinished(() => void asked.destroy())
      asked.end()
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      let came = ''
      response.setEncoding('utf8').on('data', (piece: string) => (came += piece))
      await eventually(() => expect(came).toContain(wanted))
    }
    await first('/sse/topic/silent', 'GET', 'retry:')
    await first('/stomp/1/polled/xhr', 'POST', 'o\n')
    await first('/stomp/1/streamed/xhr_streaming', 'POST', 'o\n')
  })

  it('takes nothing older than TLS 1.2, and nobody who speaks no TLS at all', async () => {
    const places = [bridge.port, bridge.tcpPort!]
    for (const port of places) {
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
      await expect(shown(port, old)).rejects.toThrow(/protocol version|handshake failure|ECONNRESET/i)
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        expect(await shown(port, { minVersion: version, maxVersion: version })).toBe('server')
      }
      const plain = connectTcp(port, '127.0.0.1')
      plain.on('error', () => {}) // a reset is one way
      plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nCONNECT\naccept-version:1.2\n\n\0')
      let answer = ''
      plain.on('data', (data) => (answer += data.toString('latin1')))
      await once(plain, 'close')
      expect(answer).not.toMatch(/HTTP\/1\.1 (2|101)|CONNECTED/)
    }
  })

  it('shows a new certificate to who connects, and goes on with who is there; a broken one changes nothing', async () => {
    const before = await overWebSocket()
    const beforeTcp = await overTcp()
    const old = [await before.subscribe('/topic/on'), await beforeTcp.subscribe('/topic/on')]
    const places = [bridge.port, bridge.tcpPort!]
    put(made.renewed)
    for (const port of places) await eventually(async () => expect(await shown(port)).toBe('renewed'), SOON)
    const after = await overWebSocket()
    const renewed = [await after.subscribe('/topic/on'), await (await overTcp()).subscribe('/topic/on')]
    await before.send('/topic/on', 'old to new')
    await after.send('/topic/on', 'new to old')
    for (const subscription of [...old, ...renewed]) {
      expect([(await subscription.next()).body, (await subscription.next()).body]).toEqual(['old to new', 'new to old'])
    }

    writeFileSync(join(directory, 'tls.crt'), 'half a certifi')
    const isRefusal = ({ msg }: Record<string, unknown>) => String(msg).startsWith('The new certificate cannot be used')
    for (const setting of ['server.tls', 'tcp.tls']) {
      await bridge.waitForLog((record) => isRefusal(record) && record['setting'] === setting, SOON.timeoutMs)
    }
    for (const port of places) expect(await shown(port)).toBe('renewed')
    put(made.server)
    for (const port of places) await eventually(async () => expect(await shown(port)).toBe('server'), SOON)
    expect(bridge.logs().filter(isRefusal)).toHaveLength(2)
    await before.send('/topic/on', 'still there')
    for (const subscription of [...old, ...renewed]) expect((await subscription.next()).body).toBe('still there')
  })
})
