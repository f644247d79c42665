/**
 * A connection without a network: the server's end is a `Socket`, the client's end is the test. Sockets of one
 * {@link FakeNetwork} share its fan-outs, one for each transport, which note what they are handed.
 */
import { expect } from 'vitest'
import { FrameDecoder, FrameHeaders, HEART_BEAT, Version, type Frame } from '../../frames/index.ts'
import { GroupFanout, type GroupMember } from '../../src/runtime/groups.ts'
import type { OpenSocket, Socket, SocketHandler, Transport } from '../../src/socket.ts'

export type Data = string | Uint8Array

export interface FakeSocketOptions {
  readonly remoteAddress?: string
  readonly transport?: Transport
  /** `closed` is reported inside the call of `close` or `terminate`, as Bun does it; else the client answers. */
  readonly closesAtOnce?: boolean
  /** False for a runtime that cannot stop reading. */
  readonly canPause?: boolean
}

/** The fan-out of the runtimes without native topics; notes what is written, and is strict about who is a member. */
export class FakeFanout extends GroupFanout<readonly Data[]> {
  readonly written: { readonly group: string; readonly messages: readonly Data[] }[] = []
  /** Groups that were written to while nobody was in them. */
  readonly inVain: string[] = []
  readonly #members = new Map<string, Set<GroupMember<readonly Data[]>>>()

  constructor() {
    super((messages) => messages)
  }

  override join(group: string, member: GroupMember<readonly Data[]>): void {
    const members = this.#members.get(group) ?? new Set()
    expect(members.has(member), `${group} was joined before`).toBe(false)
    this.#members.set(group, members.add(member))
    super.join(group, member)
  }

  override leave(group: string, member: GroupMember<readonly Data[]>): void {
    expect(this.#members.get(group)?.delete(member), `${group} was joined`).toBe(true)
    super.leave(group, member)
  }

  override write(group: string, messages: readonly Data[]): void {
    this.written.push({ group, messages })
    if (!this.#members.get(group)?.size) this.inVain.push(group)
    super.write(group, messages)
  }
}

export class FakeNetwork {
  readonly websocket = new FakeFanout()
  readonly tcp = new FakeFanout()
  readonly http = new FakeFanout()
  readonly 'sockjs-websocket' = new FakeFanout()
  readonly 'sockjs-xhr' = new FakeFanout()

  /** The server's end of a connection that nobody handles. */
  socket(options: FakeSocketOptions = {}): FakeSocket {
    return new FakeSocket(this[options.transport ?? 'websocket'], options)
  }

  /** Opens a connection; the handler is made at once, as a runtime does it. */
  connect(open: OpenSocket, options: FakeSocketOptions = {}): FakeClient {
    const socket = this.socket(options)
    socket.handler = open(socket)
    return new FakeClient(socket)
  }
}

/** The server's end. */
export class FakeSocket implements Socket, GroupMember<readonly Data[]> {
  readonly transport: Transport
  readonly remoteAddress: string
  readonly fanout: FakeFanout
  handler: SocketHandler | undefined
  /** What the client has been sent, one entry per message. */
  readonly sent: Data[] = []
  /** The same, one entry per write. */
  readonly writes: (readonly Data[])[] = []
  /** What of it was sent to this socket alone. */
  readonly direct: Data[] = []
  /** The calls of `close`. */
  readonly closes: { readonly code: number; readonly reason: string }[] = []
  readonly groups = new Set<string>()
  terminations = 0
  isPaused = false
  isOpen = true
  /** While false, what is sent stays in `bufferedBytes`. */
  isRead = true
  bufferedBytes = 0
  drains = 0
  /** How often it was pinged. */
  pings = 0
  /** Does text leave as binary messages? */
  isBinary = false
  readonly #options: FakeSocketOptions
  #unread: Data[] = []

  constructor(fanout: FakeFanout, options: FakeSocketOptions) {
    this.transport = options.transport ?? 'websocket'
    this.remoteAddress = options.remoteAddress ?? '192.0.2.7'
    this.fanout = fanout
    this.#options = options
  }

  sendBinary(): void {
    this.isBinary = true
  }

  ping(): void {
    this.pings++
  }

  send(data: Data): void {
    this.sendAll([data])
  }

  sendAll(messages: readonly Data[]): void {
    if (!this.#isWritable) return
    this.direct.push(...messages)
    this.write(messages)
  }

  /** For the fan-out. */
  write(messages: readonly Data[]): void {
    if (!this.#isWritable) return
    this.sent.push(...messages)
    this.writes.push(messages)
    if (this.isRead) return
    for (const data of messages) this.bufferedBytes += typeof data === 'string' ? Buffer.byteLength(data) : data.length
  }

  join(group: string): void {
    if (!this.isOpen) return
    this.groups.add(group)
    this.fanout.join(group, this)
  }

  leave(group: string): void {
    if (!this.isOpen) return
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
    else this.handler?.receive(data, this.transport === 'websocket' && typeof data !== 'string')
  }

  /** What the runtime does when the connection is gone: the sole report of it. */
  report(code: number, reason: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const group of this.groups) this.fanout.leave(group, this)
    this.groups.clear()
    this.handler?.closed(code, reason)
  }

  get #isWritable(): boolean {
    return this.isOpen && this.closes.length === 0
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

  /** Answers a ping. */
  pong(): void {
    this.socket.handler?.ponged?.()
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

export function frameOf(command: string, headers: Readonly<Record<string, string>>): Frame {
  return { command, headers: FrameHeaders.from(headers), body: new Uint8Array() }
}

export function wordsOf(frame: Frame): string {
  const { command, headers } = frame
  switch (command) {
    case 'RECEIPT':
      return `RECEIPT ${headers.get('receipt-id')}`
    case 'MESSAGE':
      return `MESSAGE ${bodyOf(frame)}`
    case 'ERROR':
      return `ERROR ${headers.get('code')}`
    default:
      return command
  }
}

export function bodyOf({ body }: Frame): string {
  return new TextDecoder().decode(body)
}
