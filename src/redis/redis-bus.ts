/**
 * The bus on Redis or Valkey: publishes on one connection, subscribes on the other. What those connections are and
 * whether they work is the matter of {@link RedisConnections}; what is subscribed is kept here.
 */
import {
  BusRefusedError,
  BusUnavailableError,
  DESTINATION_PREFIX,
  OWN_PREFIX,
  type Bus,
  type BusListener,
  type BusMessage,
  type BusNode,
  type SubscriptionKind,
} from '../bus/bus.ts'
import { escapeGlob } from '../glob.ts'
import { LogBudget, type Log } from '../log.ts'
import { RedisCommands } from './commands.ts'
import { RedisConnections, type ConnectionsUser } from './connections.ts'
import { findNodes, PROBE_PREFIX } from './nodes.ts'
import type { RedisOptions } from './options.ts'
import { PublishQueue } from './publish-queue.ts'
import { RedisLog } from './redis-log.ts'
import { RedisQueues } from './redis-queues.ts'
import { RedisStreams } from './redis-streams.ts'
import { isPassing, isReply, publishFailure } from './replies.ts'
import { located } from './sentinels.ts'
import type { ShardedChannels } from './shards.ts'
import { OrderedScript } from './scripts.ts'
import { StreamGroups, type StreamWithGroups } from './stream-groups.ts'
import { Wanted } from './wanted.ts'

/** Refusals that are logged in a window: clients cause them by what they subscribe to. */
const REFUSALS_PER_WINDOW = 20

export class RedisBus implements Bus, ConnectionsUser {
  /** What is stored in the same Redis, by the same connection. */
  readonly commands: RedisCommands
  readonly log: RedisLog
  /** Streams of backends in the same Redis, read by a connection of their own. */
  readonly streams: RedisStreams
  /** Work queues in the same Redis; a connection of their own waits for messages. */
  readonly queues: RedisQueues
  /** Told of each probe that went through both connections, and of its time in seconds. */
  roundTrip: ((seconds: number) => void) | undefined
  readonly #nodeId: string
  readonly #logger: Log
  readonly #refusalLog = new LogBudget(REFUSALS_PER_WINDOW)
  readonly #connections: RedisConnections
  readonly #queue: PublishQueue
  readonly #keyPrefix: string
  /** What stands before each pattern, as Redis calls it. */
  readonly #patternPrefix: string
  readonly #channels: Wanted
  readonly #patterns: Wanted
  /** Undefined where nothing is added to a stream. */
  readonly #groups: StreamGroups | undefined
  #listener: BusListener | undefined
  #isClosed = false

