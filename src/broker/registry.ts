/**
 * Who is subscribed to what: pure data. Exact destinations in a map, patterns in a tree of segments, so that finding
 * the subscribers of a destination costs its length, not the number of subscriptions.
 */
import type { Version } from '../../frames/index.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import type { Tally } from './tally.ts'
import { isPattern, patternSegments, segmentMatches } from '../routes/destination-pattern.ts'
import type { Hold } from './channel-interests.ts'

/** One subscription of one session. */
export interface Subscription {
  /** The exact string of the SUBSCRIBE frame. */
  readonly destination: string
  /** The `id` header; undefined for a 1.0 client that gave none. */
  readonly id: string | undefined
  readonly version: Version
}

/** Subscribers that get identical bytes: same topic, version, subscription id, no acknowledgement. */
export interface Group<S extends Subscription = Subscription> extends Subscription {
  /** Of the topic's groups. */
  readonly key: string
  /** Name in the fan-out. */
  readonly name: string
  /** The header lines that this group's MESSAGE has and others do not; see `messageStamp`. */
  readonly stamp: string
  /** Members on each transport. */
  readonly members: { websocket: number; tcp: number }
  /** The only member, while there has never been another: it is written to directly. */
  sole: S | undefined
  /** Characters or bytes published so far; tells how much a slow member has to catch up with. */
  published: number
}

/** Everyone who subscribed with the same string. */
export interface Topic<S extends Subscription = Subscription> extends Tally {
  readonly destination: string
  readonly groups: Map<string, Group<S>>
  /** The one that was joined last: clients number their subscriptions alike, so the next one mostly joins it too. */
  recentGroup: Group<S> | undefined
  /** Subscriptions that need a frame of their own, because each delivery has its own `ack`. */
  readonly individuals: Set<S>
  /** What this turn of the event loop has for the groups. */
  gathered: OutgoingMessage[]
  /** Characters or bytes of that. */
  gatheredLength: number
  /** Larger once a subscriber is to lose messages rather than the connection when it is behind. */
  shareOfAll: number
  /** What the latest subscription made the bus subscribe. */
  hold: Hold | undefined
}

/** See `Tally`. Who may lose messages has to be found before the limit, who is closed anyway before the runtime drops it. */
export const ShareOfAll = { dropping: 1, closing: 1 / 4 } as const

interface Node<S extends Subscription> {
  /** Reached by `**`: stays where it is for any number of segments. */
  readonly isDeep: boolean
  readonly literals: Map<string, Node<S>>
  /** Segments with `*` or `?` in them. */
  readonly wildcards: Map<string, Node<S>>
  /** The child for `**`. */
  deep: Node<S> | undefined
  topic: Topic<S> | undefined
  /** The step of a walk that has reached it last. */
  reachedAt: number
}

export class Registry<S extends Subscription = Subscription> {
  readonly #exact = new Map<string, Topic<S>>()
  readonly #root: Node<S> = newNode()
  #patterns = 0
  #steps = 0

  /** The topic of exactly this destination; undefined if there is none, and for a pattern. */
  find(destination: string): Topic<S> | undefined {
    return this.#exact.get(destination)
  }

  /** The topic of a subscription's destination, made if need be. */
  obtain(destination: string): Topic<S> {
    if (!isPattern(destination)) {
      let topic = this.#exact.get(destination)
      if (!topic) this.#exact.set(destination, (topic = newTopic(destination)))
      return topic
    }
    let node = this.#root
    for (const segment of patternSegments(destination)) node = childOf(node, segment)
    // Two spellings of one pattern (`/a/**/**`) share a node; who subscribed with which does not matter for delivery.
    if (!node.topic) {
      node.topic = newTopic(destination)
      this.#patterns++
    }
    return node.topic
  }

