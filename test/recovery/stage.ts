/**
 * One node with history on a log and a bus that the test plays: when something is read, when an answer comes, and what the
 * bus brings or loses.
 */
import { onTestFinished } from 'vitest'
import type { Entry } from '../../src/broker/broker.ts'
import { destinationChannel } from '../../src/broker/destination-channel.ts'
import { HistoryRules, type HistoryRule } from '../../src/broker/history-rules.ts'
import { globToRegExp } from '../../src/glob.ts'
import type { HistoryLog, LogEntry, LoggedMessage, LogPage, ReadOptions, RecordOutcome } from '../../src/history/log.ts'
import { numberOf, timeOf } from '../../src/history/log.ts'
import { PageGarbage } from '../../src/history/page-garbage.ts'
import { compareOffsets, type Position } from '../../src/position.ts'
import type { Ask } from '../../src/recovery/ask.ts'
import { History } from '../../src/recovery/history.ts'
import { FakeMeter, FakeReceiver } from '../delivery/fake-receiver.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeCore } from '../support/fake-core.ts'
import { FakeNetwork } from '../support/fake-socket.ts'

export const DESTINATION = '/topic/a'

/** Entries of a page: long ones have few. */
const MOST = 3

/** A call that waits for the test. */
interface Call {
  readonly run: () => LogPage | undefined
  readonly resolve: (page: LogPage | undefined) => void
  readonly reject: (error: Error) => void
  page: LogPage | undefined
  isDone: boolean
}

/** A log of one destination, as Redis would have it. */
export class FakeHistoryLog implements HistoryLog {
  epoch = 'e1'
  /** All that there ever was in this story; entries before `held` are trimmed. */
  entries: LogEntry[] = []
  newest = '1000-0'
  /** Payloads on their way to the node, and the patterns by which copies come; undefined for the channel. */
  readonly onTheWay: { readonly payload: string; readonly ways: readonly (string | undefined)[] }[] = []
  /** By which the node is sent what is published now. */
  waysNow: () => readonly (string | undefined)[] = () => [undefined]
  readonly calls: Call[] = []
  #epochs = 1

  async begin(): Promise<void> {}

  /** Somebody publishes, on whatever node. */
  add(body: string): LogEntry {
    const previous = this.newest
    const offset = `${timeOf(previous) + 1}-${numberOf(previous) + 1}`
    const payload = JSON.stringify({ topic: DESTINATION, message: body })
    const entry = { offset, previous, payload }
    this.entries.push(entry)
    this.newest = offset
    const sent = `${payload.slice(0, -1)},"offset":"${offset}","epoch":"${this.epoch}","previous":"${previous}"}`
    const ways = this.waysNow()
    if (ways.length > 0) this.onTheWay.push({ payload: sent, ways })
    return entry
  }

  trim(count: number): void {
    this.entries.splice(0, count)
  }

  /** A replica that was behind by so many takes over. */
  goBack(count: number): void {
    this.entries.splice(Math.max(0, this.entries.length - count))
    this.newest = this.entries.at(-1)?.offset ?? this.newest
    if (this.entries.length === 0) this.newEpoch()
    // Its clock goes on.
    else this.newest = `${timeOf(this.newest)}-${numberOf(this.newest)}`
  }

  empty(): void {
    this.entries = []
    this.newEpoch()
  }

  newEpoch(): void {
    this.epoch = `e${++this.#epochs}`
  }

  /** The oldest call that Redis has not seen yet is carried out. */
  carryOut(): void {
    const call = this.calls.find(({ isDone }) => !isDone)
    if (!call) return
    call.page = call.run()
    call.isDone = true
  }

  /** The oldest answer comes. */
  answer(): void {
    if (!this.calls[0]?.isDone) return
    const { resolve, page } = this.calls.shift()!
    resolve(page)
  }

  /** What is asked fails: unless told, as the connection is lost and no answer comes. */
  fail(error = new Error('the connection went')): void {
    for (const { reject } of this.calls.splice(0)) reject(error)
  }

  read(_destination: string, options: ReadOptions): Promise<LogPage | undefined> {
    return new Promise((resolve, reject) => {
      this.calls.push({ run: () => this.#page(options), resolve, reject, page: undefined, isDone: false })
    })
  }

  publish(_messages: readonly LoggedMessage[]): Promise<void> {
    throw new Error('not played')
  }

  record(): Promise<RecordOutcome> {
    throw new Error('not played')
  }

  value(): Promise<undefined> {
    throw new Error('not played')
  }

  clear(): Promise<Position> {
    throw new Error('not played')
  }

  #page({ from, maxEntries, heard }: ReadOptions): LogPage {
    if (heard?.epoch === this.epoch) {
      const isAhead = numberOf(heard.offset) > numberOf(this.newest)
      const isOther = numberOf(heard.offset) === numberOf(this.newest) && heard.offset !== this.newest
      if (isAhead || isOther) this.newEpoch()
    }
    const { epoch, newest, entries } = this
    return {
      epoch,
      newest,
      before: entries[0]?.previous,
      expiresInMs: 100_000,
      entries: this.#entries(from, Math.min(maxEntries, MOST)),
    }
  }

  #entries(from: ReadOptions['from'], most: number): LogEntry[] {
    switch (from.kind) {
      case 'none':
        return []
      case 'first':
        return this.entries.slice(0, 1).map((entry) => ({ ...entry, payload: '' }))
      case 'oldest':
        return this.entries.slice(0, most)
      case 'after':
        return this.entries.filter(({ offset }) => compareOffsets(offset, from.offset) > 0).slice(0, most)
      case 'later':
        return this.entries.filter(({ offset }) => timeOf(offset) > from.thanMs).slice(0, most)
      case 'newest':
        return this.entries.slice(Math.max(0, this.entries.length - from.count)).slice(0, most)
      case 'before':
        return this.entries.filter(({ offset }) => compareOffsets(offset, from.offset) < 0).slice(-most)
    }
  }
}

