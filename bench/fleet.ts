/**
 * Many clients, of WebSockets or of event streams, on bare TCP sockets, cheap enough not to be what is measured: they count a marker byte in what
 * they read and parse nothing. A few of them also read the time that a message was sent. Where messages may be compressed
 * they count frames instead, and one of them says what is in a frame. Runs in the generator process.
 */
import { connect, type Socket } from 'node:net'
import { MARKER_BYTE, STAMP_LENGTH, wallClockMs } from './body.ts'
import { countMarkers, FrameCounter } from './frame-counter.ts'
import { textMessage } from './text-message.ts'

/** How to become a client of a server. `{n}` stands for the number of the client, from 0. */
export interface Protocol {
  /** Path and query of the request. */
  readonly path: string
  /** The answer itself goes on, and nothing is sent: no WebSocket. */
  readonly isStream?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** Text messages to send after the upgrade, each when the text that the one before waits for has come. */
  readonly hello: readonly { readonly send: string; readonly until: string }[]
  /** One for each client; `{secret}` in `hello` stands for its own. */
  readonly secrets?: readonly string[]
  /**
   * Messages may be compressed, so that no marker can be seen in them. Every client of the fleet has to get the same
   * WebSocket messages: the first one looks what is in them, the others count.
   */
  readonly countsFrames?: boolean
  /** STOMP clients that acknowledge each message as soon as it has come. */
  readonly acknowledges?: boolean
}

export interface FleetOptions {
  readonly port: number
  /** Numbers of the clients: from `first`, so many. */
  readonly first: number
  readonly size: number
  readonly protocol: Protocol
  /** Every so many-th client notes how long each message took; 0 for none. */
  readonly sampleEvery: number
}

const HANDSHAKES_AT_ONCE = 32
const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
const PING = 0x89
/** An empty pong, masked with zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])

export class Fleet {
  /** Messages counted so far, over all clients. */
  received = 0
  /** How long sampled messages took, in milliseconds. */
  latencies: number[] = []
  /** How long each client took from its connection to the last answer, in milliseconds. */
  readonly joins: number[] = []
  /** Bytes read so far, over all clients, since each was there. */
  bytes = 0
  readonly #sockets: Socket[] = []
  #goal = Infinity
  #onGoal: (() => void) | undefined
  #beats: ReturnType<typeof setInterval> | undefined
  #counter: FrameCounter | undefined

  static async connect({ port, first, size, protocol, sampleEvery }: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet()
    if (protocol.countsFrames) fleet.#counter = new FrameCounter(size)
    for (let from = 0; from < size; from += HANDSHAKES_AT_ONCE) {
      const batch = Array.from({ length: Math.min(HANDSHAKES_AT_ONCE, size - from) }, (_, i) => from + i)
      await Promise.all(
        batch.map((at) => fleet.#open(port, protocol, at, first + at, sampleEvery > 0 && at % sampleEvery === 0)),
      )
    }
    return fleet
  }

  /** Resolves when so many have come since the fleet was connected. */
  until(total: number): Promise<void> {
    if (this.received >= total) return Promise.resolve()
    return new Promise((resolve) => {
      this.#goal = total
      this.#onGoal = resolve
    })
  }

  /** Every client sends this text so many times, each in a WebSocket message of its own, and then the last one. */
  send(text: string, times: number, last: string): void {
    const messages = Buffer.concat([...Array.from({ length: times }, () => textMessage(text)), textMessage(last)])
    for (const socket of this.#sockets) socket.write(messages)
  }

  /** Heart-beats of every client, spread over the interval. */
  beat(everyMs: number): void {
    const beat = textMessage('\n')
    const slices = 20
    let slice = 0
    this.#beats = setInterval(() => {
      for (let i = slice; i < this.#sockets.length; i += slices) this.#sockets[i]!.write(beat)
      slice = (slice + 1) % slices
    }, everyMs / slices)
  }

  /** Stop reading on the first client. */
  stall(): void {
    this.#sockets[0]!.pause()
  }

  close(): void {
    clearInterval(this.#beats)
    for (const socket of this.#sockets) socket.destroy()
  }

  async #open(port: number, protocol: Protocol, at: number, index: number, isSampled: boolean): Promise<void> {
    const begun = performance.now()
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    this.#sockets[at] = socket
    const extra = Object.entries(protocol.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
    const upgrade = protocol.isStream ? '' : UPGRADE
    socket.write(`GET ${protocol.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${upgrade}${extra.join('')}\r\n`)
    await until(socket, '\r\n\r\n')
    for (const { send, until: answer } of protocol.hello) {
      const text = send.replaceAll('{n}', String(index)).replaceAll('{secret}', protocol.secrets?.[index] ?? '')
      socket.write(textMessage(text))
      if (answer !== '') await until(socket, answer)
    }
    this.joins.push(performance.now() - begun)
    socket.on('error', () => {}) // a server that drops clients shows in what is not received
    if (protocol.acknowledges) acknowledge(socket)
    const counter = this.#counter
    if (counter) {
      const read = counter.client(at === 0 ? countMarkers : undefined)
      socket.on('data', (chunk: Buffer) => {
        read(chunk)
        this.#count(socket, chunk, counter.messages)
      })
    } else socket.on('data', (chunk: Buffer) => this.#read(socket, chunk, isSampled))
  }

  #read(socket: Socket, chunk: Buffer, isSampled: boolean): void {
    const now = isSampled ? wallClockMs() : 0
    let { received } = this
    for (let at = chunk.indexOf(MARKER_BYTE); at >= 0; at = chunk.indexOf(MARKER_BYTE, at + 1)) {
      received++
      if (!isSampled) continue
      const sentAt = Number(chunk.toString('latin1', at + 1, at + 1 + STAMP_LENGTH))
      if (sentAt > 0) this.latencies.push(now - sentAt)
    }
    this.#count(socket, chunk, received)
  }

  #count(socket: Socket, chunk: Buffer, received: number): void {
    this.received = received
    this.bytes += chunk.length
    // An idle connection is pinged, and the ping then comes by itself.
    if (chunk[0] === PING) socket.write(PONG)
    if (this.received < this.#goal) return
    this.#goal = Infinity
    this.#onGoal?.()
  }
}

/** Answers each MESSAGE that comes with an ACK of its own (STOMP 1.2). */
function acknowledge(socket: Socket): void {
  let rest = ''
  socket.on('data', (chunk: Buffer) => {
    const text = rest + chunk.toString('latin1')
    const end = text.lastIndexOf('\0') + 1
    rest = text.slice(end)
    const acks = [...text.slice(0, end).matchAll(/\nack:([^\n]+)\n/g)].map(([, ack]) =>
      textMessage(`ACK\nid:${ack}\n\n\0`),
    )
    if (acks.length > 0) socket.write(Buffer.concat(acks))
  })
}

/** Reads until the text has come, and throws away what else comes with it. */
function until(socket: Socket, wanted: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const settle = (outcome: () => void): void => {
      socket.off('data', read)
      socket.off('error', reject)
      socket.off('close', closed)
      outcome()
    }
    const closed = (): void => settle(() => reject(new Error(`Closed before "${wanted}" came; got: ${text}`)))
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      if (text.includes(wanted)) settle(resolve)
    }
    socket.on('data', read)
    socket.on('error', reject)
    socket.on('close', closed)
  })
}
