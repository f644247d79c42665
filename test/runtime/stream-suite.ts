/**
 * The contract of responses that go on, with real connections, for whichever runtime it runs on. As a program
 * (`bun stream-suite.ts bun`) it writes what failed as JSON, by the name of the case; with the paths of a certificate and
 * its key, over TLS.
 */
import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket as NetSocket } from 'node:net'
import process from 'node:process'
import { connect as connectTls } from 'node:tls'
import type { Certificate, Listener, RequestEnv, Runtime, Socket } from '../../src/socket.ts'

const HARD_UNSENT_BYTES = 20_000_000
const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

type Case = (stage: Stage) => Promise<void>

/** One stream of the server, and what it reported. */
class ServerEnd {
  readonly socket: Socket
  readonly closings: (readonly [number, string])[] = []
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
  }

  closed(code: number, reason: string): void {
    this.closings.push([code, reason])
    this.#wake?.()
  }

  async untilClosed(): Promise<readonly [number, string]> {
    if (this.closings.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    await turn()
    assert.equal(this.closings.length, 1, 'closed is reported once')
    return this.closings[0]!
  }
}

/** A client that sees bytes. */
class Client {
  readonly net: NetSocket
  text = ''
  bytesRead = 0
  readonly gone: Promise<void>
  readonly writes: string[] = []

  constructor(net: NetSocket) {
    this.net = net
    net.setEncoding('latin1')
    net.on('data', (data: string) => {
      this.text = (this.text + data).slice(-200_000)
      this.bytesRead += data.length
      this.writes.push(data)
    })
    net.on('error', () => {})
    this.gone = new Promise((resolve) => net.once('close', () => resolve()))
  }

  request(path: string, { method = 'GET', version = '1.1', more = '' } = {}): void {
    this.net.write(`${method} ${path} HTTP/${version}\r\nHost: x\r\n${more}\r\n`)
  }

  /** Waits until it has been sent this; gives all before it. */
  async until(wanted: string | RegExp): Promise<string> {
    for (;;) {
      const at = typeof wanted === 'string' ? this.text.indexOf(wanted) : this.text.search(wanted)
      if (at >= 0) {
        const before = this.text.slice(0, at)
        this.text = this.text.slice(
          at + (typeof wanted === 'string' ? wanted.length : wanted.exec(this.text)![0].length),
        )
        return before
      }
      assert.ok(!this.net.destroyed, `closed before ${wanted} came, after ${JSON.stringify(this.text.slice(-200))}`)
      await Promise.race([once(this.net, 'data'), this.gone])
    }
  }
}

class Stage {
  readonly listener: Listener
  readonly isTls: boolean
  readonly #opened: ServerEnd[] = []
  #wake: (() => void) | undefined
  #onAbandoned!: () => void
  /** Resolves when the runtime has said that it cannot open what it was asked to. */
  readonly abandoned = new Promise<void>((resolve) => (this.#onAbandoned = resolve))
  opens = 0

  constructor(listener: Listener, isTls: boolean) {
    this.listener = listener
    this.isTls = isTls
  }

  static async start(runtime: Runtime, certificate: Certificate | undefined): Promise<Stage> {
    const listener = await runtime.listen({
      host: '127.0.0.1',
      port: 0,
      certificate,
      fetch: (request, env) => stage.#fetch(request, env),
      maxMessageBytes: 1_000_000,
      maxBodyBytes: 1000,
      hardUnsentBytes: HARD_UNSENT_BYTES,
      compressionMinBytes: undefined,
      pingIntervalMs: 0,
      keepAliveMs: 5000,
      requestTimeoutMs: 30_000,
    })
    const stage: Stage = new Stage(listener, certificate !== undefined)
    return stage
  }

  #fetch(request: Request, env: RequestEnv): Response | Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/plain') return new Response('plain')
    const open = (socket: Socket) => {
      const end = new ServerEnd(socket)
      this.opens++
      this.#opened.push(end)
      this.#wake?.()
      socket.send(':hello\n\n')
      return { receive() {}, ended() {}, closed: (code: number, reason: string) => end.closed(code, reason) }
    }
    const abandoned = () => void this.#onAbandoned()
    if (pathname === '/websocket') return env.upgrade(request, { protocol: undefined, open, abandoned })
    const answer = () => env.stream(request, { headers: HEADERS, open, abandoned })
    if (pathname === '/late') return this.#answerToNobody(request, answer)
    const response = answer()
    if (pathname === '/refused') return new Response('refused', { status: 403 })
    if (pathname !== '/wrapped') return response
    const wrapped = new Response(response.body, response)
    wrapped.headers.set('x-added', 'later')
    return Promise.resolve(wrapped)
  }

  /** The application has to look for its answer until the client has left. */
  async #answerToNobody(request: Request, answer: () => Response): Promise<Response> {
    if (!request.signal.aborted) await once(request.signal, 'abort')
    return answer()
  }

