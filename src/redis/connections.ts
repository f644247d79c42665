/**
 * The connections of this bridge to Redis: one for commands, one for subscriptions; and whether they can be used now.
 * It lives through any outage: reconnects with backoff, has everything subscribed again, and only then says that it is
 * available. A Redis that leaves a command unanswered for too long counts as away. A probe asks for the server's role and
 * travels through both connections, so a subscription that is dead while publishing still works is found and mended, and
 * so is a server that has become a replica.
 */
import type { Log } from '../log.ts'
import type { BusRefusedError } from '../bus/bus.ts'
import type { ClusterRouter } from './cluster-router.ts'
import { Connection } from './connection.ts'
import { findMissing } from './missing.ts'
import { connectionName, PROBE_PREFIX } from './nodes.ts'
import { growingDelay, type RedisOptions } from './options.ts'
import { OutageLog } from './outage-log.ts'
import { describeRedis, nodeText, type RedisNode } from '../config.ts'
import { createCluster, type RedisCluster } from './redis-cluster.ts'
import { errorText, isOfReplica, isPassing, isReply, publishFailure } from './replies.ts'
import { REPLICA_PROBLEM, RoleCheck } from './role.ts'
import { hasSentinels, SentinelWatch } from './sentinels.ts'
import type { ShardedChannels } from './shards.ts'

/** Who uses the connections. All calls but `prepare`, `restore` and `askAgain` are synchronous, and none may throw. */
export interface ConnectionsUser {
  /** On a channel that is subscribed by its name, as Redis calls it. */
  onMessage(channel: string, payload: Buffer): void
  /** Redis refuses a sharded channel, or (undefined) takes it again. */
  onShardRefusal(channel: string, refusal: BusRefusedError | undefined): void
  onPatternMessage(pattern: string, channel: string, payload: Buffer): void
  /** A probe went through both connections in this time. */
  onRoundTrip(seconds: number): void
  /** Called on each change: with undefined when usable again, with the reason when not. */
  onAvailability(reason: string | undefined): void
  /**
   * The connection for commands is a new one, and nothing else is sent before this is done. Resolves and rejects as
   * `restore`.
   */
  prepare(): Promise<string | undefined>
  /**
   * The subscribing connection is a new one: subscribe everything. Resolves to what Redis said if it takes something
   * only later. Rejects when the connection went meanwhile.
   */
  restore(): Promise<string | undefined>
  /** All is well: ask again for what Redis has not taken. Resolves and rejects as `restore`. */
  askAgain(): Promise<string | undefined>
}

export class RedisConnections {
  readonly description: string
  readonly keyPrefix: string
  readonly commands: Connection
  readonly subscriber: Connection
  /** Undefined where one server has all. Its masters have connections for commands with keys. */
  readonly router: ClusterRouter | undefined
  /** Channels that are subscribed where their slots are; undefined where all are subscribed by one connection. */
  readonly shards: ShardedChannels | undefined
  /** The probe's own channel, as Redis calls it. There is one subscription for all: nobody else may take it or give it back. */
  readonly probeChannel: string
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly firstOutcome: Promise<void>
  readonly #options: RedisOptions
  readonly #log: Log
  readonly #outages: OutageLog
  readonly #role: RoleCheck
  /** Undefined where nobody says when another server becomes the master. */
  readonly #watch: SentinelWatch | undefined
  /** Where the connections are to lead. */
  #located: RedisNode | undefined
  #user: ConnectionsUser | undefined
  #onFirstOutcome!: () => void
  #areCommandsReady = false
  #isSubscriberReady = false
  #isClosed = false
  /** What Redis says while it can do nothing now and will later. */
  #passing: string | undefined
  #passingAttempts = 0
  /** Why the connections failed last. */
  #cause = ''
  #reason: string | undefined
  /** Does Redis let us have our own channel? */
  #hasProbeChannel = true
  #isPasswordUnwanted = false
  #isWarned = false
  #probeTimer: ReturnType<typeof setTimeout> | undefined
  /** The probe that is on its way. */
  #probeDeadline: ReturnType<typeof setTimeout> | undefined
  #probeSentMs = 0

