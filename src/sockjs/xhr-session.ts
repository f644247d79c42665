/**
 * One SockJS session over HTTP: what is sent waits for the client's next receiving connection, of which there is one at a
 * time. To whoever speaks STOMP over it it is a socket. It ends when the client breaks off a receiving connection or
 * has none for too long, and is kept a little longer, to tell whoever asks that it is over.
 */
import { Buffer } from 'node:buffer'
import type { Deadlines, Due } from '../clock.ts'
import type { OpenSocket, Socket, SocketHandler } from '../socket.ts'
import { closeFrame, HEARTBEAT_FRAME, messageFrame, OPEN_FRAME, parsePayload } from './frames.ts'
import { HEARTBEAT_MS } from './heartbeat.ts'
import { QuotedMessages, type Data } from './quoted-messages.ts'
import { Receiver, type Receiving } from './receiver.ts'
import type { XhrFanout, XhrMember } from './xhr-fanout.ts'

/** How long a session goes on without a receiving connection, in milliseconds; 0.3.3 "Protocol". */
const AWAY_MS = 5000

const SECOND_CONNECTION = closeFrame(2010, 'Another connection still open')
const INTERRUPTED = closeFrame(1002, 'Connection interrupted')

const OPEN = lineOf(OPEN_FRAME)
const HEARTBEAT = lineOf(HEARTBEAT_FRAME)

interface Ending {
  readonly code: number
  readonly reason: string
}

/** Of a receiving connection, which sends nothing more. */
class Reader implements SocketHandler {
  readonly closed: (code: number) => void

  constructor(closed: (code: number) => void) {
    this.closed = closed
  }

  receive(): void {}
  ended(): void {}
}

