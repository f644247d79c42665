/**
 * Answers to what clients have asked: a channel for each queue that a session names in `reply-to`, from its first request
 * there until it ends. What a backend publishes on it comes to that session alone.
 */
import { ownQueue } from '../access/addresses.ts'
import type { ChannelWatches, ChannelWatcher } from '../broker/channel-watches.ts'
import { destinationProblem } from '../destinations.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { withoutReserved, type HeaderPair } from '../headers.ts'
import { LogBudget, type Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { decodePayload } from '../routes/payload.ts'
import { replyChannel, REPLY_TO } from '../routes/replies.ts'
import { newSignal } from '../signal.ts'

/** Who asks. */
export interface Asker {
  readonly id: string
  /** A message of the bridge's own to whoever has subscribed this destination there. */
  sendOwn(destination: string, headers: readonly HeaderPair[], body: string | Uint8Array): boolean
}

export interface RepliesDeps {
  readonly watches: Pick<ChannelWatches, 'add'>
  /** Most queues of one session. */
  readonly maxQueues: number
  readonly metrics: Pick<Metrics, 'count'>
  readonly log: Log
}

/** Malformed answers that are logged in a window; all are counted. */
const MALFORMED_PER_WINDOW = 20

/**
 * Returns the channel for the answer to a request. `wanted`: the header `reply-to`.
 * Errors: ProtocolError `bad-header`.
 */
export function requireReplyChannel(session: string, wanted: string): string {
  if (ownQueue(wanted) === undefined || destinationProblem(wanted) !== undefined) {
    const text = `must be /user/queue/… or /session/queue/…, not ${quoted(wanted)}`
    throw new ProtocolError('bad-header', `Header "${REPLY_TO}" ${text}`)
  }
  return replyChannel(session, wanted)
}

export class Replies {
  readonly #deps: RepliesDeps
  readonly #malformedLog = new LogBudget(MALFORMED_PER_WINDOW)
  readonly #queues = new Map<Asker, Map<string, ReplyQueue>>()

  constructor(deps: RepliesDeps) {
    this.#deps = deps
  }

  /**
   * From here on answers come to this queue. Returns undefined if they do already, else a promise that resolves when they do;
   * it rejects with ProtocolError `bus-unavailable` if they cannot.
   * Errors: ProtocolError `too-many-subscriptions`.
   */
  listen(asker: Asker, destination: string): Promise<void> | undefined {
    let queues = this.#queues.get(asker)
    if (!queues) this.#queues.set(asker, (queues = new Map<string, ReplyQueue>()))
    const known = queues.get(destination)
    if (known) return known.whenLive()
    const { maxQueues, watches } = this.#deps
    if (queues.size >= maxQueues) {
      throw new ProtocolError('too-many-subscriptions', `A session may have at most ${maxQueues} queues for answers`)
    }
    const queue = new ReplyQueue((payload) => this.#receive(asker, destination, payload))
    queues.set(destination, queue)
    queue.stop = watches.add(replyChannel(asker.id, destination), queue)
    return queue.whenLive()
  }

  /** Nobody waits for answers any more. */
  end(asker: Asker): void {
    for (const queue of this.#queues.get(asker)?.values() ?? []) queue.stop?.()
    this.#queues.delete(asker)
  }

  #receive(asker: Asker, destination: string, payload: Uint8Array): void {
    const { metrics, log } = this.#deps
    metrics.count.messagesReceived++
    try {
      const { headers, body } = decodePayload('envelope', payload)
      asker.sendOwn(destination, withoutReserved(headers), body)
    } catch (error) {
      metrics.count.payloadsMalformed++
      if (this.#malformedLog.take()) {
        const reason = error instanceof Error ? error.message : String(error)
        log.warn({ session: asker.id, destination, reason, bytes: payload.length }, 'A malformed answer was skipped')
      }
    }
  }
}

class ReplyQueue implements ChannelWatcher {
  stop: (() => void) | undefined
  readonly message: (payload: Uint8Array) => void
  #isLive = false
  /** Why nothing comes; undefined while that is not known. */
  #reason: string | undefined
  #waiting: { readonly promise: Promise<void>; resolve(): void; reject(error: Error): void } | undefined

  constructor(message: (payload: Uint8Array) => void) {
    this.message = message
  }

  whenLive(): Promise<void> | undefined {
    if (this.#isLive) return undefined
    if (this.#reason !== undefined) return Promise.reject(cannotAnswer(this.#reason))
    this.#waiting ??= newSignal()
    return this.#waiting.promise
  }

  live(): void {
    this.#isLive = true
    this.#reason = undefined
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  unavailable(reason: string): void {
    this.#isLive = false
    this.#reason = reason
    this.#waiting?.reject(cannotAnswer(reason))
    this.#waiting = undefined
  }

  ended(): void {
    this.unavailable('the bridge closes')
  }
}

function cannotAnswer(reason: string): ProtocolError {
  const cause = new Error(reason)
  return new ProtocolError('bus-unavailable', 'The request was not sent: its answer could not come', {}, { cause })
}
