/**
 * Presence as clients see it: a subscription to a destination whose attendance is kept makes its user present there, and
 * one to `/presence/…` is told who comes and goes.
 */
import { randomUUID } from 'node:crypto'
import type { Delivery } from '../delivery/delivery.ts'
import { Message } from '../delivery/message.ts'
import { watchedBy } from '../destinations.ts'
import type { PresenceWatcher } from '../presence/room.ts'
import type { Presence } from '../presence/presence.ts'
import type { Subscription } from './subscription.ts'

export class SubscriptionPresence {
  readonly #presence: Presence
  readonly #delivery: Delivery
  /** What to do when a subscription ends. */
  readonly #ends = new Map<Subscription, () => void>()

  constructor(presence: Presence, delivery: Delivery) {
    this.#presence = presence
    this.#delivery = delivery
  }

  begin(subscription: Subscription, session: string, user: string | undefined): void {
    const presence = this.#presence
    const { destination } = subscription.feed.topic
    const watched = watchedBy(destination)
    if (watched !== undefined) {
      const watcher = this.#watcherOf(subscription, destination)
      this.#ends.set(subscription, presence.watch(watched, watcher))
    } else if (presence.covers(destination)) {
      presence.joined(session, user, destination)
      this.#ends.set(subscription, () => presence.left(session, user, destination))
    }
  }

  end(subscription: Subscription): void {
    const end = this.#ends.get(subscription)
    if (!end) return
    this.#ends.delete(subscription)
    end()
  }

  #watcherOf({ feed }: Subscription, destination: string): PresenceWatcher {
    const tell = (event: string, body: unknown): void => {
      const headers = [
        ['content-type', 'application/json'],
        ['event', event],
      ] as const
      this.#delivery.deliverTo(
        feed,
        new Message({ id: randomUUID(), destination, headers, body: JSON.stringify(body) }),
      )
    }
    return {
      snapshot: (users) => tell('snapshot', { users }),
      join: (user, session) => tell('join', { user, session }),
      leave: (user, session) => tell('leave', { user, session }),
    }
  }
}
