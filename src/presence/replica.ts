/**
 * What one other node has said of who is there, for the destinations that are watched here. Its changes are numbered:
 * whatever is missed is noticed at the next one, or at the next sign of life, and that node is asked again. What comes
 * while it is asked is laid over the answer, so that nothing is doubled and nothing lost.
 */
import type { Change, Here } from './subjects.ts'

/** Destinations in one question. */
const BATCH = 100

export interface State {
  readonly number: number
  readonly here: readonly Here[]
}

export interface ReplicaEvents {
  /** Resolves to undefined when there is no answer. Never rejects. */
  ask(destinations: readonly string[]): Promise<State | undefined>
  change(destination: string, user: string, by: number, session: string): void
  /** This one left a moment ago. */
  recall(destination: string, user: string, session: string, leftMsAgo: number): void
  /** It is known who is there, or that the node does not say. */
  settled(destination: string): void
}

interface Count {
  readonly count: number
  readonly session: string
}

interface View {
  users: Map<string, Count>
  /** Is it up to date? */
  isKnown: boolean
  isSettled: boolean
  /** While the node is asked: what it has told since. */
  since: Map<string, Count & { readonly number: number }> | undefined
}

export class Replica {
  readonly #events: ReplicaEvents
  readonly #views = new Map<string, View>()
  /** Changes from the first of these numbers to the last were heard without a gap. */
  #first = 0
  #last: number | undefined
  #isAsking = false
  /** It did not answer: not asked again before it is heard. */
  #isSilent = false
  /** Was it heard while it was asked? Then only the question is lost. */
  #wasHeard = false
  #isEnded = false

  constructor(events: ReplicaEvents) {
    this.#events = events
  }

  isSettled(destination: string): boolean {
    return this.#views.get(destination)?.isSettled ?? true
  }

  watch(destination: string): void {
    this.#views.set(destination, { users: new Map(), isKnown: false, isSettled: false, since: undefined })
    this.#ask()
  }

  unwatch(destination: string): void {
    this.#views.delete(destination)
  }

  /** A sign of life: this is the number of its last changes. */
  heard(number: number): void {
    this.#isHeard()
    if (this.#last !== undefined && number > this.#last) this.#missed(number)
    this.#ask()
  }

  changed(number: number, changes: readonly Change[]): void {
    this.#isHeard()
    if (this.#last === undefined) this.#first = number
    else if (number <= this.#last) return
    else if (number > this.#last + 1) {
      this.#missed(number)
      this.#first = number // these are here
    }
    this.#last = number
    for (const [destination, user, session, count] of changes) {
      const view = this.#views.get(destination)
      if (!view) continue
      view.since?.set(user, { number, count, session })
      this.#set(destination, view.users, user, { count, session })
    }
    this.#ask()
  }

  /** We hear again. What was missed is noticed by its number; what could not be asked is asked now. */
  resumed(): void {
    this.#isSilent = false
    for (const view of this.#views.values()) if (!view.isKnown) view.isSettled = false
    this.#ask()
  }

  /** The node is gone, and its users with it. */
  end(): void {
    this.#isEnded = true
    for (const [destination, { users }] of this.#views) {
      for (const [user, { count, session }] of users) this.#events.change(destination, user, -count, session)
    }
    this.#views.clear()
  }

  #isHeard(): void {
    this.#isSilent = false
    this.#wasHeard = true
  }

  /** All changes up to this one are lost, or some of them. */
  #missed(number: number): void {
    this.#first = number + 1
    this.#last = number
    for (const view of this.#views.values()) view.isKnown = false
  }

  #ask(): void {
    if (this.#isAsking || this.#isSilent || this.#isEnded) return
    const asked = new Map<string, View>()
    for (const [destination, view] of this.#views) {
      if (view.isKnown) continue
      view.since = new Map()
      asked.set(destination, view)
      if (asked.size === BATCH) break
    }
    if (asked.size === 0) return
    this.#isAsking = true
    this.#wasHeard = false
    void this.#events.ask([...asked.keys()]).then((state) => {
      this.#isAsking = false
      if (this.#isEnded) return
      if (state) this.#take(asked, state)
      else this.#isSilent = !this.#wasHeard
      for (const [destination, view] of asked) {
        view.since = undefined
        if (this.#views.get(destination) !== view || view.isSettled || (state && !view.isKnown)) continue
        view.isSettled = true
        this.#events.settled(destination)
      }
      this.#ask()
    })
  }

  #take(asked: ReadonlyMap<string, View>, { number, here }: State): void {
    if (this.#last === undefined) {
      this.#first = number + 1
      this.#last = number
    } else if (number > this.#last) this.#missed(number)
    // Between the answer and what was heard since is a gap: ask again.
    if (number + 1 < this.#first) return
    const destinations = [...asked.keys()]
    const users = new Map(destinations.map((destination) => [destination, new Map<string, Count>()]))
    for (const [index, user, session, count, leftMsAgo] of here) {
      const destination = destinations[index]
      if (destination === undefined) continue
      if (count > 0) users.get(destination)!.set(user, { count, session })
      else if (this.#views.has(destination)) this.#events.recall(destination, user, session, leftMsAgo)
    }
    for (const [destination, view] of asked) {
      if (this.#views.get(destination) !== view) continue
      this.#replace(destination, view, users.get(destination)!, number)
      view.isKnown = true
    }
  }

  /** Now these are there, but for what is newer than that number. */
  #replace(destination: string, view: View, users: ReadonlyMap<string, Count>, number: number): void {
    const isNewer = (user: string): boolean => (view.since?.get(user)?.number ?? 0) > number
    for (const [user, { session }] of [...view.users]) {
      if (!users.has(user) && !isNewer(user)) this.#set(destination, view.users, user, { count: 0, session })
    }
    for (const [user, count] of users) if (!isNewer(user)) this.#set(destination, view.users, user, count)
  }

  #set(destination: string, users: Map<string, Count>, user: string, count: Count): void {
    const before = users.get(user)?.count ?? 0
    if (count.count > 0) users.set(user, count)
    else users.delete(user)
    if (count.count !== before) this.#events.change(destination, user, count.count - before, count.session)
  }
}
