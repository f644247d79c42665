/**
 * A client on a clock of its own, and the server's side of each of its WebSockets, in the hand of the test. Everything
 * but the making of a connection happens at once, in the call that causes it.
 */
import type { IStompSocket } from '@stomp/stompjs'
import { encodeFrame, FrameDecoder, type Command, type Frame } from '../../frames/index.ts'
import { BridgeClient } from '../../src/stomp-client/client.ts'
import type { ClientError, ClientOptions, Disconnected, Message, Recovery } from '../../src/stomp-client/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { turn } from '../support/fake-turn.ts'

export const URL = 'ws://bridge.example/stomp'

type Headers = Readonly<Record<string, string>>

/** A WebSocket, in the hands of both sides. */
export class FakeSocket implements IStompSocket {
  readonly url: string
  readonly protocols: readonly string[]
  readyState = 0
  binaryType = 'blob'
  onopen: IStompSocket['onopen']
  onmessage: IStompSocket['onmessage']
  onclose: IStompSocket['onclose']
  onerror: IStompSocket['onerror']
  /** All frames of the client. */
  readonly frames: Frame[] = []
  /** Does the other side answer a close? */
  isDead = false
  onFrame: (frame: Frame) => void = () => {}
  readonly #decoder = new FrameDecoder()
  readonly #tasks: (() => void)[] = []
  #isTelling = false

  constructor(url: string, protocols: readonly string[]) {
    this.url = url
    this.protocols = protocols
  }

  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (this.readyState !== 1) return
    this.#decoder.push(data as string)
    for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) {
      if (frame.command === 'CONNECT') this.#decoder.agree('1.2')
      this.frames.push(frame)
      this.onFrame(frame)
    }
  }

  close(): void {
    if (this.readyState > 1) return
    this.readyState = 2
    if (!this.isDead) queueMicrotask(() => this.cut(1000))
  }

  // --- the server's side

  open(): void {
    this.readyState = 1
    this.onopen?.()
  }

  tell(command: Command, headers: Headers = {}, body = ''): void {
    const data = encodeFrame({ command, headers: Object.entries(headers), body }, '1.2')
    this.#inOrder(() => {
      if (this.readyState === 1) this.onmessage?.({ data })
    })
  }

  message(subscription: string, headers: Headers, body = ''): void {
    this.tell('MESSAGE', { subscription, 'message-id': 'm', destination: '/topic/x', ...headers }, body)
  }

  /** ERROR and the close that follows. */
  refuse(code: string, headers: Headers = {}): void {
    this.tell('ERROR', { code, message: `No: ${code}`, ...headers })
    this.cut(1008)
  }

  /** Confirms this frame, or all that asked to be. */
  receipts(frames: readonly Frame[] = this.frames): void {
    for (const { headers } of frames) {
      const id = headers.get('receipt')
      if (id !== undefined) this.tell('RECEIPT', { 'receipt-id': id })
    }
  }

  cut(code = 1006, reason = ''): void {
    this.#inOrder(() => {
      if (this.readyState === 3) return
      this.readyState = 3
      this.onclose?.({ code, reason })
    })
  }

  /** What is told while the client is being told something comes behind it: a WebSocket has one event at a time. */
  #inOrder(task: () => void): void {
    this.#tasks.push(task)
    if (this.#isTelling) return
    this.#isTelling = true
    for (let next = this.#tasks.shift(); next; next = this.#tasks.shift()) next()
    this.#isTelling = false
  }

  /** The headers of all frames with this command. */
  sent(command: Command): Record<string, string>[] {
    return this.frames
      .filter((frame) => frame.command === command)
      .map(({ headers }) => Object.fromEntries([...headers]))
  }
}

export class Stage {
  readonly clock = new FakeClock()
  /** What chance gives, from 0 to 1. */
  random = 0.5
  readonly sockets: FakeSocket[] = []
  readonly states: string[] = []
  readonly errors: ClientError[] = []
  readonly disconnects: Disconnected[] = []
  readonly recoveries: Recovery[] = []
  readonly client: BridgeClient
  #taken = 0

  constructor(options: Partial<ClientOptions> = {}) {
    const all: ClientOptions = {
      brokerURL: URL,
      webSocketFactory: (url, protocols) => {
        const socket = new FakeSocket(url, protocols)
        this.sockets.push(socket)
        return socket
      },
      backoff: { firstMs: 1000, maxMs: 8000, stableMs: 10_000 },
      onState: (state) => this.states.push(state),
      onError: (error) => this.errors.push(error),
      onDisconnected: (disconnected) => this.disconnects.push(disconnected),
      onRecovery: (recovery) => this.recoveries.push(recovery),
      ...options,
    }
    this.client = new BridgeClient(all, this.clock, () => this.random)
  }

  /** The next WebSocket, which has been opened by now. */
  async socket(): Promise<FakeSocket> {
    await turn()
    const socket = this.sockets[this.#taken]
    if (!socket) throw new Error('The client has opened no WebSocket')
    this.#taken++
    return socket
  }

  /** The same, and the client is connected. */
  async accept(headers: Headers = {}): Promise<FakeSocket> {
    const socket = await this.socket()
    socket.onFrame = ({ command, headers }) => {
      if (command === 'DISCONNECT') socket.tell('RECEIPT', { 'receipt-id': headers.get('receipt')! })
    }
    socket.open()
    socket.tell('CONNECTED', { version: '1.2', ...headers })
    return socket
  }

  /** Activates it too. */
  connect(headers: Headers = {}): Promise<FakeSocket> {
    this.client.activate()
    return this.accept(headers)
  }

  /** The longest wait for the next attempt, and less than an attempt may take. */
  retry(): Promise<FakeSocket> {
    this.clock.advance(8_000)
    return this.accept()
  }

  get last(): ClientError | undefined {
    return this.errors.at(-1)
  }
}

export function bodies(into: string[]): (message: Message) => void {
  return ({ body }) => void into.push(body)
}
