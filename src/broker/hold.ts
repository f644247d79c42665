/**
 * What is held of the bus: channels and patterns with those who need them. Plain data; `ChannelInterests` counts it, asks the
 * bus for it, and gives it back.
 */
import type { BusRefusedError, SubscriptionKind } from '../bus/bus.ts'
import type { InboundRoute } from '../routes/table.ts'
import type { Signal } from '../signal.ts'

/** One thing to subscribe on the bus. Without a route its payloads are read in another way, and each copy is wanted. */
export interface BusInterest {
  readonly kind: SubscriptionKind
  readonly name: string
  readonly route?: InboundRoute | undefined
}

/** A channel or pattern that is wanted of the bus, or was a moment ago. */
export interface Entry {
  readonly kind: SubscriptionKind
  readonly name: string
  /** Holders per route. A route with none any more stays listed until the entry goes: see the rule of `ChannelInterests`. */
  readonly routes: Map<InboundRoute, number>
  holders: number
  /** Has the bus confirmed it? It keeps what is live through an outage. */
  isLive: boolean
  /** Why the bus does not have it: it goes on asking, as long as somebody holds this. */
  refusal: BusRefusedError | undefined
  readonly waiting: Set<Hold>
  releaseTimer: ReturnType<typeof setTimeout> | undefined
}

/** One channel or pattern that is held, and for which route. */
export interface Part {
  readonly entry: Entry
  readonly route: InboundRoute | undefined
}

/** What a subscription holds, or several to one destination; each gives it back with `release`. */
export interface Hold {
  /** Without a route where only the channel's payloads are wanted, not their delivery. */
  entries: readonly Part[]
  /** Is everything that is kept needed too? What is delivered comes also over the broadcast channel. */
  readonly needsKept: boolean
  /** Subscriptions that have it. */
  users: number
  /** Its one subscription was told that the bus refuses it, by `whenLive`. */
  isToldOfRefusal: boolean
  /** Resolve what `whenLive` has promised, while that is pending. */
  pending:
    | { readonly live: Signal; readonly liveOrLost: Signal; readonly refusal: (cause: BusRefusedError) => Error }
    | undefined
}

/** Pending liveness of a hold. */
export interface Liveness {
  /** Everything held is live; also resolved when the hold is released. Rejects with `refusal(cause)` when the bus refuses a part of it. */
  readonly live: Promise<void>
  /** The same, or the bus is away, so that it may take long. */
  readonly liveOrLost: Promise<void>
}

/** Returns a hold of one subscription. */
export function newHold(entries: Hold['entries'], needsKept: boolean): Hold {
  return { entries, needsKept, users: 1, isToldOfRefusal: false, pending: undefined }
}
