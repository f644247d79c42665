/**
 * A connection without a network: the server's end is a `Socket`, the client's end is the test. Sockets of one
 * {@link FakeNetwork} share its fan-out, the one of the runtimes without native topics.
 */
import { FrameDecoder, HEART_BEAT, Version, type Frame } from '../../frames/index.ts'
import { GroupFanout, type GroupMember } from '../../src/runtime/groups.ts'
import type { OpenSocket, Socket, SocketHandler } from '../../src/socket.ts'

type Data = string | Uint8Array

export interface FakeSocketOptions {
  readonly transport?: 'websocket' | 'tcp'
  /** `closed` is reported inside the call of `close` or `terminate`, as Bun does it; else the client answers. */
  readonly closesAtOnce?: boolean
  /** False for a runtime that cannot stop reading. */
  readonly canPause?: boolean
}

export class FakeNetwork {
  readonly fanout = new GroupFanout<readonly Data[]>((messages) => messages)

  /** Opens a connection; the handler is made at once, as a runtime does it. */
  connect(open: OpenSocket, options: FakeSocketOptions = {}): FakeClient {
    const socket = new FakeSocket(this.fanout, options)
    socket.handler = open(socket)
    return new FakeClient(socket)
  }
}

/** The server's end. */
export class FakeSocket implements Socket, GroupMember<readonly Data[]> {
  readonly transport: 'websocket' | 'tcp'
  readonly remoteAddress = '192.0.2.7'
  handler: SocketHandler | undefined
  /** What the client has been sent, one entry per message. */
  readonly sent: Data[] = []
  /** The calls of `close`. */
  readonly closes: { readonly code: number; readonly reason: string }[] = []
  readonly groups = new Set<string>()
  terminations = 0
  isPaused = false
  isOpen = true
  /** While false, what is sent stays in `bufferedBytes`. */
  isRead = true
  bufferedBytes = 0
  readonly fanout: GroupFanout<readonly Data[]>
  readonly #options: FakeSocketOptions
  #unread: Data[] = []

  constructor(fanout: GroupFanout<readonly Data[]>, options: FakeSocketOptions) {
    this.transport = options.transport ?? 'websocket'
    this.fanout = fanout
    this.#options = options
  }

  send(data: Data): void {
    if (!this.isOpen || this.closes.length > 0) return
    this.sent.push(data)
    if (!this.isRead) this.bufferedBytes += typeof data === 'string' ? Buffer.byteLength(data) : data.length
  }

  sendAll(messages: readonly Data[]): void {
    for (const data of messages) this.send(data)
  }

  write(messages: readonly Data[]): void {
    this.sendAll(messages)
  }

  join(group: string): void {
    if (!this.isOpen) return
    this.groups.add(group)
    this.fanout.join(group, this)
  }

  leave(group: string): void {
    this.groups.delete(group)
    this.fanout.leave(group, this)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    if (!this.isOpen) return
    for (const data of this.#unread.splice(0)) this.handler?.receive(data)
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return
    this.closes.push({ code, reason })
    if (this.#options.closesAtOnce) this.report(code, reason)
  }

  terminate(): void {
    this.terminations++
    if (this.isOpen && this.#options.closesAtOnce) this.report(1006, '')
  }

  /** What the runtime does when data comes. */
  receive(data: Data): void {
    if (!this.isOpen) return
    if (this.isPaused && this.#options.canPause !== false) this.#unread.push(data)
    else this.handler?.receive(data)
  }

  /** What the runtime does when the connection is gone: the sole report of it. */
  report(code: number, reason: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const group of this.groups) this.fanout.leave(group, this)
    this.handler?.closed(code, reason)
  }
}

/** The client's end. */
export class FakeClient {
  readonly socket: FakeSocket
  /** The version that frames are read with. */
  version: Version = Version.V1_2
  #taken = 0

  constructor(socket: FakeSocket) {
    this.socket = socket
  }

  /** Sends data as it is. */
  send(data: Data): void {
    this.socket.receive(data)
  }

  /** Sends a frame; headers are written as they are, without escaping. */
  frame(command: string, headers: Readonly<Record<string, string>> = {}, body = ''): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
    this.send(`${command}\n${lines.join('')}\n${body}\0`)
  }

  connect(headers: Readonly<Record<string, string>> = {}): void {
    this.frame('CONNECT', { 'accept-version': this.version, ...headers })
  }

  /** The frames that came since the last call. */
  take(): Frame[] {
    return framesOf(this.#takeSent(), this.version)
  }

  /** The same in words: `RECEIPT r1`, `MESSAGE text`, `ERROR code`. */
  takeWords(): string[] {
    return this.take().map(wordsOf)
  }

  /** How many heart-beats came since the last call; other data is taken too. */
  takeBeats(): number {
    return this.#takeSent().filter((data) => data === HEART_BEAT).length
  }

  /** The connection is gone, or the client answers the close. */
  close(code = 1000): void {
    this.socket.report(code, '')
  }

  /** Half-close of TCP. */
  end(): void {
    this.socket.handler?.ended()
  }

  #takeSent(): Data[] {
    const sent = this.socket.sent.slice(this.#taken)
    this.#taken = this.socket.sent.length
    return sent
  }
}

export function framesOf(sent: readonly Data[], version: Version): Frame[] {
  const decoder = new FrameDecoder({ maxFrameBytes: 10_000_000, maxHeaders: 1000, maxHeaderBytes: 100_000 }, version)
  const frames: Frame[] = []
  for (const data of sent) {
    decoder.push(data)
    for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame)
  }
  return frames
}

export function wordsOf({ command, headers, body }: Frame): string {
  switch (command) {
    case 'RECEIPT':
      return `RECEIPT ${headers.get('receipt-id')}`
    case 'MESSAGE':
      return `MESSAGE ${new TextDecoder().decode(body)}`
    case 'ERROR':
      return `ERROR ${headers.get('code')}`
    default:
      return command
  }
}
