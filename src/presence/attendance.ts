/** Who is where on this node, and who was a moment ago. Presence tells it, and asks it for what other nodes want to know. */
import type { Deadlines, Due } from '../clock.ts'
import { GRACE_MS } from './grace.ts'

interface Attendee {
  /** How often each session is subscribed. */
  readonly sessions: Map<string, number>
  /** The one that came or went last. */
  session: string
  leftAt: number | undefined
}

/** One user at one destination. */
export interface Attended {
  readonly user: string
  /** The session that came or went last. */
  readonly session: string
  /** Sessions; with none the user has just left. */
  readonly count: number
  readonly leftMsAgo: number
}

export class Attendance implements Due {
  dueSlot = 0
  readonly #deadlines: Deadlines
  readonly #byDestination = new Map<string, Map<string, Attendee>>()
  /** In the order of leaving. */
  #leavers: { readonly destination: string; readonly user: string; readonly at: number }[] = []

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines
  }

  /** Returns the number of sessions if it has changed. */
  joined(session: string, user: string, destination: string): number | undefined {
    let attendees = this.#byDestination.get(destination)
    if (!attendees) this.#byDestination.set(destination, (attendees = new Map<string, Attendee>()))
    let attendee = attendees.get(user)
    if (!attendee) attendees.set(user, (attendee = { sessions: new Map<string, number>(), session, leftAt: undefined }))
    const { sessions } = attendee
    const times = sessions.get(session) ?? 0
    sessions.set(session, times + 1)
    if (times > 0) return undefined
    attendee.session = session
    attendee.leftAt = undefined
    return sessions.size
  }

  /** Returns the number of sessions if it has changed. */
  left(session: string, user: string, destination: string): number | undefined {
    const attendee = this.#byDestination.get(destination)?.get(user)
    const times = attendee?.sessions.get(session)
    if (!attendee || times === undefined) return undefined
    if (times > 1) {
      attendee.sessions.set(session, times - 1)
      return undefined
    }
    attendee.sessions.delete(session)
    attendee.session = session
    if (attendee.sessions.size === 0) {
      const at = this.#deadlines.now()
      attendee.leftAt = at
      this.#leavers.push({ destination, user, at })
      this.#deadlines.schedule(this, at + GRACE_MS)
    }
    return attendee.sessions.size
  }

  *at(destination: string): Generator<Attended> {
    const now = this.#deadlines.now()
    for (const [user, { session, sessions, leftAt }] of this.#byDestination.get(destination) ?? []) {
      if (leftAt !== undefined && now - leftAt >= GRACE_MS) continue
      yield { user, session, count: sessions.size, leftMsAgo: leftAt === undefined ? 0 : now - leftAt }
    }
  }

  due(now: number): number | undefined {
    const firstLeft = this.#leavers.findIndex(({ at }) => at + GRACE_MS > now)
    const over = firstLeft < 0 ? this.#leavers : this.#leavers.slice(0, firstLeft)
    this.#leavers = firstLeft < 0 ? [] : this.#leavers.slice(firstLeft)
    for (const { destination, user, at } of over) {
      const attendees = this.#byDestination.get(destination)
      if (attendees?.get(user)?.leftAt !== at) continue // was back
      attendees.delete(user)
      if (attendees.size === 0) this.#byDestination.delete(destination)
    }
    const next = this.#leavers[0]
    return next && next.at + GRACE_MS
  }
}
