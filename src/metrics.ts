/**
 * What the bridge counts. The hot path adds to plain numbers; Prometheus reads them when it asks. Gauges are read from
 * their owner at that moment, so that a number and the state it shows cannot disagree.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'

/** Counted since start. */
const COUNTERS = {
  sessionsOpened: 'Connections that completed CONNECT',
  framesReceived: 'Frames received from clients, without heart-beats',
  errorsSent: 'ERROR frames sent to clients',
  receiptsSent: 'RECEIPT frames sent',
  messagesPublished: 'Messages that the bus accepted from clients and HTTP',
  messagesReceived: 'Payloads received from the bus for a destination',
  messagesDelivered: 'MESSAGE frames handed to subscribers',
  payloadsMalformed: "Payloads from the bus that their route's codec could not read",
  busFailures: 'Messages that the bus did not accept',
  acknowledged: 'Deliveries acknowledged by ACK',
  rejected: 'Deliveries rejected by NACK and discarded',
  unsubscribeUnknown: 'UNSUBSCRIBE frames that named no live subscription',
  slowConsumersClosed: 'Sessions closed because they did not read',
  heartBeatTimeouts: 'Sessions closed because nothing came in time',
  floodsPaused: 'Times a session was paused because it sent faster than its frames could be processed',
} as const

/** Read when asked for. */
const GAUGES = {
  sessions: 'Open sessions',
  subscriptions: 'Live subscriptions',
  unsentBytes: 'Bytes of output that wait for clients to read',
  busAvailable: '1 while the bus accepts and delivers, else 0',
} as const

export type CounterName = keyof typeof COUNTERS
export type GaugeName = keyof typeof GAUGES

function metricName(name: string): string {
  return `stomp_bridge_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}

export class Metrics {
  /** `metrics.count.messagesDelivered += n` is all the hot path does. */
  readonly count: Record<CounterName, number>
  readonly #registry = new Registry()

  constructor() {
    this.count = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as Record<CounterName, number>
    const count = this.count
    for (const [name, help] of Object.entries(COUNTERS)) {
      new Counter({
        name: `${metricName(name)}_total`,
        help,
        registers: [this.#registry],
        collect() {
          this.reset()
          this.inc(count[name as CounterName])
        },
      })
    }
    collectDefaultMetrics({ register: this.#registry })
  }

  /** Say where a gauge is read. */
  observe(name: GaugeName, read: () => number): void {
    new Gauge({
      name: metricName(name),
      help: GAUGES[name],
      registers: [this.#registry],
      collect() {
        this.set(read())
      },
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Prometheus text format. */
  render(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Let go of what the default metrics hold (the event-loop histogram). */
  close(): void {
    this.#registry.clear()
  }
}
