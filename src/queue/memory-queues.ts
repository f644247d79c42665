/** Work queues of a single process without Redis: the same contract, in memory. */
import { BusUnavailableError } from '../bus/bus.ts'
import type { QueueAdder } from '../bus/queue-adder.ts'
import {
  DEAD_SUFFIX,
  PEEK_BYTES,
  REASON_FIELD,
  type Failure,
  type Queue,
  type QueueCounts,
  type QueueEntry,
  type QueueListener,
  type QueuePage,
  type QueueStore,
  type TakenEntry,
} from './queue.ts'

/** One message, until it is settled. */
interface Stored extends QueueEntry {
  /** How often it was given to somebody, and how often somebody has failed with it. */
  deliveries: number
  failures: number
  isHeld: boolean
}

interface StoredQueue {
  /** By id, in order. */
  readonly entries: Map<string, Stored>
  /** Ids of what nobody works on: what came back, and what is new behind it. */
  returned: string[]
  fresh: string[]
  consumers: number
}

export class MemoryQueues implements QueueStore, QueueAdder {
  readonly #unavailableReason: () => string | undefined
  readonly #queues = new Map<string, StoredQueue>()
  /** Streams of the dead. */
  readonly #dead = new Map<string, QueueEntry[]>()
  readonly #waiting = new Set<string>()
  #listener: QueueListener | undefined
  #lastMs = 0
  #number = 0

  constructor(unavailableReason: () => string | undefined) {
    this.#unavailableReason = unavailableReason
  }

  listen(listener: QueueListener): void {
    this.#listener = listener
  }

  start(): void {}

  async renew({ stream }: Queue, consumers: number): Promise<boolean> {
    const queue = this.#obtain(stream)
    queue.consumers = consumers
    return queue.returned.length > 0
  }

  async leave({ stream }: Queue): Promise<void> {
    const queue = this.#obtain(stream)
    queue.consumers = 0
    this.#forgetEmpty(stream)
  }

  async work({ stream }: Queue, settled: readonly string[], wanted: number): Promise<readonly TakenEntry[]> {
    this.settle(stream, settled)
    const queue = this.#obtain(stream)
    const returned = queue.returned.splice(0, wanted)
    const ids = [...returned, ...queue.fresh.splice(0, wanted - returned.length)]
    return ids.map((id) => {
      const entry = queue.entries.get(id)!
      entry.isHeld = true
      entry.deliveries++
      return { id, fields: entry.fields, deliveries: entry.deliveries }
    })
  }

  async giveBack({ stream, rule }: Queue, ids: readonly string[], failure: Failure | undefined): Promise<number> {
    const queue = this.#obtain(stream)
    let dead = 0
    const returned: string[] = []
    for (const id of ids) {
      const entry = queue.entries.get(id)
      if (!entry?.isHeld) continue
      if (failure !== undefined) entry.failures++
      if (failure === 'unreadable' || entry.failures >= rule.maxDeliveries) {
        dead++
        queue.entries.delete(id)
        this.#bury(stream, entry, failure!, rule.maxLength)
      } else {
        entry.isHeld = false
        returned.push(id)
      }
    }
    if (returned.length > 0) {
      queue.returned = [...queue.returned, ...returned].sort(compareIds)
      this.#tell(stream)
    }
    return dead
  }

