/**
 * The bus on Redis or Valkey: one connection that publishes, one that subscribes. It lives through any outage:
 * reconnects with backoff, subscribes again, and only then calls itself available. A probe travels through both
 * connections, so a subscription that is dead while publishing still works is found and mended.
 */
import { Redis } from 'ioredis'
import type { Log } from '../log.ts'
import {
  BusRefusedError,
  BusUnavailableError,
  type Bus,
  type BusListener,
  type BusMessage,
  type BusNode,
} from './bus.ts'
import { PublishQueue } from './publish-queue.ts'
import { errorText, isReply, publishFailure } from './redis-failure.ts'
import { connectionName, findNodes, PROBE_PREFIX } from './redis-nodes.ts'
import { connectionOptions, describeAddress, type RedisBusOptions } from './redis-options.ts'

/** Channels named in one SUBSCRIBE command when subscribing again. */
const RESUBSCRIBE_BATCH = 500

/** One wanted channel or pattern: resolved when Redis has confirmed it. */
interface Interest {
  readonly live: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class RedisBus implements Bus {
  readonly description: string
  readonly #options: RedisBusOptions
  readonly #log: Log
  readonly #publisher: Redis
  readonly #queue: PublishQueue
  readonly #subscriber: Redis
  readonly #nodeId: string
  readonly #probeChannel: string
  #listener: BusListener | undefined
  readonly #channels = new Map<string, Interest>()
  readonly #patterns = new Map<string, Interest>()
  #publisherReady = false
  #subscriberReady = false
  #closed = false
  /** False if Redis refuses our own channel. */
  #isProbing = true
  #reason: string | undefined = 'connecting to Redis'
  #lastError = ''
  #probeTimer: ReturnType<typeof setInterval> | undefined
  #probeDeadline: ReturnType<typeof setTimeout> | undefined

  constructor(options: RedisBusOptions, nodeId: string, log: Log) {
    this.#options = options
    this.#log = log
    this.#nodeId = nodeId
    this.description = `Redis at ${describeAddress(options.url)}`
    this.#probeChannel = `${options.keyPrefix}${PROBE_PREFIX}${nodeId}`
    const connection = (role: string): Redis =>
      new Redis(options.url, { ...connectionOptions(options), connectionName: connectionName(nodeId, role) })
    this.#publisher = connection('publisher')
    this.#queue = new PublishQueue(this.#publisher)
    this.#subscriber = connection('subscriber')
  }

  get unavailableReason(): string | undefined {
    return this.#reason
  }

  start(listener: BusListener): void {
    this.#listener = listener
    listener.onAvailability(this.#reason)
    const { keyPrefix } = this.#options
    const prefixLength = keyPrefix.length
    this.#subscriber.on('messageBuffer', (channel: Buffer, payload: Buffer) => {
      const name = channel.toString()
      if (name === this.#probeChannel) this.#probeArrived()
      else listener.onMessage(name.slice(prefixLength), payload, undefined)
    })
    const patternStart = escapeGlob(keyPrefix).length
    this.#subscriber.on('pmessageBuffer', (pattern: string, channel: Buffer, payload: Buffer) => {
      const name = channel.toString().slice(prefixLength)
      if (name.startsWith(PROBE_PREFIX)) return // a pattern for every channel does not mean these
      listener.onMessage(name, payload, pattern.slice(patternStart))
    })
    this.#subscriber.on('ready', () => void this.#subscribeAgain())
    this.#publisher.on('ready', () => {
      this.#publisherReady = true
      this.#update()
    })
    for (const [connection, role] of [
      [this.#publisher, 'publishing'],
      [this.#subscriber, 'subscribing'],
    ] as const) {
      connection.on('error', (error: Error) => this.#connectionError(role, error))
      connection.on('close', () => {
        if (connection === this.#publisher) this.#publisherReady = false
        else this.#subscriberReady = false
        this.#endProbe()
        this.#update()
      })
      connection.connect().catch(() => {}) // reported by 'error'; the retry strategy goes on
    }
    this.#probeTimer = setInterval(() => this.#probe(), this.#options.probeIntervalMs)
  }

  publish(channel: string, payload: string | Uint8Array): Promise<unknown> {
    if (!this.#publisherReady) return Promise.reject(this.#unavailable())
    return this.#queue.add(this.#options.keyPrefix + channel, payload)
  }

  async publishAll(messages: readonly BusMessage[]): Promise<unknown> {
    if (!this.#publisherReady) throw this.#unavailable()
    this.#queue.flush() // MULTI is written at once
    const transaction = this.#publisher.multi()
    for (const { channel, payload } of messages)
      transaction.publish(this.#options.keyPrefix + channel, asBuffer(payload))
    const results = await transaction.exec().catch((error: unknown) => {
      throw publishFailure(error)
    })
    const failed = results?.find(([error]) => error !== null)
    if (!results || failed) throw publishFailure(failed?.[0] ?? new Error('EXEC was aborted'))
    return undefined
  }

  subscribe(channel: string): Promise<void> {
    if (this.#isProbe(channel)) return Promise.reject(new BusRefusedError('The bridge keeps this channel for itself'))
    return this.#want(this.#channels, channel, (name) => this.#subscriber.subscribe(this.#options.keyPrefix + name))
  }

  unsubscribe(channel: string): void {
    if (this.#isProbe(channel)) return
    this.#channels.delete(channel)
    if (this.#subscriber.status === 'ready') {
      this.#subscriber.unsubscribe(this.#options.keyPrefix + channel).catch(() => {}) // gone with the connection
    }
  }

  psubscribe(pattern: string): Promise<void> {
    return this.#want(this.#patterns, pattern, (name) => this.#subscriber.psubscribe(this.#glob(name)))
  }

  punsubscribe(pattern: string): void {
    this.#patterns.delete(pattern)
    if (this.#subscriber.status === 'ready') {
      this.#subscriber.punsubscribe(this.#glob(pattern)).catch(() => {}) // gone with the connection
    }
  }

  /** Whoever gave that back would take the probe from us: there is one subscription for all. */
  #isProbe(channel: string): boolean {
    return this.#options.keyPrefix + channel === this.#probeChannel
  }

  nodes(): Promise<readonly BusNode[] | undefined> {
    if (!this.#publisherReady) return Promise.resolve(undefined)
    return findNodes((name, ...args) => this.#publisher.call(name, ...args), this.#options.keyPrefix, this.#nodeId)
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    clearInterval(this.#probeTimer)
    this.#endProbe()
    this.#publisher.disconnect()
    this.#subscriber.disconnect()
    const error = closedError()
    this.#reason = error.message
    for (const interest of [...this.#channels.values(), ...this.#patterns.values()]) interest.reject(error)
    return Promise.resolve()
  }

  #glob(pattern: string): string {
    return escapeGlob(this.#options.keyPrefix) + pattern
  }

  #want(wanted: Map<string, Interest>, name: string, send: (name: string) => Promise<unknown>): Promise<void> {
    if (this.#closed) return Promise.reject(closedError())
    const existing = wanted.get(name)
    if (existing) return existing.live
    const interest = newInterest()
    wanted.set(name, interest)
    // While the connection is away, #subscribeAgain sends it.
    if (this.#subscriber.status === 'ready') {
      send(name).then(interest.resolve, (error: unknown) => {
        if (isReply(error)) this.#subscriptionRefused(wanted, name, error) // else the connection went, and comes back
      })
    }
    return interest.live
  }

  #subscriptionRefused(wanted: Map<string, Interest>, name: string, error: Error): void {
    this.#log.warn({ channel: name, error: error.message }, 'Redis refuses a subscription')
    const interest = wanted.get(name)
    wanted.delete(name)
    interest?.reject(new BusRefusedError(error.message, { cause: error }))
  }

  /** After each (re)connect: everything that is wanted, exact channels first. */
  async #subscribeAgain(): Promise<void> {
    const { keyPrefix } = this.#options
    try {
      await this.#subscribeProbe()
      for (const batch of batches([...this.#channels])) {
        const send = (names: string[]): Promise<unknown> =>
          this.#subscriber.subscribe(...names.map((name) => keyPrefix + name))
        await this.#subscribeBatch(this.#channels, batch, send)
      }
      for (const batch of batches([...this.#patterns])) {
        const send = (names: string[]): Promise<unknown> =>
          this.#subscriber.psubscribe(...names.map((name) => this.#glob(name)))
        await this.#subscribeBatch(this.#patterns, batch, send)
      }
    } catch (error) {
      // Either the connection went away again, and its next 'ready' comes back here, or Redis refuses: start over.
      this.#connectionError('subscribing', error)
      if (this.#subscriber.status === 'ready') this.#subscriber.disconnect(true)
      return
    }
    this.#subscriberReady = true
    this.#update()
    this.#probe()
  }

  async #subscribeProbe(): Promise<void> {
    try {
      await this.#subscriber.subscribe(this.#probeChannel)
    } catch (error) {
      if (!isReply(error)) throw error
      if (this.#isProbing)
        this.#log.warn(
          { channel: this.#probeChannel, error: error.message },
          'Redis refuses the probe: a dead subscription will not be noticed',
        )
      this.#isProbing = false
    }
  }

  async #subscribeBatch(
    wanted: Map<string, Interest>,
    batch: readonly (readonly [string, Interest])[],
    send: (names: string[]) => Promise<unknown>,
  ): Promise<void> {
    // Not what has been given up since: its UNSUBSCRIBE is out already.
    const left = batch.filter(([name, interest]) => wanted.get(name) === interest)
    if (left.length === 0) return
    try {
      await send(left.map(([name]) => name))
      for (const [, interest] of left) interest.resolve()
    } catch (error) {
      if (!isReply(error)) throw error
      // Redis refuses the whole command for one name that its ACL forbids: the others go by themselves.
      if (left.length === 1) this.#subscriptionRefused(wanted, left[0]![0], error)
      else for (const one of left) await this.#subscribeBatch(wanted, [one], send)
    }
  }

  #update(): void {
    if (this.#closed) return
    const away = this.#lastError === '' ? '' : `: ${this.#lastError}`
    let reason: string | undefined
    if (!this.#publisherReady || !this.#subscriberReady) reason = `no connection to ${this.description}${away}`
    const wasAvailable = this.#reason === undefined
    if (reason === this.#reason) return
    if (reason === undefined) this.#lastError = ''
    this.#reason = reason
    if (reason === undefined) this.#log.info({ bus: this.description }, 'Redis is connected and subscribed')
    else if (wasAvailable) this.#log.error({ bus: this.description, reason }, 'Redis is away')
    this.#listener?.onAvailability(reason)
  }

  #connectionError(role: string, error: unknown): void {
    if (this.#closed) return
    const text = errorText(error)
    // Once per cause, not once per attempt.
    if (text !== this.#lastError) this.#log.warn({ connection: role, error: text }, 'Redis connection error')
    this.#lastError = text
    this.#update()
  }

  /** Publish on our own channel; it has to come back on the subscribing connection. */
  #probe(): void {
    if (!this.#isProbing || !this.#publisherReady || !this.#subscriberReady || this.#probeDeadline !== undefined) return
    this.#probeDeadline = setTimeout(() => this.#probeMissed(), this.#options.commandTimeoutMs)
    this.#publisher.publish(this.#probeChannel, '').catch(() => {}) // its absence is what counts
  }

  #probeArrived(): void {
    this.#endProbe()
  }

  #endProbe(): void {
    clearTimeout(this.#probeDeadline)
    this.#probeDeadline = undefined
  }

  #probeMissed(): void {
    this.#probeDeadline = undefined
    this.#connectionError('subscribing', new Error(`no answer within ${this.#options.commandTimeoutMs} ms`))
    // Destroyed, not ended: a dead peer would never answer the FIN. Pending commands are rejected by this.
    for (const connection of [this.#publisher, this.#subscriber]) connection.stream?.destroy()
  }

  #unavailable(): BusUnavailableError {
    return new BusUnavailableError(this.#reason ?? 'Redis is not connected')
  }
}

function newInterest(): Interest {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const live = new Promise<void>((onLive, onClosed) => {
    resolve = onLive
    reject = onClosed
  })
  live.catch(() => {}) // a rejection at close needs no listener
  return { live, resolve, reject }
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += RESUBSCRIBE_BATCH) yield items.slice(i, i + RESUBSCRIBE_BATCH)
}

function asBuffer(payload: string | Uint8Array): string | Buffer {
  return typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&')
}

function closedError(): BusUnavailableError {
  return new BusUnavailableError('the bus is closed')
}
