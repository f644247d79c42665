/**
 * One stream of Server-Sent Events: subscribed when it opens, it gets messages as events and sends nothing. A comment now
 * and then tells everybody on the way that it is alive.
 */
import type { Client } from '../client/client.ts'
import { Closing } from '../client/closing.ts'
import type { Door } from '../client/door.ts'
import type { StreamPlan } from '../client/plans.ts'
import { logFault } from '../client/session-end.ts'
import { tellDisallowed } from '../client/soft-errors.ts'
import type { Subscription } from '../client/subscription.ts'
import type { Deadlines, Due } from '../clock.ts'
import { positionFrame } from '../client/json-frame.ts'
import type { Marker, Message } from '../delivery/message.ts'
import { describeError, ERRORS, ProtocolError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Position } from '../position.ts'
import type { Ask } from '../recovery/ask.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { BODY_EVENTS, eventText, idText, JSON_EVENTS } from './encoding.ts'

export interface StreamServices {
  /** How often a comment is sent, in milliseconds. */
  readonly commentEveryMs: number
  /** How long the reader may take to take what is left once the stream ends, in milliseconds. */
  readonly lingerMs: number
  readonly deadlines: Deadlines
  readonly metrics: Metrics
  readonly log: Log
}

/** When a reader whose connection was lost comes back, in milliseconds: some later than others, so that not all come at once. */
const RETRY_MS = { least: 1000, most: 4000 }

const COMMENT = ':\n\n'

export class StreamConnection implements SocketHandler, Door, Due {
  readonly protocol = 'sse'
  readonly version = undefined
  dueSlot = 0
  readonly #socket: Socket
  readonly #client: Client
  readonly #plan: StreamPlan
  readonly #services: StreamServices
  readonly #onReleased: (client: Client) => void
  readonly #closing: Closing
  #isOpen = true
  #isGone = false
  #nextComment = 0
  /** Where it stands, by destination, where that has history. */
  readonly #positions = new Map<string, Position>()

  constructor(
    socket: Socket,
    client: Client,
    plan: StreamPlan,
    services: StreamServices,
    onReleased: (client: Client) => void,
  ) {
    this.#socket = socket
    this.#client = client
    this.#plan = plan
    this.#services = services
    this.#onReleased = onReleased
    this.#closing = new Closing(socket, services.deadlines)
  }

