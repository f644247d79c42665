/** Sessions on a fake clock, fake sockets and a fake bus, with everything else real. Gone when the test is over. */
import { NO_QUEUES } from '../support/no-queues.ts'
import { onTestFinished } from 'vitest'
import { openAccess, type Access } from '../../src/access/access.ts'
import { bareHandshake, type Handshake } from '../../src/access/handshake.ts'
import type { Broker } from '../../src/broker/broker.ts'
import type { Client } from '../../src/client/client.ts'
import { Clients, NO_LIMITS } from '../../src/client/clients.ts'
import type { ConnectLimits } from '../../src/client/connect-rates.ts'
import type { SeatLimits } from '../../src/client/seats.ts'
import { Rates, type RateSettings } from '../../src/client/rates.ts'
import type { SubscriptionLimits } from '../../src/client/subscriptions.ts'
import { Deadlines } from '../../src/clock.ts'
import { OutputWatch, type OutputLimits } from '../../src/delivery/output-watch.ts'
import type { SlowClientRule } from '../../src/delivery/slow-policy.ts'
import type { Metrics } from '../../src/metrics.ts'
import type { Socket, SocketHandler } from '../../src/socket.ts'
import type { SessionOptions, SessionServices } from '../../src/stomp/services.ts'
import { Session } from '../../src/stomp/session.ts'
import type { FakeBus, FakeBusOptions } from '../support/fake-bus.ts'
import { TurnEnd } from '../../src/delivery/turn-end.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeCore, repliesOf } from '../support/fake-core.ts'
import type { FakeLog } from '../support/fake-log.ts'
import { FakeNetwork, type FakeClient, type FakeSocketOptions } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'

export const OPTIONS: SessionOptions = {
  beforeConnect: { maxFrameBytes: 500, maxHeaders: 20, maxHeaderBytes: 200 },
  afterConnect: { maxFrameBytes: 1000, maxHeaders: 20, maxHeaderBytes: 200 },
  connectTimeoutMs: 10_000,
  maxTransactions: 2,
  maxTransactionFrames: 4,
  maxTransactionBytes: 1000,
  maxUnackedMessages: 100,
  maxInFlight: 4,
  maxInFlightBytes: 100_000,
  heldBack: { pauseAboveBytes: 1000, maxBytes: 4000 },
  heartBeat: { outgoingMs: 10_000, incomingMs: 10_000, toleranceFactor: 2, pongCounts: false },
  pace: { maxFramesPerSecond: 0, maxBytesPerSecond: 0 },
  settleTimeoutMs: 5000,
  lingerMs: 2000,
  softErrors: false,
  server: 'stomp-bridge/test',
}

export const OUTPUT_LIMITS: OutputLimits = { maxUnsentBytes: 10_000, maxUnsentMs: 5000 }

/** A timer may come a slot late. */
export const SLOT_MS = 20

export const EXPIRY_GRACE_MS = 25_000

export interface StageOptions {
  readonly options?: Partial<SessionOptions>
  readonly limits?: Partial<SubscriptionLimits>
  readonly maxClients?: number
  /** Of sessions and connects; none unless told. */
  readonly admission?: Partial<ConnectLimits & SeatLimits>
  readonly bus?: FakeBusOptions
  /** Where it differs from the one that lets anyone do anything. */
  readonly access?: Partial<Access>
  /** Where it differs from the one that brings nothing. */
  readonly handshake?: Partial<Handshake>
  readonly slowClients?: readonly SlowClientRule[]
  readonly rates?: readonly RateSettings[]
}

export class Stage {
  readonly clock = new FakeClock()
  readonly network = new FakeNetwork()
  readonly bus: FakeBus
  readonly log: FakeLog
  readonly metrics: Metrics
  readonly broker: Broker
  readonly clients: Clients
  readonly deadlines = new Deadlines(this.clock)
  readonly outputs = new OutputWatch(OUTPUT_LIMITS, this.clock)
  /** The sessions that are over, in order. */
  readonly released: Session[] = []
  /** The sessions that were opened, in order. */
  readonly sessions: Session[] = []
  readonly #services: SessionServices
  readonly #handshake: Partial<Handshake> | undefined

  constructor({
    options,
    limits,
    maxClients = 10_000,
    admission,
    bus,
    handshake,
    slowClients,
    rates = [],
    ...rest
  }: StageOptions = {}) {
    const { deadlines, outputs, clock } = this
    const core = new FakeCore(outputs, {
      bus: bus ?? {},
      slowClients: slowClients ?? [],
      releaseDelayMs: 60_000,
      clock,
    })
    const { log, metrics, broker, delivery, outbound } = core
    const access = { ...openAccess, ...rest.access }
    this.bus = core.bus
    this.log = log
    this.metrics = metrics
    this.broker = broker
    this.clients = new Clients(
      {
        limits: { maxSubscriptions: 5, maxPatterns: 2, ...limits },
        ...{ access, broker, delivery, outbound, outputs, deadlines, metrics, log },
        expiryGraceMs: EXPIRY_GRACE_MS,
        rates: new Rates(rates),
        presence: undefined,
        history: undefined,
        keptValues: undefined,
        snapshots: undefined,
        queues: undefined,
        queueRules: NO_QUEUES,
        commands: undefined,
        replies: repliesOf(core),
      },
      'node',
      maxClients,
      this.clock,
      { ...NO_LIMITS, ...admission },
    )
    const turnEnd = new TurnEnd(log)
    this.#services = { options: { ...OPTIONS, ...options }, access, deadlines, turnEnd, metrics, log }
    this.#handshake = handshake
    onTestFinished(() => core.close())
  }

  /** A connection that has sent nothing yet. */
  open(options?: FakeSocketOptions): FakeClient {
    return this.network.connect(this.#open, options)
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

  readonly #open = (socket: Socket): SocketHandler =>
    this.clients.open(socket, (client) => this.#session(socket, client), { address: socket.remoteAddress })

  #session(socket: Socket, client: Client): Session {
    const handshake: Handshake = { ...bareHandshake(socket.remoteAddress), ...this.#handshake }
    const session = new Session(socket, client, handshake, this.#services, (released) => {
      this.clients.release(released)
      this.released.push(session)
    })
    this.sessions.push(session)
    return session
  }
}
