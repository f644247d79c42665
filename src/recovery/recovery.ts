/**
 * One subscription that reads the history of its destination, at the pace of its client: first it is told where it stands,
 * then come the messages that it has missed, then it joins those who are live. Nothing is kept for it meanwhile: what is
 * sent while it reads is in the history too.
 */
import { BusRefusedError, NotStoredError } from '../bus/bus.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import { Message } from '../delivery/message.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { numberOf } from '../history/log.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Position } from '../position.ts'
import type { Ask, Start } from './ask.ts'
import type { Pacer } from './pacer.ts'
import type { Reader, Timeline } from './timeline.ts'

export interface RecoveryDeps {
  readonly timeline: Timeline
  readonly delivery: Delivery
  readonly pacer: Pacer
  readonly metrics: Metrics
  readonly logger: Log
}

export interface RecoveryOptions {
  readonly feed: Feed
  readonly ask: Ask
  /** The newest message comes as the retained one. */
  readonly isRetained: boolean
  /** It has been told where it stands, or has got what is retained; what was missed may still follow. May be called again. */
  readonly onStarted: () => void
  /** It cannot be told. */
  readonly onRefused: (error: ProtocolError) => void
}

/** Messages that are handed over before it is looked again whether the client is behind. */
const CHUNK = 64
/** What may wait for the client, in bytes, before nothing more is handed over. */
const MAX_UNSENT_BYTES = 65_536

const RETAINED = ['retained', 'true'] as const

export class Recovery implements Reader {
  readonly #deps: RecoveryDeps
  readonly #feed: Feed
  readonly #isRetained: boolean
  readonly #onStarted: () => void
  readonly #onRefused: (error: ProtocolError) => void
  #ask: Ask
  /** Undefined until it is known where it begins. */
  #position: Position | undefined
  /** Number of the newest message when it began. */
  #upTo = 0
  /** Read and not handed over yet. */
  #page: readonly Message[] = []
  #isReading = false
  /** It was told where it stands: the RECEIPT goes before what follows. */
  #isFresh = false
  #recovered = 0

  constructor(deps: RecoveryDeps, { feed, ask, isRetained, onStarted, onRefused }: RecoveryOptions) {
    this.#deps = deps
    this.#feed = feed
    this.#ask = ask
    this.#isRetained = isRetained
    this.#onStarted = onStarted
    this.#onRefused = onRefused
  }

  get position(): Position {
    return this.#position!
  }

  get hasRoom(): boolean {
    return this.#feed.receiver.output.unsentBytes <= MAX_UNSENT_BYTES
  }