export interface Subscribed {
  readonly receiver: FakeReceiver
  readonly entry: Entry
  readonly ask: Ask | undefined
  isStarted: boolean
  refusal: unknown
}

export class RecoveryStage {
  readonly clock = new FakeClock()
  readonly log = new FakeHistoryLog()
  readonly core: FakeCore
  readonly history: History
  readonly network = new FakeNetwork()
  /** How many reads were on their way each time that garbage was collected. */
  readonly collected: number[] = []
  readonly #meter = new FakeMeter()
  #ids = 0

  readonly #live = new Set<string>()
  readonly #channel: string

  /**
   * `isByInterest`: messages travel on the channel of the destination, which has to go live. `collectEvery`: characters that
   * are read until garbage is collected; undefined if none is.
   */
  constructor({ retain = false, size = 100 }: Partial<HistoryRule> = {}, isByInterest = false, collectEvery?: number) {
    const rules = new HistoryRules([{ destination: '/topic/**', size, ttlSeconds: 100, retain }])
    const more = isByInterest ? ({ distribution: 'by-interest', bus: { goesLive: false } } as const) : {}
    this.core = new FakeCore(this.#meter, { clock: this.clock, ...more })
    this.#channel = isByInterest ? destinationChannel(DESTINATION) : 'BROADCAST'
    if (isByInterest) this.log.waysNow = () => this.#waysNow()
    const { broker, delivery, metrics, log: logger } = this.core
    const collect = (): void => void this.collected.push(this.log.calls.length)
    const garbage = collectEvery === undefined ? undefined : new PageGarbage(collect, this.clock, collectEvery)
    this.history = new History({
      rules,
      log: garbage?.counted(this.log) ?? this.log,
      garbage,
      broker,
      delivery,
      clock: this.clock,
      logger,
      metrics,
    })
    this.core.inbound.kept = this.history
    this.history.setUnavailableReason(undefined)
    onTestFinished(() => {
      this.history.close()
      garbage?.close()
      this.core.close()
    })
  }

  /** `like`: on the connection of another one. */
  subscribe(ask?: Ask, { isSingle = false, destination = DESTINATION } = {}): Subscribed {
    const receiver = new FakeReceiver(this.network, this.#meter, { destination, id: `${this.#ids++ % 3}`, isSingle })
    const isRecovering = this.history.hasBeginning(destination, ask)
    const entry = this.core.broker.subscribe({ ...receiver.feedOptions, isRecovering, isTold: ask !== undefined })
    receiver.feed = entry.feed
    const subscribed: Subscribed = { receiver, entry, ask, isStarted: false, refusal: undefined }
    const liveness = this.core.broker.whenLive(entry)
    const started = this.history.opened(entry.feed, ask, liveness?.live)
    if (started) {
      void started.then(
        () => (subscribed.isStarted = true),
        (error: unknown) => (subscribed.refusal = error),
      )
    } else subscribed.isStarted = true
    return subscribed
  }

  unsubscribe({ entry }: Subscribed): void {
    this.core.broker.unsubscribe(entry)
    this.history.closed(entry.feed)
  }

  /** The bus brings the next payload. */
  bring(): void {
    const next = this.log.onTheWay.shift()
    for (const way of next?.ways ?? []) this.core.bus.deliver(this.#channel, next!.payload, way)
  }

  /** What the node has subscribed goes live. */
  goLive(): void {
    const { bus } = this.core
    for (const name of [...bus.channels, ...bus.patterns]) this.#live.add(name)
    bus.goLive()
  }

  #waysNow(): (string | undefined)[] {
    const { channels, patterns } = this.core.bus
    for (const name of this.#live) if (!channels.has(name) && !patterns.has(name)) this.#live.delete(name)
    const live = [...this.#live]
    const byPattern = live.filter((name) => patterns.has(name) && globToRegExp(name).test(this.#channel))
    return live.includes(this.#channel) ? [undefined, ...byPattern] : byPattern
  }

  /** The bus loses it. */
  lose(): void {
    this.log.onTheWay.shift()
  }

  /** What is on its way and everything that is read comes, until there is nothing more. */
  async settle(roundMs = 400): Promise<void> {
    for (let quiet = 0; quiet < 8;) {
      const isBusy = this.log.onTheWay.length > 0 || this.log.calls.length > 0
      quiet = isBusy ? 0 : quiet + 1
      this.goLive()
      this.bring()
      this.log.carryOut()
      this.log.answer()
      this.clock.advance(roundMs) // after what failed it is tried again
      await turns()
    }
  }
}

/** Returns when what promises have to do is done. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