  /** Subscribes. What cannot be subscribed ends the stream. */
  begin(): void {
    if (!this.#isOpen) return
    const { deadlines, commentEveryMs } = this.#services
    this.#client.begin()
    // A comment too: whoever waits for the first byte has it at once.
    this.#client.output.write(`:\n${retryLine()}\n`)
    const { destinations } = this.#plan
    const isOnly = destinations.length === 1
    const asks = destinations.map((destination, i) => this.#askFor(destination, i))
    const isSingle = !isOnly && asks.some((ask) => ask !== undefined) // each event says where it stands at all of them
    const how = { encoding: isOnly ? BODY_EVENTS : JSON_EVENTS, isSingle, asks }
    this.#client.subscribeAll(destinations, how, (error) => this.#fail(error))
    queueMicrotask(() => this.#client.endIfRevoked())
    this.#nextComment = deadlines.now() + commentEveryMs
    deadlines.schedule(this, this.#nextComment)
  }

  due(now: number): number | undefined {
    if (!this.#isOpen) return undefined
    if (now >= this.#nextComment) {
      this.#nextComment = now + this.#services.commentEveryMs
      this.#client.output.write(COMMENT)
    }
    return this.#nextComment
  }

  // --- SocketHandler: nothing comes in

  receive(): void {}

  ended(): void {}

  closed(code: number): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#isOpen = false
    this.#services.deadlines.cancel(this)
    this.#closing.end()
    this.#client.close(code)
    this.#onReleased(this.#client)
  }

  // --- Door

  get isOpen(): boolean {
    return this.#isOpen
  }

  deliver({ feed }: Subscription, message: Message, dropped: number): void {
    const { encoding, destination } = feed
    if (message.position) this.#positions.set(destination, message.position)
    const before = dropped > 0 ? eventText('dropped', JSON.stringify({ destination, count: dropped })) : ''
    this.#client.output.write(message.as(encoding).stamp(before + this.#id))
  }

  tell({ destination }: Subscription, marker: Marker): void {
    const { destinations, asks } = this.#plan
    this.#positions.set(destination, { offset: marker.from, epoch: marker.position.epoch })
    const id = idText(destinations.map((each) => this.#positions.get(each)))
    // Who has not asked learns only from where to ask when it comes back: an id without data is no event.
    const isAnswer = asks !== undefined || marker.recovered === false
    this.#client.output.write(id + (isAnswer ? eventText('position', positionFrame(destination, marker)) : '\n'))
  }

  get room(): number {
    return this.isOpen ? Infinity : 0
  }

  /** What it gets needs no acknowledgement. */
  forget(): void {}

  disallow(ended: readonly Subscription[]): void {
    tellDisallowed(this.#client, false, ended)
  }

  closeAsSlow(reason: string): void {
    // No event that says so: it would stand behind all that the client does not read.
    this.#close(ERRORS['slow-consumer'].close, reason, 'slow-consumer')
  }

  fail(error: ProtocolError): void {
    this.#fail(error)
  }

  refuse(error: ProtocolError): void {
    this.#isOpen = false
    const { closeCode, code, message } = describeError(error)
    queueMicrotask(() => {
      this.#client.output.write(retryLine() + eventText('error', JSON.stringify({ code, message })))
      this.#closing.begin(closeCode, message, this.#services.lingerMs)
    })
  }

  shutDown(): void {
    // Drawn anew: those who were together on this node do not come back to another one together.
    this.#fail(new ProtocolError('shutting-down', 'The server is shutting down'), retryLine())
  }

  terminate(): void {
    this.#socket.terminate()
  }

  // --- The end

  /** From where it goes on: without having asked, from now, so that it can ask when it comes back. */
  #askFor(destination: string, i: number): Ask | undefined {
    const ask = this.#plan.asks?.[i]
    if (this.#client.hasHistory(destination)) {
      // Events of the others come before this one is told: a reader that goes with one of them comes back to where it was.
      if (ask?.kind === 'since') this.#positions.set(destination, ask.position)
      return ask ?? { kind: 'last', count: 0, withRetained: true }
    }
    if (ask) {
      const position = { event: 'position', destination, count: 0, recovered: false }
      this.#client.output.write(eventText('position', JSON.stringify(position)))
    }
    return undefined
  }

  /** Line of an event with the positions at several destinations; with one the encoding has it. */
  get #id(): string {
    const { destinations } = this.#plan
    if (destinations.length === 1 || this.#positions.size === 0) return ''
    return idText(destinations.map((each) => this.#positions.get(each)))
  }

  /** `before`: fields of the last event that go before its own. */
  #fail(error: unknown, before = ''): void {
    if (!this.#isOpen) return
    const description = describeError(error)
    const { code, message, closeCode } = description
    if (code !== 'shutting-down') {
      logFault(this.#services.log, this.#client.id, error, description)
      this.#services.metrics.count.errorsSent++
      this.#services.metrics.refused(code)
    }
    // First: what was gathered for the reader leaves with that, and this is the last event.
    this.#client.unsubscribeAll()
    this.#client.output.write(before + eventText('error', JSON.stringify({ code, message })))
    this.#close(closeCode, message, code)
  }

  /** `why`: see `SessionEnd.code`. */
  #close(code: number, reason: string, why: string): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#client.endsAs(why, code, reason)
    this.#services.deadlines.cancel(this)
    this.#client.leave()
    this.#client.unsubscribeAll()
    this.#closing.begin(code, reason, this.#services.lingerMs)
  }
}

function retryLine(): string {
  return `retry: ${Math.round(RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least))}\n`
}
