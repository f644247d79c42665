/** What a node knows of its own sessions, as it is asked for all nodes. Types only; the composition root has the sessions. */

/** A session, as other nodes and people see it. */
export interface SessionFacts {
  readonly id: string
  /** Undefined for an anonymous one. */
  readonly user: string | undefined
  readonly address: string
  /** Milliseconds since 1970. */
  readonly connectedAt: number
}

/** A user, and how many sessions of this user there are. */
export interface UserCount {
  readonly user: string
  readonly sessions: number
}

/** Only sessions that are logged in. */
export interface LocalSessions {
  /** False if there is none of this id. */
  close(id: string): boolean
  /** Returns how many there were. */
  closeUser(user: string): number
  sessionsOf(user: string): Iterable<SessionFacts>
  /** Everybody who is not anonymous, once each, in any order. */
  users(): Iterable<UserCount>
  /** Those who have subscribed exactly this destination, each once. */
  subscribers(destination: string): Iterable<SessionFacts>
}
