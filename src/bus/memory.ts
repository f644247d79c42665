/**
 * The embedded bus: Redis Pub/Sub semantics inside one process, for trying the bridge and for single-node use.
 * Payloads are delivered in a later microtask, in publish order, as they would come back from a server.
 */
import { BusUnavailableError, type Bus, type BusListener, type BusMessage } from './bus.ts'
import { globToRegExp } from '../glob.ts'

const utf8Encoder = new TextEncoder()

export class MemoryBus implements Bus {
  readonly description = 'embedded, in this process only'
  #listener: BusListener | undefined
  #closed = false
  readonly #channels = new Set<string>()
  readonly #patterns = new Map<string, RegExp>()
  #queue: BusMessage[] = []

  get unavailableReason(): string | undefined {
    return this.#closed ? 'the bus is closed' : undefined
  }

  start(listener: BusListener): void {
    this.#listener = listener
    listener.onAvailability(undefined)
  }

  publish(channel: string, payload: string | Uint8Array): Promise<unknown> {
    return this.publishAll([{ channel, payload }])
  }

  publishAll(messages: readonly BusMessage[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(closedError())
    if (this.#queue.length === 0) queueMicrotask(() => this.#deliver())
    this.#queue.push(...messages)
    return Promise.resolve()
  }

  subscribe(channel: string): Promise<void> {
    if (this.#closed) return Promise.reject(closedError())
    this.#channels.add(channel)
    return Promise.resolve()
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel)
  }

  psubscribe(pattern: string): Promise<void> {
    if (this.#closed) return Promise.reject(closedError())
    this.#patterns.set(pattern, globToRegExp(pattern))
    return Promise.resolve()
  }

  punsubscribe(pattern: string): void {
    this.#patterns.delete(pattern)
  }

  close(): Promise<void> {
    this.#closed = true
    this.#queue = []
    return Promise.resolve()
  }

  #deliver(): void {
    const batch = this.#queue
    this.#queue = []
    for (const { channel, payload } of batch) {
      // Redis sends to exact subscribers first, then to each matching pattern.
      const bytes = typeof payload === 'string' ? utf8Encoder.encode(payload) : payload
      if (this.#channels.has(channel)) this.#listener?.onMessage(channel, bytes, undefined)
      for (const [pattern, expression] of this.#patterns) {
        if (expression.test(channel)) this.#listener?.onMessage(channel, bytes, pattern)
      }
    }
  }
}

function closedError(): BusUnavailableError {
  return new BusUnavailableError('the bus is closed')
}
