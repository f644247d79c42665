/**
 * Writes messages to groups: feeds that get the same bytes. What one turn of the event loop has for a topic is gathered,
 * or what comes within the time that its destination has, and leaves in one write per subscriber, because the write is
 * what costs. A group with one member is written to directly; from the second on the fan-out of its runtime serves it.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { roughLength } from '../rough-length.ts'
import type { Fanout } from '../socket.ts'
import { ownCopy } from '../text.ts'
import type { Feed, Group, Topic } from './feed.ts'
import { GatherRules, type GatherRule } from './gather-rules.ts'
import { Gathering } from './gathering.ts'
import type { Message } from './message.ts'
import type { OutputMeter } from './tally.ts'

export interface GroupOptions {
  /** May several STOMP frames leave in one WebSocket message? */
  readonly joinFrames: boolean
  /** How long what is for a destination may wait for more; the first match counts, and without one it is until the end of the turn. */
  readonly gather: readonly GatherRule[]
}

type Data = string | Uint8Array

/** Texts are joined up to this length, in characters: some clients read messages into small buffers. */
const MAX_JOINED = 16_384
/** What is longer, in characters or bytes, leaves at once: gathering more of it saves nothing. */
const MAX_GATHERED = 16_384

export class Groups {
  readonly #joinFrames: boolean
  readonly #rules: GatherRules
  readonly #gathering: Gathering
  readonly #meter: OutputMeter
  readonly #metrics: Metrics
  /** Those met so far: a group's key names its own by the place here. */
  readonly #fanouts: Fanout[] = []
  #count = 0

