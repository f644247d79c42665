/** What a bus tells its owner, to be looked at or waited for. */
import { EventEmitter } from 'node:events'
import type { BusListener, BusRefusedError, SubscriptionKind } from '../../src/bus/bus.ts'

export interface Received {
  readonly channel: string
  readonly payload: Uint8Array
  readonly pattern: string | undefined
}

export class Recorder implements BusListener {
  readonly received: Received[] = []
  /** Every reason told, undefined for available. */
  readonly reasons: (string | undefined)[] = []
  /** Every refusal told, and every end of one: `channel a: NOPERM …`, `channel a: taken`. */
  readonly refusals: string[] = []
  /** Called with each message, as a broker is. */
  onReceived: ((received: Received) => void) | undefined
  onReason: ((reason: string | undefined) => void) | undefined
  readonly #events = new EventEmitter().setMaxListeners(0)

  onMessage(channel: string, payload: Uint8Array, pattern: string | undefined): void {
    const received = { channel, payload: Uint8Array.from(payload), pattern }
    this.received.push(received)
    this.onReceived?.(received)
    this.#events.emit('change')
  }

  onAvailability(reason: string | undefined): void {
    this.reasons.push(reason)
    this.onReason?.(reason)
    this.#events.emit('change')
  }

  onRefusal(kind: SubscriptionKind, name: string, refusal: BusRefusedError | undefined): void {
    this.refusals.push(`${kind} ${name}: ${refusal?.message ?? 'taken'}`)
    this.#events.emit('change')
  }

  /** The payloads so far as text; of one channel if named. */
  texts(channel?: string): string[] {
    return this.received
      .filter((received) => channel === undefined || received.channel === channel)
      .map(({ payload }) => new TextDecoder().decode(payload))
  }

  /** Channel, payload and pattern in one line each. */
  lines(): string[] {
    return this.received.map(({ channel, payload, pattern }) => {
      const text = new TextDecoder().decode(payload)
      return pattern === undefined ? `${channel}: ${text}` : `${channel}: ${text} (${pattern})`
    })
  }

  /** Available, or not, from call to call: what was told twice is there once. */
  changes(): ('available' | 'away')[] {
    const all = this.reasons.map((reason) => (reason === undefined ? 'available' : 'away'))
    return all.filter((each, i) => each !== all[i - 1])
  }

  /** Resolves when the condition holds; looks after each thing told. */
  until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (condition()) settle(resolve)
      }
      const settle = (outcome: () => void) => {
        clearTimeout(timer)
        this.#events.off('change', look)
        outcome()
      }
      const timer = setTimeout(
        () => settle(() => reject(new Error(`Waited ${timeoutMs} ms in vain for ${condition.toString()}`))),
        timeoutMs,
      )
      this.#events.on('change', look)
      look()
    })
  }

  untilAvailable(): Promise<void> {
    return this.until(() => this.reasons.length > 0 && this.reasons.at(-1) === undefined)
  }

  untilAway(): Promise<void> {
    return this.until(() => this.reasons.at(-1) !== undefined)
  }

  untilReceived(count: number): Promise<void> {
    return this.until(() => this.received.length >= count)
  }
}
