/**
 * A STOMP client that sends exactly the bytes it is given and keeps everything that comes back, over WebSocket (`ws`)
 * or TCP. Tests call it. It knows of STOMP what reading takes: frames, the version in CONNECTED, heart-beats. It never
 * answers, repairs or closes by itself, and whoever opens one closes it.
 */
import { Buffer } from 'node:buffer'
import { EventEmitter } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { WebSocket, type RawData } from 'ws'
import { Command, FrameDecoder, VERSIONS, type Frame, type Version } from '../../frames/index.ts'

export interface PeerOptions {
  /** `ws://127.0.0.1:8080/stomp` or `tcp://127.0.0.1:61613`. */
  readonly url: string
  /** Sub-protocols to offer, in this order; none unless told. */
  readonly protocols?: readonly string[]
  /** More headers of the upgrade request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Of every wait, 10,000 unless told. */
  readonly timeoutMs?: number
}

/** How a connection ended. TCP has neither code nor reason. */
export interface Closing {
  readonly code: number | undefined
  readonly reason: string
  /** Of `performance.now()`. */
  readonly atMs: number
}

/** What a header must be: this text, text that matches, or, for `undefined`, absent. */
export type WantedHeaders = Readonly<Record<string, string | RegExp | undefined>>

const DEFAULT_TIMEOUT_MS = 10_000
/** Far beyond what any server here sends. */
const LIMITS = { maxFrameBytes: 64 * 1024 * 1024, maxHeaders: 10_000, maxHeaderBytes: 1024 * 1024 }
const LF = 10
const NUL = 0

/** Opens a connection. Rejects when the server refuses the upgrade. */
export async function connectPeer(options: PeerOptions): Promise<StompPeer> {
  const peer = new StompPeer(options)
  await peer.opened
  return peer
}

/** A frame as text, headers as they are given: nothing is escaped, counted or added but the NUL. */
export function frameText(command: string, headers: Readonly<Record<string, string>> = {}, body = ''): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  return `${command}\n${lines.join('')}\n${body}\0`
}

/** The body as text; U+FFFD for what is not UTF-8. */
export function bodyText(frame: Frame): string {
  return Buffer.from(frame.body).toString()
}

export class StompPeer {
  readonly transport: 'websocket' | 'tcp'
  /** Resolves when the connection is open; rejects when it is refused. */
  readonly opened: Promise<void>
  /** WebSocket messages, or chunks of TCP, as they came: a string is a text message. */
  readonly messages: (string | Uint8Array)[] = []
  /** Every frame so far, whether it was asked for or not. */
  readonly frames: Frame[] = []
  /** When each heart-beat (an LF between frames) came, of `performance.now()`. */
  readonly heartBeats: number[] = []
  /** Frames and heart-beats that came after an ERROR; STOMP allows none. */
  afterError = 0

  readonly #events = new EventEmitter<{ change: [] }>().setMaxListeners(0)
  readonly #decoder = new FrameDecoder(LIMITS)
  /** On TCP an EOL ends each frame, and is no heart-beat; it may come in a chunk of its own. */
  #awaitsEol = false
  readonly #link: Link
  readonly #timeoutMs: number
  #nextFrame = 0
  #closing: Closing | undefined
  /** What this side could not read. */
  #fault: Error | undefined

  constructor({ url, protocols = [], headers = {}, timeoutMs = DEFAULT_TIMEOUT_MS }: PeerOptions) {
    this.transport = url.startsWith('ws') ? 'websocket' : 'tcp'
    this.#timeoutMs = timeoutMs
    const owner: LinkOwner = {
      changed: () => this.#events.emit('change'),
      received: (message) => this.#receive(message),
      closed: (code, reason) => {
        this.#closing ??= { code, reason, atMs: performance.now() }
        this.#events.emit('change')
      },
    }
    this.#link = this.transport === 'websocket' ? webSocketLink(url, protocols, headers, owner) : tcpLink(url, owner)
    this.opened = this.#until('the connection to open', () => this.#link.isOpen() || undefined).then(() => undefined)
    this.opened.catch(() => {}) // also rejects for whoever asks
  }

  /** The sub-protocol that the server chose; `""` for none. */
  get protocol(): string {
    return this.#link.protocol()
  }

