/**
 * The embedded bus: Redis Pub/Sub semantics inside one process, for trying the bridge and for single-node use.
 * Payloads are delivered in a later microtask, in publish order, as they would come back from a server.
 */
import { BusUnavailableError, type Bus, type BusListener, type BusMessage } from './bus.ts'

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
    if (this.#closed) return Promise.reject(new BusUnavailableError('the bus is closed'))
    if (this.#queue.length === 0) queueMicrotask(() => this.#deliver())
    this.#queue.push(...messages)
    return Promise.resolve()
  }

  subscribe(channel: string): Promise<void> {
    this.#channels.add(channel)
    return Promise.resolve()
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel)
  }

  psubscribe(pattern: string): Promise<void> {
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

/** Redis PSUBSCRIBE globs: `*`, `?`, `[ab-c]`, `[^a]` and a backslash before a literal. */
export function globToRegExp(glob: string): RegExp {
  let source = ''
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!
    const classEnd = char === '[' ? glob.indexOf(']', i + 1) : -1
    if (char === '*') source += '.*'
    else if (char === '?') source += '.'
    else if (classEnd > 0) {
      source += glob.slice(i, classEnd + 1).replace(/\\/g, '\\\\')
      i = classEnd
    } else {
      const literal = char === '\\' && i + 1 < glob.length ? glob[++i]! : char
      source += literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    }
  }
  return new RegExp(`^${source}$`, 's')
}
