/**
 * Destinations that answer a SUBSCRIBE with one message: the state of something, read from a store or a backend at that
 * moment. Many who come at once share a read that begins after they came. Knows feeds; never a client.
 */
import { randomUUID } from 'node:crypto'
import { AskError, askForOctets, type Fetch } from '../ask.ts'
import { BusUnavailableError } from '../bus/bus.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { isOpenFeed, type Feed } from '../delivery/feed.ts'
import { Message } from '../delivery/message.ts'
import { isPattern } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { FreshReads } from '../fresh-reads.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { InboundMessage } from '../routes/payload.ts'
import { answeredContent } from './answered-content.ts'
import { PlaceTemplate, type Place } from './place.ts'
import { StoredValueError, type StoredLimits, type StoredType, type StoredValues } from './stored-values.ts'

interface StoredSource extends Omit<StoredLimits, 'maxEntries'> {
  readonly type: StoredType
  readonly key: string
  /** Of those types that have entries. */
  readonly maxEntries?: number
}

interface HttpSource {
  readonly type: 'http'
  readonly url: string
  readonly maxBytes: number
  readonly timeoutMs: number
}

/** An entry of the setting `snapshots`. */
export interface SnapshotRule {
  readonly destination: string
  readonly source: StoredSource | HttpSource
}

export interface SnapshotsDeps {
  /** Undefined where there is no store. */
  readonly values: StoredValues | undefined
  readonly fetch: Fetch
  readonly delivery: Pick<Delivery, 'deliverTo'>
  readonly metrics: Pick<Metrics, 'count'>
  readonly log: Log
}

/** Failures that are logged in a window; all are counted. */
const FAILURES_PER_WINDOW = 20
const JSON_HEADERS = [['content-type', 'application/json']] as const
/** What a server is asked for: JSON if it has it. */
const ACCEPT = 'application/json, */*;q=0.5'

interface Found {
  readonly place: Place
  readonly source: SnapshotRule['source']
}

export class Snapshots {
  readonly #rules: readonly { readonly template: PlaceTemplate; readonly source: SnapshotRule['source'] }[]
  readonly #deps: SnapshotsDeps
  readonly #reads = new FreshReads()
  readonly #failureLog = new LogBudget(FAILURES_PER_WINDOW)

  /** The first rule that matches a destination counts. */
  constructor(rules: readonly SnapshotRule[], deps: SnapshotsDeps) {
    this.#deps = deps
    this.#rules = rules.map(({ destination, source }) => {
      const isUrl = source.type === 'http'
      return { template: new PlaceTemplate(destination, isUrl ? source.url : source.key, isUrl), source }
    })
  }

  /**
   * Returns the destination that is meant by this one: with the values of its variables encoded. Undefined if it has no
   * snapshot, and for a pattern.
   * Errors: ProtocolError `bad-destination`.
   */
  meantBy(destination: string): string | undefined {
    return this.#find(destination)?.place.destination
  }

  /**
   * A feed was opened in this turn. Returns a promise if it gets a snapshot, which resolves when that has been delivered, or
   * the feed has ended. It rejects with ProtocolError `bus-unavailable`, `source-unavailable`.
   */
  opened(feed: Feed): Promise<void> | undefined {
    const { destination } = feed.topic
    const found = this.#find(destination)
    return found && this.#deliver(feed, destination, found)
  }

  #find(destination: string): Found | undefined {
    if (isPattern(destination)) return undefined
    for (const { template, source } of this.#rules) {
      const place = template.of(destination)
      if (place) return { place, source }
    }
    return undefined
  }

  async #deliver(feed: Feed, destination: string, found: Found): Promise<void> {
    try {
      const message = await this.#reads.share(destination, () => this.#read(destination, found))
      this.#deps.delivery.deliverTo(feed, message)
    } catch (error) {
      // Nobody waits for it any more.
      if (isOpenFeed(feed)) throw error
    }
  }

  async #read(destination: string, { place: { name }, source }: Found): Promise<Message> {
    const { count } = this.#deps.metrics
    count.snapshotReads++
    try {
      const content = source.type === 'http' ? await this.#fetch(name, source) : await this.#stored(name, source)
      return new Message({ id: randomUUID(), destination, ...content })
    } catch (error) {
      count.snapshotFailures++
      throw this.#failureOf(destination, name, error)
    }
  }

  async #stored(key: string, source: StoredSource): Promise<InboundMessage> {
    const { type, maxEntries = Infinity, maxBytes, timeoutMs } = source
    const { values } = this.#deps
    if (!values) throw new BusUnavailableError('there is no Redis')
    return { headers: JSON_HEADERS, body: await values.read(type, key, { maxEntries, maxBytes, timeoutMs }) }
  }

  async #fetch(url: string, { maxBytes, timeoutMs }: HttpSource): Promise<InboundMessage> {
    const question = { url: new URL(url), method: 'GET', accept: ACCEPT, maxBytes, timeoutMs } as const
    const { status, octets, contentType } = await askForOctets(this.#deps.fetch, question)
    if (status < 200 || status > 299) throw new AskError(`the answer is ${status}`)
    return answeredContent(octets, contentType)
  }

  #failureOf(destination: string, name: string, error: unknown): unknown {
    const isAway = error instanceof BusUnavailableError
    if (!isAway && !(error instanceof StoredValueError) && !(error instanceof AskError)) return error
    if (this.#failureLog.take()) {
      this.#deps.log.warn({ destination, source: name, reason: error.message }, 'A snapshot could not be read')
    }
    const text = `Cannot read ${quoted(destination)} now: ${isAway ? 'the bus' : 'its source'} is unavailable`
    return new ProtocolError(isAway ? 'bus-unavailable' : 'source-unavailable', text, {}, { cause: error })
  }
}
