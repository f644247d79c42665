/**
 * What this node has delivered of one stream, in order. Those who come back read the stream itself, and join when they have
 * read as far as was delivered here, or when it is delivered how far they have read.
 */
import type { Broker } from '../broker/broker.ts'
import type { HistoryRules } from '../broker/history-rules.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import { Message } from '../delivery/message.ts'
import { destinationProblem, isPattern } from '../destinations.ts'
import { ProtocolError } from '../errors.ts'
import { withoutReserved } from '../headers.ts'
import { timeOf } from '../history/log.ts'
import type { StreamEntry, StreamFollower } from '../history/stream.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { compareOffsets } from '../position.ts'
import type { StreamRoute } from '../routes/stream-route.ts'

export interface StreamTimelineDeps {
  readonly broker: Pick<Broker, 'match' | 'deliver' | 'destinations'>
  readonly delivery: Delivery
  readonly rules: HistoryRules
  readonly metrics: Metrics
  readonly logger: Log
  /** The route whose destination it is. */
  readonly ownerOf: (destination: string) => StreamRoute | undefined
}

/** Somebody who reads the stream, as its timeline knows it. */
export interface StreamReader {
  /** Id up to which it has got everything; undefined before it is known where it begins. */
  readonly cursor: string | undefined
  step(): void
  /** What it has got is all that was delivered. */
  join(): void
  /** Something was lost: it has to look where it stands. `isAnew`: what it has read is of another story. */
  reset(isAnew: boolean): void
}

/** Skipped entries that are logged in a window; all are counted. */
const SKIPPED_PER_WINDOW = 20

export class StreamTimeline implements StreamFollower {
  readonly stream: string
  /** Those who are told when something is lost. */
  readonly told = new Set<Feed>()
  readonly #routes: readonly StreamRoute[]
  readonly #deps: StreamTimelineDeps
  readonly #skippedLog = new LogBudget(SKIPPED_PER_WINDOW)
  #position: string | undefined
  #refusal: string | undefined
  /** Who waits until it is known where the stream stands, or that this cannot be known. */
  #waiting: (() => void)[] = []
  readonly #readers = new Set<StreamReader>()
  /** Those of them that have read more than was delivered here. */
  readonly #ahead = new Set<StreamReader>()
  #lagMs = 0

  constructor(stream: string, routes: readonly StreamRoute[], deps: StreamTimelineDeps) {
    this.stream = stream
    this.#routes = routes
    this.#deps = deps
  }

  /** Id up to which everything was delivered; undefined before the stream was reached for the first time. */
  get position(): string | undefined {
    return this.#position
  }

  /** Why Redis does not let it be read. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** How old the newest entry was when it was delivered, in milliseconds. */
  get lagMs(): number {
    return this.#lagMs
  }

  // --- StreamFollower

  stands(id: string): void {
    this.#position = id
    this.#goOn()
    for (const reader of [...this.#readers]) reader.step()
  }

  entry(entry: StreamEntry): void {
    this.#deps.metrics.count.streamEntriesRead++
    // What one of them has got ends before this entry, and so does what was delivered.
    for (const reader of this.#ahead) if (compareOffsets(reader.cursor!, entry.id) < 0) this.#letJoin(reader)
    this.#position = entry.id
    for (const route of this.#routes) this.#deliver(route, entry)
    this.#lagMs = Math.max(0, Date.now() - timeOf(entry.id))
    for (const reader of this.#ahead) if (reader.cursor === entry.id) this.#letJoin(reader)
  }

  lost(id: string, isAnew: boolean): void {
    const { delivery, metrics } = this.#deps
    this.#position = id
    metrics.count.gapsNotFilled++
    if (isAnew) metrics.count.historiesAnew++
    const position = { offset: id, epoch: this.stream }
    for (const feed of [...this.told]) {
      if (feed.isRecovering) continue
      delivery.tell(feed, { position, from: id, count: 0, recovered: false, missed: undefined })
    }
    this.#ahead.clear()
    for (const reader of [...this.#readers]) reader.reset(isAnew)
  }

  refused(reason: string | undefined): void {
    this.#refusal = reason
    if (reason === undefined) return
    this.#deps.metrics.count.streamFailures++
    this.#goOn()
  }

  // --- Those who come back

  /** Is it known where the stream stands, or that this cannot be known? */
  get isSettled(): boolean {
    return this.#position !== undefined || this.#refusal !== undefined
  }

  /** Calls back when `isSettled`. */
  whenSettled(resume: () => void): void {
    this.#waiting.push(resume)
  }

  add(reader: StreamReader): void {
    this.#readers.add(reader)
  }

  /** Somebody has read beyond what was delivered here: it joins when that has come. */
  waitFor(reader: StreamReader): void {
    this.#ahead.add(reader)
  }

  forget(reader: StreamReader): void {
    this.#readers.delete(reader)
    this.#ahead.delete(reader)
  }

  /** Returns what an entry is for this destination; undefined if it is for others. */
  messageFor(destination: string, route: StreamRoute, entry: StreamEntry): Message | undefined {
    return route.destinationOf(entry.fields) === destination ? this.#messageOf(route, entry) : undefined
  }

  // --- Inside

  #goOn(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }

  #letJoin(reader: StreamReader): void {
    this.#ahead.delete(reader)
    reader.join()
  }

  #deliver(route: StreamRoute, entry: StreamEntry): void {
    const { broker, logger } = this.#deps
    try {
      const problem = this.#problemOf(route, route.destinationOf(entry.fields))
      const message = problem === undefined ? this.#messageOf(route, entry) : undefined
      if (!message) {
        this.#skip(entry, problem ?? 'it lacks the field for the body')
        return
      }
      route.messages++
      broker.deliver(broker.match(message.destination), message)
    } catch (error) {
      if (error instanceof ProtocolError) return this.#skip(entry, error.message)
      this.#deps.metrics.count.streamEntriesSkipped++
      logger.error({ stream: this.stream, id: entry.id, error }, 'An entry of a stream could not be delivered')
    }
  }

  /** Why an entry cannot be delivered to its destination. */
  #problemOf(route: StreamRoute, destination: string | undefined): string | undefined {
    const { broker, rules, ownerOf } = this.#deps
    if (destination === undefined) return 'it lacks a field for the destination'
    if (isPattern(destination)) return 'its destination is a pattern'
    const { destinations } = broker
    const problem =
      destinations.deliveryProblem(destination) ??
      destinationProblem(destination) ??
      destinations.hearingProblem(destination)
    if (problem !== undefined) return `its destination: ${problem}`
    if (rules.of(destination)) return 'its destination has a history of its own'
    return ownerOf(destination) === route ? undefined : 'another route feeds its destination'
  }

  #messageOf(route: StreamRoute, entry: StreamEntry): Message | undefined {
    const routed = route.read(entry.fields)
    if (!routed) return undefined
    const { destination, message } = routed
    const { stream } = this
    const number = this.#routes.indexOf(route)
    // Where several routes read one stream, an entry is a message of each.
    const id = `${stream}-${entry.id}${number === 0 ? '' : `-${number}`}`
    const position = { offset: entry.id, epoch: stream }
    return new Message({ id, destination, headers: withoutReserved(message.headers), body: message.body, position })
  }

  #skip({ id }: StreamEntry, reason: string): void {
    this.#deps.metrics.count.streamEntriesSkipped++
    if (this.#skippedLog.take()) this.#deps.logger.warn({ stream: this.stream, id, reason }, 'An entry was skipped')
  }
}
