/** A broker between a bus that the test plays and subscribers on fake sockets. Gone when the test is over. */
import { expect, onTestFinished } from 'vitest'
import type { Frame } from '../../frames/index.ts'
import type { Entry } from '../../src/broker/broker.ts'
import type { HeaderPair } from '../../src/headers.ts'
import type { OutboundMessage } from '../../src/routes/payload.ts'
import type { RouteOptions } from '../../src/routes/table.ts'
import { FakeMeter, FakeReceiver, type Wanted } from '../delivery/fake-receiver.ts'
import { FakeCore, type CoreOptions } from '../support/fake-core.ts'
import { bodyOf, FakeNetwork, type FakeSocket } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'

export const RELEASE_DELAY_MS = 1000

const ROUTES: RouteOptions = {
  outbound: [
    { destination: '/app/greet', channel: 'GREETING_OUT', codec: 'json-string' },
    { destination: '/app/json/{x}', channel: 'json:{x}', codec: 'json' },
  ],
  inbound: [
    { channel: 'GREETING_IN', destination: '/topic/greetings', codec: 'json-string', subscribe: 'on-demand' },
    { channel: 'raw:{x}', destination: '/topic/raw/{x}', codec: 'raw', subscribe: 'on-demand' },
    { channel: 'env:{x}', destination: '/topic/env/{x}', codec: 'envelope', subscribe: 'on-demand' },
    { channel: 'always', destination: '/topic/always', codec: 'raw', subscribe: 'always', contentType: 'text/x' },
  ],
  convention: true,
  conventionCodec: 'json-string',
}

export interface Subscribed {
  readonly receiver: FakeReceiver
  readonly socket: FakeSocket
  readonly entry: Entry
}

export class BrokerStage extends FakeCore {
  readonly network: FakeNetwork
  readonly meter: FakeMeter

  constructor(options: CoreOptions = {}) {
    const meter = new FakeMeter()
    super(meter, {
      releaseDelayMs: RELEASE_DELAY_MS,
      ...options,
      prefixes: { prefixes: ['/topic', '/queue'], ...options.prefixes },
      routes: { ...ROUTES, ...options.routes },
    })
    this.meter = meter
    this.network = new FakeNetwork()
    onTestFinished(() => {
      this.close()
      for (const transport of ['websocket', 'tcp'] as const) expect(this.network[transport].inVain).toEqual([])
    })
  }

  subscribe(destination: string, options: Omit<Wanted, 'destination'> = {}): Subscribed {
    const receiver = new FakeReceiver(this.network, this.meter, { destination, ...options })
    const entry = this.broker.subscribe(receiver.feedOptions)
    receiver.feed = entry.feed
    return { receiver, socket: receiver.socket, entry }
  }

  /** A client's SEND goes out, and comes in again. */
  send(message: OutboundMessage): void {
    const { channel, payload } = this.outbound.route(message)
    this.bus.deliver(channel, payload)
  }
}

/** What this subscriber has got when the turn is over, for all subscriptions of its connection. */
export async function framesFor({ receiver }: Subscribed): Promise<Frame[]> {
  await turn()
  return receiver.frames
}

export async function bodiesFor(subscribed: Subscribed): Promise<string[]> {
  return (await framesFor(subscribed)).map(bodyOf)
}

export function sent(destination: string, body = 'Test', headers: readonly HeaderPair[] = []): OutboundMessage {
  return { destination, body: new TextEncoder().encode(body), headers, session: 'node-1', user: undefined }
}

/** A payload of the broadcast channel. */
export function broadcast(topic: string, message: unknown, headers?: unknown): string {
  return JSON.stringify({ topic, message, headers })
}

/** All but `content-length`, which stands where the encoder likes. */
export function headersOf(frame: Frame | undefined): HeaderPair[] {
  return [...(frame?.headers ?? [])].filter(([name]) => name !== 'content-length')
}
