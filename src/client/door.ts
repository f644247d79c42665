/** What every protocol does for its client when the wish comes from elsewhere. Types only. */
import type { Marker, Message } from '../delivery/message.ts'
import type { ProtocolError } from '../errors.ts'
import type { Subscription } from './subscription.ts'

export interface Door {
  readonly protocol: 'stomp' | 'raw' | 'sse'
  /** Of the protocol, once it is agreed. */
  readonly version: string | undefined
  /** False once we are closing the connection: nothing more is written then. */
  readonly isOpen: boolean
  /** Write a message that does not come with a group. */
  deliver(subscription: Subscription, message: Message, dropped: number): void
  /** Write where a subscription stands in the history of its destination. */
  tell(subscription: Subscription, marker: Marker): void
  /** How many more messages of work queues it can have that its client has not acknowledged. */
  readonly room: number
  /** A message of a work queue is somebody else's now: its acknowledgement means nothing. */
  forget(subscription: Subscription, messageId: string): void
  /** End the connection at once: what is unsent stays unread. */
  closeAsSlow(reason: string): void
  /** These have ended, since the rules allow them no longer: say so, and go on only where that was asked for. */
  disallow(ended: readonly Subscription[]): void
  /** End the connection, and say why. */
  fail(error: ProtocolError): void
  /** Not even begun: it may not come in now. */
  refuse(error: ProtocolError): void
  /** Finish what was received, then close with 1001. */
  shutDown(): void
  /** Drop the connection now. */
  terminate(): void
}
