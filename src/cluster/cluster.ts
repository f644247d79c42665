/**
 * The nodes of one bridge, as each of them sees the others: who is alive, and what they tell and ask each other over the
 * bus. What it is about are the subjects of others, who register here; their data is checked before they see it. On the
 * embedded bus there is one node, and it answers itself.
 */
import * as z from 'zod'
import { BusRefusedError, BusUnavailableError } from '../bus/bus.ts'
import type { OwnChannels } from '../bus/shared-bus.ts'
import type { Clock } from '../clock.ts'
import { LogBudget, type Log } from '../log.ts'
import { Members } from './members.ts'
import { ALL_NODES, channelOf, readMessage, writeMessage, type NodeMessage } from './messages.ts'
import { sendInParts } from './parts.ts'
import { NO_QUESTION, Questions, type RawAnswer } from './questions.ts'

/** How often a node says that it is alive, in one lease. */
const ANNOUNCEMENTS_PER_LEASE = 3
/** After a node has asked who is there, they have said so within this time, in milliseconds. */
const INTRODUCTION_MS = 200
/** Payloads that no node can have sent, and are logged in a window; all are counted. */
const MALFORMED_PER_WINDOW = 5
const FAILURES_PER_WINDOW = 5

/** What a question is about: what is asked, and the value and the list that a node answers. */
export interface Subject<Asked, Head, Item> {
  readonly name: string
  readonly asked: z.ZodType<Asked>
  readonly head: z.ZodType<Head>
  readonly item: z.ZodType<Item>
  /** Something is done there, not only looked up. */
  readonly isDeed?: boolean
}

export interface Answer<Head, Item> {
  readonly head: Head
  readonly items: readonly Item[]
}

export interface Answers<Head, Item> {
  readonly byNode: ReadonlyMap<string, Answer<Head, Item>>
  /** Nodes that should have answered and did not: what they know is not in this. */
  readonly missing: readonly string[]
}

/** What the cluster tells of other nodes. Calls are synchronous and must not throw. */
export interface ClusterObserver {
  joined?(node: string): void
  /** It said goodbye, or its lease is over. */
  left?(node: string): void
  /** Comes with each sign of life: how far its subjects are. */
  marked?(node: string, marks: Readonly<Record<string, number>>): void
  /** Nothing comes from now on. */
  suspended?(): void
  /** All who are alive are known. Comes at the start too; what was told before may be lost. */
  resumed?(): void
}

export interface ClusterOptions {
  readonly nodeId: string
  readonly channels: OwnChannels
  readonly clock: Clock
  /** A node that was not heard for so long is dead, in milliseconds. */
  readonly leaseMs: number
  readonly log: Log
  /** Counts what cannot be read. */
  readonly metrics: { readonly count: { payloadsMalformed: number } }
}

export class Cluster {
  readonly nodeId: string
  readonly #channels: OwnChannels
  readonly #clock: Clock
  readonly #announceEveryMs: number
  readonly #log: Log
  readonly #metrics: ClusterOptions['metrics']
  readonly #malformedLog = new LogBudget(MALFORMED_PER_WINDOW)
  readonly #failureLog = new LogBudget(FAILURES_PER_WINDOW)
  readonly #members: Members
  readonly #questions: Questions
  readonly #observers: ClusterObserver[] = []
  readonly #marks = new Map<string, () => number>()
  readonly #hearers = new Map<string, (data: unknown, from: string) => boolean>()
  readonly #answerers = new Map<string, (asked: unknown) => RawAnswer | undefined>()
  readonly #waitingToResume = new Set<() => void>()
  #isAvailable = false
  /** Are our channels subscribed? */
  #isLive = false
  /** What the bus does not let us use. */
  readonly #refused = new Set<string>()
  #isRefusalLogged = false
  #isConnected = false
  #isClosed = false
  #timer: unknown