  /** Everything that came, as text; U+FFFD for what is not UTF-8. */
  get text(): string {
    return Buffer.concat(this.messages.map((message) => Buffer.from(message))).toString()
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** How the connection ended, as soon as it has. */
  get closed(): Promise<Closing> {
    return this.#until('the connection to close', () => this.#closing)
  }

  /** Send this as it is: text as a text message, bytes as a binary one. */
  send(data: string | Uint8Array): void {
    this.#link.send(data)
  }

  /** Send these as one WebSocket message in that many fragments. */
  sendFragments(parts: readonly (string | Uint8Array)[]): void {
    parts.forEach((part, i) => this.#link.send(part, i === parts.length - 1))
  }

  /** The next frame that was not given out yet. Rejects when the connection ends before one comes. */
  frame(): Promise<Frame> {
    return this.#next('a frame')
  }

  /** The next frame, which has to be this one. Returns all of it, so that a test can look closer. */
  async expect(command: Command, headers: WantedHeaders = {}): Promise<Frame> {
    const frame = await this.#next(command)
    const wrong = Object.entries(headers).filter(([name, wanted]) => !isWanted(frame.headers.get(name), wanted))
    if (frame.command === command && wrong.length === 0) return frame
    const wanted = wrong.map(([name, value]) => `${name}: ${String(value)}`)
    throw new Error(`Wanted ${[command, ...wanted].join(', ')} as the next frame${this.#story()}`)
  }

  /** The next frame, which has to be the RECEIPT with this id. */
  receipt(id: string): Promise<Frame> {
    return this.expect(Command.RECEIPT, { 'receipt-id': id })
  }

  /** CONNECT, with STOMP 1.2 unless told; gives the CONNECTED frame. */
  stompConnect(headers: Readonly<Record<string, string>> = { 'accept-version': '1.2' }): Promise<Frame> {
    this.send(frameText(Command.CONNECT, headers))
    return this.expect(Command.CONNECTED)
  }

  /** Waits for so many heart-beats in all. */
  async beats(count: number): Promise<void> {
    await this.#until(`${count} heart-beats`, () => this.heartBeats.length >= count || undefined)
  }

  /** What only a WebSocket has: a ping, which is no STOMP heart-beat. */
  ping(): void {
    this.#link.ping()
  }

  /** Close in order: the closing handshake of a WebSocket, a half-close of TCP, after which answers still come. */
  close(code = 1000): void {
    this.#link.close(code)
  }

  /** Drop the connection without a word, when everything sent has left this process. */
  async abort(): Promise<void> {
    await this.#until('everything to be sent', () => this.#link.isIdle() || undefined).catch(() => {})
    this.#link.terminate()
  }

  /** Drop the connection now: for cleaning up. */
  terminate(): void {
    this.#link.terminate()
  }

  #receive(message: string | Uint8Array): void {
    this.messages.push(message)
    const bytes = Buffer.from(message)
    if (this.#fault !== undefined) return
    const isBetweenFrames = this.#decoder.bufferedBytes === 0
    const framesBefore = this.frames.length
    try {
      const first = bytes.findIndex((byte) => byte !== LF)
      if (isBetweenFrames) this.#countLineFeeds(first < 0 ? bytes.length : first)
      this.#decoder.push(bytes)
      for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) this.#take(frame)
      // TCP may bring a frame and the heart-beat behind it as one.
      const last = bytes.findLastIndex((byte) => byte !== LF)
      if (this.frames.length > framesBefore) this.#awaitsEol = this.transport === 'tcp'
      if (this.#decoder.bufferedBytes === 0 && bytes[last] === NUL) this.#countLineFeeds(bytes.length - 1 - last)
    } catch (error) {
      this.#fault = error as Error
    }
    this.#events.emit('change')
  }

  #take(frame: Frame): void {
    if (this.frames.some(({ command }) => command === Command.ERROR)) this.afterError++
    this.frames.push(frame)
    // What follows CONNECTED, in the same message even, is escaped as that version does.
    if (frame.command === Command.CONNECTED) this.#decoder.agree(versionOf(frame))
  }

  #countLineFeeds(count: number): void {
    const eols = this.#awaitsEol && count > 0 ? 1 : 0
    if (eols > 0) this.#awaitsEol = false
    this.#countHeartBeats(count - eols)
  }

