/**
 * One work queue as Redis would have it, and nodes that ask it: the test says when a command takes effect, when its answer
 * comes, and what of that is lost. Knows nothing of who works on the messages.
 */
import type {
  Failure,
  Queue,
  QueueCounts,
  QueueListener,
  QueuePage,
  QueueStore,
  TakenEntry,
} from '../../src/queue/queue.ts'
import { LEASE_MS } from '../../src/queue/queue.ts'
import type { FakeClock } from '../support/fake-clock.ts'

/** Owner of what was given back. */
const NOBODY = '~'
const SLACK_MS = 5000

interface Stored {
  readonly id: string
  readonly body: string | undefined
  /** Undefined as long as nobody has read it. */
  owner: string | undefined
  deliveries: number
  failures: number
  givenMs: number
}

/** A command on its way. */
interface Call {
  readonly name: string
  readonly run: () => unknown
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
  answer: { readonly value: unknown } | undefined
}

export class SimulatedQueue {
  readonly clock: FakeClock
  readonly #entries = new Map<string, Stored>()
  readonly settled = new Set<string>()
  readonly dead = new Map<string, Failure>()
  /** Ids of what was taken from a node that lives. */
  readonly stolen = new Set<string>()
  readonly stores = new Set<SimulatedStore>()
  readonly #leases = new Map<string, { readonly consumers: number; readonly untilMs: number }>()
  readonly #gone = new Map<string, Stored>()
  #added = 0

  constructor(clock: FakeClock) {
    this.clock = clock
  }

