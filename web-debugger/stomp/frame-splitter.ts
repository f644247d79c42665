/**
 * Cuts what one side says into frames, each with the very data that it was on the wire. A WebSocket message is mostly one
 * frame, but it may hold several, a part of one, or only a heart-beat.
 */
import { FrameDecoder, FrameError, type Frame, type Version } from '../../frames/index.ts'
import { toBytes, UNLIMITED, type WireData } from './frame-record.ts'

/** A frame, a heart-beat (neither frame nor problem), or data with a problem. */
export interface Piece {
  readonly raw: WireData
  readonly frame: Frame | undefined
  readonly problem: string | undefined
}

const ONLY_EOLS = /^[\r\n]+$/
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export class FrameSplitter {
  #decoder = new FrameDecoder(UNLIMITED)
  #version: Version | undefined
  /** Messages of which the decoder has not given everything out yet. */
  #held: WireData[] = []

  agree(version: Version): void {
    this.#version = version
    this.#decoder.agree(version)
  }

  /** What one WebSocket message completes. `onFrame` is called between two frames, so that a version can be agreed there. */
  push(data: WireData, onFrame?: (frame: Frame) => void): Piece[] {
    if (this.#held.length === 0 && isHeartBeat(data)) return [{ raw: data, frame: undefined, problem: undefined }]
    this.#held.push(data)
    this.#decoder.push(data)
    const frames: Frame[] = []
    const unread: number[] = []
    let problem: string | undefined
    try {
      for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) {
        frames.push(frame)
        unread.push(this.#decoder.bufferedBytes)
        onFrame?.(frame)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      problem = error.message
    }
    // Line ends after a frame were stepped over: they belong to it.
    if (frames.length > 0 && problem === undefined) unread[unread.length - 1] = this.#decoder.bufferedBytes
    const pieces = this.#cut(frames, unread, problem)
    if (problem !== undefined) this.#startAnew()
    return pieces
  }

  #cut(frames: readonly Frame[], unread: readonly number[], problem: string | undefined): Piece[] {
    const isWhole = this.#held.length === 1 && frames.length === 1 && unread[0] === 0 && problem === undefined
    if (isWhole) {
      const piece = { raw: this.#held[0]!, frame: frames[0], problem: undefined }
      this.#held = []
      return [piece]
    }
    if (frames.length === 0 && problem === undefined) return []
    const isText = this.#held.every((data) => typeof data === 'string')
    const bytes = joinBytes(this.#held.map(toBytes))
    const slice = (from: number, to?: number): WireData => {
      const part = bytes.slice(from, to)
      return isText ? decoder.decode(part) : part
    }
    const pieces: Piece[] = []
    let from = 0
    for (const [index, frame] of frames.entries()) {
      const to = bytes.length - unread[index]!
      pieces.push({ raw: slice(from, to), frame, problem: undefined })
      from = to
    }
    if (problem !== undefined) pieces.push({ raw: slice(from), frame: undefined, problem })
    this.#held = problem === undefined && from < bytes.length ? [slice(from)] : []
    return pieces
  }

  /** After data that is no frame the next message is taken for the beginning of one. */
  #startAnew(): void {
    this.#decoder = new FrameDecoder(UNLIMITED, this.#version)
    this.#held = []
  }
}

function isHeartBeat(data: WireData): boolean {
  if (typeof data === 'string') return data.length < 16 && ONLY_EOLS.test(data)
  return data.length > 0 && data.length < 16 && data.every((byte) => byte === 10 || byte === 13)
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
