/**
 * Who gets what, as data: feeds, the groups that share bytes, and the topics they belong to. `groups.ts` writes to
 * groups, `delivery.ts` takes a feed from one state to the next. Types, and how they begin.
 */
import type { Fanout } from '../socket.ts'
import type { Encoding, Marker, Message } from './message.ts'
import type { Output, WrittenGroup } from './output.ts'
import type { SlowPolicy } from './slow-policy.ts'
import type { Tally } from './tally.ts'

/** Who a feed is for. */
export interface Receiver {
  readonly output: Output
  /** A message that does not come with a group. `dropped`: so many before it were let go because the client was behind. */
  deliver(message: Message, dropped: number): void
  /** Where it stands. */
  tell(marker: Marker): void
}

/** What waits while a feed is held. */
export interface Backlog {
  readonly isEmpty: boolean
  /** Returns how many messages were dropped for it. */
  push(message: Message, nowMs: number): number
  /** Takes the oldest; `dropped` counts those dropped before it since the last one that was taken. Undefined if there is none. */
  take(nowMs: number): { readonly message: Message; readonly dropped: number } | undefined
  /** Dropped and not told yet. */
  readonly dropped: number
}

/** One subscription's flow of messages. */
export interface Feed {
  readonly receiver: Receiver
  /** As it was subscribed. */
  readonly destination: string
  readonly encoding: Encoding
  /** What its messages have beside the encoding. */
  stamp: string
  /** Does each message differ, so that it shares no bytes? */
  readonly isSingle: boolean
  /** Id of a client whose messages it does not get: its own, mostly. */
  readonly excludes: string | undefined
  /** Undefined if a client that is behind is closed. */
  readonly slowPolicy: SlowPolicy | undefined
  readonly topic: Topic
  /** Live, with others; undefined if it is single or held. */
  group: Group | undefined
  /** Messages wait here, and the feed is in no group. */
  backlog: Backlog | undefined
  /** It reads the history of its destination, and is in no group: what is delivered to the topic comes to it that way. */
  isRecovering: boolean
  /** Has it asked where it stands? Then it is told when something is lost. */
  readonly isTold: boolean
}

/** Feeds that get the same bytes. */
export interface Group extends WrittenGroup {
  /** Of the topic's groups. */
  readonly key: string
  readonly fanout: Fanout
  readonly encoding: Encoding
  readonly stamp: string
  readonly destination: string
  readonly excludes: string | undefined
  size: number
  /** The only member, while there has never been another: it is written to directly. */
  sole: Feed | undefined
  written: number
}

/** Everyone who subscribed with the same string. */
export interface Topic extends Tally {
  readonly destination: string
  readonly groups: Map<string, Group>
  /** The one that was joined last: clients number their subscriptions alike, so the next one mostly joins it too. */
  recentGroup: Group | undefined
  /** Feeds that are in no group. */
  readonly singles: Set<Feed>
  /** What waits for the end of this turn of the event loop, or for longer, to go to the groups. */
  gathered: Message[]
  /** How long the first of that to leave may wait, in milliseconds. */
  gatherMs: number
  /** Characters or bytes of that. */
  gatheredLength: number
  /** When one of those arrived whose delay is measured; 0 if none is. */
  arrivedMs: number
  /** Larger once a feed may lose messages rather than the connection when its client is behind. */
  shareOfAll: number
}

/** See `Tally`. Who may lose messages has to be found before the limit, who is closed anyway before the runtime drops it. */
export const ShareOfAll = { dropping: 1, closing: 1 / 4 } as const

/** Returns a topic with nobody in it. */
export function newTopic(destination: string): Topic {
  return {
    destination,
    groups: new Map(),
    recentGroup: undefined,
    singles: new Set(),
    gathered: [],
    gatherMs: 0,
    gatheredLength: 0,
    arrivedMs: 0,
    look: 0,
    lengthSinceLook: 0,
    shareOfAll: ShareOfAll.closing,
  }
}

export function isEmptyTopic({ groups, singles }: Topic): boolean {
  return groups.size === 0 && singles.size === 0
}

/** Does it still get something? One that has ended gets nothing more. */
export function isOpenFeed(feed: Feed): boolean {
  return feed.group !== undefined || feed.topic.singles.has(feed)
}

/** Returns how many feeds there are. */
export function countFeeds({ groups, singles }: Topic): number {
  let feeds = singles.size
  for (const { size } of groups.values()) feeds += size
  return feeds
}
