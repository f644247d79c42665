/**
 * Destinations whose newest payload is the value of a key: who subscribes gets it first, and then what is newer. Redis is
 * asked for the value when the channel is live; what comes meanwhile waits until everything that was published before
 * the answer has come, so that it is known what is older.
 */
import { randomUUID } from 'node:crypto'
import { BusRefusedError } from '../bus/bus.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Feed } from '../delivery/feed.ts'
import { Message } from '../delivery/message.ts'
import { withoutReserved } from '../headers.ts'
import type { HistoryLog } from '../history/log.ts'
import { LogBudget, type Log } from '../log.ts'
import { decodePayload } from '../routes/payload.ts'
import type { KeptValue, RouteTable } from '../routes/table.ts'
import type { Barrier } from './barrier.ts'
import { EarlyMessages } from './early-messages.ts'

export interface KeptValuesDeps {
  readonly table: Pick<RouteTable, 'keptValue'>
  readonly log: Pick<HistoryLog, 'value'>
  readonly delivery: Delivery
  readonly barrier: Barrier
  readonly logger: Log
}

/** Values that cannot be had, and that are logged in a window: whoever subscribes causes a read. */
const FAILURES_PER_WINDOW = 3

const RETAINED = ['retained', 'true'] as const

export class KeptValues {
  readonly #deps: KeptValuesDeps
  readonly #failureLog = new LogBudget(FAILURES_PER_WINDOW)

  constructor(deps: KeptValuesDeps) {
    this.#deps = deps
  }

  /**
   * A feed was opened in this turn. Returns a promise if a value may be kept for it, which it resolves when that has been
   * delivered. `live`: resolves when the bus feeds it, and may never.
   */
  opened(feed: Feed, live: Promise<void> | undefined): Promise<void> | undefined {
    const kept = this.#deps.table.keptValue(feed.topic.destination)
    if (!kept) return undefined
    const early = new EarlyMessages()
    this.#deps.delivery.hold(feed, early)
    return this.#begin(feed, kept, early, live)
  }

  /** The message that is kept for a destination. Rejects as {@link HistoryLog.value}. */
  async messageFor(destination: string): Promise<Message | undefined> {
    const kept = this.#deps.table.keptValue(destination)
    return kept && this.#read(destination, kept)
  }

  async #begin(feed: Feed, kept: KeptValue, early: EarlyMessages, live: Promise<void> | undefined): Promise<void> {
    await live
    const { barrier, delivery } = this.#deps
    while (feed.backlog === early) {
      try {
        // In this order: what is published before the answer comes before the barrier.
        const [message] = await Promise.all([this.#read(feed.topic.destination, kept), barrier.passed()])
        early.open(message)
        break
      } catch (error) {
        if (error instanceof BusRefusedError) {
          // Of another type, or not for us: that stays so, and who has subscribed is not to wait for it.
          this.#warn(kept.channel, error, 'The value of a key cannot be read')
          early.open(undefined)
          break
        }
        this.#deps.logger.debug({ key: kept.channel, error }, 'A kept value could not be read, and is tried again')
        await barrier.pause()
      }
    }
    delivery.catchUp(feed, () => true)
  }

  async #read(destination: string, { channel, route }: KeptValue): Promise<Message | undefined> {
    const value = await this.#deps.log.value(channel)
    if (!value) return undefined
    try {
      const { headers, body } = decodePayload(route.codec, value, route.contentType)
      return new Message({ id: randomUUID(), destination, headers: [...withoutReserved(headers), RETAINED], body })
    } catch (error) {
      this.#warn(channel, error, 'The value of a key is no payload of its route')
      return undefined
    }
  }

  #warn(key: string, error: unknown, text: string): void {
    if (this.#failureLog.take()) this.#deps.logger.warn({ key, error }, text)
  }
}