  async connect(): Promise<Client> {
    const to = { port: this.listener.port, host: '127.0.0.1' }
    const net = this.isTls ? connectTls({ ...to, rejectUnauthorized: false }) : connectTcp(to)
    await once(net, this.isTls ? 'secureConnect' : 'connect')
    return new Client(net)
  }

  async opened(): Promise<ServerEnd> {
    while (this.#opened.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#opened.shift()!
  }

  /** A client and its stream, after the head and the greeting. */
  async open(path = '/stream', options = {}): Promise<{ client: Client; server: ServerEnd; head: string }> {
    const client = await this.connect()
    client.request(path, options)
    const server = await this.opened()
    const head = await client.until('\r\n\r\n')
    await client.until(/:hello\n\n(\r\n)?/)
    return { client, server, head }
  }
}

const cases: Readonly<Record<string, Case>> = {
  'leaves nothing open for a client that left before the answer': async (stage) => {
    const client = await stage.connect()
    client.request('/late')
    client.net.end()
    const end = await Promise.race([stage.abandoned, stage.opened()])
    if (end) assert.deepEqual(await end.untilClosed(), [1006, ''])
  },
  'says that it opens no WebSocket for a handshake without Connection': async (stage) => {
    const client = await stage.connect()
    client.request('/websocket', { more: 'Upgrade: websocket\r\n' })
    await stage.abandoned
    await client.until('HTTP/1.1 426')
    assert.equal(stage.opens, 0)
  },
  'says that it opens no WebSocket for a handshake without a key': async (stage) => {
    const client = await stage.connect()
    client.request('/websocket', { more: 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' })
    await stage.abandoned
    await client.until(/HTTP\/1\.1 4(00|26)/)
    assert.equal(stage.opens, 0)
  },
  'answers with the headers, and sends each piece as a chunk at once': async (stage) => {
    const { client, server, head } = await stage.open()
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
    for (const [name, value] of Object.entries(HEADERS)) assert.match(head, new RegExp(`^${name}: ${value}\r?$`, 'im'))
    assert.match(head, /^transfer-encoding: chunked\r?$/im)
    assert.doesNotMatch(head, /^content-(length|encoding):/im)
    assert.equal(server.socket.transport, 'http')
    assert.equal(server.socket.remoteAddress, '127.0.0.1')
    server.socket.send('data: é\n\n')
    await client.until('a\r\ndata: \xc3\xa9\n\n\r\n')
    server.socket.send(Uint8Array.of(0x61, 0, 0xff))
    await client.until('3\r\na\0\xff\r\n')
  },
  'keeps the headers that others add to the response': async (stage) => {
    const { head } = await stage.open('/wrapped')
    assert.match(head, /^x-added: later\r?$/im)
    assert.match(head, /^content-type: text\/event-stream\r?$/im)
  },
  'opens nothing if the application returns another response': async (stage) => {
    const client = await stage.connect()
    client.request('/refused')
    await client.until('refused')
    assert.equal(stage.opens, 0)
    client.request('/plain')
    await client.until('plain')
  },
  'serves fetch, which sees the end of the body': async (stage) => {
    const response = await fetch(`http://127.0.0.1:${stage.listener.port}/stream`)
    const server = await stage.opened()
    server.socket.send('1')
    server.socket.sendAll(['2', Uint8Array.of(0x33), ''])
    server.socket.close(1000, 'done')
    assert.equal(await response.text(), ':hello\n\n123')
    assert.deepEqual(await server.untilClosed(), [1000, 'done'])
  },
  'ends the body, reports that once, and serves the next request of the connection': async (stage) => {
    const { client, server } = await stage.open()
    server.socket.send('last')
    server.socket.close(1001, 'bye')
    server.socket.send('too late')
    server.socket.close(1002, 'again')
    assert.equal(await client.until('0\r\n\r\n'), '4\r\nlast\r\n')
    assert.deepEqual(await server.untilClosed(), [1001, 'bye'])
    client.request('/plain')
    await client.until('plain')
    client.request('/stream')
    await client.until(':hello')
    server.socket.terminate()
    const second = await stage.opened()
    second.socket.send('second')
    await client.until('second')
    client.net.destroy()
    assert.deepEqual(await second.untilClosed(), [1006, ''])
  },
  'sends an empty message as nothing, not as the end': async (stage) => {
    const { client, server } = await stage.open()
    server.socket.send('')
    server.socket.sendAll([])
    server.socket.sendAll(['', new Uint8Array()])
    server.socket.send('on')
    assert.equal(await client.until('2\r\non\r\n'), '')
  },
  'streams to HTTP/1.0 without chunks and ends with the connection': async (stage) => {
    const { client, server, head } = await stage.open('/stream', { version: '1.0' })
    assert.doesNotMatch(head, /transfer-encoding/i)
    server.socket.send('one')
    await client.until('one')
    server.socket.send('two')
    server.socket.close(1000, '')
    await client.gone
    assert.equal(client.text, 'two')
    assert.deepEqual(await server.untilClosed(), [1000, ''])
  },
  'closes the connection at the end for a client that asks for it': async (stage) => {
    const { client, server } = await stage.open('/stream', { more: 'Connection: close\r\n' })
    server.socket.close(1000, '')
    await client.gone
    assert.match(client.text, /0\r\n\r\n$/)
  },
  'answers HEAD with the headers and opens nothing': async (stage) => {
    const client = await stage.connect()
    client.request('/stream', { method: 'HEAD' })
    const head = await client.until('\r\n\r\n')
    assert.match(head, /^content-type: text\/event-stream\r?$/im)
    client.request('/plain')
    await client.until('plain')
    assert.equal(stage.opens, 0)
  },
  'answers POST too': async (stage) => {
    const { client, server } = await stage.open('/stream', { method: 'POST', more: 'Content-Length: 0\r\n' })
    server.socket.send('more')
    await client.until('4\r\nmore\r\n')
    server.socket.close(1000, '')
    await client.until('0\r\n\r\n')
  },
  'answers a request that offers an upgrade to something else': async (stage) => {
    const more = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n'
    const { client, server, head } = await stage.open('/stream', { more })
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
    server.socket.send('more')
    await client.until('4\r\nmore\r\n')
    server.socket.close(1000, 'done')
    await client.until('0\r\n\r\n')
    assert.deepEqual(await server.untilClosed(), [1000, 'done'])
    const gone = await stage.open('/stream', { more })
    gone.client.net.end()
    assert.deepEqual(await gone.server.untilClosed(), [1006, ''])
  },
  'notices a client that goes away, by itself': async (stage) => {
    // Node's TLS knows no reset.
    const ways = stage.isTls ? (['destroy', 'end'] as const) : (['destroy', 'end', 'resetAndDestroy'] as const)
    for (const leave of ways) {
      const { client, server } = await stage.open()
      client.net[leave]()
      assert.deepEqual(await server.untilClosed(), [1006, ''])
      server.socket.send('nobody')
      server.socket.close(1000, '')
      server.socket.terminate()
      await turn()
      assert.equal(server.closings.length, 1)
    }
  },
  'drops the connection at once': async (stage) => {
    const { client, server } = await stage.open()
    server.socket.terminate()
    assert.deepEqual(await server.untilClosed(), [1006, ''])
    await client.gone
    assert.doesNotMatch(client.text, /0\r\n\r\n/)
  },
  'tells what a client that does not read has not taken, sends it all when it reads again, then ends': async (
    stage,
  ) => {
    const { client, server } = await stage.open()
    assert.equal(server.socket.bufferedBytes, 0)
    client.net.pause()
    const sent = await fill(server.socket, 5_000_000)
    const buffered = server.socket.bufferedBytes
    assert.ok(buffered >= 5_000_000 && buffered <= sent + 10_000, `${buffered} of ${sent}`)
    server.socket.send('the end')
    server.socket.close(1000, 'read')
    assert.equal(server.closings.length, 0, 'not before it is flushed')
    const read = client.bytesRead
    client.net.resume()
    await client.until(/the end\r\n0\r\n\r\n/)
    assert.ok(client.bytesRead - read >= sent)
    assert.deepEqual(await server.untilClosed(), [1000, 'read'])
  },
  'does not report as done what a client has left before all of it was sent': async (stage) => {
    const { client, server } = await stage.open()
    client.net.pause()
    await fill(server.socket, 5_000_000)
    server.socket.close(1000, 'read')
    client.net.destroy()
    assert.deepEqual(await server.untilClosed(), [1006, ''])
  },
  'tells of the progress of a client that has a long way to go': async (stage) => {
    const { client, server } = await stage.open()
    client.net.pause()
    await fill(server.socket, 8_000_000)
    const before = server.socket.bufferedBytes
    while (server.socket.bufferedBytes > before - 1_000_000) {
      client.net.resume()
      await once(client.net, 'data')
      client.net.pause()
      await turn()
    }
    assert.ok(server.socket.bufferedBytes > 1_000_000, 'there is still a way to go')
    server.socket.terminate()
    await server.untilClosed()
  },
  'drops a client that does not read at the hard limit, and one whose stream is closed meanwhile on terminate': async (
    stage,
  ) => {
    const { client, server } = await stage.open()
    client.net.pause()
    while (server.closings.length === 0) {
      server.socket.send(new Uint8Array(1_000_000))
      assert.ok(server.socket.bufferedBytes <= HARD_UNSENT_BYTES + 2_000_000)
      await turn()
    }
    assert.deepEqual(await server.untilClosed(), [1006, ''])
    const second = await stage.open()
    second.client.net.pause()
    await fill(second.server.socket, 1_000_000)
    second.server.socket.close(1001, 'bye')
    second.server.socket.terminate()
    await second.server.untilClosed()
  },
  'gives what is published to a group to its members, several messages in one write, in order with their own': async (
    stage,
  ) => {
    const [a, b, old] = [await stage.open(), await stage.open(), await stage.open('/stream', { version: '1.0' })]
    for (const { server } of [a, b, old]) server.socket.join('g')
    for (const { client } of [a, b, old]) client.writes.length = 0
    const { fanout } = a.server.socket
    assert.equal(b.server.socket.fanout, fanout)
    fanout.write('g', ['one;', Uint8Array.of(0x32, 0x3b), 'é;'])
    for (const { client } of [a, b]) {
      await client.until('9\r\none;2;\xc3\xa9;\r\n')
      assert.equal(client.writes.length, 1)
    }
    await old.client.until('one;2;\xc3\xa9;')
    a.server.socket.send('1')
    fanout.write('g', ['2'])
    a.server.socket.leave('g')
    fanout.write('g', ['3'])
    fanout.write('nobody', ['x'])
    fanout.write('g', [''])
    for (const { server } of [a, b]) server.socket.send('end')
    assert.equal(bodyOf(await a.client.until(/end\r\n/)), '12')
    assert.equal(bodyOf(await b.client.until(/end\r\n/)), '23')
    b.server.socket.terminate()
    fanout.write('g', ['4'])
    await old.client.until('234')
  },
  'stays while no more are accepted, and ends when the listener is closed': async (stage) => {
    const { client, server } = await stage.open()
    stage.listener.stopAccepting()
    server.socket.send('still')
    await client.until('still')
    await stage.listener.close()
    await client.gone
    assert.deepEqual(await server.untilClosed(), [1006, ''])
  },
}

/** Of the cases, those that are not run over TLS: no two runtimes have the same way to let `fetch` trust a certificate. */
const PLAIN_ONLY = ['serves fetch, which sees the end of the body']

export function casesFor(isTls: boolean): string[] {
  return Object.keys(cases).filter((name) => !isTls || !PLAIN_ONLY.includes(name))
}

/** Returns how much it sent until so much of it was not taken. */
async function fill(socket: Socket, bytes: number): Promise<number> {
  let sent = 0
  while (socket.bufferedBytes < bytes) {
    socket.send(new Uint8Array(100_000).fill(0x2e))
    sent += 100_000
    await turn()
  }
  return sent
}

/** The content of short chunks, whose last one may be cut before its end. */
function bodyOf(chunks: string): string {
  return chunks.replace(/[0-9a-f]+\r\n([^\r]*)(\r\n)?/g, '$1')
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Returns what went wrong, by the name of the case. */
export async function runCases(runtime: Runtime, certificate?: Certificate): Promise<Record<string, string>> {
  const failures: Record<string, string> = {}
  for (const name of casesFor(certificate !== undefined)) {
    const run = cases[name]!
    const stage = await Stage.start(runtime, certificate)
    let timer
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('This takes too long')), 5000)
    })
    try {
      await Promise.race([run(stage), late])
    } catch (error) {
      failures[name] = String((error as Error).stack)
    }
    clearTimeout(timer)
    await stage.listener.close()
  }
  return failures
}

const [, , asProgram, cert, key] = process.argv
if (asProgram === 'bun' || asProgram === 'deno') {
  const { createRuntime } = (await import(`../../src/runtime/${asProgram}.ts`)) as { createRuntime: () => Runtime }
  const certificate = cert && key ? { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } : undefined
  const failures = await runCases(createRuntime(), certificate)
  process.stdout.write(JSON.stringify(failures), () => process.exit(0))
}
