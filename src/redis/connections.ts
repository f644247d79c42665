/**
 * The connections of this bridge to Redis: one for commands, one for subscriptions; and whether they can be used now.
 * It lives through any outage: reconnects with backoff, has everything subscribed again, and only then says that it is
 * available. A probe asks for the server's role and travels through both connections, so a subscription that is dead
 * while publishing still works is found and mended, and so is a server that has become a replica.
 */
import type { Log } from '../log.ts'
import { Connection } from './connection.ts'
import { connectionName, PROBE_PREFIX } from './nodes.ts'
import { growingDelay, type RedisOptions } from './options.ts'
import { OutageLog } from './outage-log.ts'
import { describeRedisUrl } from '../config.ts'
import { errorText, isOfReplica, isPassing, isReply } from './replies.ts'
import { REPLICA_PROBLEM, RoleCheck } from './role.ts'

/** Who uses the connections. All calls but `prepare`, `restore` and `askAgain` are synchronous, and none may throw. */
export interface ConnectionsUser {
  /** On a channel that is subscribed by its name, as Redis calls it. */
  onMessage(channel: string, payload: Buffer): void
  onPatternMessage(pattern: string, channel: string, payload: Buffer): void
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
  /** The probe's own channel, as Redis calls it. There is one subscription for all: nobody else may take it or give it back. */
  readonly probeChannel: string
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly firstOutcome: Promise<void>
  readonly #options: RedisOptions
  readonly #log: Log
  readonly #outages: OutageLog
  readonly #role: RoleCheck
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
  #probeTimer: ReturnType<typeof setTimeout> | undefined
  /** The probe that is on its way. */
  #probeDeadline: ReturnType<typeof setTimeout> | undefined

  /** Errors: throws if the URL is not understood or a TLS file cannot be read. */
  constructor(options: RedisOptions, nodeId: string, log: Log) {
    this.#options = options
    this.#log = log
    this.keyPrefix = options.keyPrefix
    this.description = `Redis at ${describeRedisUrl(options.url)}`
    this.#reason = `connecting to ${this.description}`
    this.probeChannel = `${options.keyPrefix}${PROBE_PREFIX}${nodeId}`
    this.firstOutcome = new Promise((resolve) => (this.#onFirstOutcome = resolve))
    this.#outages = new OutageLog(log, this.description)
    const events = { onFailure: this.#failed, onUnwantedPassword: this.#passwordUnwanted }
    this.commands = new Connection(options, connectionName(nodeId, 'publisher'), {
      ...events,
      onReady: () => void this.#commandsReady(),
      onClosed: () => {
        this.#areCommandsReady = false
        this.#connectionClosed()
      },
    })
    this.subscriber = new Connection(options, connectionName(nodeId, 'subscriber'), {
      ...events,
      onReady: () => void this.#subscriberReady(),
      onClosed: () => {
        this.#isSubscriberReady = false
        this.#connectionClosed()
      },
    })
    this.#role = new RoleCheck((name, ...args) => this.commands.client.call(name, ...args))
  }

  /** Why they cannot be used now; undefined when they can. */
  get unavailableReason(): string | undefined {
    return this.#reason
  }

  /** May commands be sent? */
  get areCommandsReady(): boolean {
    return this.#areCommandsReady
  }

  start(user: ConnectionsUser): void {
    this.#user = user
    user.onAvailability(this.#reason)
    const { client } = this.subscriber
    client.on('messageBuffer', (channel: Buffer, payload: Buffer) => {
      const name = channel.toString()
      if (name === this.probeChannel) void this.#probeArrived()
      else user.onMessage(name, payload)
    })
    client.on('pmessageBuffer', (pattern: string, channel: Buffer, payload: Buffer) => {
      user.onPatternMessage(pattern, channel.toString(), payload)
    })
    this.commands.start()
    this.subscriber.start()
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
    this.#onFirstOutcome()
    this.commands.close()
    this.subscriber.close()
  }

  // --- Ready and closed

  async #commandsReady(): Promise<void> {
    this.#role.reset()
    try {
      const problem = await this.#role.problem()
      if (problem !== undefined) return this.#drop(problem)
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
