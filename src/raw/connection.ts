/**
 * One plain WebSocket: subscribed when it opens, its messages are bodies. What it sends goes to one destination, comes
 * back to it, or is ignored, as its endpoint says.
 */
import { Buffer } from 'node:buffer'
import type { Client } from '../client/client.ts'
import { Closing } from '../client/closing.ts'
import type { Door } from '../client/door.ts'
import { droppedStamp, positionFrame } from '../client/json-frame.ts'
import type { ChannelTarget, RawPlan } from '../client/plans.ts'
import { paceOf, type Pace, type PaceLimits } from '../client/pace.ts'
import { logFault } from '../client/session-end.ts'
import { isSoftError, tellDisallowed, tellSoftError } from '../client/soft-errors.ts'
import type { Subscription } from '../client/subscription.ts'
import type { Deadlines } from '../clock.ts'
import type { Encoding, Marker, Message } from '../delivery/message.ts'
import { describeError, ERRORS, ProtocolError } from '../errors.ts'
import type { HeaderPair } from '../headers.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { OutboundMessage } from '../routes/payload.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { OwnMessages } from './own-messages.ts'

export interface RawServices {
  /** Largest message from a client, in bytes. */
  readonly maxMessageBytes: number
  /** Messages that may wait for the bus; beyond it nothing more is read. */
  readonly maxInFlight: number
  /** The same in bytes. */
  readonly maxInFlightBytes: number
  /** How quickly a client may send. */
  readonly pace: PaceLimits
  /** How long what waits for the bus may take once the connection ends, and how long the client to close; milliseconds. */
  readonly settleTimeoutMs: number
  readonly lingerMs: number
  /** Does a client go on after it has sent what it may not? */
  readonly softErrors: boolean
  readonly deadlines: Deadlines
  readonly metrics: Metrics
  readonly log: Log
}

/** RFC 6455 section 7.4.1: message too big. */
const TOO_BIG = 1009

const TEXT_HEADERS: readonly HeaderPair[] = [['content-type', 'text/plain;charset=UTF-8']]
const BINARY_HEADERS: readonly HeaderPair[] = [['content-type', 'application/octet-stream']]

export class RawConnection implements SocketHandler, Door {
  readonly protocol = 'raw'
  readonly version = undefined
  dueSlot = 0
  readonly #socket: Socket
  readonly #client: Client
  readonly #plan: RawPlan
  readonly #encoding: Encoding
  readonly #services: RawServices
  readonly #onReleased: (client: Client) => void
  readonly #closing: Closing
  #isOpen = true
  /** Nothing more is taken; the bus gets what was. */
  #end: { readonly code: number; readonly reason: string; readonly why: string } | undefined
  #isGone = false
  /** What it has sent, where it must not get it back and nothing in a message says whose it is. */
  #own: OwnMessages | undefined
  #inFlight = 0
  #inFlightBytes = 0
  #isPaused = false
  readonly #pace: Pace | undefined

  constructor(
    socket: Socket,
    client: Client,
    plan: RawPlan,
    encoding: Encoding,
    services: RawServices,
    onReleased: (client: Client) => void,
  ) {
    this.#socket = socket
    this.#client = client
    this.#plan = plan
    this.#encoding = encoding
    this.#services = services
    this.#onReleased = onReleased
    this.#closing = new Closing(socket, services.deadlines)
    this.#pace = paceOf(services.pace, services.deadlines, () => this.#readOn())
  }