  constructor(options: GroupOptions, clock: Clock, meter: OutputMeter, log: Log, metrics: Metrics) {
    this.#joinFrames = options.joinFrames
    this.#rules = new GatherRules(options.gather)
    this.#meter = meter
    this.#metrics = metrics
    this.#gathering = new Gathering(clock, (topic) => {
      try {
        this.flush(topic)
      } catch (error) {
        // Nobody is above this call, and the other topics must have what is theirs.
        log.error({ destination: topic.destination, error }, 'Messages could not be delivered')
      }
    })
  }

  /** From here on the feed gets what is gathered for its topic, and nothing of what was before. */
  join(feed: Feed): void {
    const { topic } = feed
    const { output } = feed.receiver
    const length = this.#write(topic)
    const group = this.#groupOf(feed)
    const sole = group.sole?.receiver.output
    // The fan-out writes past what waits in the outputs of its members.
    const settled = group.size > 0 ? output.settle() : 0
    const settledOfSole = sole?.settle() ?? 0
    feed.group = group
    feed.stamp = group.stamp // there are many with the same text: they share it
    if (group.size++ === 0) group.sole = feed
    else {
      sole?.joinGroup(group)
      group.sole = undefined
      output.joinGroup(group)
    }
    this.#tell(topic, length)
    if (settled > 0) this.#meter.wrote(output, settled)
    if (sole && settledOfSole > 0) this.#meter.wrote(sole, settledOfSole)
  }

  /** The feed still gets what was gathered before, and nothing after. */
  leave(feed: Feed, group: Group): void {
    const { topic } = feed
    const length = this.#write(topic)
    feed.group = undefined
    if (group.sole === feed) group.sole = undefined
    else feed.receiver.output.leaveGroup(group)
    if (--group.size === 0) {
      topic.groups.delete(group.key)
      if (topic.recentGroup === group) topic.recentGroup = undefined
    }
    this.#tell(topic, length)
  }

  /** Keep until the end of this turn, or for the time that the destination has. */
  gather(topic: Topic, message: Message): void {
    const waitMs = this.#rules.of(message.destination)
    // A pattern has messages of several destinations: they keep their order, so the shortest time counts for all.
    if (topic.gathered.length === 0 || waitMs < topic.gatherMs) {
      topic.gatherMs = waitMs
      this.#gathering.add(topic, waitMs)
    }
    topic.gathered.push(message)
    topic.gatheredLength += message.length
    if (topic.gatheredLength > MAX_GATHERED) this.flush(topic)
  }

  /** Write what is gathered so far. */
  flush(topic: Topic): void {
    this.#tell(topic, this.#write(topic))
  }

  /** Nobody is there any more: no timer stays behind. */
  close(): void {
    this.#gathering.close()
  }

  /** The meter may look at once, and end or hold any feed: so it is told when all else is done. */
  #tell(topic: Topic, length: number): void {
    if (length > 0) this.#meter.wrote(topic, length)
  }

  /** Writes what the topic has gathered. Returns how much whoever got most was sent. */
  #write(topic: Topic): number {
    const messages = topic.gathered
    if (messages.length === 0) return 0
    topic.gathered = []
    topic.gatheredLength = 0
    let longest = 0
    for (const group of topic.groups.values()) longest = Math.max(longest, this.#fanOut(group, messages))
    if (topic.arrivedMs !== 0) {
      this.#metrics.deliveryDelay.written(topic.arrivedMs)
      topic.arrivedMs = 0
    }
    return longest
  }

  /** Returns how much it was. */
  #fanOut(group: Group, all: readonly Message[]): number {
    const { sole, encoding, stamp, excludes } = group
    const messages = excludes === undefined ? all : all.filter(({ sender }) => sender !== excludes)
    if (messages.length === 0) return 0
    if (sole && messages.length === 1) return this.#writeOne(sole, group, messages[0]!)
    this.#metrics.count.messagesDelivered += group.size * messages.length
    let list: readonly Data[] = messages.map((message) => message.as(encoding).stamp(stamp))
    let length = 0
    for (const data of list) length += roughLength(data)
    if (this.#joinFrames && encoding.isJoinable && list.length > 1) list = joinTexts(list)
    if (sole) {
      sole.receiver.output.writeAllOfGroup(list, length)
      return length
    }
    group.fanout.write(group.name, list)
    group.written += length
    return length
  }

  /** Most groups of one have one message at a time: no list is made for it. */
  #writeOne({ receiver }: Feed, { encoding, stamp }: Group, message: Message): number {
    this.#metrics.count.messagesDelivered++
    const data = message.as(encoding).stamp(stamp)
    const length = roughLength(data)
    receiver.output.writeOfGroup(data, length)
    return length
  }

  #groupOf({ topic, receiver, encoding, stamp, destination, excludes }: Feed): Group {
    const { fanout } = receiver.output.socket
    const recent = topic.recentGroup
    if (
      recent &&
      recent.stamp === stamp &&
      recent.encoding === encoding &&
      recent.fanout === fanout &&
      recent.excludes === excludes &&
      recent.destination === destination
    ) {
      return recent
    }
    // The destination as it is spelled: a client that spells it in two ways is in a group for each.
    const key = `${this.#numberOf(fanout)}\n${encoding.key}\n${destination}\n${excludes ?? ''}\n${stamp}`
    let group = topic.groups.get(key)
    if (!group) {
      const own = { key: ownCopy(key), stamp: ownCopy(stamp), name: `g${++this.#count}` }
      group = { ...own, fanout, encoding, destination, excludes, size: 0, sole: undefined, written: 0 }
      topic.groups.set(group.key, group)
    }
    topic.recentGroup = group
    return group
  }

  #numberOf(fanout: Fanout): number {
    const known = this.#fanouts.indexOf(fanout)
    return known >= 0 ? known : this.#fanouts.push(fanout) - 1
  }
}

/** Texts in a row as one, as long as that is not too long; bytes stay by themselves. */
function joinTexts(list: readonly Data[]): Data[] {
  const joined: Data[] = []
  for (const data of list) {
    const last = joined.at(-1)
    const fits = typeof last === 'string' && typeof data === 'string' && last.length + data.length <= MAX_JOINED
    if (fits) joined[joined.length - 1] = last + data
    else joined.push(data)
  }
  return joined
}
