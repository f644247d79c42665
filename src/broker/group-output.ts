/**
 * Brings messages to the groups of a topic: subscribers that get the same bytes. What one turn of the event loop has for a
 * topic is gathered, and leaves in one write per subscriber, because the write is what costs. A group with one member is
 * written to directly; from the second on the runtime's fan-out serves it. Called by the broker; knows no routes and no bus.
 */
import { bundle, stampPart, type Bundle, type Version } from '../../frames/index.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Fanout } from '../socket.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import type { Group, Subscription, Topic } from './registry.ts'
import type { Subscriber } from './subscriber.ts'
import type { OutputMeter } from './tally.ts'

/** A subscription that may be in a group. */
export interface GroupMember extends Subscription {
  readonly subscriber: Subscriber
  readonly topic: Topic<GroupMember>
  group: Group<GroupMember> | undefined
  /** What had been published to its group when it joined. */
  publishedAtJoin: number
}

export interface GroupOutputOptions {
  /** May several frames leave in one WebSocket message? */
  readonly joinFrames: boolean
}

type Transport = Subscriber['transport']

/** Texts are joined up to this length, in characters: some clients read messages into small buffers. */
const MAX_JOINED = 16_384
/** What is longer, in characters or bytes, is not kept for the end of the turn: gathering it saves nothing. */
const MAX_GATHERED = 16_384

export class GroupOutput {
  readonly #options: GroupOutputOptions
  readonly #meter: OutputMeter
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #fanouts: Partial<Record<Transport, Fanout>> = {}
  /** Topics for which this turn has gathered something. */
  #gathering: Topic<GroupMember>[] = []
  readonly #flushAll = (): void => {
    const topics = this.#gathering
    this.#gathering = []
    for (const topic of topics) {
      try {
        this.flush(topic)
      } catch (error) {
        // Nobody is above this call, and the other topics must have what is theirs.
        this.#log.error({ destination: topic.destination, error }, 'Messages could not be delivered')
      }
    }
  }

  constructor(options: GroupOutputOptions, meter: OutputMeter, log: Log, metrics: Metrics) {
    this.#options = options
    this.#meter = meter
    this.#log = log
    this.#metrics = metrics
  }

  attachFanout(transport: Transport, fanout: Fanout): void {
    this.#fanouts[transport] = fanout
  }

  /** From here on the member gets what is published, and nothing of what was before. */
  join(member: GroupMember, group: Group<GroupMember>): void {
    const { subscriber, topic } = member
    const flushed = this.#writeOut(topic)
    const isFirst = group.members.websocket + group.members.tcp === 0
    group.members[subscriber.transport]++
    member.group = group
    member.publishedAtJoin = group.published
    if (isFirst) group.sole = member
    else {
      group.sole?.subscriber.join(group.name)
      group.sole = undefined
      subscriber.join(group.name)
    }
    this.#tell(topic, flushed)
  }

  /** The member still gets what was published before, and nothing after. Gives how much was published to it as one of several. */
  leave(member: GroupMember, group: Group<GroupMember>): number {
    const { subscriber, topic } = member
    const flushed = this.#writeOut(topic)
    member.group = undefined
    if (group.sole === member) group.sole = undefined
    else subscriber.leave(group.name)
    group.members[subscriber.transport]--
    if (group.members.websocket + group.members.tcp === 0) {
      topic.groups.delete(group.key)
      if (topic.recentGroup === group) topic.recentGroup = undefined
    }
    const published = group.published - member.publishedAtJoin
    this.#tell(topic, flushed)
    return published
  }

  publish(topic: Topic<GroupMember>, message: OutgoingMessage): void {
    if (topic.gathered.length === 0) {
      if (this.#gathering.length === 0) queueMicrotask(this.#flushAll)
      this.#gathering.push(topic)
    }
    topic.gathered.push(message)
    topic.gatheredLength += message.length
    if (topic.gatheredLength > MAX_GATHERED) this.flush(topic)
  }

  /** Write out now what this turn has for the topic. */
  flush(topic: Topic<GroupMember>): void {
    this.#tell(topic, this.#writeOut(topic))
  }

  /** The meter may look at once, and end or detach any subscription: so it is told when all else is done. */
  #tell(topic: Topic<GroupMember>, length: number): void {
    if (length > 0) this.#meter.wrote(topic, length)
  }

  /** Gives how much whoever got most was sent. */
  #writeOut(topic: Topic<GroupMember>): number {
    const messages = topic.gathered
    if (messages.length === 0) return 0
    topic.gathered = []
    topic.gatheredLength = 0
    const bundles = new Bundles(messages)
    let longest = 0
    for (const group of topic.groups.values()) longest = Math.max(longest, this.#write(group, bundles))
    return longest
  }

  /** Gives how much it was. */
  #write(group: Group<GroupMember>, bundles: Bundles): number {
    const { sole, members, stamp, version } = group
    this.#metrics.count.messagesDelivered += (members.websocket + members.tcp) * bundles.size
    let length = 0
    if (sole) {
      const { subscriber } = sole
      const messages: (string | Uint8Array)[] = []
      for (const part of bundles.of(version, stamp.length, this.#joinUpTo(subscriber.transport))) {
        const data = stampPart(part, stamp)
        length += data.length
        messages.push(data)
      }
      subscriber.publish(messages)
      return length
    }
    if (members.websocket > 0) length = this.#publish(group, bundles, 'websocket')
    if (members.tcp > 0) length = this.#publish(group, bundles, 'tcp')
    group.published += length
    return length
  }

  /** Gives how much it was. */
  #publish({ name, version, stamp }: Group, bundles: Bundles, transport: Transport): number {
    const fanout = this.#fanouts[transport]
    if (!fanout) return 0
    let length = 0
    const messages: (string | Uint8Array)[] = []
    for (const part of bundles.of(version, stamp.length, this.#joinUpTo(transport))) {
      const data = stampPart(part, stamp)
      length += data.length
      messages.push(data)
    }
    fanout.publish(name, messages)
    return length
  }

  /** TCP has no messages that frames could be kept apart in. */
  #joinUpTo(transport: Transport): number {
    return this.#options.joinFrames || transport === 'tcp' ? MAX_JOINED : 0
  }
}

/** Stamps that differ less than this in length, in characters, share what is put together for them. */
const STAMP_STEP = 32

/** The messages of a turn, put together once per version and length, not once per group. */
class Bundles {
  readonly #messages: readonly OutgoingMessage[]
  #last: Bundle = []
  #version: Version | undefined
  #stampLength = 0
  #joinUpTo = 0

  constructor(messages: readonly OutgoingMessage[]) {
    this.#messages = messages
  }

  get size(): number {
    return this.#messages.length
  }

  of(version: Version, stampLength: number, joinUpTo: number): Bundle {
    const roomLength = Math.ceil(stampLength / STAMP_STEP) * STAMP_STEP
    if (version === this.#version && roomLength === this.#stampLength && joinUpTo === this.#joinUpTo) return this.#last
    this.#version = version
    this.#stampLength = roomLength
    this.#joinUpTo = joinUpTo
    const templates = this.#messages.map((message) => message.template(version))
    this.#last = bundle(templates, joinUpTo, roomLength)
    return this.#last
  }
}
