/** Sessions on a fake clock, fake sockets and a fake bus, with everything else real. Gone when the test is over. */
import { onTestFinished } from 'vitest'
import { openAuthenticator, type Authenticator } from '../../src/auth/authenticator.ts'
import { Broker, type BrokerOptions } from '../../src/broker/broker.ts'
import { Deadlines } from '../../src/clock.ts'
import { Metrics } from '../../src/metrics.ts'
import { RouteTable } from '../../src/routes/table.ts'
import { OutputWatch, type OutputLimits } from '../../src/session/output-watch.ts'
import type { SessionOptions, SessionServices } from '../../src/session/services.ts'
import { Session } from '../../src/session/session.ts'
import type { Socket, SocketHandler } from '../../src/socket.ts'
import { FakeBus, type FakeBusOptions } from '../support/fake-bus.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { FakeNetwork, type FakeClient, type FakeSocketOptions } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'

export const OPTIONS: SessionOptions = {
  beforeConnect: { maxFrameBytes: 500, maxHeaders: 20, maxHeaderBytes: 200 },
  afterConnect: { maxFrameBytes: 1000, maxHeaders: 20, maxHeaderBytes: 200 },
  connectTimeoutMs: 10_000,
  maxSubscriptions: 5,
  maxPatterns: 2,
  maxTransactions: 2,
  maxTransactionFrames: 4,
  maxTransactionBytes: 1000,
  maxUnackedMessages: 100,
  maxInFlight: 4,
  maxInFlightBytes: 100_000,
  maxHeldBackBytes: 4000,
  heartBeat: { outgoingMs: 10_000, incomingMs: 10_000, toleranceFactor: 2, pongCounts: false },
  settleTimeoutMs: 5000,
  lingerMs: 2000,
  server: 'stomp-bridge/test',
}

export const OUTPUT_LIMITS: OutputLimits = { maxUnsentBytes: 10_000, maxUnsentMs: 5000 }

/** A timer may come a slot late. */
export const SLOT_MS = 20

export interface StageOptions {
  readonly options?: Partial<SessionOptions>
  readonly bus?: FakeBusOptions
  /** Where it differs from the one that lets anyone do anything. */
  readonly authenticator?: Partial<Authenticator>
  readonly slowClients?: BrokerOptions['slowClients']
}

export class Stage {
  readonly clock = new FakeClock()
  readonly log = new FakeLog()
  readonly metrics = new Metrics()
  readonly network = new FakeNetwork()
  readonly bus: FakeBus
  readonly broker: Broker
  readonly deadlines = new Deadlines(this.clock)
  readonly outputs = new OutputWatch(OUTPUT_LIMITS, this.clock)
  readonly services: SessionServices
  /** The sessions that are over, in order. */
  readonly released: Session[] = []
  /** The sessions that were opened, in order. */
  readonly sessions: Session[] = []

  constructor({ options, bus, authenticator, slowClients = [] }: StageOptions = {}) {
    const { log, metrics, deadlines, outputs } = this
    this.bus = new FakeBus(bus)
    const prefixes = { prefixes: ['/topic'], applicationPrefixes: ['/app'] }
    const table = new RouteTable(
      { outbound: [], inbound: [], convention: true, conventionCodec: 'raw' },
      prefixes.applicationPrefixes,
      prefixes.prefixes,
    )
    this.broker = new Broker(
      { ...prefixes, broadcastChannel: 'broadcast', releaseDelayMs: 60_000, joinFrames: true, slowClients },
      table,
      this.bus,
      'node',
      log,
      metrics,
      outputs,
    )
    for (const transport of ['websocket', 'tcp'] as const) this.broker.attachFanout(transport, this.network.fanout)
    this.broker.start()
    this.services = {
      options: { ...OPTIONS, ...options },
      broker: this.broker,
      authenticator: { ...openAuthenticator, ...authenticator },
      deadlines,
      outputs,
      metrics,
      log,
    }
    onTestFinished(() => {
      this.broker.close()
      metrics.close()
    })
  }

  /** A connection that has sent nothing yet. */
  open(options?: FakeSocketOptions): FakeClient {
    return this.network.connect((socket) => this.#newSession(socket), options)
  }

  /** A client that has sent CONNECT and taken CONNECTED. */
  async connect(headers: Readonly<Record<string, string>> = {}, options?: FakeSocketOptions): Promise<FakeClient> {
    const client = this.open(options)
    client.connect(headers)
    await turn()
    const words = client.takeWords()
    if (words.join() !== 'CONNECTED') throw new Error(`Wanted CONNECTED, got ${words.join() || 'nothing'}`)
    return client
  }

  readonly #newSession = (socket: Socket): SocketHandler => {
    const session = new Session(socket, `node-${this.sessions.length + 1}`, this.services, (closed) =>
      this.released.push(closed),
    )
    this.sessions.push(session)
    return session
  }
}
