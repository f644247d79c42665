/** The history of destinations for backends and operators, who read and empty it without subscribing. */
import { BusRefusedError, BusUnavailableError } from '../bus/bus.ts'
import type { HistoryRules, KeptDestination } from '../broker/history-rules.ts'
import type { Message } from '../delivery/message.ts'
import { isPattern } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'
import type { HistoryLog, LogPage } from '../history/log.ts'
import { StreamRefusedError } from '../history/stream.ts'
import type { Log } from '../log.ts'
import type { KeptValues } from './kept-values.ts'
import { messageOfEntry } from './messages.ts'
import { readFor, startOf, startOfAll, type Ask } from './ask.ts'
import type { Streams } from './streams.ts'

export interface ArchiveDeps {
  readonly rules: HistoryRules
  readonly log: HistoryLog
  readonly keptValues: Pick<KeptValues, 'messageFor'> | undefined
  /** Undefined if none is read. */
  readonly streams: Streams | undefined
  readonly logger: Log
}

/** Characters of one answer, about. */
const MAX_LENGTH = 16 * 1024 * 1024

export class Archive {
  readonly #deps: ArchiveDeps

  constructor(deps: ArchiveDeps) {
    this.#deps = deps
  }

  /**
   * Returns messages, at most so many, the oldest of those that are asked for; without an ask of all that are held.
   * Errors: rejects with ProtocolError `no-history`, `bus-unavailable`, `bus-refused`.
   */
  async page(destination: string, ask: Ask | undefined, limit: number) {
    const route = this.#streamRouteOf(destination)
    if (route) return answered(this.#deps.streams!.page(destination, route, ask, limit))
    const kept = this.#require(destination)
    const from = ask ? readFor(ask, kept.rule.size) : ({ kind: 'oldest' } as const)
    let page = await this.#read(kept, from, limit)
    const start = ask && startOf(ask, page)
    // It asks for what is of another story: then it gets all.
    if (ask && !start) page = await this.#read(kept, { kind: 'oldest' }, limit)
    const recovered = ask && (start ?? startOfAll(page)).recovered
    return { epoch: page.epoch, offset: page.newest, recovered, messages: this.#messagesOf(destination, page) }
  }

  /** Returns the newest message, where that is retained or kept in a key. Rejects as `page`. */
  async retained(destination: string): Promise<Message | undefined> {
    const kept = this.#deps.rules.of(destination)
    if (!kept?.rule.retain) {
      const { keptValues } = this.#deps
      return keptValues && answered(keptValues.messageFor(destination))
    }
    const page = await this.#read(kept, { kind: 'newest', count: 1 }, 1)
    return this.#messagesOf(destination, page)[0]
  }

  /** Rejects as `page`, and with ProtocolError `bad-destination` where a stream has the messages. */
  async clear(destination: string): Promise<void> {
    const route = this.#streamRouteOf(destination)
    if (route) {
      const text = `Cannot empty the history of ${quoted(destination)}: it is in the stream ${quoted(route.stream)}`
      throw new ProtocolError('bad-destination', text)
    }
    const { rule } = this.#require(destination)
    await answered(this.#deps.log.clear(destination, rule.ttlSeconds))
  }

  async #read({ rule, target }: KeptDestination, from: Parameters<HistoryLog['read']>[1]['from'], limit: number) {
    const options = { from, maxEntries: limit, maxLength: MAX_LENGTH, beginForSeconds: rule.ttlSeconds }
    return (await answered(this.#deps.log.read(target.destination, options)))!
  }

  #messagesOf(destination: string, { entries, epoch }: LogPage): Message[] {
    return entries.map((entry) => messageOfEntry(destination, entry, epoch, this.#deps.logger))
  }

  #streamRouteOf(destination: string) {
    return this.#deps.streams?.routeOf(destination)
  }

  #require(destination: string): KeptDestination {
    const kept = isPattern(destination) ? undefined : this.#deps.rules.of(destination)
    if (kept) return kept
    throw noHistory(destination)
  }
}

/** Returns the refusal of who asks for what is not kept. */
export function noHistory(destination: string): ProtocolError {
  return new ProtocolError('no-history', `${quoted(destination)} has no history`)
}

/** In the words of whoever has asked. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof BusRefusedError || error instanceof StreamRefusedError)
      throw refusal('bus-refused', 'Redis refuses it', error)
    if (error instanceof BusUnavailableError) throw refusal('bus-unavailable', 'the bus is unavailable', error)
    throw error
  }
}

function refusal(code: 'bus-refused' | 'bus-unavailable', why: string, cause: Error): ProtocolError {
  return new ProtocolError(code, `The history cannot be used: ${why}`, {}, { cause })
}
