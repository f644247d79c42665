/**
 * Live subscriptions: in which group each is, and what it makes the bus subscribe. The broker calls it, and has checked
 * the destination; it delivers nothing.
 */
import { messageStamp } from '../../frames/index.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { patternMatches } from '../routes/destination-pattern.ts'
import type { RouteTable } from '../routes/table.ts'
import type { ChannelInterests, Hold, Liveness } from './channel-interests.ts'
import type { GroupMember, GroupOutput } from './group-output.ts'
import { ShareOfAll, type Group, type Registry, type Subscription, type Topic } from './registry.ts'
import type { BrokerOptions, BrokerSubscription, SlowPolicy } from './subscriber.ts'

/** A live subscription, with where it belongs: in no group while it acknowledges or is detached. */
export interface Member extends BrokerSubscription, GroupMember {
  readonly topic: Topic<Member>
  readonly hold: Hold
  group: Group<Member> | undefined
}

export class Memberships {
  readonly #options: Pick<BrokerOptions, 'slowClients'>
  readonly #registry: Registry<Member>
  readonly #interests: ChannelInterests
  readonly #output: GroupOutput
  readonly #table: RouteTable
  #size = 0
  #groupCount = 0

  constructor(
    options: Pick<BrokerOptions, 'slowClients'>,
    registry: Registry<Member>,
    interests: ChannelInterests,
    output: GroupOutput,
    table: RouteTable,
  ) {
    this.#options = options
    this.#registry = registry
    this.#interests = interests
    this.#output = output
    this.#table = table
  }

  get size(): number {
    return this.#size
  }

  add(wanted: BrokerSubscription): Member {
    const { version, subscriber, acknowledges } = wanted
    const topic = this.#registry.find(wanted.destination) ?? this.#registry.obtain(ownCopy(wanted.destination))
    // There are many with the same text: they share it.
    const destination = wanted.destination === topic.destination ? topic.destination : ownCopy(wanted.destination)
    const group = acknowledges ? undefined : this.#groupOf(topic, wanted.id, destination, wanted)
    const slowPolicy = this.#slowPolicyOf(destination)
    if (slowPolicy) topic.shareOfAll = ShareOfAll.dropping
    const member: Member = {
      destination,
      id: group ? group.id : ownCopyOf(wanted.id),
      version,
      subscriber,
      acknowledges,
      slowPolicy,
      topic,
      hold: this.#holdFor(topic, destination),
      group: undefined,
      publishedAtJoin: 0,
    }
    if (group) this.#output.join(member, group)
    else topic.individuals.add(member)
    this.#size++
    return member
  }

  /** Undefined if the bus feeds it already. Ask once. */
  whenLive({ hold, destination }: Member): Liveness | undefined {
    if (this.#interests.isLive(hold)) return undefined
    const refusal = (cause: Error): ProtocolError => {
      const text = `Cannot subscribe to ${quoted(destination)}: Redis refuses its channel`
      return new ProtocolError('bus-refused', text, {}, { cause })
    }
    return this.#interests.whenLive(hold, refusal)
  }

  /** Gives how much was published to it as one of a group. */
  remove(member: Member): number {
    const { topic, group } = member
    topic.individuals.delete(member)
    const published = group ? this.#output.leave(member, group) : 0
    this.#registry.discardIfEmpty(topic)
    this.#interests.release(member.hold)
    this.#size--
    return published
  }

  /** Gives as `remove`. */
  detach(member: Member): number {
    if (!member.group) return 0
    member.topic.individuals.add(member)
    return this.#output.leave(member, member.group)
  }

  attach(member: Member): void {
    if (member.acknowledges || member.group) return
    member.topic.individuals.delete(member)
    this.#output.join(member, this.#groupOf(member.topic, member.id, member.destination, member))
  }

  /** What those before it to the same destination hold, if that is live; else one of its own, to wait with. */
  #holdFor(topic: Topic<Member>, destination: string): Hold {
    // a topic stands for every spelling of a pattern, a hold for one
    if (topic.destination !== destination) return this.#interests.hold(this.#table.interests(destination))
    if (!topic.hold || !this.#interests.share(topic.hold)) {
      topic.hold = this.#interests.hold(this.#table.interests(destination))
    }
    return topic.hold
  }

  #slowPolicyOf(destination: string): SlowPolicy | undefined {
    const { slowClients } = this.#options
    if (slowClients.length === 0) return undefined
    const rule = slowClients.find((each) => patternMatches(each.destination, destination))
    return rule === undefined || rule.policy === 'disconnect' ? undefined : rule
  }

  #groupOf(
    topic: Topic<Member>,
    id: string | undefined,
    destination: string,
    { version }: Pick<Subscription, 'version'>,
  ): Group<Member> {
    const recent = topic.recentGroup
    if (recent && recent.id === id && recent.version === version && recent.destination === destination) return recent
    // The destination as it is spelled, and the id as it is: a subscriber is in a group by one subscription only.
    const key = `${version}\n${id === undefined ? '' : `id:${id}`}\n${destination}`
    let group = topic.groups.get(key)
    if (!group) {
      const ownId = ownCopyOf(id)
      group = {
        key: ownCopy(key),
        name: `g${++this.#groupCount}`,
        stamp: messageStamp(ownId, undefined, version),
        destination,
        id: ownId,
        version,
        members: { websocket: 0, tcp: 0 },
        sole: undefined,
        published: 0,
      }
      topic.groups.set(group.key, group)
    }
    topic.recentGroup = group
    return group
  }
}

/** The same text by itself: what is cut out of a frame would keep all of the frame's text in memory. */
function ownCopy(text: string): string {
  return ` ${text}`.slice(1)
}

function ownCopyOf(id: string | undefined): string | undefined {
  return id === undefined ? undefined : ownCopy(id)
}
