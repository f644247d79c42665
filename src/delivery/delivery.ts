/**
 * Takes messages to the feeds of a topic, and each feed from one state to the next: live in a group, single because its
 * messages are its own, or held because its client is behind. The broker opens and closes feeds; clients hold theirs.
 */
import type { Clock } from '../clock.ts'
import type { Metrics } from '../metrics.ts'
import { ownCopy } from '../text.ts'
import { isOpenFeed, ShareOfAll, type Backlog, type Feed, type Receiver, type Topic } from './feed.ts'
import type { Groups } from './groups.ts'
import type { Encoding, Marker, Message } from './message.ts'
import type { SlowPolicy } from './slow-policy.ts'

/** What a feed is made of. */
export interface FeedOptions {
  readonly receiver: Receiver
  readonly destination: string
  readonly encoding: Encoding
  readonly stamp: string
  readonly isSingle: boolean
  /** Id of a client whose messages are left out. */
  readonly excludes?: string | undefined
  /** Nothing is delivered before `goLive`, but what is recovered. */
  readonly isRecovering?: boolean
  /** See {@link Feed.isTold}. */
  readonly isTold?: boolean
}

export class Delivery {
  readonly #groups: Groups
  readonly #clock: Clock
  readonly #metrics: Metrics

  constructor(groups: Groups, clock: Clock, metrics: Metrics) {
    this.#groups = groups
    this.#clock = clock
    this.#metrics = metrics
  }

  /** From here on the receiver gets what is delivered to the topic. */
  open(options: FeedOptions, topic: Topic, slowPolicy: SlowPolicy | undefined): Feed {
    const { receiver, destination, encoding, stamp, isSingle, excludes, isRecovering = false, isTold = false } = options
    const feed: Feed = {
      receiver,
      destination,
      encoding,
      stamp: isSingle ? ownCopy(stamp) : stamp, // else it is the group's
      isSingle,
      excludes,
      slowPolicy,
      topic,
      group: undefined,
      backlog: undefined,
      isRecovering,
      isTold,
    }
    if (slowPolicy) topic.shareOfAll = ShareOfAll.dropping
    if (isSingle || isRecovering) topic.singles.add(feed)
    else this.#groups.join(feed)
    return feed
  }

  /** Nothing more is delivered, and what was held is forgotten. */
  close(feed: Feed): void {
    feed.backlog = undefined
    feed.isRecovering = false
    feed.topic.singles.delete(feed)
    if (feed.group) this.#groups.leave(feed, feed.group)
  }

  /** It has recovered: from here on it gets what is delivered to the topic, and nothing of what was before. */
  goLive(feed: Feed): void {
    if (!feed.isRecovering) return
    feed.isRecovering = false
    if (feed.isSingle || !feed.topic.singles.delete(feed)) return
    this.#groups.join(feed)
  }

  /** Tells a live feed where it stands, behind what was delivered to it so far. */
  tell(feed: Feed, marker: Marker): void {
    this.#groups.flush(feed.topic)
    feed.receiver.tell(marker)
    if (feed.group) feed.receiver.output.flush() // what its group gets next must not overtake this
  }

  /** What was before, to a feed that is recovering. */
  deliverRecovered(feed: Feed, messages: readonly Message[]): void {
    const { receiver, encoding, excludes } = feed
    const own = excludes === undefined ? messages : messages.filter(({ sender }) => sender !== excludes)
    if (own.length === 0) return
    this.#metrics.count.messagesDelivered += own.length
    if (feed.isSingle) for (const message of own) receiver.deliver(message, 0)
    else receiver.output.writeAll(own.map((message) => message.as(encoding).stamp(feed.stamp)))
  }

  /** To all feeds of the topic. */
  deliver(topic: Topic, message: Message): void {
    // As they are now: a write may let the slow-client watch look, which holds some and lets others go on.
    const singles = topic.singles.size > 0 ? [...topic.singles] : undefined
    const { deliveryDelay } = this.#metrics
    const arrivedMs = deliveryDelay.take()
    if (topic.groups.size > 0) {
      if (arrivedMs !== 0) topic.arrivedMs = arrivedMs
      this.#groups.gather(topic, message)
    }
    if (!singles) return
    for (const feed of singles) this.deliverTo(feed, message)
    if (arrivedMs !== 0 && topic.groups.size === 0) deliveryDelay.written(arrivedMs)
  }

  /** From here on its messages wait; what was gathered for its group before still comes. */
  hold(feed: Feed, backlog: Backlog): void {
    if (feed.backlog || feed.isRecovering) return // what it recovers comes as it is read
    feed.backlog = backlog
    const { group } = feed
    if (!group) return
    feed.topic.singles.add(feed)
    this.#groups.leave(feed, group)
  }

  /** Delivers what waits, as long as `mayWrite` says so; a feed that has caught up is live again. */
  catchUp(feed: Feed, mayWrite: () => boolean): void {
    const { backlog, receiver } = feed
    if (!backlog) return
    // A write may have closed the client: what has ended gets nothing more, and must not join a group.
    const isOver = (): boolean => feed.backlog !== backlog
    while (!isOver() && mayWrite()) {
      const before = backlog.dropped
      const next = backlog.take(this.#clock.now())
      this.#metrics.count.messagesDropped += (next ? next.dropped : backlog.dropped) - before
      if (!next) break
      this.#metrics.count.messagesDelivered++
      receiver.deliver(next.message, next.dropped)
    }
    // what was dropped is still to be told, with the next message
    if (isOver() || !backlog.isEmpty || backlog.dropped > 0) return
    feed.backlog = undefined
    if (feed.isSingle) return
    feed.topic.singles.delete(feed)
    this.#groups.join(feed)
  }

  /** To one feed; a message that it alone gets need not have come over the bus. */
  deliverTo(feed: Feed, message: Message): void {
    if (feed.group) this.#groups.flush(feed.topic) // or this would overtake what came before
    const { backlog, excludes, isRecovering } = feed
    if (isRecovering) return
    if (excludes !== undefined && message.sender === excludes) return
    if (backlog) {
      this.#metrics.count.messagesDropped += backlog.push(message, this.#clock.now())
      return
    }
    // It has ended meanwhile. If it has joined its group instead, that was after the group got this message.
    if (!isOpenFeed(feed)) return
    this.#metrics.count.messagesDelivered++
    feed.receiver.deliver(message, 0)
    if (feed.group) feed.receiver.output.flush() // what its group gets next must not overtake this
  }
}
