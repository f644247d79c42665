/** The page that a model runs in, for tests: a clock and a paint that the test moves, and WebSockets that it answers. */
import { decodeFrames, encodeFrame, type Frame, type FrameToEncode, type Version } from '../../frames/index.ts'
import { SocketState, type Environment, type KeyValueStore, type Socket } from '../../web-debugger/stomp/environment.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { turn } from '../support/fake-turn.ts'

export class FakePage implements Environment {
  readonly clock = new FakeClock()
  readonly sockets: FakeWebSocket[] = []
  /** What the next `openSocket` throws. */
  refusal: Error | undefined
  isSecurePage = false
  #frames: (() => void)[] = []
  #isOnline = true
  readonly #networkListeners = new Set<() => void>()

  now(): number {
    return this.clock.now()
  }
  setTimeout(callback: () => void, delayMs: number): unknown {
    return this.clock.setTimeout(callback, delayMs)
  }
  clearTimeout(timer: unknown): void {
    this.clock.clearTimeout(timer)
  }
  nextFrame(callback: () => void): void {
    this.#frames.push(callback)
  }

  /** Paints once; what asks for the next frame meanwhile waits for the next call. */
  paint(): void {
    const due = this.#frames
    this.#frames = []
    for (const callback of due) callback()
  }

  openSocket(url: string, protocols: readonly string[]): Socket {
    if (this.refusal) throw this.refusal
    const socket = new FakeWebSocket(url, protocols)
    this.sockets.push(socket)
    return socket
  }

  isOnline(): boolean {
    return this.#isOnline
  }
  onNetwork(listener: () => void): () => void {
    this.#networkListeners.add(listener)
    return () => this.#networkListeners.delete(listener)
  }

  /** As the browser says when the network goes, or comes back. */
  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline
    for (const listener of this.#networkListeners) listener()
  }

  /** The WebSocket opened last. */
  get socket(): FakeWebSocket {
    return this.sockets.at(-1)!
  }
}

/** A WebSocket of which the test is the server. */
export class FakeWebSocket implements Socket {
  readonly url: string
  readonly protocols: readonly string[]
  /** What the page sent. */
  readonly sent: (string | Uint8Array)[] = []
  readyState: number = SocketState.connecting
  protocol = ''
  bufferedAmount = 0
  binaryType = 'blob'
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null

  constructor(url: string, protocols: readonly string[]) {
    this.url = url
    this.protocols = protocols
  }

  send(data: string | ArrayBuffer): void {
    this.sent.push(typeof data === 'string' ? data : new Uint8Array(data))
  }
  /** The server answers when the test says so. */
  close(): void {
    if (this.readyState !== SocketState.closed) this.readyState = SocketState.closing
  }

  open(protocol = ''): void {
    this.readyState = SocketState.open
    this.protocol = protocol
    this.#emit(this.onopen, {})
  }
  receive(data: string | Uint8Array): void {
    this.#emit(this.onmessage, { data: typeof data === 'string' ? data : data.slice().buffer })
  }
  receiveFrame(frame: FrameToEncode, version: Version | undefined = '1.2'): void {
    this.receive(encodeFrame(frame, version))
  }
  end(code = 1006, reason = ''): void {
    this.readyState = SocketState.closed
    this.#emit(this.onclose, { code, reason })
  }

  /** The frames that the page sent, heart-beats left out. */
  frames(version: Version = '1.2'): Frame[] {
    return this.sent.filter((data) => data !== '\n').flatMap((data) => decodeFrames(data, version))
  }
  last(): Frame {
    return this.frames().at(-1)!
  }

  /** Opens and answers CONNECT. The client sends it in a turn of its own. */
  async accept(headers: Readonly<Record<string, string>> = { version: '1.2', 'heart-beat': '0,0' }): Promise<void> {
    await turn()
    this.open()
    this.receiveFrame({ command: 'CONNECTED', headers: Object.entries(headers) }, undefined)
  }

  #emit(handler: ((event: never) => void) | null, event: unknown): void {
    handler?.(event as never)
  }
}

export function memoryStore(): KeyValueStore & { readonly items: Map<string, string> } {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  }
}
