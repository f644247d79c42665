/**
 * Who is where, over all nodes: for destinations that are configured, and for those who watch one of them. Every node
 * tells the others each change of its own users, once and not repeated; who watches keeps a replica of what the others
 * said. Redis stores nothing of it. Clients tell it who subscribes and unsubscribes.
 */
import { Deadlines, type Clock } from '../clock.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isText } from '../cluster/messages.ts'
import { isPattern, patternMatches } from '../destinations.ts'
import { Attendance } from './attendance.ts'
import { Replica, type State } from './replica.ts'
import { Room, type PresenceWatcher } from './room.ts'
import { CHANGES, changesSchema, MARK, STATE, type Change, type Here } from './subjects.ts'

/** Changes of so long a time are one message, in milliseconds: when many clients come at once it is not one for each. */
const GATHER_MS = 10
/** Changes in one message, and the length of their texts in characters. */
const MAX_CHANGES = 500
const MAX_LENGTH = 65_536

export interface PresenceOptions {
  /** Patterns of destinations. */
  readonly destinations: readonly string[]
  readonly cluster: Cluster
  readonly clock: Clock
}

export class Presence {
  readonly #patterns: readonly string[]
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #attendance: Attendance
  readonly #rooms = new Map<string, Room>()
  /** Of the other nodes, while there are rooms. */
  readonly #replicas = new Map<string, Replica>()
  /** Of the last changes that were told. */
  #number = 0
  #changes: Change[] = []
  #timer: unknown
  #isClosed = false

