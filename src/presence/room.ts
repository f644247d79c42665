/**
 * One destination that is watched: who is there over all nodes, and what its watchers are told. It is there as long as
 * somebody watches. Counts come from this node and from the replicas of others; where they come from it does not know.
 */
import type { Deadlines, Due } from '../clock.ts'
import { GRACE_MS } from './grace.ts'

export interface PresentUser {
  readonly user: string
  readonly sessions: number
}

/** Who looks at a destination. Called synchronously, never within the call of `watch`; must not throw. */
export interface PresenceWatcher {
  /** Comes first and once, as soon as all nodes have said who is there. Sorted by name. */
  snapshot(users: readonly PresentUser[]): void
  /** The user's first session. */
  join(user: string, session: string): void
  /** The last session has gone, and none has come for two seconds. */
  leave(user: string, session: string): void
}

export class Room implements Due {
  dueSlot = 0
  readonly #deadlines: Deadlines
  /** Sessions of each user, over all nodes; never 0. */
  readonly #counts = new Map<string, number>()
  /** Users whose last session has gone: when they are gone, and that session. */
  readonly #leaving = new Map<string, { readonly goneAt: number; readonly session: string }>()
  /** Whether each has its snapshot. */
  readonly #watchers = new Map<PresenceWatcher, boolean>()
  #isComplete = false

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines
  }

  /** Have all nodes said once who is there? */
  get isComplete(): boolean {
    return this.#isComplete
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  add(watcher: PresenceWatcher): void {
    this.#watchers.set(watcher, false)
    if (this.#isComplete) queueMicrotask(() => this.#showTo(watcher))
  }

  delete(watcher: PresenceWatcher): void {
    this.#watchers.delete(watcher)
  }

  /** From now on there are snapshots. */
  complete(): void {
    this.#isComplete = true
    for (const watcher of this.#watchers.keys()) this.#showTo(watcher)
  }

  /** So many sessions more, or fewer. `session`: the one that came or went. */
  change(user: string, by: number, session: string): void {
    const before = this.#counts.get(user) ?? 0
    const count = before + by
    if (count > 0) {
      this.#counts.set(user, count)
      if (before === 0 && !this.#leaving.delete(user)) this.#tell((watcher) => watcher.join(user, session))
    } else {
      this.#counts.delete(user)
      if (before > 0) this.#leaves(user, session, this.#deadlines.now() + GRACE_MS)
    }
  }

  /** This one left before anybody watched: in a first snapshot nevertheless. */
  recall(user: string, session: string, leftMsAgo: number): void {
    if (this.#isComplete || leftMsAgo >= GRACE_MS || this.#counts.has(user)) return
    const goneAt = this.#deadlines.now() + GRACE_MS - leftMsAgo
    // two sessions can have left two nodes
    if (goneAt > (this.#leaving.get(user)?.goneAt ?? 0)) this.#leaves(user, session, goneAt)
  }

  due(now: number): number | undefined {
    let next: number | undefined
    for (const [user, { goneAt, session }] of [...this.#leaving]) {
      if (goneAt > now) {
        next = Math.min(next ?? goneAt, goneAt)
        continue
      }
      this.#leaving.delete(user)
      this.#tell((watcher) => watcher.leave(user, session))
    }
    return next
  }

  close(): void {
    this.#deadlines.cancel(this)
    this.#watchers.clear()
  }

  #leaves(user: string, session: string, goneAt: number): void {
    this.#leaving.set(user, { goneAt, session })
    this.#deadlines.schedule(this, goneAt)
  }

  #tell(call: (watcher: PresenceWatcher) => void): void {
    for (const [watcher, hasSnapshot] of this.#watchers) if (hasSnapshot) call(watcher)
  }

  #showTo(watcher: PresenceWatcher): void {
    if (this.#watchers.get(watcher) !== false) return // has it, or has gone
    this.#watchers.set(watcher, true)
    const users = [...this.#counts].map(([user, sessions]) => ({ user, sessions }))
    // who is about to leave counts as there, with the session that may come back
    for (const user of this.#leaving.keys()) users.push({ user, sessions: 1 })
    watcher.snapshot(users.sort((a, b) => (a.user < b.user ? -1 : 1)))
  }
}