  /** Errors: throws if the URL is not understood or a TLS file cannot be read. */
  constructor(given: RedisOptions, nodeId: string, log: Log) {
    const cluster = this.#clusterFor(given, nodeId)
    this.router = cluster?.router
    this.shards = cluster?.shards
    const options = this.#following(given)
    this.#options = options
    this.#log = log
    this.keyPrefix = options.keyPrefix
    this.description = describeRedis(options)
    this.#reason = `connecting to ${this.description}`
    this.probeChannel = `${options.keyPrefix}${PROBE_PREFIX}${nodeId}`
    this.firstOutcome = new Promise((resolve) => (this.#onFirstOutcome = resolve))
    this.#outages = new OutageLog(log, this.description)
    const events = {
      onFailure: this.#failed,
      onSilent: (cause: string) => this.#drop(cause),
      onUnwantedPassword: this.#passwordUnwanted,
    }
    this.commands = new Connection(this.#nth(options, 0), connectionName(nodeId, 'publisher'), {
      ...events,
      onReady: () => void this.#commandsReady(),
      onClosed: () => {
        this.#areCommandsReady = false
        this.#connectionClosed()
      },
    })
    // By another master, so that the probe finds out whether they hear each other.
    this.subscriber = new Connection(this.#nth(options, 1), connectionName(nodeId, 'subscriber'), {
      ...events,
      onReady: () => void this.#subscriberReady(),
      onClosed: () => {
        this.#isSubscriberReady = false
        this.#connectionClosed()
      },
    })
    this.#watch = hasSentinels(options)
      ? new SentinelWatch(options, connectionName(nodeId, 'sentinel'), () => this.#masterMayHaveMoved())
      : undefined
    this.#role = new RoleCheck((name, ...args) => this.commands.client.call(name, ...args))
  }

  /** Why they cannot be used now; undefined when they can. */
  get unavailableReason(): string | undefined {
    return this.#reason
  }

  /** May commands be sent? */
  get areCommandsReady(): boolean {
    return this.#areCommandsReady && this.router?.nodes.problem === undefined
  }

  /** Sends a command to the server that it belongs to, whatever the state is. Resolves and rejects as ioredis does. */
  call(name: string, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.router ? this.router.call(name, args, false) : this.commands.client.call(name, ...args)
  }

  /** The same, with texts in the answer as octets. */
  callBuffer(name: string, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.router ? this.router.call(name, args, true) : this.commands.client.callBuffer(name, ...args)
  }

  start(user: ConnectionsUser): void {
    this.#user = user
    user.onAvailability(this.#reason)
    const { client } = this.subscriber
    client.on('messageBuffer', (channel: Buffer, payload: Buffer) => {
      const name = channel.toString()
      if (name === this.probeChannel) this.#probeCameBack()
      else user.onMessage(name, payload)
    })
    client.on('pmessageBuffer', (pattern: string, channel: Buffer, payload: Buffer) => {
      user.onPatternMessage(pattern, channel.toString(), payload)
    })
    this.commands.start()
    this.subscriber.start()
    this.#watch?.start()
  }

  /** A command has failed so. What it says about the server as a whole is acted on. */
  notice(error: unknown): void {
    if (isOfReplica(error)) this.#drop(REPLICA_PROBLEM)
    else if (isPassing(error)) this.pass(errorText(error))
  }

  /** Redis can do nothing now: not available until a probe says that it can. */
  pass(text: string): void {
    if (this.#passing === undefined) this.#pass(text)
  }

  #pass(text: string): void {
    if (this.#isClosed) return
    this.#passing = text
    this.#endProbe()
    this.#outages.failed(text)
    this.#update()
    this.#probeLater(growingDelay(++this.#passingAttempts, this.#options.probeIntervalMs))
  }

  close(reason: string): void {
    this.#isClosed = true
    this.#reason = reason
    clearTimeout(this.#probeTimer)
    this.#endProbe()
    this.#outages.close()
    this.#watch?.close()
    this.#onFirstOutcome()
    this.router?.nodes.close()
    this.commands.close()
    this.subscriber.close()
  }

  // --- A Cluster

  #clusterFor(options: RedisOptions, nodeId: string): RedisCluster | undefined {
    return createCluster(options, nodeId, {
      client: () => this.commands.client,
      failureOf: (error) => {
        this.notice(error)
        return publishFailure(error)
      },
      onFailure: (cause) => this.#failed(cause),
      onChange: () => this.#update(),
      onMessage: (channel, payload) => this.#user?.onMessage(channel, payload),
      onRefusal: (channel, refusal) => this.#user?.onShardRefusal(channel, refusal),
      onPassing: (text) => this.pass(text),
    })
  }

  #nth(options: RedisOptions, n: number): RedisOptions {
    const { router } = this
    return router ? { ...options, locate: () => router.nodes.locate(n) } : options
  }

  // --- The master

  /** Both connections are to lead to the same server. */
  #following(options: RedisOptions): RedisOptions {
    const { locate } = options
    if (!locate) return options
    return {
      ...options,
      locate: async () => {
        const node = await locate()
        this.#found(node)
        return node
      },
    }
  }

  #found(node: RedisNode): void {
    const before = this.#located
    this.#located = node
    if (!before || nodeText(before) === nodeText(node)) return
    this.#log.info({ bus: this.description, master: nodeText(node) }, 'Redis has another master')
    // The old one may still live, cut off from its Sentinels: it would go on taking messages, and lose them.
    if (this.#areCommandsReady || this.#isSubscriberReady) this.#drop(`${nodeText(node)} is the master now`)
  }

  /** Nothing follows from it that no Sentinel knows a master: the old one may go on. */
  #masterMayHaveMoved(): void {
    this.#options.locate!().catch(() => {})
  }