  #countHeartBeats(count: number): void {
    for (let i = 0; i < count; i++) this.heartBeats.push(performance.now())
    if (this.frames.at(-1)?.command === Command.ERROR) this.afterError += count
  }

  #next(wanted: string): Promise<Frame> {
    return this.#until(wanted, () => {
      const frame = this.frames[this.#nextFrame]
      if (frame) this.#nextFrame++
      return frame
    })
  }

  /** Waits until the look gives something; looks now and after each thing that happens. */
  #until<T>(wanted: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer)
        this.#events.off('change', check)
        outcome()
      }
      const fail = (what: string) => settle(() => reject(new Error(`${what} for ${wanted}${this.#story()}`)))
      const check = () => {
        const found = look()
        if (found !== undefined) settle(() => resolve(found))
        else if (this.#fault !== undefined) fail('Cannot read on')
        else if (this.#closing) fail('The connection ended before the wait was over')
      }
      const timer = setTimeout(() => fail(`Waited ${this.#timeoutMs} ms in vain`), this.#timeoutMs)
      this.#events.on('change', check)
      check()
    })
  }

  /** What has come so far, for an error message. */
  #story(): string {
    const frames = this.frames.slice(-20).map((frame, i, shown) => {
      const isGivenOut = this.frames.length - shown.length + i < this.#nextFrame
      return `${isGivenOut ? ' ' : '*'} ${showFrame(frame)}`
    })
    const { bufferedBytes } = this.#decoder
    const lines = [
      `\n${this.frames.length} frames came (* not asked for yet), ${this.heartBeats.length} heart-beats:`,
      ...frames,
      ...(bufferedBytes > 0 ? [`and ${bufferedBytes} bytes of a frame`] : []),
      ...(this.#fault === undefined ? [] : [`which cannot be read: ${this.#fault.message}`]),
      this.#closing ? `closed with ${this.#closing.code ?? 'no code'} "${this.#closing.reason}"` : 'still open',
    ]
    return lines.join('\n')
  }
}

/** Two bytes of trouble are easier to see than two thousand. */
const SHOWN_BODY = 200

function showFrame({ command, headers, body }: Frame): string {
  const text = Buffer.from(body.subarray(0, SHOWN_BODY)).toString()
  return [command, ...[...headers].map((header) => header.join(':')), JSON.stringify(text)].join(' | ')
}

function versionOf(connected: Frame): Version {
  return VERSIONS.find((version) => version === connected.headers.get('version')) ?? '1.0'
}

function isWanted(value: string | undefined, wanted: string | RegExp | undefined): boolean {
  return wanted instanceof RegExp ? value !== undefined && wanted.test(value) : value === wanted
}

/** A connection of either kind. */
interface Link {
  isOpen(): boolean
  protocol(): string
  /** `isLast`: false for a fragment that others follow. */
  send(data: string | Uint8Array, isLast?: boolean): void
  /** Has everything that was sent been taken by the kernel? */
  isIdle(): boolean
  ping(): void
  close(code: number): void
  terminate(): void
}

interface LinkOwner {
  changed(): void
  received(message: string | Uint8Array): void
  closed(code: number | undefined, reason: string): void
}

function webSocketLink(
  url: string,
  protocols: readonly string[],
  headers: Readonly<Record<string, string>>,
  owner: LinkOwner,
): Link {
  const ws = new WebSocket(url, [...protocols], { headers })
  let refusal = ''
  let unsent = 0
  ws.on('open', () => owner.changed())
  ws.on('message', (data: RawData, isBinary) => {
    const bytes = data as Buffer // as `binaryType` is "nodebuffer"
    owner.received(isBinary ? bytes : bytes.toString())
  })
  ws.on('error', (error) => (refusal = error.message)) // 'close' follows
  ws.on('close', (code, reason) => owner.closed(code, reason.toString() || refusal))
  return {
    isOpen: () => ws.readyState === WebSocket.OPEN,
    protocol: () => ws.protocol,
    send(data, isLast = true) {
      unsent++
      ws.send(data, { binary: typeof data !== 'string', fin: isLast }, () => {
        unsent--
        owner.changed()
      })
    },
    isIdle: () => unsent === 0,
    ping: () => ws.ping(),
    close: (code) => ws.close(code),
    terminate: () => ws.terminate(),
  }
}

function tcpLink(url: string, owner: LinkOwner): Link {
  const { hostname, port } = new URL(url)
  const net: Socket = connectTcp({ host: hostname, port: Number(port), noDelay: true })
  let unsent = 0
  let reason = ''
  net.on('connect', () => owner.changed())
  net.on('data', (data) => owner.received(data))
  net.on('error', (error) => (reason = error.message)) // 'close' follows
  net.on('close', () => owner.closed(undefined, reason))
  return {
    isOpen: () => net.readyState === 'open',
    protocol: () => '',
    send(data) {
      unsent++
      net.write(data, () => {
        unsent--
        owner.changed()
      })
    },
    isIdle: () => unsent === 0,
    ping() {
      throw new Error('TCP has no ping')
    },
    close: () => net.end(),
    terminate: () => net.destroy(),
  }
}
