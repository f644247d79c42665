/** The embedded log: history inside one process, with the contract that the one in Redis keeps. */
import type { Bus } from '../bus/bus.ts'
import { BusUnavailableError, QueueFullError } from '../bus/bus.ts'
import type { QueueAdder, SettledEntries } from '../bus/queue-adder.ts'
import type { Clock } from '../clock.ts'
import type { Position } from '../position.ts'
import { compareOffsets } from '../position.ts'
import { CLEARED_CHANNEL } from './channels.ts'
import {
  numberOf,
  timeOf,
  type HistoryLog,
  type LogEntry,
  type LoggedMessage,
  type LogPage,
  type LogTarget,
  type ReadFrom,
  type ReadOptions,
  type RecordOutcome,
  type StreamEntry,
  type Unrecorded,
} from './log.ts'

/** How long a position is known after its entries have expired, in milliseconds. */
const KEPT_MS = 86_400_000
/** How long a message that is not to be published twice is remembered, in milliseconds. */
const ONCE_MS = 300_000
/** What has expired is looked for when so many logs were begun. */
const SWEEP_EVERY = 1000

const utf8Encoder = new TextEncoder()

interface Stored {
  epoch: string
  newest: string
  entries: LogEntry[]
  /** When the entries expire, and when the position does; by the clock. */
  entriesUntil: number
  until: number
}

export class MemoryLog implements HistoryLog {
  readonly #bus: Bus
  readonly #clock: Clock
  readonly #queues: QueueAdder | undefined
  readonly #bornMs = Date.now()
  readonly #logs = new Map<string, Stored>()
  readonly #values = new Map<string, { readonly value: Uint8Array; readonly until: number }>()
  /** Messages that are not to be published twice, and until when; oldest first. */
  readonly #done = new Map<string, number>()
  readonly #random = Math.random().toString(36).slice(2, 8)
  #epochs = 0

  /** `queues`: undefined where there are no work queues. */
  constructor(bus: Bus, clock: Clock, queues?: QueueAdder) {
    this.#bus = bus
    this.#clock = clock
    this.#queues = queues
  }

  async begin(): Promise<void> {}