  get ids(): string[] {
    return [...this.#entries.keys()]
  }

  get consumers(): number {
    return [...this.#leases.values()].reduce((sum, { consumers }) => sum + consumers, 0)
  }

  heldBy(node: string): string[] {
    return this.#all((each) => each.owner === node).map(({ id }) => id)
  }

  /** Returns its id. Without a body nobody can read it. */
  add(body: string | undefined): string {
    const id = `1000-${++this.#added}`
    this.#entries.set(id, { id, body, owner: undefined, deliveries: 0, failures: 0, givenMs: 0 })
    this.serve()
    return id
  }

  /** Redis has lost its last second, and with it that this was settled. */
  unsettle(id: string): void {
    this.settled.delete(id)
    this.#entries.set(id, this.#gone.get(id)!)
  }

  /** Whoever waits gets what is new. */
  serve(): void {
    for (const store of this.stores) {
      const [next] = this.#all(({ owner }) => owner === undefined)
      if (!next) return
      store.serve(() => this.#give(next, store.node))
    }
  }

  work(node: string, settled: readonly string[], wanted: number): TakenEntry[] {
    for (const id of settled) if (this.#own(node, id)) this.#settle(id)
    const returned = this.#all(({ owner }) => owner === NOBODY)
    const fresh = this.#all(({ owner }) => owner === undefined)
    return [...returned, ...fresh].slice(0, wanted).map((each) => this.#give(each, node))
  }

  giveBack(node: string, ids: readonly string[], failure: Failure | undefined, maxDeliveries: number): number {
    let dead = 0
    let returned = 0
    for (const id of ids) {
      const entry = this.#own(node, id)
      if (!entry) continue
      if (failure) entry.failures++
      if (failure && (failure === 'unreadable' || entry.failures >= maxDeliveries)) {
        this.#entries.delete(id)
        this.dead.set(id, failure)
        dead++
      } else {
        entry.owner = NOBODY
        returned++
      }
    }
    if (returned > 0) this.#tellReturned()
    return dead
  }

  renew(node: string, consumers: number, mayReclaim: boolean, visibleMs: number): boolean {
    const now = this.clock.now()
    this.#leases.set(node, { consumers, untilMs: now + LEASE_MS })
    if (mayReclaim) {
      for (const [name, { untilMs }] of this.#leases) if (untilMs < now) this.#leases.delete(name)
      const reclaimed = this.#all(
        ({ owner, givenMs }) =>
          owner !== undefined &&
          owner !== NOBODY &&
          (!this.#leases.has(owner) || now - givenMs >= visibleMs + SLACK_MS),
      )
      for (const entry of reclaimed) {
        if ([...this.stores].some((store) => store.node === entry.owner)) this.stolen.add(entry.id)
        entry.owner = NOBODY
      }
      if (reclaimed.length > 0) this.#tellReturned()
    }
    return this.#all(({ owner }) => owner === NOBODY).length > 0
  }

  leave(node: string): void {
    this.#leases.delete(node)
  }

  #tellReturned(): void {
    for (const store of this.stores) store.returned++
  }

  #settle(id: string): void {
    this.#gone.set(id, this.#entries.get(id)!)
    this.#entries.delete(id)
    this.settled.add(id)
  }

  #own(node: string, id: string): Stored | undefined {
    const entry = this.#entries.get(id)
    return entry?.owner === node ? entry : undefined
  }

  #give(entry: Stored, node: string): TakenEntry {
    entry.owner = node
    entry.deliveries++
    entry.givenMs = this.clock.now()
    const { id, deliveries, body } = entry
    const fields = new Map(body === undefined ? [] : [['body', new TextEncoder().encode(body)]])
    return { id, fields, deliveries }
  }

  #all(condition: (entry: Stored) => boolean): Stored[] {
    return [...this.#entries.values()].filter(condition)
  }
}

/** What one node has of it. */
export class SimulatedStore implements QueueStore {
  readonly node: string
  readonly #queue: SimulatedQueue
  /** Commands without an answer, in the order in which Redis gets them. */
  readonly calls: Call[] = []
  /** Names of all commands that there were. */
  readonly names: string[] = []
  /** Do commands take effect, and are they answered, as soon as they are sent? */
  isPrompt = true
  /** What commands fail with as soon as they are sent, without an effect. */
  failure: Error | undefined
  isWaiting = false
  /** Told of what was given back, and not yet there. */
  returned = 0
  #arrival: { readonly entries: readonly TakenEntry[] } | undefined
  #stream = ''
  #isEnding = false
  #listener: QueueListener | undefined

  constructor(queue: SimulatedQueue, node: string) {
    this.#queue = queue
    this.node = node
    queue.stores.add(this)
  }

  listen(listener: QueueListener): void {
    this.#listener = listener
  }

  start(): void {}

  renew({ rule }: Queue, consumers: number, mayReclaim: boolean): Promise<boolean> {
    const visibleMs = rule.visibilitySeconds * 1000
    return this.#call('renew', () => this.#queue.renew(this.node, consumers, mayReclaim, visibleMs))
  }

  leave(): Promise<void> {
    return this.#call('leave', () => this.#queue.leave(this.node))
  }

  work(_queue: Queue, settled: readonly string[], wanted: number): Promise<readonly TakenEntry[]> {
    return this.#call(`work ${settled.length} ${wanted}`, () => this.#queue.work(this.node, settled, wanted))
  }

  giveBack({ rule }: Queue, ids: readonly string[], failure: Failure | undefined): Promise<number> {
    const run = (): number => this.#queue.giveBack(this.node, ids, failure, rule.maxDeliveries)
    return this.#call(`giveBack ${ids.length} ${failure ?? 'unfailed'}`, run)
  }

  held(): Promise<readonly string[]> {
    return this.#call('held', () => this.#queue.heldBy(this.node))
  }

  wait({ stream }: Queue): void {
    if (this.isWaiting) throw new Error('It waits already')
    this.names.push('wait')
    this.#stream = stream
    this.isWaiting = true
    this.#queue.serve()
  }

  endWait(): void {
    if (this.isWaiting) this.#isEnding = true
  }

  counts(): Promise<QueueCounts> {
    throw new Error('Nobody asks')
  }

  streams(): Promise<readonly string[]> {
    throw new Error('Nobody asks')
  }

  peek(): Promise<QueuePage> {
    throw new Error('Nobody asks')
  }

  redrive(): Promise<number> {
    throw new Error('Nobody asks')
  }

  purge(): Promise<number> {
    throw new Error('Nobody asks')
  }

  // --- For the test

  /** Redis has something for who waits. */
  serve(give: () => TakenEntry): void {
    if (this.isWaiting && !this.#arrival) this.#arrival = { entries: [give()] }
  }

  /** Has the waiting connection something to tell? */
  get hasNews(): boolean {
    return this.isWaiting && (this.#arrival !== undefined || this.#isEnding)
  }

  /** What it has to tell comes. */
  bring(): void {
    if (this.#arrival) {
      const { entries } = this.#arrival
      this.#over()
      this.#listener!.arrived(this.#stream, entries)
    } else if (this.#isEnding) {
      this.#over()
      this.#listener!.waitEnded(this.#stream, false)
    }
  }

  /** The waiting connection goes, with what is on its way. */
  loseWait(): void {
    if (!this.isWaiting) return
    this.#over()
    this.#listener!.waitEnded(this.#stream, true)
  }

  /** The oldest command that has had no effect has it now. */
  carryOut(): void {
    const call = this.calls.find(({ answer }) => answer === undefined)
    if (call) call.answer = { value: call.run() }
  }

  /** The oldest command is answered, and carried out if it was not. */
  answer(): void {
    const call = this.calls.shift()
    if (call) call.resolve(call.answer ? call.answer.value : call.run())
  }

  /** The oldest command fails: maybe it was carried out. */
  fail(error: Error): void {
    this.calls.shift()?.reject(error)
  }

  #over(): void {
    this.isWaiting = false
    this.#isEnding = false
    this.#arrival = undefined
  }

  #call<T>(name: string, run: () => T): Promise<T> {
    this.names.push(name)
    if (this.failure) return Promise.reject(this.failure)
    return new Promise<T>((resolve, reject) => {
      this.calls.push({ name, run, resolve: resolve as Call['resolve'], reject, answer: undefined })
      if (this.isPrompt) queueMicrotask(() => this.answer())
    })
  }
}
