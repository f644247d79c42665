/** What the tests use of clients that come without types. */

declare module 'stompjs' {
  export interface Headers {
    [name: string]: string
  }

  export interface Frame {
    readonly command: string
    readonly headers: Headers
    readonly body: string
  }

  export interface Message extends Frame {
    ack(headers?: Headers): void
    nack(headers?: Headers): void
  }

  export interface Transaction {
    readonly id: string
    commit(): void
    abort(): void
  }

  export interface Client {
    connected: boolean
    heartbeat: { outgoing: number; incoming: number }
    debug: ((message: string) => void) | undefined
    onreceipt: ((frame: Frame) => void) | undefined
    /** The second callback gets the ERROR frame, or a text when the connection is lost. */
    connect(headers: Headers, onConnect: (frame: Frame) => void, onError: (error: Frame | string) => void): void
    disconnect(onDisconnect?: () => void, headers?: Headers): void
    send(destination: string, headers?: Headers, body?: string): void
    subscribe(destination: string, onMessage: (message: Message) => void, headers?: Headers): { id: string }
    unsubscribe(id: string): void
    begin(transaction?: string): Transaction
  }

  const Stomp: {
    WebSocketClass: unknown
    over(webSocket: unknown): Client
    client(url: string, protocols?: readonly string[]): Client
  }
  export default Stomp
}

declare module 'stompit' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'node:net'
  import type { Readable, Writable } from 'node:stream'

  export interface Headers {
    [name: string]: string | number
  }

  /** A frame that is being read: its body is a stream. */
  export interface IncomingFrame extends Readable {
    readonly command: string
    readonly headers: Readonly<Record<string, string>>
  }

  export interface SendOptions {
    onReceipt?: () => void
  }

  export interface Transaction {
    readonly id: string
    send(headers: Headers, options?: SendOptions): Writable
    commit(options?: SendOptions): void
    abort(options?: SendOptions): void
  }

  export interface Subscription {
    getId(): string | number
    unsubscribe(headers?: Headers): void
  }

  export interface Client extends EventEmitter {
    /** Of CONNECTED. */
    readonly headers: Readonly<Record<string, string>>
    getTransportSocket(): Socket
    sendFrame(command: string, headers: Headers, options?: SendOptions): Writable
    send(headers: Headers, options?: SendOptions): Writable
    begin(headers?: Headers): Transaction
    subscribe(
      headers: Headers,
      onMessage: (error: Error | null, message: IncomingFrame, subscription: Subscription) => void,
    ): Subscription
    ack(message: IncomingFrame, headers?: Headers, options?: SendOptions): void
    nack(message: IncomingFrame, headers?: Headers, options?: SendOptions): void
    disconnect(callback: (error: Error | null) => void): void
    destroy(error?: Error): void
  }

  export function connect(
    options: { host: string; port: number; connectHeaders?: Headers },
    callback: (error: Error | null, client: Client) => void,
  ): Client
}

declare module 'sockjs-client' {
  export interface Options {
    readonly transports?: string | readonly string[]
    /** Milliseconds to wait for a transport to open, at least. */
    readonly timeout?: number
  }

  export default class SockJS {
    constructor(url: string, reserved?: null, options?: Options)
    /** Name of the one that is used, once it is open. */
    readonly transport: string
    readonly protocol: string
    readonly readyState: number
    binaryType: string
    onopen: (() => void) | null
    onmessage: ((event: { readonly data: string }) => void) | null
    onclose: ((event: { readonly code: number; readonly reason: string; readonly wasClean: boolean }) => void) | null
    send(data: string): void
    close(code?: number, reason?: string): void
  }
}