  constructor({ nodeId, channels, clock, leaseMs, log, metrics }: ClusterOptions) {
    this.nodeId = nodeId
    this.#channels = channels
    this.#clock = clock
    this.#announceEveryMs = leaseMs / ANNOUNCEMENTS_PER_LEASE
    this.#log = log
    this.#metrics = metrics
    this.#members = new Members(clock, leaseMs, {
      joined: (node) => this.#eachObserver((observer) => observer.joined?.(node)),
      left: (node) => {
        this.#questions.left(node)
        this.#eachObserver((observer) => observer.left?.(node))
      },
    })
    this.#questions = new Questions(clock, (node, askedAt) => this.#members.suspect(node, askedAt))
    channels.listen({
      onMessage: (_channel, payload) => this.#receive(payload),
      onAvailability: (reason) => this.#setAvailable(reason === undefined),
      onRefusal: (channel, refusal) => this.#setRefusal(channel, refusal),
    })
  }

  /** The other nodes that are alive. */
  get nodes(): readonly string[] {
    return [...this.#members]
  }

  /** Can others be heard, and are all known who are alive? */
  get isConnected(): boolean {
    return this.#isConnected
  }

  // --- Subjects: registered before the start

  observe(observer: ClusterObserver): void {
    this.#observers.push(observer)
  }

  /** Every sign of life says how far this is. */
  setMark(subject: string, read: () => number): void {
    this.#marks.set(subject, read)
  }

  /** Called with what others tell, not with what this node tells itself. Must not throw. */
  hear<Data>(subject: string, schema: z.ZodType<Data>, hear: (data: Data, from: string) => void): void {
    this.#hearers.set(subject, (raw, from) => {
      const { success, data } = schema.safeParse(raw)
      if (success) hear(data, from)
      return success
    })
  }

  answer<Asked, Head, Item>(
    { name, asked }: Subject<Asked, Head, Item>,
    answer: (asked: Asked) => Answer<Head, Item>,
  ): void {
    this.#answerers.set(name, (raw) => {
      const { success, data } = asked.safeParse(raw)
      return success ? answer(data) : undefined
    })
  }

  // --- Life

  /** After the bus was started. */
  start(): void {
    this.#subscribe()
  }

  /** Says goodbye; resolves when that is on its way, or cannot be. Before the bus is closed. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#disconnect(new BusUnavailableError('the bridge is closed'))
    if (this.#isLive) await this.#publish(ALL_NODES, { type: 'bye', from: this.nodeId }).catch(() => {}) // the lease ends
  }

  // --- Telling and asking

  /**
   * Tells all other nodes, those that listen now. Resolves when the bus has it; also where it lets nodes tell each other
   * nothing. Rejects with BusUnavailableError when it is away.
   */
  async tell(subject: string, data: unknown): Promise<void> {
    const message = { type: 'tell', from: this.nodeId, subject, data } as const
    await this.#publish(ALL_NODES, message).catch((error: unknown) => {
      if (!this.#noteRefusal(error)) throw error
    })
  }

  /**
   * Asks all nodes, this one too, or only one; resolves with what they answer. A node that is silent for a second is not
   * waited for any more until it is heard again. Rejects with BusUnavailableError when the bus is away.
   */
  async ask<Asked, Head, Item>(
    subject: Subject<Asked, Head, Item>,
    asked: Asked,
    only?: string,
  ): Promise<Answers<Head, Item>> {
    await this.#untilConnected()
    const byNode = new Map<string, Answer<Head, Item>>()
    if (only === undefined || only === this.nodeId) {
      byNode.set(this.nodeId, this.#answerers.get(subject.name)!(asked) as Answer<Head, Item>)
    }
    const missing: string[] = []
    const others = only === undefined ? this.nodes : [only].filter((node) => node !== this.nodeId)
    const waitsFor = others.filter((node) => {
      if (this.#members.has(node) && !this.#members.isSuspect(node)) return true
      missing.push(node)
      return false
    })
    if (waitsFor.length === 0) {
      // Who is silent may only stand still, and would go on later as if nothing had been said.
      if (subject.isDeed) await this.#publishQuestion(NO_QUESTION, subject.name, asked, only)
      return { byNode, missing }
    }
    const raw = await this.#askOthers(subject.name, asked, waitsFor, only)
    missing.push(...raw.missing)
    const items = z.array(subject.item)
    for (const [node, answer] of raw.byNode) {
      const head = subject.head.safeParse(answer.head)
      const list = items.safeParse(answer.items)
      if (head.success && list.success) byNode.set(node, { head: head.data, items: list.data })
      else missing.push(node)
    }
    return { byNode, missing: missing.filter((node) => !byNode.has(node)) }
  }

  async #askOthers(subject: string, data: unknown, waitsFor: readonly string[], only: string | undefined) {
    if (this.#questions.isFull) throw new BusUnavailableError('too many questions to other nodes are open')
    const { id, answers } = this.#questions.open(waitsFor)
    this.#publishQuestion(id, subject, data, only).then(
      (isOnItsWay) => {
        if (!isOnItsWay) this.#questions.settle(id)
      },
      (error: Error) => this.#questions.reject(id, error),
    )
    return answers
  }

  /** Resolves to false where the bus lets nodes tell each other nothing. Rejects with BusUnavailableError when it is away. */
  async #publishQuestion(id: number, subject: string, data: unknown, only: string | undefined): Promise<boolean> {
    const message = { type: 'ask', from: this.nodeId, question: id, subject, data } as const
    try {
      await this.#publish(only === undefined ? ALL_NODES : channelOf(only), message)
      return true
    } catch (error) {
      if (this.#noteRefusal(error)) return false
      throw error
    }
  }

  async #untilConnected(): Promise<void> {
    if (this.#isConnected) return
    if (this.#isClosed || !this.#isAvailable) throw this.#unavailable()
    await new Promise<void>((resolve) => this.#waitingToResume.add(resolve))
    if (!this.#isConnected) throw this.#unavailable()
  }

  #unavailable(): BusUnavailableError {
    return new BusUnavailableError(this.#channels.unavailableReason ?? 'the bridge is closed')
  }

  // --- Connected or not

  #subscribe(): void {
    const live = Promise.all([ALL_NODES, channelOf(this.nodeId)].map((name) => this.#channels.subscribe(name)))
    live.then(
      () => {
        this.#isLive = true
        this.#connect()
      },
      // Else the bus is closed.
      (error: unknown) => {
        if (this.#noteRefusal(error)) this.#connect()
      },
    )
  }

  #setAvailable(isAvailable: boolean): void {
    this.#isAvailable = isAvailable
    if (isAvailable) this.#connect()
    else this.#disconnect(new BusUnavailableError(this.#channels.unavailableReason ?? 'the bus is away'))
  }

  #setRefusal(channel: string, refusal: BusRefusedError | undefined): void {
    if (refusal) {
      this.#refused.add(channel)
      this.#isLive = false
      this.#noteRefusal(refusal)
      this.#connect()
    } else if (this.#refused.delete(channel) && this.#refused.size === 0) {
      if (this.#isRefusalLogged) this.#log.info({}, 'Redis takes the channels of the nodes that it had refused')
      this.#isRefusalLogged = false
      this.#disconnect(new BusUnavailableError('other nodes are looked for'))
      this.#subscribe()
    }
  }

  /** Others can be heard, or it is known that they cannot: then this node is alone. */
  #connect(): void {
    if (this.#isClosed || !this.#isAvailable) return
    if (!this.#isLive) {
      if (this.#refused.size > 0) this.#connected()
      return
    }
    this.#members.resume()
    this.#announce(true)
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(() => {
      this.#connected()
      this.#announceLater()
    }, INTRODUCTION_MS)
  }

  #connected(): void {
    if (this.#isConnected) return
    this.#isConnected = true
    this.#resume()
    this.#eachObserver((observer) => observer.resumed?.())
  }

  #disconnect(error: BusUnavailableError): void {
    this.#clock.clearTimeout(this.#timer)
    this.#members.pause()
    const wasConnected = this.#isConnected
    this.#isConnected = false
    this.#questions.rejectAll(error)
    this.#resume()
    if (wasConnected) this.#eachObserver((observer) => observer.suspended?.())
  }

  #resume(): void {
    for (const resume of this.#waitingToResume) resume()
    this.#waitingToResume.clear()
  }

  // --- Signs of life

  #announceLater(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#announce(false)
      this.#announceLater()
    }, this.#announceEveryMs)
  }

  #announce(isNew: boolean, channel = ALL_NODES): void {
    const marks = Object.fromEntries([...this.#marks].map(([subject, read]) => [subject, read()]))
    const message = { type: 'lease', from: this.nodeId, isNew, marks } as const
    this.#publish(channel, message).catch((error: unknown) => this.#noteRefusal(error)) // the next one says it too
  }

  // --- What comes

  #receive(payload: Uint8Array): void {
    const message = readMessage(payload)
    if (!message) return this.#malformed(payload, 'it is no message of a node')
    if (message.from === this.nodeId || this.#isClosed) return
    if (message.type === 'bye') return this.#members.left(message.from)
    if (!this.#members.heard(message.from)) return
    if (message.type === 'lease') {
      if (message.isNew) this.#announce(false, channelOf(message.from))
      this.#eachObserver((observer) => observer.marked?.(message.from, message.marks))
    } else if (message.type === 'tell') {
      const isUnderstood = this.#hearers.get(message.subject)?.(message.data, message.from) ?? true
      if (!isUnderstood) this.#malformed(payload, `the data of subject ${message.subject} is not understood`)
    } else if (message.type === 'ask') void this.#answerTo(message)
    else this.#questions.take(message)
  }

  /** What is not understood is answered too, by nothing, so that nobody waits. */
  async #answerTo({ from, question, subject, data }: NodeMessage & { type: 'ask' }): Promise<void> {
    try {
      const answer = this.#answerers.get(subject)?.(data) ?? { head: null, items: [] }
      await sendInParts(answer, (part) =>
        this.#publish(channelOf(from), { type: 'answer', from: this.nodeId, question, ...part }),
      )
    } catch (error) {
      if (this.#noteRefusal(error) || error instanceof BusUnavailableError) return // who has asked waits in vain
      if (this.#failureLog.take()) this.#log.error({ node: from, subject, error }, 'A question of another node failed')
    }
  }

  #malformed(payload: Uint8Array, reason: string): void {
    this.#metrics.count.payloadsMalformed++
    if (!this.#malformedLog.take()) return
    this.#log.warn({ reason, bytes: payload.length }, 'Malformed payload on a channel of the nodes was skipped')
  }

  // --- The bus

  #publish(channel: string, message: NodeMessage): Promise<unknown> {
    return this.#channels.publish(channel, writeMessage(message))
  }

  /** True if the bus refuses what nodes tell each other; the log says it once. */
  #noteRefusal(error: unknown): boolean {
    if (!(error instanceof BusRefusedError)) return false
    if (!this.#isRefusalLogged) {
      const fields = { channels: `${channelOf('*')} and ${ALL_NODES}`, error: error.message }
      this.#log.warn(
        fields,
        'Redis refuses the channels of the nodes: what is asked of all nodes, only this one answers',
      )
    }
    this.#isRefusalLogged = true
    return true
  }

  #eachObserver(call: (observer: ClusterObserver) => void): void {
    for (const observer of this.#observers) call(observer)
  }
}