  async publish(messages: readonly LoggedMessage[], settled: readonly SettledEntries[] = []): Promise<void> {
    this.#requireOpen()
    if (messages.some(({ entry }) => entry && !(entry.isQueue && this.#queues)))
      throw new BusUnavailableError('the embedded bus has no streams')
    const first = messages.filter(({ once }) => once === undefined || this.#begin(once))
    const isFull = !this.#hasRoom(first, settled)
    const published = (isFull ? [] : first.filter(({ entry }) => !entry)).map(
      ({ channel, payload, target, valueTtlSeconds }) => {
        if (valueTtlSeconds !== undefined) this.#set(channel, payload, valueTtlSeconds)
        return { channel, payload: target ? this.#append(target, String(payload)) : payload }
      },
    )
    try {
      if (isFull) throw new QueueFullError('a queue holds as many messages as it may')
      const done = published.length > 0 ? this.#bus.publishAll(published) : undefined
      // In the same turn: somebody else could take the room.
      for (const { stream, ids } of settled) this.#queues!.settle(stream, ids)
      for (const message of first) if (message.entry) this.#enqueue(message, message.entry)
      await done
    } catch (error) {
      for (const { once } of first) if (once !== undefined) this.#done.delete(once)
      throw error
    }
  }

  /** There is no other node that could. */
  async record(channel: string, target: LogTarget, payloads: readonly Unrecorded[]): Promise<RecordOutcome> {
    this.#requireOpen()
    for (const { payload, source } of payloads) {
      const kept = this.#append(target, payload)
      void this.#bus.publish(channel, `${kept.slice(0, -1)},"source":"${source}"}`)
    }
    return { kind: 'recorded', recorded: payloads.length }
  }

  async read(destination: string, { from, maxEntries, maxLength, beginForSeconds }: ReadOptions) {
    this.#requireOpen()
    const log =
      beginForSeconds === undefined ? this.#find(destination) : this.#obtain(destination, beginForSeconds * 1000)
    if (!log) return undefined
    const { epoch, newest, entries } = log
    const page: LogPage = {
      epoch,
      newest,
      before: entries[0]?.previous,
      expiresInMs: log.entriesUntil - this.#clock.now(),
      entries: pageOf(entries, from, maxEntries, maxLength),
    }
    return page
  }

  async value(channel: string): Promise<Uint8Array | undefined> {
    this.#requireOpen()
    const stored = this.#values.get(channel)
    if (!stored) return undefined
    if (stored.until > this.#clock.now()) return stored.value
    this.#values.delete(channel)
    return undefined
  }

  async clear(destination: string, ttlSeconds: number): Promise<Position> {
    this.#requireOpen()
    const log = this.#obtain(destination, 0)
    log.epoch = this.#nextEpoch()
    log.entries = []
    log.until = this.#clock.now() + ttlSeconds * 1000 + KEPT_MS
    void this.#bus.publish(CLEARED_CHANNEL, destination)
    return { epoch: log.epoch, offset: log.newest }
  }

  #hasRoom(messages: readonly LoggedMessage[], settled: readonly SettledEntries[]): boolean {
    const added = new Map<string, number>()
    for (const { stream, ids } of settled) added.set(stream, -this.#queues!.heldOf(stream, ids))
    return messages.every(({ channel, entry }) => {
      if (!entry) return true
      const more = (added.get(channel) ?? 0) + 1
      added.set(channel, more)
      return this.#queues!.lengthOf(channel) + more <= entry.maxLength
    })
  }

  #enqueue({ channel, payload }: LoggedMessage, { fields }: StreamEntry): void {
    const octets = (value: string | Uint8Array): Uint8Array =>
      typeof value === 'string' ? utf8Encoder.encode(value) : value.slice()
    this.#queues!.add(channel, new Map(fields.map(([name, value]) => [name, octets(value ?? payload)])))
  }

  #set(channel: string, payload: string | Uint8Array, ttlSeconds: number): void {
    const value = typeof payload === 'string' ? utf8Encoder.encode(payload) : payload.slice()
    this.#values.set(channel, { value, until: this.#clock.now() + ttlSeconds * 1000 })
    if (this.#values.size % SWEEP_EVERY === 0) for (const key of [...this.#values.keys()]) void this.value(key)
  }

  /** Returns the payload as it goes over the bus. */
  #append({ destination, size, ttlSeconds }: LogTarget, payload: string): string {
    const log = this.#obtain(destination, 0)
    const previous = log.newest
    const offset = `${Math.max(Date.now(), timeOf(previous))}-${numberOf(previous) + 1}`
    log.newest = offset
    log.entries.push({ offset, previous, payload })
    // Cut now and then: cutting one each time would move all the others.
    if (log.entries.length >= size + 100) log.entries = log.entries.slice(-size)
    log.entriesUntil = this.#clock.now() + ttlSeconds * 1000
    log.until = log.entriesUntil + KEPT_MS
    return `${payload.slice(0, -1)},"offset":"${offset}","epoch":"${log.epoch}","previous":"${previous}"}`
  }

  #find(destination: string): Stored | undefined {
    const log = this.#logs.get(destination)
    if (!log) return undefined
    const now = this.#clock.now()
    if (log.entriesUntil <= now) log.entries = []
    if (log.until > now) return log
    this.#logs.delete(destination)
    return undefined
  }

  #obtain(destination: string, lifeMs: number): Stored {
    const known = this.#find(destination)
    if (known) return known
    const quietSinceMs = Math.max(this.#bornMs, Date.now() - KEPT_MS)
    const until = this.#clock.now() + lifeMs
    const log = { epoch: this.#nextEpoch(), newest: `${quietSinceMs}-0`, entries: [], entriesUntil: until, until }
    this.#logs.set(destination, log)
    if (this.#epochs % SWEEP_EVERY === 0) for (const each of [...this.#logs.keys()]) this.#find(each)
    return log
  }

  /** False if it was done before. */
  #begin(once: string): boolean {
    const now = this.#clock.now()
    for (const [key, until] of this.#done) {
      if (until > now) break
      this.#done.delete(key)
    }
    if (this.#done.has(once)) return false
    this.#done.set(once, now + ONCE_MS)
    return true
  }

  #requireOpen(): void {
    const reason = this.#bus.unavailableReason
    if (reason !== undefined) throw new BusUnavailableError(reason)
  }

  #nextEpoch(): string {
    return `${this.#random}${(++this.#epochs).toString(36)}`
  }
}

function pageOf(entries: readonly LogEntry[], from: ReadFrom, maxEntries: number, maxLength: number): LogEntry[] {
  if (from.kind === 'none') return []
  if (from.kind === 'first') return entries.slice(0, 1).map((entry) => ({ ...entry, payload: '' }))
  const isBackward = from.kind === 'before'
  const wanted = isBackward
    ? entries.filter(({ offset }) => compareOffsets(offset, from.offset) < 0).reverse()
    : entries.slice(startOf(entries, from))
  const page: LogEntry[] = []
  let length = 0
  for (const entry of wanted) {
    if (page.length >= maxEntries || length >= maxLength) break
    page.push(entry)
    length += entry.payload.length
  }
  return isBackward ? page.reverse() : page
}

function startOf(entries: readonly LogEntry[], from: Exclude<ReadFrom, { kind: 'none' | 'first' | 'before' }>): number {
  if (from.kind === 'oldest') return 0
  if (from.kind === 'newest') return Math.max(0, entries.length - from.count)
  const index = entries.findIndex(({ offset }) =>
    from.kind === 'after' ? compareOffsets(offset, from.offset) > 0 : timeOf(offset) > from.thanMs,
  )
  return index < 0 ? entries.length : index
}
