/**
 * All streams that this node reads, as clients meet them: which destinations they feed, and who begins where. One timeline
 * for each stream.
 */
import type { Broker } from '../broker/broker.ts'
import type { HistoryRules } from '../broker/history-rules.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import type { Message } from '../delivery/message.ts'
import { isPattern, patternMeetsTemplate } from '../destinations.ts'
import type { StreamSource } from '../history/stream.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { compareOffsets } from '../position.ts'
import type { StreamRoute } from '../routes/stream-route.ts'
import type { Ask } from './ask.ts'
import type { Pacer } from './pacer.ts'
import { SharedReads } from './shared-reads.ts'
import { StreamRecovery } from './stream-recovery.ts'
import { findStart, PageSize } from './stream-start.ts'
import { StreamTimeline } from './stream-timeline.ts'

export interface StreamsDeps {
  readonly routes: readonly StreamRoute[]
  readonly source: StreamSource
  readonly rules: HistoryRules
  readonly broker: Broker
  readonly delivery: Delivery
  readonly metrics: Metrics
  readonly logger: Log
}

/** Characters of one answer, about. */
const MAX_LENGTH = 16 * 1024 * 1024

export class Streams {
  readonly #deps: StreamsDeps
  readonly #timelines = new Map<string, StreamTimeline>()
  readonly #recoveries = new Map<Feed, StreamRecovery>()

  constructor(deps: StreamsDeps) {
    const { routes, metrics } = deps
    const source = new SharedReads(deps.source, () => metrics.count.historyReads++)
    this.#deps = { ...deps, source }
    const ownerOf = (destination: string): StreamRoute | undefined => this.#ownerOf(destination)
    for (const stream of new Set(routes.map((route) => route.stream))) {
      const own = routes.filter((route) => route.stream === stream)
      const timeline = new StreamTimeline(stream, own, { ...deps, ownerOf })
      this.#timelines.set(stream, timeline)
      source.follow(stream, timeline)
    }
  }

  /** How old the newest entry of a stream was when it was delivered; the most of all streams. In milliseconds. */
  get lagMs(): number {
    return Math.max(0, ...[...this.#timelines.values()].map(({ lagMs }) => lagMs))
  }

  /** Can an entry of a stream be for this (internal) destination, and has that no history of another kind? */
  has(destination: string): boolean {
    return this.routeOf(destination) !== undefined
  }

  /** The route of the stream that feeds it. */
  routeOf(destination: string): StreamRoute | undefined {
    const { broker, rules } = this.#deps
    const route = this.#ownerOf(destination)
    return route && !rules.of(destination) && broker.destinations.isDeliverable(destination) ? route : undefined
  }

  /**
   * A feed was opened. Returns a promise if it has to wait: until it is known where its streams stand, and if it asks, until
   * it has been told where it stands. `live`: resolves when the bus feeds it.
   */
  opened(feed: Feed, ask: Ask | undefined, live: Promise<void> | undefined, pacer: Pacer): Promise<void> | undefined {
    const { destination } = feed.topic
    const route = this.routeOf(destination)
    if (route && feed.isTold) this.#timelineOf(route).told.add(feed)
    if (!route || !ask || !feed.isRecovering) return this.#whenSettled(destination, live)
    const timeline = this.#timelineOf(route)
    return new Promise((resolve, reject) => {
      const recovery = new StreamRecovery(
        { ...this.#deps, timeline, route, pacer },
        { feed, ask, onStarted: resolve, onRefused: reject },
      )
      this.#recoveries.set(feed, recovery)
      if (live) live.then(() => recovery.step(), reject)
      else recovery.step()
    })
  }

  /** It has ended. */
  closed(feed: Feed): void {
    this.#recoveries.get(feed)?.close()
    this.#recoveries.delete(feed)
    for (const timeline of this.#timelines.values()) timeline.told.delete(feed)
  }

  /**
   * Returns messages, at most so many, the oldest of those that are asked for; without an ask of all that are held. Rejects as
   * {@link StreamSource.info}.
   */
  async page(destination: string, route: StreamRoute, ask: Ask | undefined, limit: number) {
    const { source } = this.#deps
    const { stream, maxScan } = route
    const timeline = this.#timelineOf(route)
    const messageFor = (entry: Parameters<StreamTimeline['messageFor']>[2]): Message | undefined =>
      timeline.messageFor(destination, route, entry)
    const matches = (entry: Parameters<typeof messageFor>[0]): boolean => messageFor(entry) !== undefined
    const start = await findStart(source, { stream, ask, maxScan, matches })
    const messages: Message[] = []
    const size = new PageSize()
    let length = 0
    let from = start.first
    while (from !== undefined && messages.length < limit && length < MAX_LENGTH) {
      const most = size.count + 1
      const entries = await source.forward(stream, from, most)
      size.note(entries)
      // The last one of a page is the first one of the next.
      const isLast = entries.length < most
      for (const entry of isLast ? entries : entries.slice(0, -1)) {
        if (messages.length === limit || length >= MAX_LENGTH) break
        if (compareOffsets(entry.id, start.newest) > 0) break
        const message = messageFor(entry)
        if (!message) continue
        messages.push(message)
        length += message.length
      }
      const last = entries.at(-1)
      from = isLast || !last || compareOffsets(last.id, start.newest) > 0 ? undefined : last.id
    }
    return { epoch: stream, offset: start.newest, recovered: start.recovered, messages }
  }

  // --- Inside

  /** A destination is fed by one stream: the first that can. */
  #ownerOf(destination: string): StreamRoute | undefined {
    return this.#deps.routes.find((route) => route.canGive(destination))
  }

  #timelineOf({ stream }: StreamRoute): StreamTimeline {
    return this.#timelines.get(stream)!
  }

  /** Before that is known, what is added to a stream may be taken for something old. */
  #whenSettled(destination: string, live: Promise<void> | undefined): Promise<void> | undefined {
    const routes = isPattern(destination)
      ? this.#deps.routes.filter((route) => patternMeetsStream(destination, route.destination))
      : [this.routeOf(destination)].filter((route) => route !== undefined)
    const waiting = routes.map((route) => this.#timelineOf(route)).filter(({ isSettled }) => !isSettled)
    if (waiting.length === 0) return undefined
    const settled = waiting.map((timeline) => new Promise<void>((resolve) => timeline.whenSettled(resolve)))
    return Promise.all([...settled, live]).then(() => {})
  }
}

function patternMeetsStream(pattern: string, destination: string): boolean {
  return destination.startsWith('{') || patternMeetsTemplate(pattern, destination)
}