  // --- Ready and closed

  async #commandsReady(): Promise<void> {
    this.#role.reset()
    try {
      const problem = await this.#role.problem()
      if (problem !== undefined) return this.#drop(problem)
      await this.router?.nodes.untilReady()
      void this.#warnOfMissing()
      const passing = await this.#user!.prepare()
      if (passing !== undefined) this.pass(passing)
    } catch (error) {
      if (!isPassing(error)) return // the connection went, and says so
      this.pass(errorText(error))
    }
    if (!this.commands.isReady) return
    this.#areCommandsReady = true
    this.#update()
    void this.#probe()
  }

  /** Once: what this server does not let us do. */
  async #warnOfMissing(): Promise<void> {
    if (this.#isWarned) return
    this.#isWarned = true
    const { missing, isForbidden } = await findMissing(
      (name, ...args) => this.commands.client.call(name, ...args),
      this.#role.isUnknown,
    )
    if (missing.length === 0 || this.#isClosed) return
    // Whoever gave us a user with few rights knows what it is without.
    this.#log[isForbidden ? 'info' : 'warn']({ bus: this.description, missing }, 'Redis does not take some commands')
  }

  /** After each (re)connect: everything that is wanted. */
  async #subscriberReady(): Promise<void> {
    try {
      await this.#subscribeProbe()
      const passing = await this.#user!.restore()
      if (passing !== undefined) this.pass(passing)
    } catch (error) {
      // Either the connection went away again, and its next 'ready' comes back here, or it is of no use: start over.
      if (!this.subscriber.isReady || this.#isClosed) return
      this.#failed(errorText(error))
      this.subscriber.drop()
      return
    }
    if (!this.subscriber.isReady) return
    this.#isSubscriberReady = true
    this.#update()
    void this.#probe()
  }

  #connectionClosed(): void {
    this.#endProbe()
    this.#update()
  }

  readonly #failed = (cause: string): void => {
    if (this.#isClosed) return
    this.#cause = cause
    this.#outages.failed(cause)
    this.#update()
    this.#onFirstOutcome()
  }

  readonly #passwordUnwanted = (text: string): void => {
    if (this.#isPasswordUnwanted) return
    this.#isPasswordUnwanted = true
    this.#log.warn(
      { bus: this.description, reason: text },
      'Redis wants no password, but redis.password or redis.url has one',
    )
  }

  /** Both connections lead to the same server, and it is the wrong one, or dead. */
  #drop(cause: string): void {
    if (this.#isClosed) return
    this.#areCommandsReady = false
    this.#isSubscriberReady = false
    this.#endProbe()
    this.#failed(cause)
    this.commands.drop()
    this.subscriber.drop()
    this.router?.nodes.drop()
  }

  #update(): void {
    if (this.#isClosed) return
    const reason = this.#currentReason()
    if (reason === this.#reason) return
    this.#reason = reason
    if (reason === undefined) {
      this.#cause = ''
      this.#outages.over()
      this.#onFirstOutcome()
    }
    this.#user?.onAvailability(reason)
  }

  #currentReason(): string | undefined {
    if (!this.#areCommandsReady || !this.#isSubscriberReady) {
      return this.#cause === ''
        ? `connecting to ${this.description}`
        : `no connection to ${this.description}: ${this.#cause}`
    }
    const problem = this.router?.nodes.problem
    if (problem !== undefined) return `no connection to ${this.description}: ${problem}`
    const ofShards = this.shards?.problem
    if (ofShards !== undefined) return `${this.description}: ${ofShards}`
    return this.#passing === undefined ? undefined : `${this.description} can do nothing now: ${this.#passing}`
  }

  // --- The probe

  async #subscribeProbe(): Promise<void> {
    try {
      await this.subscriber.client.subscribe(this.probeChannel)
      this.#hasProbeChannel = true
    } catch (error) {
      if (!isReply(error)) throw error
      this.#probeRefused(error)
    }
  }

  #probeRefused(error: Error): void {
    // While Redis is busy it refuses everything, and says nothing about this channel.
    if (this.#hasProbeChannel && !isPassing(error)) {
      const fields = { channel: this.probeChannel, error: error.message }
      this.#log.warn(fields, 'Redis refuses the channel of the probe: a subscription that is dead may not be noticed')
    }
    this.#hasProbeChannel = false
  }

  /** Ask for the role, then publish on our own channel; it has to come back on the subscribing connection. */
  async #probe(): Promise<void> {
    if (!this.#areCommandsReady || !this.#isSubscriberReady || this.#probeDeadline !== undefined) return
    clearTimeout(this.#probeTimer)
    const deadline = setTimeout(() => this.#probeMissed(), this.#options.commandTimeoutMs)
    this.#probeDeadline = deadline
    try {
      const problem = await this.#role.problem()
      if (this.#probeDeadline !== deadline) return
      if (problem !== undefined) return this.#drop(problem)
      const down = await this.router?.nodes.lookBy(this.commands.client)
      if (this.#probeDeadline !== deadline) return
      if (down !== undefined) return this.#pass(down)
      if (!this.#hasProbeChannel) await this.#subscribeProbe()
      if (this.#hasProbeChannel) await this.#publishProbe()
      // Without a channel of our own both ends are at least asked whether they live.
      if (!this.#hasProbeChannel && (await this.#isSubscriberAlive())) await this.#probeArrived()
    } catch (error) {
      // Else the connection went, and says so; or nothing more comes, and the deadline says so.
      if (this.#probeDeadline === deadline && isPassing(error)) this.#pass(errorText(error))
    }
  }

  async #publishProbe(): Promise<void> {
    try {
      this.#probeSentMs = performance.now()
      await this.commands.client.publish(this.probeChannel, '')
    } catch (error) {
      if (!isReply(error) || isPassing(error)) throw error
      this.#probeRefused(error)
    }
  }

  async #isSubscriberAlive(): Promise<boolean> {
    return this.subscriber.client.ping().then(
      () => true,
      (error: unknown) => isReply(error), // a refusal is an answer too
    )
  }

  #probeCameBack(): void {
    if (this.#probeDeadline !== undefined) this.#user!.onRoundTrip((performance.now() - this.#probeSentMs) / 1000)
    void this.#probeArrived()
  }

  async #probeArrived(): Promise<void> {
    if (this.#probeDeadline === undefined) return
    this.#endProbe()
    this.commands.settled()
    this.subscriber.settled()
    this.#probeLater(this.#options.probeIntervalMs)
    const passing = await this.#user!.askAgain().catch(() => this.#passing)
    if (passing !== undefined) return this.#pass(passing)
    this.#passing = undefined
    this.#passingAttempts = 0
    this.#update()
  }

  #probeLater(delayMs: number): void {
    if (this.#isClosed) return
    clearTimeout(this.#probeTimer)
    this.#probeTimer = setTimeout(() => void this.#probe(), delayMs)
  }

  #endProbe(): void {
    clearTimeout(this.#probeDeadline)
    this.#probeDeadline = undefined
  }

  #probeMissed(): void {
    this.#drop(`no answer within ${this.#options.commandTimeoutMs} ms`)
  }
}
