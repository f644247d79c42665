/** Clients of a door that speaks no protocol, with everything between them and a fake bus real. Gone when the test is over. */
import { NO_QUEUES } from '../support/no-queues.ts'
import { onTestFinished } from 'vitest'
import { messageStamp, Version } from '../../frames/index.ts'
import { openAccess, type Access } from '../../src/access/access.ts'
import type { Liveness } from '../../src/broker/broker.ts'
import type { Client } from '../../src/client/client.ts'
import { Clients } from '../../src/client/clients.ts'
import type { Door } from '../../src/client/door.ts'
import { Rates, type RateSettings } from '../../src/client/rates.ts'
import { AckMode, type SubscribeOptions, type Subscription } from '../../src/client/subscription.ts'
import type { SubscriptionLimits } from '../../src/client/subscriptions.ts'
import type { Marker, Message } from '../../src/delivery/message.ts'
import { OutputWatch, type OutputLimits } from '../../src/delivery/output-watch.ts'
import type { Snapshots } from '../../src/snapshots/snapshots.ts'
import type { SocketHandler } from '../../src/socket.ts'
import { STOMP_ENCODINGS } from '../../src/stomp/encoding.ts'
import { Deadlines } from '../../src/clock.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { type CoreOptions, FakeCore, repliesOf } from '../support/fake-core.ts'
import { FakeNetwork, type FakeSocket, type FakeSocketOptions } from '../support/fake-socket.ts'

export const OUTPUT_LIMITS: OutputLimits = { maxUnsentBytes: 10_000, maxUnsentMs: 5000 }

/** Writes what is delivered by itself, and notes what it is told to do. */
export class FakeDoor implements Door, SocketHandler {
  readonly protocol = 'raw'
  readonly version = undefined
  readonly client: Client
  readonly socket: FakeSocket
  isOpen = true
  readonly room = Infinity
  readonly told: string[] = []

  constructor(client: Client, socket: FakeSocket) {
    this.client = client
    this.socket = socket
  }

  /** As a door does it for its client; the id goes into the stamp. */
  subscribe(destination: string, id?: string, ackMode: AckMode = AckMode.auto): Liveness | undefined {
    return this.client.subscribe(subscribeOptions(destination, id, ackMode))
  }

  deliver({ feed }: Subscription, message: Message, dropped: number): void {
    this.told.push(`deliver ${message.id}${dropped > 0 ? ` after ${dropped}` : ''}`)
    this.client.output.write(message.as(feed.encoding).stamp(feed.stamp))
  }

  tell({ id }: Subscription, { position, count }: Marker): void {
    this.told.push(`position of ${id ?? 'it'}: ${position.offset}, ${count} follow`)
  }

  forget(): void {}

  disallow(ended: readonly Subscription[]): void {
    this.told.push(`disallow: ${ended.map(({ destination }) => destination).join(', ')}`)
  }

  closeAsSlow(reason: string): void {
    this.told.push(`close: ${reason}`)
    this.isOpen = false
    this.client.unsubscribeAll()
    this.socket.close(4500, reason)
  }

  fail({ code }: { readonly code: string }): void {
    this.told.push(`fail: ${code}`)
  }

  refuse({ code }: { readonly code: string }): void {
    this.told.push(`refuse: ${code}`)
  }

  shutDown(): void {
    this.told.push('shut down')
  }

  terminate(): void {
    this.told.push('terminate')
  }

  receive(): void {}

  ended(): void {}

  closed(): void {
    this.client.close(1000)
  }
}

export function subscribeOptions(destination: string, id: string | undefined, ackMode: AckMode): SubscribeOptions {
  const version = id === undefined ? Version.V1_0 : Version.V1_2
  const stamp = messageStamp(id, undefined, version)
  return { destination, id, ackMode, encoding: STOMP_ENCODINGS[version], stamp }
}

export const EXPIRY_GRACE_MS = 25_000

export interface ClientStageOptions {
  readonly limits?: Partial<SubscriptionLimits>
  readonly maxClients?: number
  /** Where it differs from the one that lets anyone do anything. */
  readonly access?: Partial<Access>
  readonly rates?: readonly RateSettings[]
  readonly core?: CoreOptions
  /** Made of what lies below. */
  readonly snapshots?: (core: FakeCore) => Snapshots
}

export class ClientStage {
  readonly clock = new FakeClock()
  readonly network = new FakeNetwork()
  readonly outputs = new OutputWatch(OUTPUT_LIMITS, this.clock)
  readonly deadlines = new Deadlines(this.clock)
  readonly core: FakeCore
  readonly clients: Clients

  constructor({ limits, maxClients = 100, access, rates = [], core: coreOptions, snapshots }: ClientStageOptions = {}) {
    const { outputs, clock } = this
    const core = new FakeCore(outputs, { ...coreOptions, clock })
    this.core = core
    const { broker, delivery, outbound, metrics, log } = core
    const services = {
      limits: { maxSubscriptions: 10, maxPatterns: 10, ...limits },
      access: { ...openAccess, ...access },
      ...{ broker, delivery, outbound, outputs, metrics, log },
      deadlines: this.deadlines,
      expiryGraceMs: EXPIRY_GRACE_MS,
      rates: new Rates(rates),
      presence: undefined,
      history: undefined,
      keptValues: undefined,
      snapshots: snapshots?.(core),
      queues: undefined,
      queueRules: NO_QUEUES,
      commands: undefined,
      replies: repliesOf(core),
    }
    this.clients = new Clients(services, 'node', maxClients, this.clock)
    onTestFinished(() => core.close())
  }

  open(options: FakeSocketOptions = {}): FakeDoor {
    const socket = this.network.socket(options)
    const door = this.clients.open(socket, (client) => new FakeDoor(client, socket), {
      address: socket.remoteAddress,
    })
    socket.handler = door
    return door
  }
}
