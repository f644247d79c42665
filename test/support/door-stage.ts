/** The doors without frames on a fake clock, fake sockets and a fake bus, with everything else real. Gone when the test is over. */
import { NO_QUEUES } from './no-queues.ts'
import { onTestFinished } from 'vitest'
import { openAccess, type Access } from '../../src/access/access.ts'
import { ANONYMOUS } from '../../src/access/identity.ts'
import { Rates, type RateSettings } from '../../src/client/rates.ts'
import { Clients, NO_LIMITS } from '../../src/client/clients.ts'
import type { ConnectLimits } from '../../src/client/connect-rates.ts'
import type { PaceLimits } from '../../src/client/pace.ts'
import type { SeatLimits } from '../../src/client/seats.ts'
import type { RouteOptions } from '../../src/routes/table.ts'
import type { RawPlan, StreamPlan } from '../../src/client/plans.ts'
import { Deadlines } from '../../src/clock.ts'
import { OutputWatch } from '../../src/delivery/output-watch.ts'
import type { SlowClientRule } from '../../src/delivery/slow-policy.ts'
import { RawDoor } from '../../src/raw/door.ts'
import { StreamDoor } from '../../src/sse/door.ts'
import type { FakeBusOptions } from './fake-bus.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeCore, repliesOf } from './fake-core.ts'
import { FakeNetwork, type FakeClient, type FakeSocketOptions } from './fake-socket.ts'

export const OUTPUT_LIMITS = { maxUnsentBytes: 10_000, maxUnsentMs: 5000 }
export const RAW_LIMITS = { maxMessageBytes: 1000, maxInFlight: 4, maxInFlightBytes: 100_000 }
export const SETTLE_MS = 5000
export const LINGER_MS = 2000
export const COMMENT_EVERY_MS = 15_000
/** A timer may come a slot late. */
export const SLOT_MS = 20

export interface DoorStageOptions {
  readonly bus?: FakeBusOptions
  /** Where it differs from the one that lets anyone do anything. */
  readonly access?: Partial<Access>
  readonly slowClients?: readonly SlowClientRule[]
  readonly maxClients?: number
  /** Of sessions and connects; none unless told. */
  readonly admission?: Partial<ConnectLimits & SeatLimits>
  /** Of what a plain WebSocket sends; none unless told. */
  readonly pace?: Partial<PaceLimits>
  readonly releaseDelayMs?: number
  readonly rates?: readonly RateSettings[]
  readonly routes?: Partial<RouteOptions>
  readonly softErrors?: boolean
}

export class DoorStage {
  readonly clock = new FakeClock()
  readonly network = new FakeNetwork()
  readonly deadlines = new Deadlines(this.clock)
  readonly outputs = new OutputWatch(OUTPUT_LIMITS, this.clock)
  readonly core: FakeCore
  readonly clients: Clients
  readonly rawDoor: RawDoor
  readonly streamDoor: StreamDoor

  constructor(options: DoorStageOptions = {}) {
    const {
      bus = {},
      access = {},
      slowClients = [],
      maxClients = 10,
      admission,
      pace,
      releaseDelayMs = 60_000,
      rates = [],
      routes = {},
      softErrors = false,
    } = options
    const { clock, outputs, deadlines } = this
    this.core = new FakeCore(outputs, { bus, slowClients, clock, releaseDelayMs, joinFrames: false, routes })
    const { broker, delivery, outbound, metrics, log } = this.core
    const limits = { maxSubscriptions: 5, maxPatterns: 2 }
    this.clients = new Clients(
      {
        limits,
        access: { ...openAccess, ...access },
        broker,
        delivery,
        outbound,
        outputs,
        deadlines,
        expiryGraceMs: 25_000,
        rates: new Rates(rates),
        presence: undefined,
        history: undefined,
        keptValues: undefined,
        snapshots: undefined,
        queues: undefined,
        queueRules: NO_QUEUES,
        commands: undefined,
        replies: repliesOf(this.core),
        metrics,
        log,
      },
      'node',
      maxClients,
      clock,
      { ...NO_LIMITS, ...admission },
    )
    const shared = { deadlines, metrics, log, lingerMs: LINGER_MS }
    this.rawDoor = new RawDoor(this.clients, {
      ...shared,
      ...RAW_LIMITS,
      pace: { maxFramesPerSecond: 0, maxBytesPerSecond: 0, ...pace },
      settleTimeoutMs: SETTLE_MS,
      softErrors,
    })
    this.streamDoor = new StreamDoor(this.clients, { ...shared, commentEveryMs: COMMENT_EVERY_MS })
    onTestFinished(() => {
      deadlines.close()
      this.core.close()
    })
  }

  /** A plain WebSocket that is subscribed to `/topic/a` unless told. */
  openRaw(plan: Partial<RawPlan> = {}, options?: FakeSocketOptions): FakeClient {
    const whole: RawPlan = {
      identity: ANONYMOUS,
      session: this.clients.nextId(),
      remoteAddress: '192.0.2.7',
      destinations: ['/topic/a'],
      frame: 'body',
      sendTo: undefined,
      isEcho: false,
      ...plan,
    }
    return this.network.connect((socket) => this.rawDoor.open(socket, whole), options)
  }

  /** A stream of events of `/topic/a` unless told. */
  openStream(plan: Partial<StreamPlan> = {}, options?: FakeSocketOptions): FakeClient {
    const session = this.clients.nextId()
    const whole: StreamPlan = {
      identity: ANONYMOUS,
      session,
      remoteAddress: '192.0.2.7',
      destinations: ['/topic/a'],
      asks: undefined,
      ...plan,
    }
    return this.network.connect((socket) => this.streamDoor.open(socket, whole), { transport: 'http', ...options })
  }

  /** What a notification of this text to this destination is on the bus. */
  notify(destination: string, message: unknown, more: Readonly<Record<string, unknown>> = {}): void {
    this.core.bus.deliver('BROADCAST', JSON.stringify({ topic: destination, message, ...more }))
  }
}
