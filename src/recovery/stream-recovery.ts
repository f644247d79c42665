/**
 * One subscription that reads the stream of its destination, at the pace of its client: first it is told where it stands,
 * then come the messages that it has missed, then it joins those who are live. No more than a page is kept for it.
 */
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import type { Message } from '../delivery/message.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { NO_ENTRY, StreamRefusedError, type StreamEntry, type StreamSource } from '../history/stream.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { compareOffsets } from '../position.ts'
import type { StreamRoute } from '../routes/stream-route.ts'
import type { Ask } from './ask.ts'
import type { Paced, Pacer } from './pacer.ts'
import { findStart, PageSize, type StreamStart } from './stream-start.ts'
import type { StreamReader, StreamTimeline } from './stream-timeline.ts'

export interface StreamRecoveryDeps {
  readonly timeline: StreamTimeline
  readonly route: StreamRoute
  readonly source: StreamSource
  readonly delivery: Delivery
  readonly pacer: Pacer
  readonly metrics: Metrics
  readonly logger: Log
}

export interface StreamRecoveryOptions {
  readonly feed: Feed
  readonly ask: Ask
  /** It has been told where it stands; what was missed may still follow. */
  readonly onStarted: () => void
  /** It cannot be told. */
  readonly onRefused: (error: ProtocolError) => void
}

/** Messages that are handed over before it is looked again whether the client is behind. */
const CHUNK = 64
/** What may wait for the client, in bytes, before nothing more is handed over. */
const MAX_UNSENT_BYTES = 65_536
/** An epoch that no stream has. */
const OTHER_STORY = ''

export class StreamRecovery implements StreamReader, Paced {
  readonly #deps: StreamRecoveryDeps
  readonly #options: StreamRecoveryOptions
  readonly #size = new PageSize()
  #ask: Ask
  #isTold = false
  /** It was told where it stands: the RECEIPT goes before what follows. */
  #isFresh = false
  /** Id up to which everything was handed over; undefined until it is known where it begins. */
  #cursor: string | undefined
  /** Id of the entry that has to come next, where the one of the cursor is not held. */
  #next: string | undefined
  /** Read and not handed over yet, and the cursor when it is. */
  #page: readonly Message[] = []
  #pageEnd = ''
  /** Was everything read that there was? */
  #isAtEnd = false
  #isReading = false
  /** Another one when what is being read counts no more. */
  #story = 0
  #recovered = 0

  constructor(deps: StreamRecoveryDeps, options: StreamRecoveryOptions) {
    this.#deps = deps
    this.#options = options
    this.#ask = options.ask
    deps.timeline.add(this)
  }

  get cursor(): string | undefined {
    return this.#cursor
  }

  get hasRoom(): boolean {
    return this.#options.feed.receiver.output.unsentBytes <= MAX_UNSENT_BYTES
  }

