/**
 * Subscribers that come and go over {@link ChannelInterests}, and what each of them must get: every payload that was
 * published while it was live, once per route that gives it to it, and nothing twice. Between them, some only watch a
 * channel, and must get every payload of it once.
 */
import { expect } from 'vitest'
import { ChannelInterests } from '../../src/broker/channel-interests.ts'
import type { Hold } from '../../src/broker/hold.ts'
import { ChannelWatches } from '../../src/broker/channel-watches.ts'
import { isPattern } from '../../src/destinations.ts'
import type { InboundRoute, RouteTable } from '../../src/routes/table.ts'
import { naiveMatches } from '../routes/arbitraries.ts'
import { SimulatedRedis } from './simulated-redis.ts'

export interface ModelSubscriber {
  readonly destination: string
  readonly hold: Hold
  isLive: boolean
  isReleased: boolean
  /** The server did not let it have what it needs, so it gave up. */
  isRefused: boolean
  /** How often each payload came. */
  readonly received: Map<string, number>
  /** How often each payload must come. */
  readonly expected: Map<string, number>
}

export interface ModelWatcher {
  readonly channel: string
  readonly stop: () => void
  isLive: boolean
  isReleased: boolean
  readonly received: Set<string>
  readonly expected: Set<string>
}

export class InterestsModel {
  readonly redis: SimulatedRedis
  readonly interests: ChannelInterests
  readonly watches: ChannelWatches
  readonly watchers: ModelWatcher[] = []
  readonly subscribers: ModelSubscriber[] = []
  /** Payloads that were waited for and came. */
  confirmed = 0
  readonly #table: RouteTable
  readonly #everyRoute: readonly InboundRoute[]
  #payloads = 0

  /** `refused`: channels and patterns that the server does not let us subscribe; who needs one of them gives up. */
  constructor(table: RouteTable, releaseDelayMs: number, refused: readonly string[] = []) {
    this.#table = table
    this.redis = new SimulatedRedis(new Set(refused))
    this.#everyRoute = table.interests('**').map(({ route }) => route)
    this.interests = new ChannelInterests(this.redis, releaseDelayMs)
    this.watches = new ChannelWatches(this.interests)
    this.redis.onLost = () => this.#forgetWhatIsOnItsWay()
    this.redis.start({
      onMessage: (channel, payload, pattern) => this.#receive(channel, new TextDecoder().decode(payload), pattern),
      onAvailability: (reason) => {
        this.interests.setBusAvailable(reason === undefined)
        this.watches.setUnavailableReason(reason)
      },
      onRefusal: (kind, name, refusal) => this.interests.setRefusal(kind, name, refusal),
    })
    this.interests.onRefusal = () => {
      this.watches.refused()
      for (const subscriber of this.subscribers) {
        if (subscriber.isReleased || !this.interests.refusalOf(subscriber.hold)) continue
        expect(subscriber.isLive, `${subscriber.destination} was live before it was refused`).toBe(true)
        subscriber.isRefused = true
        this.#leave(subscriber)
      }
    }
    this.interests.keepRoutes(table.permanentInterests())
  }

