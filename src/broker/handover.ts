/**
 * Hands messages over to the bus: bounds what waits for it, counts, and says in words of the client what went wrong.
 * The broker's own; knows nothing of destinations or routes.
 */
import { BusRefusedError, BusUnavailableError, type Bus, type BusMessage } from '../bus/bus.ts'
import { ProtocolError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'

/** Payload bytes that may wait for the bus to accept them, over all sessions and requests; beyond it senders are refused. */
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024

export class Handover {
  readonly #bus: Bus
  readonly #log: Log
  readonly #metrics: Metrics
  /** Handed over and not yet accepted by the bus. */
  #inFlightBytes = 0

  constructor(bus: Bus, log: Log, metrics: Metrics) {
    this.#bus = bus
    this.#log = log
    this.#metrics = metrics
  }

  /** Resolves when the bus has it. Rejects with ProtocolError. */
  publish({ channel, payload }: BusMessage): Promise<void> {
    const bytes = payload.length
    if (!this.#claim(bytes)) return Promise.reject(this.#overloaded())
    return this.#settle(this.#bus.publish(channel, payload), 1, bytes)
  }

  /** All or none, in order. Rejects with ProtocolError. */
  publishAll(messages: readonly BusMessage[]): Promise<void> {
    const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0)
    if (!this.#claim(bytes)) return Promise.reject(this.#overloaded())
    return this.#settle(this.#bus.publishAll(messages), messages.length, bytes)
  }

  #claim(bytes: number): boolean {
    if (this.#inFlightBytes + bytes > MAX_IN_FLIGHT_BYTES) return false
    this.#inFlightBytes += bytes
    return true
  }

  #settle(accepted: Promise<unknown>, messages: number, bytes: number): Promise<void> {
    return accepted.then(
      () => {
        this.#inFlightBytes -= bytes
        this.#metrics.count.messagesPublished += messages
      },
      (error: unknown) => {
        this.#inFlightBytes -= bytes
        throw this.#failureOf(error)
      },
    )
  }

  #failureOf(error: unknown): unknown {
    this.#metrics.count.busFailures++
    const isRefusal = error instanceof BusRefusedError
    if (!isRefusal && !(error instanceof BusUnavailableError)) return error
    this.#log.debug({ reason: error.message }, 'The bus did not accept a message')
    return isRefusal
      ? notHandedOver('bus-refused', 'Redis refuses its channel', error)
      : notHandedOver('bus-unavailable', 'the bus is unavailable', error)
  }

  #overloaded(): ProtocolError {
    this.#metrics.count.busFailures++
    return notHandedOver('bus-unavailable', 'too much is waiting for the bus')
  }
}

function notHandedOver(code: 'bus-refused' | 'bus-unavailable', why: string, cause?: Error): ProtocolError {
  return new ProtocolError(code, `The message could not be handed over: ${why}`, {}, { cause })
}
