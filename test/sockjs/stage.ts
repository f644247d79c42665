/** SockJS sessions on a fake clock and fake connections; what is spoken over them the test plays. */
import { bareHandshake } from '../../src/access/handshake.ts'
import { Deadlines } from '../../src/clock.ts'
import type { Socket, SocketHandler } from '../../src/socket.ts'
import { SockJsDoor } from '../../src/sockjs/door.ts'
import type { Receiving } from '../../src/sockjs/receiver.ts'
import type { XhrSession } from '../../src/sockjs/xhr-session.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeNetwork, type FakeClient, type FakeSocketOptions } from '../support/fake-socket.ts'

/** A timer may come a slot late. */
export const SLOT_MS = 20

/** Whoever speaks over a session. */
export class Speaker implements SocketHandler {
  readonly socket: Socket
  readonly received: string[] = []
  readonly closings: (readonly [number, string])[] = []
  pongs = 0
  ends = 0

  constructor(socket: Socket) {
    this.socket = socket
  }

  receive(data: string | Uint8Array): void {
    this.received.push(data as string)
  }

  ended(): void {
    this.ends++
  }

  ponged(): void {
    this.pongs++
  }

  closed(code: number, reason: string): void {
    this.closings.push([code, reason])
  }
}

export class SockJsStage {
  readonly clock = new FakeClock()
  readonly network = new FakeNetwork()
  readonly deadlines = new Deadlines(this.clock)
  readonly speakers: Speaker[] = []
  readonly door = new SockJsDoor(
    (socket) => {
      const speaker = new Speaker(socket)
      this.speakers.push(speaker)
      return speaker
    },
    this.deadlines,
    1000,
  )

  /** A receiving connection of the session of this name. */
  receive(kind: Receiving, name = 'abc', options?: FakeSocketOptions): FakeClient {
    return this.network.connect(
      (connection) =>
        this.door.find(name)?.attach(connection, kind) ??
        this.door.openXhr(name, connection, kind, bareHandshake('192.0.2.7')),
      { transport: 'http', ...options },
    )
  }

  webSocket(options?: FakeSocketOptions): FakeClient {
    return this.network.connect((socket) => this.door.openWebSocket(socket, bareHandshake('192.0.2.7')), options)
  }

  /** Opens a session with a poll that has its open frame and is gone. */
  async open(name = 'abc'): Promise<{ session: XhrSession; speaker: Speaker }> {
    const poll = this.receive('poll', name)
    await finished(poll)
    return { session: this.door.find(name)!, speaker: this.speakers.at(-1)! }
  }
}

/** Lines that a receiving connection has been sent, without a prelude. */
export function linesOf({ socket }: FakeClient): string[] {
  const text = socket.sent.map((data) => (typeof data === 'string' ? data : new TextDecoder().decode(data))).join('')
  return text
    .replace(/^h{2048}\n/, '')
    .split('\n')
    .slice(0, -1)
}

/** The response has ended and its client has read it. */
export async function finished(connection: FakeClient): Promise<void> {
  await Promise.resolve()
  const [close] = connection.socket.closes
  if (!close) throw new Error('The response has not ended')
  connection.socket.report(close.code, close.reason)
}