  /** Forget a topic that has nobody left. */
  discardIfEmpty(topic: Topic<S>): void {
    if (topic.groups.size > 0 || topic.individuals.size > 0) return
    if (this.#exact.get(topic.destination) === topic) {
      this.#exact.delete(topic.destination)
    } else if (
      isPattern(topic.destination) &&
      removePattern(this.#root, patternSegments(topic.destination), 0, topic)
    ) {
      this.#patterns--
    }
  }

  /** All topics that a message to this destination reaches, each once. */
  match(destination: string): Topic<S>[] {
    const exact = this.#exact.get(destination)
    const found = exact ? [exact] : []
    if (this.#patterns > 0) this.#walk(destination.split('/'), found)
    return found
  }

  /** How many have subscribed with each string: the exact ones, then the patterns. */
  *counts(): Generator<readonly [destination: string, subscriptions: number]> {
    for (const topic of this.#exact.values()) yield countOf(topic)
    for (const topic of topicsBelow(this.#root)) yield countOf(topic)
  }

  /** Goes all ways at once, segment by segment: each node at most once per segment, whatever the patterns are. */
  #walk(segments: readonly string[], found: Topic<S>[]): void {
    let current: Node<S>[] = []
    this.#steps++
    this.#reach(this.#root, current)
    for (const segment of segments) {
      const next: Node<S>[] = []
      this.#steps++
      for (const node of current) {
        if (node.isDeep) this.#reach(node, next)
        const literal = node.literals.get(segment)
        if (literal) this.#reach(literal, next)
        if (node.wildcards.size === 0) continue
        for (const [pattern, child] of node.wildcards) if (segmentMatches(pattern, segment)) this.#reach(child, next)
      }
      if (next.length === 0) return
      current = next
    }
    for (const { topic } of current) if (topic) found.push(topic)
  }

  /** Once per step; `**` may match no segment at all. */
  #reach(node: Node<S>, reached: Node<S>[]): void {
    if (node.reachedAt === this.#steps) return
    node.reachedAt = this.#steps
    reached.push(node)
    if (node.deep) this.#reach(node.deep, reached)
  }
}

function countOf({ destination, groups, individuals }: Topic): readonly [string, number] {
  let subscriptions = individuals.size
  for (const { members } of groups.values()) subscriptions += members.websocket + members.tcp
  return [destination, subscriptions]
}

function* topicsBelow<S extends Subscription>(node: Node<S>): Generator<Topic<S>> {
  if (node.topic) yield node.topic
  for (const child of node.literals.values()) yield* topicsBelow(child)
  for (const child of node.wildcards.values()) yield* topicsBelow(child)
  if (node.deep) yield* topicsBelow(node.deep)
}

function newTopic<S extends Subscription>(destination: string): Topic<S> {
  const output = { gathered: [], gatheredLength: 0, look: 0, lengthSinceLook: 0, shareOfAll: ShareOfAll.closing }
  return { destination, groups: new Map(), recentGroup: undefined, individuals: new Set(), hold: undefined, ...output }
}

function newNode<S extends Subscription>(isDeep = false): Node<S> {
  return { isDeep, literals: new Map(), wildcards: new Map(), deep: undefined, topic: undefined, reachedAt: 0 }
}

function childOf<S extends Subscription>(node: Node<S>, segment: string): Node<S> {
  if (segment === '**') return (node.deep ??= newNode(true))
  const children = isPattern(segment) ? node.wildcards : node.literals
  let child = children.get(segment)
  if (!child) children.set(segment, (child = newNode()))
  return child
}

/** Removes a pattern's topic and the nodes that only led to it. True if it was there. */
function removePattern<S extends Subscription>(
  node: Node<S>,
  segments: readonly string[],
  depth: number,
  topic: Topic<S>,
): boolean {
  const segment = segments[depth]
  if (segment === undefined) {
    if (node.topic !== topic) return false
    node.topic = undefined
    return true
  }
  const children = isPattern(segment) ? node.wildcards : node.literals
  const child = segment === '**' ? node.deep : children.get(segment)
  if (!child || !removePattern(child, segments, depth + 1, topic)) return false
  if (!child.topic && !child.deep && child.literals.size === 0 && child.wildcards.size === 0) {
    if (segment === '**') node.deep = undefined
    else children.delete(segment)
  }
  return true
}