  /** Subscribes. What cannot be subscribed ends the connection. */
  begin(): void {
    if (!this.#isOpen) return
    this.#client.begin()
    const { destinations, ask, isEcho, sendTo, publishTo = [] } = this.#plan
    if (publishTo.length > 0 && !isEcho) this.#own = new OwnMessages(() => this.#services.deadlines.now())
    const excludesOwn = sendTo !== undefined && !isEcho
    const asks = destinations.map(() => ask)
    const how = { encoding: this.#encoding, excludesOwn, isSingle: this.#own !== undefined, asks }
    this.#client.subscribeAll(destinations, how, (error) => this.#fail(error))
    queueMicrotask(() => this.#client.endIfRevoked())
  }

  // --- SocketHandler

  /** `isBinary`: some runtimes hand over the bytes of a text message. */
  receive(received: string | Uint8Array, isBinary = typeof received !== 'string'): void {
    if (!this.#isOpen || this.#end) return
    const data = isBinary || typeof received === 'string' ? received : Buffer.from(received).toString()
    const { metrics, maxMessageBytes } = this.#services
    metrics.count.framesReceived++
    this.#client.received++
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length
    if (size > maxMessageBytes) {
      this.#finish(TOO_BIG, `A message may have at most ${maxMessageBytes} bytes`, 'too-large')
      return
    }
    if (this.#pace?.take(1, size)) {
      metrics.count.throttled++
      this.#pause()
    }
    const { sendTo, publishTo = [], isEcho } = this.#plan
    if (publishTo.length > 0) this.#publishTo(publishTo, data)
    else if (sendTo !== undefined) this.#publish(sendTo, data)
    else if (isEcho) this.#client.output.write(data)
    else metrics.count.messagesIgnored++
  }

  /** A WebSocket has no such end. */
  ended(): void {}

  closed(code: number): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#isOpen = false
    this.#pace?.end()
    this.#closing.end()
    this.#client.close(code)
    this.#releaseIfOver()
  }

  // --- Door

  get isOpen(): boolean {
    return this.#isOpen
  }

  deliver({ feed }: Subscription, message: Message, dropped: number): void {
    if (this.#own?.take(message.body)) return
    // A plain body has no place to say it.
    const stamp = this.#plan.frame === 'json' ? droppedStamp(dropped) : ''
    this.#client.output.write(message.as(feed.encoding).stamp(stamp))
  }

  tell({ destination }: Subscription, marker: Marker): void {
    // A plain body has no place to say it.
    if (this.#plan.frame === 'json') this.#client.output.write(positionFrame(destination, marker))
  }

  get room(): number {
    return this.isOpen ? Infinity : 0
  }

  /** What it gets needs no acknowledgement. */
  forget(): void {}

  disallow(ended: readonly Subscription[]): void {
    tellDisallowed(this.#client, this.#services.softErrors, ended)
  }

  closeAsSlow(reason: string): void {
    this.#close({ code: ERRORS['slow-consumer'].close, reason, why: 'slow-consumer' })
  }

  fail(error: ProtocolError): void {
    this.#fail(error)
  }

  refuse(error: ProtocolError): void {
    this.#isOpen = false
    const { closeCode, message } = describeError(error)
    queueMicrotask(() => this.#closing.begin(closeCode, message, this.#services.lingerMs))
  }

  shutDown(): void {
    this.#finish(ERRORS['shutting-down'].close, 'The server is shutting down', 'shutting-down')
  }

  terminate(): void {
    this.#socket.terminate()
  }

  // --- What it sends

  #publish(destination: string, data: string | Uint8Array): void {
    const isText = typeof data === 'string'
    const message: OutboundMessage = {
      destination,
      body: isText ? Buffer.from(data) : data,
      headers: isText ? TEXT_HEADERS : BINARY_HEADERS,
      session: this.#client.id,
      user: this.#client.identity.user,
    }
    const client = this.#client
    const send = client.isCommand(destination)
      ? () => client.runCommand(message.body)
      : () => client.publish(client.route(message))
    this.#handOver(destination, send, message.body.length)
  }

  #publishTo(targets: readonly ChannelTarget[], data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? Buffer.byteLength(data) : data.length
    const isSent = this.#handOver(
      targets[0]!.destination,
      () => {
        const messages = targets.map((target) => this.#client.routeTo(target, data))
        // Several are all or none, which costs more.
        return messages.length === 1 ? this.#client.publish(messages[0]!) : this.#client.publishAll(messages)
      },
      bytes,
    )
    if (!isSent) return
    const returning = targets.filter(({ destination }) => this.#client.hasSubscribed(destination))
    this.#own?.add(data, returning.length)
  }

  /** Returns false if it was refused. `destination`: what is said of it then. */
  #handOver(destination: string, send: () => Promise<void>, bytes: number): boolean {
    let done: Promise<void>
    try {
      done = send()
    } catch (error) {
      // Whoever wants to know subscribes to the queue of errors.
      if (isSoftError(error, this.#services.softErrors)) this.#refused(error, destination)
      else this.#fail(error)
      return false
    }
    this.#inFlight++
    this.#inFlightBytes += bytes
    done.then(
      () => this.#settled(bytes),
      (error: unknown) => {
        this.#settled(bytes)
        this.#fail(error)
      },
    )
    if (this.#isBusy(1)) this.#pause()
    // What was on its way when the socket was paused still comes; much more is not to be expected.
    if (this.#isBusy(4)) this.#fail(new ProtocolError('flooding', 'Messages come faster than they can be processed'))
    return true
  }

  /** Left out; the connection goes on. */
  #refused(error: ProtocolError, destination: string): void {
    this.#services.metrics.count.messagesIgnored++
    tellSoftError(this.#client, error, destination, undefined)
  }

  /** Does so many times as much wait as may? */
  #isBusy(times: number): boolean {
    const { maxInFlight, maxInFlightBytes } = this.#services
    return this.#inFlight >= maxInFlight * times || this.#inFlightBytes >= maxInFlightBytes * times
  }

  /** It sends faster than it may, or than the bus takes it. */
  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#services.metrics.count.floodsPaused++
    this.#socket.pause()
  }

  #readOn(): void {
    if (!this.#isPaused || this.#isBusy(0.5) || this.#pace?.isOver) return
    this.#isPaused = false
    this.#socket.resume()
  }

  #settled(bytes: number): void {
    this.#inFlight--
    this.#inFlightBytes -= bytes
    this.#readOn()
    if (this.#end && this.#inFlight === 0 && this.#isOpen) this.#close(this.#end)
    this.#releaseIfOver()
  }

  // --- The end

  #fail(error: unknown): void {
    if (!this.#isOpen || this.#end) return
    const description = describeError(error)
    logFault(this.#services.log, this.#client.id, error, description)
    this.#services.metrics.refused(description.code)
    this.#finish(description.closeCode, description.message, description.code)
  }

  /** Takes nothing more, and closes when the bus has what came before. `why`: see `SessionEnd.code`. */
  #finish(code: number, reason: string, why: string): void {
    if (!this.#isOpen || this.#end) return
    this.#end = { code, reason, why }
    if (this.#inFlight === 0) this.#close(this.#end)
    else this.#services.deadlines.schedule(this, this.#services.deadlines.now() + this.#services.settleTimeoutMs)
  }

  /** What waits for the bus did not get there in time. */
  due(): number | undefined {
    if (this.#end) this.#close(this.#end)
    return undefined
  }

  #close({ code, reason, why }: { readonly code: number; readonly reason: string; readonly why: string }): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#client.endsAs(why, code, reason)
    this.#services.deadlines.cancel(this)
    this.#pace?.end()
    this.#client.leave()
    this.#client.unsubscribeAll()
    if (this.#isPaused) this.#socket.resume() // or the answer to the close would not be read
    this.#closing.begin(code, reason, this.#services.lingerMs)
  }

  /** The socket is gone, and nothing that came over it is left to do. */
  #releaseIfOver(): void {
    if (this.#isGone && this.#inFlight === 0) this.#onReleased(this.#client)
  }
}
