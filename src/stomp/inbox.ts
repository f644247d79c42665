/**
 * What comes in from one client: decoded, and handed on frame by frame, strictly in order. It waits while an earlier
 * frame has to take effect first, and stops reading from a client that sends on meanwhile.
 */
import { FrameDecoder, type DecoderLimits, type Frame, type Version } from '../../frames/index.ts'
import { ProtocolError } from '../errors.ts'
import type { Socket } from '../socket.ts'

/** What the inbox asks of its session. */
export interface FrameReceiver {
  /** False once the session reads nothing more. */
  readonly isReading: boolean
  /** Are so many effects pending that the next frame has to wait? */
  readonly isBusy: boolean
  process(frame: Frame): void
  /** The client broke the protocol or a limit: FrameError or ProtocolError. */
  fail(error: unknown): void
  /** The socket was paused: the client sends faster than its frames take effect. */
  paused(): void
}

/** Bytes that may wait undecoded while a frame before them takes effect. */
export interface HeldLimits {
  /** Beyond it nothing more is read. */
  readonly pauseAboveBytes: number
  /** Beyond it the client is flooding. */
  readonly maxBytes: number
}

export class Inbox {
  readonly #socket: Socket
  readonly #receiver: FrameReceiver
  readonly #decoder: FrameDecoder
  /** What may wait. */
  #held: HeldLimits
  /** Effects that later frames wait for. */
  #holds = 0
  #isPaused = false

  constructor(socket: Socket, receiver: FrameReceiver, limits: DecoderLimits, held: HeldLimits) {
    this.#socket = socket
    this.#receiver = receiver
    this.#decoder = new FrameDecoder(limits)
    this.#held = held
  }

  /** Is the client not being read, so that nothing can come from it? */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Must the next frame wait? */
  get isHeldBack(): boolean {
    return this.#holds > 0 || this.#receiver.isBusy
  }

  push(data: string | Uint8Array): void {
    this.#decoder.push(data)
    this.run()
  }

  /** From the next frame on. */
  agree(version: Version, limits: DecoderLimits, held: HeldLimits): void {
    this.#decoder.agree(version, limits)
    this.#held = held
  }

  /** The frames behind this one wait; `onReleased` is called when they may go on. */
  holdBack(until: Promise<unknown>, onReleased: () => void): void {
    this.#holds++
    const release = (): void => {
      this.#holds--
      onReleased()
    }
    until.then(release, release)
  }

  /** Hand on what is complete, until something has to be waited for. */
  run(): void {
    while (this.#receiver.isReading && !this.isHeldBack) {
      let frame: Frame | undefined
      try {
        frame = this.#decoder.next()
      } catch (error) {
        this.#receiver.fail(error)
        return
      }
      if (!frame) break
      this.#receiver.process(frame)
    }
    this.#applyBackpressure()
  }

  #applyBackpressure(): void {
    const waiting = this.isHeldBack && this.#receiver.isReading ? this.#decoder.bufferedBytes : 0
    // A frame or two may wait here; only who goes on sending is stopped.
    if (waiting > this.#held.pauseAboveBytes && !this.#isPaused) {
      this.#isPaused = true
      this.#receiver.paused()
      this.#socket.pause()
    } else if (waiting === 0 && this.#isPaused) {
      this.#isPaused = false
      this.#socket.resume()
    }
    // What was on its way when the socket was paused still comes; much more is not to be expected.
    if (waiting > this.#held.maxBytes) {
      this.#receiver.fail(new ProtocolError('flooding', 'Frames come faster than they can be processed'))
    }
  }
}
