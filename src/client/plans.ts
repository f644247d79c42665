/** What a client is for whose protocol has no frames to say so: its connection is opened for it. Types only. */
import type { Identity } from '../access/identity.ts'
import type { Ask } from '../recovery/ask.ts'

interface Plan {
  readonly identity: Identity
  /** Id of the session that it will be. */
  readonly session: string
  /** Where its client is. */
  readonly remoteAddress: string
  /** See `Handshake`. */
  readonly requestId?: string | undefined
  /** Subscribed when the connection opens; each once. */
  readonly destinations: readonly string[]
}

/** A channel, and the destination that it stands for: who may send there may publish here. */
export interface ChannelTarget {
  readonly destination: string
  readonly channel: string
}

/** How a message is written: its body, a JSON object, or an object with the body in this field. */
export type RawFrame = 'body' | 'json' | { readonly wrap: string }

/** A plain WebSocket. */
export interface RawPlan extends Plan {
  readonly frame: RawFrame
  /** From where in the history it goes on. */
  readonly ask?: Ask | undefined
  /** Where its messages go; undefined: they are ignored, and counted. */
  readonly sendTo: string | undefined
  /** Where they go instead, if there are any: to channels that have subscribers of their own. */
  readonly publishTo?: readonly ChannelTarget[] | undefined
  /** Send back to it what it sends, or deliver to it what it has sent. */
  readonly isEcho: boolean
}

/** A stream of events. */
export interface StreamPlan extends Plan {
  /** From where the reader goes on at each of the destinations, in order; undefined where it has not asked. */
  readonly asks: readonly Ask[] | undefined
}