  /** Goes on as far as it can now. Called again when what it waits for has come. */
  step(): void {
    const { timeline, pacer } = this.#deps
    const { feed } = this.#options
    if (this.#isFresh) {
      this.#isFresh = false
      pacer.soon(this)
      return
    }
    while (feed.isRecovering && !this.#isReading) {
      const live = timeline.position
      if (live === undefined) {
        if (timeline.refusal !== undefined) this.#refused(timeline.refusal)
        else timeline.whenSettled(() => this.step())
        return
      }
      if (this.#cursor === undefined) {
        this.#begin()
        return
      }
      if (this.#page.length > 0 && this.hasRoom) {
        this.#handOver()
        continue
      }
      const toLive = compareOffsets(this.#cursor, live)
      if (this.#page.length === 0 && toLive === 0) this.join()
      else if (!this.hasRoom) pacer.wait(this)
      else if (toLive > 0 && this.#isAtEnd) timeline.waitFor(this)
      else this.#read(this.#cursor, live)
      return
    }
  }

  join(): void {
    const { delivery, metrics } = this.#deps
    metrics.recovered(this.#recovered)
    delivery.goLive(this.#options.feed)
    this.close()
  }

  reset(isAnew: boolean): void {
    if (isAnew) this.#restart(this.#cursor ?? NO_ENTRY, OTHER_STORY)
    else if (this.#cursor !== undefined) this.#restart(this.#cursor)
    if (!this.#isReading) this.step()
  }

  /** The subscription has ended, or goes on live. */
  close(): void {
    this.#options.onStarted()
    this.#page = []
    this.#deps.timeline.forget(this)
    this.#deps.pacer.forget(this)
  }

  /** Finds out where to begin. */
  #begin(): void {
    const { timeline, route, source } = this.#deps
    const { destination } = this.#options.feed.topic
    const { stream } = timeline
    void this.#reading(
      () =>
        findStart(source, {
          stream,
          ask: this.#ask,
          maxScan: route.maxScan,
          matches: (entry) => timeline.messageFor(destination, route, entry) !== undefined,
        }),
      (start) => this.#started(start),
    )
  }

  #started({ newest, cursor, first, from, count, recovered, entries }: StreamStart): void {
    this.#cursor = cursor
    this.#next = first
    this.#isAtEnd = entries !== undefined
    if (entries) {
      this.#page = this.#messagesOf(entries)
      this.#pageEnd = newest
      this.#next = undefined
    }
    if (!this.#isTold || recovered === false) {
      const position = { offset: newest, epoch: this.#deps.timeline.stream }
      this.#options.feed.receiver.tell({ position, from, count, recovered, missed: undefined })
      if (recovered !== undefined) this.#deps.metrics.recovery(recovered ? 'recovered' : 'incomplete')
    }
    if (this.#isTold) return
    this.#isTold = true
    this.#isFresh = true
    this.#options.onStarted()
  }

  #handOver(): void {
    const messages = this.#page.slice(0, CHUNK)
    this.#page = this.#page.slice(CHUNK)
    this.#cursor = this.#page.length > 0 ? messages.at(-1)!.position!.offset : this.#pageEnd
    this.#recovered += messages.length
    this.#deps.delivery.deliverRecovered(this.#options.feed, messages)
  }

  /** `live`: everything up to this id was there when this was called. */
  #read(cursor: string, live: string): void {
    const { timeline, source } = this.#deps
    const size = this.#size.count + 1
    void this.#reading(
      () => source.forward(timeline.stream, cursor, size),
      (entries) => {
        const isHeld = entries[0]?.id === cursor
        if (!isHeld && (this.#next === undefined || entries[0]?.id !== this.#next)) {
          // Trimming has overtaken it, or there is another story: where does it go on?
          this.#restart(cursor)
          return
        }
        const rest = isHeld ? entries.slice(1) : entries
        this.#size.note(rest)
        this.#isAtEnd = entries.length < size
        const end = rest.at(-1)?.id ?? cursor
        this.#pageEnd = this.#isAtEnd && compareOffsets(live, end) > 0 ? live : end
        this.#next = undefined
        this.#page = this.#messagesOf(rest)
        if (this.#page.length === 0) this.#cursor = this.#pageEnd
      },
    )
  }

  #messagesOf(entries: readonly StreamEntry[]): Message[] {
    const { timeline, route } = this.#deps
    const { destination } = this.#options.feed.topic
    return entries
      .map((entry) => timeline.messageFor(destination, route, entry))
      .filter((message) => message !== undefined)
  }

  #restart(cursor: string, epoch = this.#deps.timeline.stream): void {
    this.#story++
    this.#ask = { kind: 'since', position: { offset: cursor, epoch } }
    this.#cursor = undefined
    this.#next = undefined
    this.#page = []
  }

  async #reading<T>(read: () => Promise<T>, done: (result: T) => void): Promise<void> {
    const { pacer, logger, timeline } = this.#deps
    const story = this.#story
    this.#isReading = true
    try {
      const result = await read()
      this.#isReading = false
      if (!this.#options.feed.isRecovering) return
      if (this.#story === story) done(result)
      this.step()
    } catch (error) {
      this.#isReading = false
      if (!this.#options.feed.isRecovering) return
      if (error instanceof StreamRefusedError && !this.#isTold) {
        this.#refused(error.message)
        return
      }
      // Redis went: what is missing is read when it is back.
      logger.debug({ stream: timeline.stream, error }, 'A recovery waits for Redis')
      pacer.retry(this)
    }
  }

  #refused(reason: string): void {
    const text = `Cannot ask for the history of ${quoted(this.#options.feed.destination)}: Redis refuses its stream`
    this.#options.onRefused(new ProtocolError('bus-refused', text, {}, { cause: new Error(reason) }))
  }
}