export class XhrSession implements Socket, XhrMember, Due {
  readonly transport = 'sockjs-xhr'
  readonly remoteAddress: string
  readonly fanout: XhrFanout
  dueSlot = 0
  readonly #deadlines: Deadlines
  readonly #handler: SocketHandler
  readonly #onForgotten: () => void
  readonly #groups = new Set<string>()
  /** What gets the next frame. */
  #receiver: Receiver | undefined
  /** What has got its last frame, and may not have been read to its end. */
  #emptying: Receiver | undefined
  #isAnnounced = false
  #waiting: QuotedMessages[] = []
  #waitingBytes = 0
  #isFlushQueued = false
  /** How often something that waited was handed over. */
  #handedOver = 0
  #isPaused = false
  #onResumed: (() => void)[] = []
  /** Whoever speaks over it has ended it. */
  #ending: Ending | undefined
  /** What there is to read once nothing else is: undefined as long as the session is open. */
  #lastFrame: string | undefined
  #isLastGiven = false
  /** Has the handler been told that it is over? */
  #isGone = false
  /** Of the receiving connection, or when the last one has gone. */
  #heartbeatAt = 0
  #awaySince: number
  readonly #flushLater = (): void => {
    this.#isFlushQueued = false
    this.#flush()
  }

  /** `onForgotten`: it is over, and nobody needs to be told any more. */
  constructor(
    remoteAddress: string,
    fanout: XhrFanout,
    deadlines: Deadlines,
    open: OpenSocket,
    onForgotten: () => void,
  ) {
    this.remoteAddress = remoteAddress
    this.fanout = fanout
    this.#deadlines = deadlines
    this.#onForgotten = onForgotten
    this.#awaySince = deadlines.now()
    this.#handler = open(this)
  }

  /** A receiving connection has opened. */
  attach(connection: Socket, kind: Receiving): SocketHandler {
    const receiver = new Receiver(connection, kind)
    const reader = new Reader((code) => this.#left(receiver, code === 1006))
    const refusal = this.#isOver ? this.#lastFrame : this.#receiver ? SECOND_CONNECTION : undefined
    if (refusal !== undefined) {
      receiver.give(lineOf(refusal))
      receiver.end()
      return reader
    }
    this.#receiver = receiver
    this.#heartbeatAt = this.#deadlines.now() + HEARTBEAT_MS
    this.#deadlines.schedule(this, this.#heartbeatAt)
    this.#flush()
    return reader
  }

  /** Does it take messages? */
  get isOpen(): boolean {
    return this.#lastFrame === undefined
  }

  /** The client has sent something. Resolves when more may come; to false if it is no payload. */
  async receive(payload: string): Promise<boolean> {
    const messages = parsePayload(payload)
    if (!messages) return false
    if (this.isOpen) this.#handler.receive(messages.join(''))
    if (this.#isPaused) await new Promise<void>((resolve) => this.#onResumed.push(resolve))
    return true
  }

  due(now: number): number | undefined {
    if (this.#receiver) {
      if (now < this.#heartbeatAt) return this.#heartbeatAt
      this.#heartbeatAt = now + HEARTBEAT_MS
      this.#give(HEARTBEAT)
    }
    if (this.#receiver) return this.#heartbeatAt
    if (this.#emptying) return undefined
    if (now < this.#awaySince + AWAY_MS) return this.#awaySince + AWAY_MS
    this.#end()
    this.#onForgotten()
    return undefined
  }

  // --- Socket

  get bufferedBytes(): number {
    return this.#waitingBytes + (this.#receiver?.bufferedBytes ?? 0) + (this.#emptying?.bufferedBytes ?? 0)
  }

  get drains(): number {
    return this.#handedOver + (this.#receiver?.drains ?? 0) + (this.#emptying?.drains ?? 0)
  }

  send(data: Data): void {
    this.sendAll([data])
  }

  sendAll(messages: readonly Data[]): void {
    this.take(new QuotedMessages(messages))
  }

  /** For the fan-out. */
  take(messages: QuotedMessages): void {
    if (!this.isOpen) return
    this.#waiting.push(messages)
    this.#waitingBytes += messages.line.length
    // What comes in one turn of the event loop is one frame: a poll takes no other.
    if (this.#isFlushQueued) return
    this.#isFlushQueued = true
    queueMicrotask(this.#flushLater)
  }

  /** SockJS has text only. */
  sendBinary(): void {}

  ping(): void {}

  join(group: string): void {
    if (this.#isGone) return
    this.#groups.add(group)
    this.fanout.join(group, this)
  }

  leave(group: string): void {
    if (this.#groups.delete(group)) this.fanout.leave(group, this)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    for (const resolve of this.#onResumed.splice(0)) resolve()
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return
    this.#ending = { code, reason }
    this.#lastFrame = closeFrame(code, reason)
    this.resume()
    this.#flush()
  }

  terminate(): void {
    this.#receiver?.drop()
    this.#emptying?.drop()
    this.#end()
  }

  // --- What the connections do

  /** Is there nothing to be read but the last frame? */
  get #isOver(): boolean {
    return this.#isGone || this.#isLastGiven
  }

  /** Can a frame be given to somebody now? Not before all that was given before has been read. */
  get #canGive(): boolean {
    return this.#receiver !== undefined && this.#emptying === undefined
  }

  #flush(): void {
    if (!this.#isAnnounced && this.#canGive) {
      this.#isAnnounced = true
      this.#give(OPEN)
    }
    if (this.#waiting.length > 0 && this.#canGive) this.#give(this.#takeWaiting())
    if (this.#ending && !this.#isLastGiven && this.#waiting.length === 0 && this.#canGive) {
      this.#isLastGiven = true
      this.#give(lineOf(this.#lastFrame!))
      this.#finish()
    }
  }

  #takeWaiting(): Uint8Array {
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    this.#handedOver++
    return waiting.length === 1 ? waiting[0]!.line : lineOf(messageFrame(waiting.map(({ text }) => text).join(',')))
  }

  #give(line: Uint8Array): void {
    if (!this.#canGive) return
    this.#receiver!.give(line)
    if (this.#receiver!.isFull) this.#finish()
  }

  /** The receiving connection gets nothing more. */
  #finish(): void {
    if (!this.#receiver) return
    this.#emptying = this.#receiver
    this.#receiver = undefined
    this.#emptying.end()
  }

  /** A receiving connection is gone. `isCut`: the client has broken it off, or lost it. */
  #left(receiver: Receiver, isCut: boolean): void {
    if (receiver === this.#receiver) this.#receiver = undefined
    else if (receiver === this.#emptying) this.#emptying = undefined
    else return // one that was refused
    this.#handedOver++
    // 0.3.3 "HandlingClose": what was on its way may be lost.
    if (isCut || this.#isLastGiven) this.#end()
    else this.#flush()
    if (this.#receiver || this.#emptying) return
    this.#awaySince = this.#deadlines.now()
    this.#deadlines.schedule(this, this.#awaySince + AWAY_MS)
  }

  /** Whoever speaks over it is told that it is over. */
  #end(): void {
    this.#lastFrame ??= INTERRUPTED
    if (this.#isGone) return
    this.#isGone = true
    this.#waiting = []
    this.#waitingBytes = 0
    for (const group of this.#groups) this.fanout.leave(group, this)
    this.#groups.clear()
    this.resume()
    const { code, reason } = (this.#isLastGiven && this.#ending) || { code: 1006, reason: '' }
    this.#handler.closed(code, reason)
    if (!this.#receiver) return
    this.#give(lineOf(this.#lastFrame))
    this.#finish()
  }
}

function lineOf(frame: string): Uint8Array {
  return Buffer.from(`${frame}\n`)
}