  /**
   * `streams`: those with a known name to which entries are added; undefined if that is done to none at all.
   * Errors: throws if the URL is not understood or a TLS file cannot be read.
   */
  constructor(given: RedisOptions, nodeId: string, log: Log, streams?: readonly StreamWithGroups[]) {
    const options = located(given)
    this.#nodeId = nodeId
    this.#logger = log
    this.#connections = new RedisConnections(options, nodeId, log)
    const { commands, subscriber } = this.#connections
    this.#queue = new PublishQueue(commands.client, this.#failureOf)
    this.commands = new RedisCommands(this.#connections)
    const unavailable = (): Error | undefined => (this.#connections.areCommandsReady ? undefined : this.#unavailable())
    const { router } = this.#connections
    const queue = this.#queue
    this.log = new RedisLog({
      commands: this.commands,
      isSharded: (channel) => router?.isSharded(channel) === true,
      ordered: router ? (script) => router.ordered(script) : (script) => new OrderedScript(queue, script),
      flush: () => queue.flush(),
      unavailable,
      nodeId,
    })
    this.streams = new RedisStreams({ redis: options, nodeId, commands: this.commands, log })
    this.queues = new RedisQueues({ redis: options, nodeId, commands: this.commands, log })
    this.#keyPrefix = options.keyPrefix
    this.#groups = streams && new StreamGroups(streams, options.keyPrefix, this.#send, log)
    this.#patternPrefix = escapeGlob(options.keyPrefix)
    const events = {
      isConnected: () => subscriber.isReady,
      onPassing: (text: string) => this.#connections.pass(text),
    }
    this.#channels = new Wanted({
      ...events,
      send: (names) => subscriber.client.subscribe(...names.map((name) => this.#keyPrefix + name)),
      onRefusal: (name, refusal) => this.#onRefusal('channel', name, refusal),
    })
    this.#patterns = new Wanted({
      ...events,
      send: (names) => subscriber.client.psubscribe(...names.map((name) => this.#patternPrefix + name)),
      onRefusal: (name, refusal) => this.#onRefusal('pattern', name, refusal),
    })
  }

  get description(): string {
    return this.#connections.description
  }

  /** How often each connection was lost and made again. */
  get reconnects(): readonly (readonly [connection: string, times: number])[] {
    const { commands, subscriber } = this.#connections
    return [
      ['publisher', commands.reconnects],
      ['subscriber', subscriber.reconnects],
      ['streams', this.streams.reconnects],
      ['queues', this.queues.reconnects],
    ]
  }

  get unavailableReason(): string | undefined {
    return this.#connections.unavailableReason
  }

  get firstOutcome(): Promise<void> {
    return this.#connections.firstOutcome
  }

  start(listener: BusListener): void {
    this.#listener = listener
    this.#connections.start(this)
  }

  publish(channel: string, payload: string | Uint8Array): Promise<unknown> {
    if (!this.#connections.areCommandsReady) return Promise.reject(this.#unavailable())
    const name = this.#keyPrefix + channel
    return this.#connections.router?.publish(name, payload) ?? this.#queue.add(name, payload)
  }

  /** By each master of a Cluster, so that it comes behind all that any of them has passed on. Resolves to how often it was published. */
  async publishEverywhere(channel: string, payload: string): Promise<number> {
    if (!this.#connections.areCommandsReady) throw this.#unavailable()
    const { router, shards } = this.#connections
    if (router) {
      const [times] = await Promise.all([
        router.publishEverywhere(this.#keyPrefix + channel, payload),
        shards?.flush().catch((error: unknown) => {
          throw this.#failureOf(error)
        }),
      ])
      return times
    }
    await this.publish(channel, payload)
    return 1
  }

  async publishAll(messages: readonly BusMessage[]): Promise<unknown> {
    if (!this.#connections.areCommandsReady) throw this.#unavailable()
    const { router } = this.#connections
    if (router) {
      return router.publishAll(
        messages.map(({ channel, payload }) => ({ channel: this.#keyPrefix + channel, payload })),
      )
    }
    this.#queue.flush() // MULTI is written at once
    const transaction = this.#connections.commands.client.multi()
    for (const { channel, payload } of messages) transaction.publish(this.#keyPrefix + channel, asBuffer(payload))
    const results = await transaction.exec().catch((error: unknown) => {
      throw this.#failureOf(error)
    })
    const failed = results?.find(([error]) => error !== null)
    if (!results || failed) throw this.#failureOf(failed?.[0] ?? new Error('EXEC was aborted'))
    return undefined
  }

  subscribe(channel: string): Promise<void> {
    if (this.#isProbe(channel)) return Promise.reject(new BusRefusedError('The bridge keeps this channel for itself'))
    if (this.#isClosed) return Promise.reject(closedError())
    return this.#shardsOf(channel)?.subscribe(channel) ?? this.#channels.add(channel)
  }

  unsubscribe(channel: string): void {
    if (this.#isProbe(channel)) return
    const shards = this.#shardsOf(channel)
    if (shards) return shards.unsubscribe(channel)
    this.#channels.delete(channel)
    const { subscriber } = this.#connections
    if (subscriber.isReady) subscriber.client.unsubscribe(this.#keyPrefix + channel).catch(() => {}) // gone with the connection
  }

  psubscribe(pattern: string): Promise<void> {
    if (this.#shardsOf(pattern)) return Promise.reject(new BusRefusedError('Sharded Pub/Sub has no patterns'))
    return this.#isClosed ? Promise.reject(closedError()) : this.#patterns.add(pattern)
  }

  punsubscribe(pattern: string): void {
    if (this.#shardsOf(pattern)) return
    this.#patterns.delete(pattern)
    const { subscriber } = this.#connections
    if (subscriber.isReady) subscriber.client.punsubscribe(this.#patternPrefix + pattern).catch(() => {}) // as above
  }

  nodes(): Promise<readonly BusNode[] | undefined> {
    if (!this.#connections.areCommandsReady) return Promise.resolve(undefined)
    return findNodes(this.commands.everywhere(), this.#keyPrefix, this.#nodeId)
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#isClosed = true
    const error = closedError()
    this.streams.close()
    this.queues.close()
    this.#connections.close(error.message)
    this.#channels.close(error)
    this.#connections.shards?.close(error)
    this.#patterns.close(error)
    return Promise.resolve()
  }

  // --- ConnectionsUser

  onMessage(channel: string, payload: Buffer): void {
    this.#listener?.onMessage(channel.slice(this.#keyPrefix.length), payload, undefined)
  }

  onShardRefusal(channel: string, refusal: BusRefusedError | undefined): void {
    this.#onRefusal('channel', channel, refusal)
  }

  onPatternMessage(pattern: string, channel: string, payload: Buffer): void {
    const name = channel.slice(this.#keyPrefix.length)
    if (name.startsWith(PROBE_PREFIX)) return // a pattern for every channel does not mean these
    this.#listener?.onMessage(name, payload, pattern.slice(this.#patternPrefix.length))
  }

  onRoundTrip(seconds: number): void {
    this.roundTrip?.(seconds)
  }

  onAvailability(reason: string | undefined): void {
    // It may be another Redis when it is back.
    if (reason !== undefined) {
      this.streams.reconnect()
      this.queues.reconnect()
    }
    this.#listener?.onAvailability(reason)
  }

  async prepare(): Promise<string | undefined> {
    if (!this.#groups) return undefined
    await this.log.load(this.#send).catch((error: unknown) => {
      // Without it the text goes with the first message.
      if (!isReply(error) || isPassing(error)) throw error
    })
    return this.#groups.create()
  }

  /** Exact channels first: see `ChannelInterests`. */
  async restore(): Promise<string | undefined> {
    const passing = await this.#channels.restore()
    return (await this.#patterns.restore()) ?? passing
  }

  async askAgain(): Promise<string | undefined> {
    // Somebody may have emptied Redis.
    const ofGroups = await this.#groups?.create()
    const passing = (await this.#channels.askAgain()) ?? (await this.#connections.shards?.askAgain()) ?? ofGroups
    return (await this.#patterns.askAgain()) ?? passing
  }

  #onRefusal(kind: SubscriptionKind, name: string, refusal: BusRefusedError | undefined): void {
    // Whoever wants a channel of the bridge's own knows what it means.
    const isOwn = name.startsWith(OWN_PREFIX) && !name.startsWith(DESTINATION_PREFIX)
    if (!isOwn && this.#refusalLog.take()) {
      if (refusal) this.#logger.warn({ [kind]: name, error: refusal.message }, 'Redis refuses a subscription')
      else this.#logger.info({ [kind]: name }, 'Redis takes a subscription that it had refused')
    }
    this.#listener?.onRefusal(kind, name, refusal)
  }

  readonly #failureOf = (error: unknown): Error => {
    this.#connections.notice(error)
    return publishFailure(error)
  }

  /** Whatever the state of the connection is. */
  readonly #send = (name: string, ...args: (string | number | Buffer)[]): Promise<unknown> =>
    this.#connections.call(name, args)

  /** Undefined where it is subscribed by one connection, as everything else. */
  #shardsOf(channelOrPattern: string): ShardedChannels | undefined {
    return channelOrPattern.startsWith(DESTINATION_PREFIX) ? this.#connections.shards : undefined
  }

  #isProbe(channel: string): boolean {
    return this.#keyPrefix + channel === this.#connections.probeChannel
  }

  #unavailable(): BusUnavailableError {
    return new BusUnavailableError(this.unavailableReason ?? 'Redis is not connected')
  }
}

function asBuffer(payload: string | Uint8Array): string | Buffer {
  return typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
}

function closedError(): BusUnavailableError {
  return new BusUnavailableError('the bus is closed')
}