  /** Before the cluster starts. */
  constructor({ destinations, cluster, clock }: PresenceOptions) {
    this.#patterns = destinations
    this.#cluster = cluster
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
    this.#attendance = new Attendance(this.#deadlines)
    cluster.setMark(MARK, () => this.#number)
    cluster.hear(CHANGES, changesSchema, ({ number, changes }, from) => {
      this.#replicas.get(from)?.changed(number, changes)
    })
    cluster.answer(STATE, (asked) => this.#state(asked))
    cluster.observe({
      joined: (node) => {
        if (this.#rooms.size > 0) this.#addReplica(node)
      },
      left: (node) => this.#left(node),
      marked: (node, marks) => this.#replicas.get(node)?.heard(marks[MARK] ?? 0),
      resumed: () => {
        for (const replica of this.#replicas.values()) replica.resumed()
        for (const [destination, room] of this.#rooms) this.#lookAt(destination, room)
      },
    })
  }

  /** Is it known who is at this destination? */
  covers(destination: string): boolean {
    return !isPattern(destination) && this.#patterns.some((pattern) => patternMatches(pattern, destination))
  }

  /** A session has subscribed this destination. Others than those that are covered are ignored, and so are anonymous sessions. */
  joined(session: string, user: string | undefined, destination: string): void {
    if (!this.#counts(user, destination)) return
    this.#changed(destination, user, session, 1, this.#attendance.joined(session, user, destination))
  }

  /** The same subscription has ended: as often as `joined`. */
  left(session: string, user: string | undefined, destination: string): void {
    if (!this.#counts(user, destination)) return
    this.#changed(destination, user, session, -1, this.#attendance.left(session, user, destination))
  }

  /**
   * Tells the watcher who is at this destination, and who comes and goes, until the function that is given back is called.
   * While Redis is away a first snapshot waits.
   */
  watch(destination: string, watcher: PresenceWatcher): () => void {
    const room = this.#rooms.get(destination) ?? this.#addRoom(destination)
    room.add(watcher)
    if (!room.isComplete) queueMicrotask(() => this.#lookAt(destination, room))
    return () => {
      room.delete(watcher)
      if (!room.isWatched && this.#rooms.get(destination) === room) this.#deleteRoom(destination, room)
    }
  }

  /** Tells what is left to tell. Before the cluster is closed. */
  close(): void {
    this.#flush()
    this.#isClosed = true
    for (const room of this.#rooms.values()) room.close()
    this.#rooms.clear()
    this.#replicas.clear()
    this.#deadlines.close()
  }

  // --- This node

  #counts(user: string | undefined, destination: string): user is string {
    return user !== undefined && isText(user) && !this.#isClosed && this.covers(destination)
  }

  #changed(destination: string, user: string, session: string, by: number, count: number | undefined): void {
    if (count === undefined) return
    this.#rooms.get(destination)?.change(user, by, session)
    this.#changes.push([destination, user, session, count])
    this.#timer ??= this.#clock.setTimeout(() => this.#flush(), GATHER_MS)
  }

  #flush(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    const changes = this.#changes
    this.#changes = []
    let first = 0
    let length = 0
    changes.forEach(([destination, user, session], i) => {
      length += destination.length + user.length + session.length
      const isLast = i === changes.length - 1
      if (!isLast && i - first < MAX_CHANGES - 1 && length < MAX_LENGTH) return
      this.#publish(changes.slice(first, i + 1))
      first = i + 1
      length = 0
    })
  }

  /** The number counts on even if nobody hears it: then it is noticed. */
  #publish(changes: readonly Change[]): void {
    const number = ++this.#number
    if (this.#cluster.isConnected && this.#cluster.nodes.length === 0) return
    this.#cluster.tell(CHANGES, { number, changes }).catch(() => {}) // as above
  }

  /** Who is here; what is in it was told before. */
  #state(asked: readonly string[]): { head: number; items: Here[] } {
    this.#flush()
    const items = asked.flatMap((destination, index) =>
      [...this.#attendance.at(destination)].map(({ user, session, count, leftMsAgo }): Here => {
        return [index, user, session, count, Math.floor(leftMsAgo)]
      }),
    )
    return { head: this.#number, items }
  }

  // --- All nodes

  #addRoom(destination: string): Room {
    const room = new Room(this.#deadlines)
    for (const { user, session, count, leftMsAgo } of this.#attendance.at(destination)) {
      if (count > 0) room.change(user, count, session)
      else room.recall(user, session, leftMsAgo)
    }
    this.#rooms.set(destination, room)
    if (this.#rooms.size === 1) for (const node of this.#cluster.nodes) this.#addReplica(node)
    else for (const replica of this.#replicas.values()) replica.watch(destination)
    return room
  }

  #deleteRoom(destination: string, room: Room): void {
    room.close()
    this.#rooms.delete(destination)
    for (const replica of this.#replicas.values()) replica.unwatch(destination)
    if (this.#rooms.size > 0) return
    for (const node of [...this.#replicas.keys()]) this.#left(node)
  }

  #addReplica(node: string): void {
    const replica = new Replica({
      ask: (destinations) => this.#askState(node, destinations),
      change: (destination, user, by, session) => this.#rooms.get(destination)?.change(user, by, session),
      recall: (destination, ...who) => this.#rooms.get(destination)?.recall(...who),
      settled: (destination) => {
        const room = this.#rooms.get(destination)
        if (room) this.#lookAt(destination, room)
      },
    })
    this.#replicas.set(node, replica)
    for (const destination of this.#rooms.keys()) replica.watch(destination)
  }

  #left(node: string): void {
    const replica = this.#replicas.get(node)
    this.#replicas.delete(node)
    replica?.end()
    if (replica) for (const [destination, room] of this.#rooms) this.#lookAt(destination, room)
  }

  async #askState(node: string, destinations: readonly string[]): Promise<State | undefined> {
    try {
      const answer = (await this.#cluster.ask(STATE, [...destinations], node)).byNode.get(node)
      return answer && { number: answer.head, here: answer.items }
    } catch {
      return undefined // asked again when the bus is back, or the node is heard
    }
  }

  /** Is everything known that there is to know? */
  #lookAt(destination: string, room: Room): void {
    if (room.isComplete || !this.#cluster.isConnected || this.#rooms.get(destination) !== room) return
    for (const replica of this.#replicas.values()) if (!replica.isSettled(destination)) return
    room.complete()
  }
}