  /** Goes on as far as it can now. Called again when what it waits for has come. */
  step(): void {
    const { timeline, pacer } = this.#deps
    if (this.#isFresh) {
      this.#isFresh = false
      pacer.soon(this)
      return
    }
    while (this.#feed.isRecovering && !this.#isReading) {
      const live = timeline.position
      if (!live) {
        if (!this.#feed.isTold && timeline.isEmpty) {
          this.#onStarted()
          this.#join()
          return
        }
        const { refusal } = timeline
        if (refusal && this.#isMeant(refusal)) this.#refused(refusal)
        else timeline.whenLive(() => this.step())
        return
      }
      if (!this.#position || this.#position.epoch !== live.epoch) {
        if (!this.#begin(live)) return
        if (this.#isFresh) {
          this.step()
          return
        }
      } else if (this.#position.offset === live.offset) {
        this.#join()
      } else if (!this.hasRoom) {
        this.#onStarted() // what else it sends does not wait for that
        pacer.wait(this)
        return
      } else if (!this.#handOver()) {
        if (numberOf(this.#position.offset) > numberOf(live.offset)) timeline.waitFor(this)
        else if (pacer.mayRead(this)) this.#read(this.#position)
        return
      }
    }
  }

  /** The subscription has ended. */
  close(): void {
    this.#onStarted()
    this.#page = []
    this.#deps.timeline.forget(this)
    this.#deps.pacer.forget(this)
  }

  /** Finds out where to begin. False if that has to be read. */
  #begin(live: Position): boolean {
    const { timeline } = this.#deps
    if (this.#position) this.#ask = { kind: 'since', position: this.#position }
    const ask = this.#ask
    const start = timeline.startNow(ask)
    if (start) {
      this.#started(start, live)
      return true
    }
    void this.#reading(async () => {
      const found = await timeline.start(ask)
      const { position } = timeline
      if (found && position && this.#feed.isRecovering) this.#started(found, position)
    })
    return false
  }

  #started({ offset, recovered, missed }: Start, live: Position): void {
    const isFirst = this.#position === undefined
    this.#page = []
    this.#position = { offset, epoch: live.epoch }
    this.#upTo = Math.max(numberOf(live.offset), numberOf(offset))
    if (this.#feed.isTold && (isFirst || recovered === false)) {
      const position = numberOf(offset) > numberOf(live.offset) ? this.#position : live
      const count = this.#upTo - numberOf(offset)
      this.#feed.receiver.tell({ position, from: offset, count, recovered, missed })
      if (recovered !== undefined) this.#deps.metrics.recovery(recovered ? 'recovered' : 'incomplete')
    }
    // The RECEIPT of who has not asked comes behind what is retained.
    if (!isFirst || !this.#feed.isTold) return
    this.#isFresh = true
    this.#onStarted()
  }

  /** Hands over some messages. False if the next one has to be read. */
  #handOver(): boolean {
    const { timeline, delivery } = this.#deps
    const { epoch } = this.#position!
    let messages: readonly Message[] | undefined = timeline.after(this.#position!, CHUNK)
    if (messages && messages.length > 0) this.#page = []
    else {
      messages = this.#page.slice(0, CHUNK)
      this.#page = this.#page.slice(CHUNK)
    }
    const last = messages.at(-1)
    if (!last) return false
    this.#position = { offset: last.position!.offset, epoch }
    this.#recovered += messages.length
    delivery.deliverRecovered(this.#feed, this.#isRetained ? messages.map((each) => this.#retained(each)) : messages)
    this.#onStarted()
    return true
  }

  #retained(message: Message): Message {
    if (numberOf(message.position!.offset) !== this.#upTo) return message
    const { id, destination, headers, body, position, sender } = message
    return new Message({ id, destination, headers: [...headers, RETAINED], body, position, sender })
  }

  #read(position: Position): void {
    const { timeline } = this.#deps
    void this.#reading(async () => {
      const page = await timeline.readAfter(position)
      if (page) this.#page = page
      // Trimming has overtaken it, or there is another story: where does it go on?
      else if (this.#feed.isRecovering) await this.#restart(position)
    })
  }

  async #restart(position: Position): Promise<void> {
    const { timeline } = this.#deps
    this.#ask = { kind: 'since', position }
    const found = await timeline.start(this.#ask)
    const live = timeline.position
    if (found && live && this.#feed.isRecovering) this.#started(found, live)
  }

  async #reading(read: () => Promise<void>): Promise<void> {
    this.#isReading = true
    try {
      await read()
      this.#isReading = false
      this.step()
    } catch (error) {
      this.#isReading = false
      const isRefusal = error instanceof BusRefusedError || error instanceof NotStoredError
      if (isRefusal && this.#feed.isRecovering && this.#isMeant(error)) {
        this.#refused(error)
        return
      }
      // Redis went: what is missing is read when it is back.
      this.#deps.logger.debug({ destination: this.#deps.timeline.destination, error }, 'A recovery waits for Redis')
      if (this.#feed.isRecovering) this.#deps.pacer.retry(this)
    }
  }

  /** Who has begun goes on later; and only for those who are told where they stand has Redis to store anything. */
  #isMeant(refusal: BusRefusedError | NotStoredError): boolean {
    return !this.#position && (this.#feed.isTold || refusal instanceof BusRefusedError)
  }

  #refused(cause: BusRefusedError | NotStoredError): void {
    const [code, why] =
      cause instanceof NotStoredError
        ? (['bus-unavailable', 'Redis stores nothing now, and the history has no beginning yet'] as const)
        : (['bus-refused', 'Redis refuses it'] as const)
    const text = `Cannot read the history of ${quoted(this.#feed.destination)}: ${why}`
    this.#onRefused(new ProtocolError(code, text, {}, { cause }))
  }

  #join(): void {
    const { delivery, metrics } = this.#deps
    if (!this.#isRetained) metrics.recovered(this.#recovered)
    this.#deps.timeline.joined()
    delivery.goLive(this.#feed)
    this.close()
  }
}
