/** What the broker and those who subscribe know of each other. Types only. */
import type { Header, MessageTemplate } from '../../frames/index.ts'
import type { Subscription } from './registry.ts'

/** Who subscribes. A session is one; the broker calls it, never the other way round through this interface. */
export interface Subscriber {
  readonly transport: 'websocket' | 'tcp'
  join(group: string): void
  leave(group: string): void
  /** Frames for its group while it is the only member: characters and bytes count as its own output. */
  publish(messages: readonly (string | Uint8Array)[]): void
  /** A message for a subscription that is in no group: it acknowledges, or was detached. The subscriber stamps it itself. */
  deliver(
    subscription: BrokerSubscription,
    template: MessageTemplate,
    messageId: string,
    headers: DeliveredHeaders,
  ): void
}

/** Of the message as the sender gave them; the first of a name counts. */
export type DeliveredHeaders = readonly Header[]

/** What is done for a destination when a client is behind, instead of closing it. */
export interface SlowPolicy {
  readonly policy: 'drop-oldest' | 'latest'
  /** `latest`: the header whose values each keep their newest message; without it there is one for the subscription. */
  readonly key?: string | undefined
  /** Characters or bytes that may be held per subscription. */
  readonly maxBytes: number
  /** What is older is dropped. */
  readonly maxAgeMs: number
}

/** A live subscription; give it back with `unsubscribe`. */
export interface BrokerSubscription extends Subscription {
  readonly subscriber: Subscriber
  readonly acknowledges: boolean
  /** Set by the broker; undefined if a slow client is closed. */
  readonly slowPolicy?: SlowPolicy | undefined
}

export interface BrokerOptions {
  /** Destinations that can be subscribed lie below these, for example `/topic`. */
  readonly prefixes: readonly string[]
  /** SEND below these goes to a backend, for example `/app`. */
  readonly applicationPrefixes: readonly string[]
  readonly broadcastChannel: string
  /** May several frames leave in one WebSocket message? */
  readonly joinFrames: boolean
  /** How long a channel stays subscribed after its last subscriber left. */
  readonly releaseDelayMs: number
  /** First match counts; what none matches is closed when it is slow. Destinations may be patterns. */
  readonly slowClients: readonly ({ readonly destination: string } & (SlowPolicy | { readonly policy: 'disconnect' }))[]
}
