/** One node that reads a stream which the test plays: when something is added, when the node gets it, and when an answer comes. */
import { onTestFinished } from 'vitest'
import type { Entry } from '../../src/broker/broker.ts'
import { HistoryRules } from '../../src/broker/history-rules.ts'
import {
  NO_ENTRY,
  type StreamEntry,
  type StreamFollower,
  type StreamInfo,
  type StreamSource,
} from '../../src/history/stream.ts'
import { compareOffsets } from '../../src/position.ts'
import type { QueueRule } from '../../src/queue/queue.ts'
import type { Ask } from '../../src/recovery/ask.ts'
import { History } from '../../src/recovery/history.ts'
import { StreamRoute } from '../../src/routes/stream-route.ts'
import { FakeMeter, FakeReceiver } from '../delivery/fake-receiver.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeCore } from '../support/fake-core.ts'
import { FakeNetwork } from '../support/fake-socket.ts'
import { turns } from './stage.ts'

export const STREAM = 'events'
export const DESTINATION = '/topic/a'
/** What makes pages short. */
const PADDING = new Uint8Array(100_000)

/** A call that waits for the test. */
interface Call {
  /** What Redis answers, as it is when the call comes to it. */
  carryOut(): () => void
  reject(error: Error): void
  answer: (() => void) | undefined
}

export class FakeStream implements StreamSource {
  entries: StreamEntry[] = []
  newest = NO_ENTRY
  added = 0
  readonly calls: Call[] = []
  follower: StreamFollower | undefined
  /** What the node has got. */
  position = NO_ENTRY
  /** Is it one that says how many entries there were? */
  knowsAdded = true

  follow(_stream: string, follower: StreamFollower): void {
    this.follower = follower
    follower.stands(NO_ENTRY)
  }

  start(): void {}

  close(): void {}

  add(destination: string, body: string): string {
    this.newest = `${Number(this.newest.split('-')[0]) + 1}-0`
    this.added++
    const encoder = new TextEncoder()
    const fields = new Map([
      ['topic', encoder.encode(destination)],
      ['message', encoder.encode(body)],
      ['padding', PADDING],
    ])
    this.entries.push({ id: this.newest, fields })
    return this.newest
  }

  trim(count: number): void {
    this.entries.splice(0, count)
  }

  /** It begins anew, with the lowest ids. */
  empty(): void {
    this.entries = []
    this.newest = NO_ENTRY
    this.added = 0
    this.position = NO_ENTRY
    this.follower!.lost(NO_ENTRY, true)
  }

  /** The node gets the next entry. */
  bring(): void {
    const next = this.entries.find(({ id }) => compareOffsets(id, this.position) > 0)
    if (!next) return
    const isNext = next.id === `${Number(this.position.split('-')[0]) + 1}-0`
    if (!isNext) this.follower!.lost(this.position, false)
    this.position = next.id
    this.follower!.entry(next)
  }

  /** What was trimmed to the end never comes. */
  skip(): void {
    if (this.position === this.newest) return
    this.position = this.newest
    this.follower!.lost(this.newest, false)
  }

  carryOut(): void {
    const call = this.calls.find(({ answer }) => !answer)
    if (call) call.answer = call.carryOut()
  }

  answer(): void {
    if (this.calls[0]?.answer) this.calls.shift()!.answer!()
  }

  fail(): void {
    for (const { reject } of this.calls.splice(0)) reject(new Error('the connection went'))
  }

  info(): Promise<StreamInfo> {
    return this.#call(() => ({
      newest: this.newest,
      oldest: this.entries[0]?.id,
      length: this.entries.length,
      added: this.knowsAdded ? this.added : undefined,
      deleted: this.knowsAdded ? NO_ENTRY : undefined,
    }))
  }

  forward(_stream: string, from: string, count: number): Promise<StreamEntry[]> {
    return this.#call(() => this.entries.filter(({ id }) => compareOffsets(id, from) >= 0).slice(0, count))
  }

  backward(_stream: string, to: string, isBefore: boolean, count: number): Promise<StreamEntry[]> {
    return this.#call(() =>
      this.entries
        .filter(({ id }) => compareOffsets(id, to) < (isBefore ? 0 : 1))
        .slice(-count)
        .reverse(),
    )
  }

  #call<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const carryOut = (): (() => void) => {
        const result = run()
        return () => resolve(result)
      }
      this.calls.push({ carryOut, reject, answer: undefined })
    })
  }
}

export interface Subscribed {
  readonly receiver: FakeReceiver
  readonly entry: Entry
  isStarted: boolean
}

export class StreamStage {
  readonly clock = new FakeClock()
  readonly stream = new FakeStream()
  readonly core: FakeCore
  readonly history: History
  readonly network = new FakeNetwork()
  readonly #meter = new FakeMeter()
  #ids = 0

  constructor({ maxScan = 1000, queues = [] }: { maxScan?: number; queues?: readonly QueueRule[] } = {}) {
    this.core = new FakeCore(this.#meter, { clock: this.clock, queues })
    const { broker, delivery, metrics, log: logger } = this.core
    const options = { stream: STREAM, destination: '{field.topic}', body: '{field.message}', headers: [] }
    this.history = new History({
      rules: new HistoryRules([]),
      log: undefined as never,
      streams: { routes: [new StreamRoute({ ...options, start: 'latest', maxScan })], source: this.stream },
      broker,
      delivery,
      clock: this.clock,
      logger,
      metrics,
    })
    onTestFinished(() => {
      this.history.close()
      this.core.close()
    })
  }

  subscribe(ask?: Ask, { isSingle = false, destination = DESTINATION } = {}): Subscribed {
    const receiver = new FakeReceiver(this.network, this.#meter, { destination, id: `${this.#ids++ % 3}`, isSingle })
    const isRecovering = this.history.hasBeginning(destination, ask)
    const entry = this.core.broker.subscribe({ ...receiver.feedOptions, isRecovering, isTold: ask !== undefined })
    receiver.feed = entry.feed
    const subscribed: Subscribed = { receiver, entry, isStarted: false }
    const started = this.history.opened(entry.feed, ask, undefined)
    if (started) void started.then(() => (subscribed.isStarted = true))
    else subscribed.isStarted = true
    return subscribed
  }

  unsubscribe({ entry }: Subscribed): void {
    this.core.broker.unsubscribe(entry)
    this.history.closed(entry.feed)
  }

  /** All that is added comes, and everything that is read, until there is nothing more. */
  async settle(): Promise<void> {
    const { stream } = this
    for (let quiet = 0; quiet < 8;) {
      const isBusy = stream.calls.length > 0 || stream.position !== stream.newest
      quiet = isBusy ? 0 : quiet + 1
      const { position } = stream
      stream.bring()
      if (stream.position === position && stream.calls.length === 0) stream.skip()
      stream.carryOut()
      stream.answer()
      this.clock.advance(400) // after what failed it is tried again
      await turns()
    }
  }
}