  async held({ stream }: Queue): Promise<readonly string[]> {
    return [...this.#obtain(stream).entries.values()].filter(({ isHeld }) => isHeld).map(({ id }) => id)
  }

  wait({ stream }: Queue): void {
    this.#waiting.add(stream)
    const queue = this.#queues.get(stream)
    if (queue && (queue.returned.length > 0 || queue.fresh.length > 0)) this.#tell(stream)
  }

  endWait({ stream }: Queue): void {
    this.#tell(stream)
  }

  lengthOf(stream: string): number {
    return this.#queues.get(stream)?.entries.size ?? 0
  }

  add(stream: string, fields: ReadonlyMap<string, Uint8Array>): void {
    const queue = this.#obtain(stream)
    const entry: Stored = { id: this.#nextId(), fields, deliveries: 0, failures: 0, isHeld: false }
    queue.entries.set(entry.id, entry)
    queue.fresh.push(entry.id)
    this.#tell(stream)
  }

  heldOf(stream: string, ids: readonly string[]): number {
    const entries = this.#queues.get(stream)?.entries
    return ids.filter((id) => entries?.get(id)?.isHeld).length
  }

  settle(stream: string, ids: readonly string[]): void {
    const entries = this.#queues.get(stream)?.entries
    for (const id of ids) if (entries?.get(id)?.isHeld) entries.delete(id)
  }

  async counts({ stream }: Queue): Promise<QueueCounts> {
    this.#requireOpen()
    const queue = this.#queues.get(stream)
    const ready = queue ? queue.returned.length + queue.fresh.length : 0
    const pending = queue ? queue.entries.size - ready : 0
    return { ready, pending, consumers: queue?.consumers ?? 0, dead: this.#deadOf(stream).length }
  }

  async streams(): Promise<readonly string[]> {
    this.#requireOpen()
    return [...this.#queues.keys(), ...this.#dead.keys()]
  }

  async peek({ stream }: Queue, isDead: boolean, count: number): Promise<QueuePage> {
    this.#requireOpen()
    const queue = this.#queues.get(stream)
    const ready = queue ? [...queue.returned, ...queue.fresh] : []
    const all = isDead ? this.#deadOf(stream) : ready.map((id) => queue!.entries.get(id)!)
    let bytes = 0
    let end = 0
    for (const { fields } of all.slice(0, count)) {
      for (const [name, value] of fields) bytes += name.length + value.length
      if (end > 0 && bytes > PEEK_BYTES) break
      end++
    }
    return { entries: all.slice(0, end), hasMore: end < all.length }
  }

  async redrive({ stream, rule }: Queue): Promise<number> {
    this.#requireOpen()
    const room = Math.max(0, rule.maxLength - this.lengthOf(stream))
    const moved = this.#deadOf(stream).splice(0, room)
    for (const { fields } of moved) {
      this.add(stream, new Map([...fields].filter(([name]) => name !== REASON_FIELD)))
    }
    this.#forgetEmpty(stream)
    return moved.length
  }

  async purge({ stream }: Queue, isDead: boolean): Promise<number> {
    this.#requireOpen()
    if (isDead) {
      const { length } = this.#deadOf(stream)
      this.#dead.delete(stream + DEAD_SUFFIX)
      return length
    }
    const queue = this.#queues.get(stream)
    if (!queue) return 0
    const ids = [...queue.returned.splice(0), ...queue.fresh.splice(0)]
    for (const id of ids) queue.entries.delete(id)
    this.#forgetEmpty(stream)
    return ids.length
  }

  #bury(stream: string, { fields }: Stored, reason: Failure, maxLength: number): void {
    const name = stream + DEAD_SUFFIX
    const dead = this.#dead.get(name) ?? []
    this.#dead.set(name, dead)
    const why = new TextEncoder().encode(reason)
    dead.push({ id: this.#nextId(), fields: new Map([...fields, [REASON_FIELD, why]]) })
    if (dead.length > maxLength) dead.shift()
  }

  #deadOf(stream: string): QueueEntry[] {
    return this.#dead.get(stream + DEAD_SUFFIX) ?? []
  }

  /** As Redis would, later. */
  #tell(stream: string): void {
    if (!this.#waiting.delete(stream)) return
    queueMicrotask(() => this.#listener?.waitEnded(stream, false))
  }

  /** Errors: BusUnavailableError when the bus is closed. */
  #obtain(stream: string): StoredQueue {
    this.#requireOpen()
    const known = this.#queues.get(stream)
    if (known) return known
    const queue: StoredQueue = { entries: new Map(), returned: [], fresh: [], consumers: 0 }
    this.#queues.set(stream, queue)
    return queue
  }

  #forgetEmpty(stream: string): void {
    const queue = this.#queues.get(stream)
    if (queue && queue.entries.size === 0 && queue.consumers === 0) this.#queues.delete(stream)
    if (this.#deadOf(stream).length === 0) this.#dead.delete(stream + DEAD_SUFFIX)
  }

  #requireOpen(): void {
    const reason = this.#unavailableReason()
    if (reason !== undefined) throw new BusUnavailableError(reason)
  }

  #nextId(): string {
    const now = Date.now()
    this.#number = now > this.#lastMs ? 0 : this.#number + 1
    this.#lastMs = Math.max(now, this.#lastMs)
    return `${this.#lastMs}-${this.#number}`
  }
}

function compareIds(a: string, b: string): number {
  const [aMs, aNumber] = a.split('-').map(Number) as [number, number]
  const [bMs, bNumber] = b.split('-').map(Number) as [number, number]
  return aMs - bMs || aNumber - bNumber
}