  /** Shares with the last one to the same destination where it may, as the broker does. */
  subscribe(destination: string): ModelSubscriber {
    const last = this.subscribers.findLast((subscriber) => subscriber.destination === destination)
    const isShared = last !== undefined && this.interests.share(last.hold)
    const hold = isShared ? last.hold : this.interests.hold(this.#table.interests(destination))
    const liveness = isShared ? undefined : this.interests.whenLive(hold)
    const subscriber: ModelSubscriber = {
      destination,
      hold,
      isLive: liveness === undefined,
      isReleased: false,
      isRefused: false,
      received: new Map(),
      expected: new Map(),
    }
    liveness?.live.then(
      () => (subscriber.isLive = true),
      () => {
        subscriber.isRefused = true
        this.#leave(subscriber)
      },
    )
    this.subscribers.push(subscriber)
    return subscriber
  }

  /** The nth of those who are there leaves. */
  unsubscribe(n: number): void {
    const present = this.subscribers.filter(({ isReleased }) => !isReleased)
    const subscriber = present[n % Math.max(1, present.length)]
    if (subscriber) this.#leave(subscriber)
  }

  watch(channel: string): void {
    let stop = (): void => {}
    const watcher: ModelWatcher = {
      channel,
      stop: () => stop(),
      isLive: false,
      isReleased: false,
      received: new Set(),
      expected: new Set(),
    }
    this.watchers.push(watcher)
    stop = this.watches.add(channel, {
      live: () => (watcher.isLive = true),
      unavailable: () => (watcher.isLive = false),
      message: (bytes) => {
        const payload = new TextDecoder().decode(bytes)
        expect(watcher.isReleased, `${channel} is still watched`).toBe(false)
        expect(watcher.received.has(payload), `payload ${payload} came before to who watches ${channel}`).toBe(false)
        watcher.received.add(payload)
      },
      ended() {},
    })
  }

  /** The nth of those who are there watches no more. */
  unwatch(n: number): void {
    const present = this.watchers.filter(({ isReleased }) => !isReleased)
    const watcher = present[n % Math.max(1, present.length)]
    if (!watcher) return
    watcher.isReleased = true
    watcher.stop()
  }

  publish(channel: string): void {
    const payload = `${++this.#payloads}`
    for (const watcher of this.watchers) {
      if (watcher.isLive && !watcher.isReleased && watcher.channel === channel) watcher.expected.add(payload)
    }
    for (const subscriber of this.subscribers) {
      if (!subscriber.isLive || subscriber.isReleased || this.redis.unavailableReason !== undefined) continue
      const times = this.#everyRoute.filter((route) => this.#isFor(subscriber, route, channel)).length
      if (times > 0) subscriber.expected.set(payload, times)
    }
    this.redis.publishFromOutside(channel, payload)
  }

  /** Everything on its way gets there. */
  async settle(): Promise<void> {
    await Promise.resolve()
    while (!this.redis.isIdle) {
      this.redis.serve()
      this.redis.receive()
      await Promise.resolve()
    }
    for (let i = 0; i < 5; i++) await Promise.resolve()
  }

  /** Call it when everything is settled. */
  check(): void {
    for (const { destination, expected, received, isReleased } of this.subscribers) {
      if (isReleased) continue
      for (const [payload, times] of expected) {
        expect(received.get(payload) ?? 0, `payload ${payload} for ${destination}`).toBe(times)
        this.confirmed++
      }
    }
  }

  checkWatchers(): void {
    for (const { channel, expected, received, isReleased } of this.watchers) {
      if (!isReleased) expect([...received], `who watches ${channel}`).toEqual(expect.arrayContaining([...expected]))
    }
  }

  #leave(subscriber: ModelSubscriber): void {
    if (subscriber.isReleased) return
    subscriber.isReleased = true
    this.interests.release(subscriber.hold)
  }

  #receive(channel: string, payload: string, pattern: string | undefined): void {
    if (pattern === undefined) this.watches.receive(channel, new TextEncoder().encode(payload))
    for (const route of this.interests.routesFor(channel, pattern)) {
      for (const subscriber of this.subscribers) {
        if (subscriber.isReleased || !this.#isFor(subscriber, route, channel)) continue
        const times = (subscriber.received.get(payload) ?? 0) + 1
        subscriber.received.set(payload, times)
        const most = this.#everyRoute.filter((each) => this.#isFor(subscriber, each, channel)).length
        expect(times, `times that ${subscriber.destination} got payload ${payload}`).toBeLessThanOrEqual(most)
      }
    }
  }

  #isFor({ destination }: ModelSubscriber, route: InboundRoute, channel: string): boolean {
    const target = this.#table.destinationOf(route, channel)
    if (target === undefined) return false
    return isPattern(destination) ? naiveMatches(destination, target) : destination === target
  }

  #forgetWhatIsOnItsWay(): void {
    for (const { expected, received } of this.watchers) {
      for (const payload of expected) if (!received.has(payload)) expected.delete(payload)
    }
    for (const { expected, received } of this.subscribers) {
      for (const payload of expected.keys()) if (!received.has(payload)) expected.delete(payload)
      // Half of the copies of a payload may have come before.
      for (const [payload, times] of received) if (expected.has(payload)) expected.set(payload, times)
    }
  }
}
