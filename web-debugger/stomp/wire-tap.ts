/**
 * Listens on both directions of one WebSocket and writes down what it hears. It sees the data before the STOMP client
 * does, and changes none of it.
 */
import { Command, Version, VERSIONS, type Frame } from '../../frames/index.ts'
import {
  byteLength,
  plainRecord,
  RecordKind,
  versionFor,
  type Direction,
  type NewRecord,
  type WireData,
} from './frame-record.ts'
import { FrameSplitter, type Piece } from './frame-splitter.ts'
import { originOf } from './place.ts'
import { redeliveryOf } from './redelivery.ts'

/** Is told of every record; with the frame, if it is one. */
export type TapListener = (record: NewRecord, frame: Frame | undefined) => void

export class WireTap {
  readonly #isStomp: boolean
  readonly #now: () => number
  readonly #listener: TapListener
  readonly #incoming = new FrameSplitter()
  readonly #outgoing = new FrameSplitter()
  #version: Version | undefined

  constructor(options: { isStomp: boolean; now: () => number; listener: TapListener }) {
    this.#isStomp = options.isStomp
    this.#now = options.now
    this.#listener = options.listener
  }

  received(data: WireData): void {
    this.#hear('in', data)
  }

  sent(data: WireData): void {
    this.#hear('out', data)
  }

  #hear(direction: 'in' | 'out', data: WireData): void {
    const atMs = this.#now()
    if (!this.#isStomp) {
      const kind = typeof data === 'string' ? RecordKind.text : RecordKind.binary
      this.#listener(plainRecord(atMs, direction, kind, data, undefined), undefined)
      return
    }
    const pieces =
      direction === 'out'
        ? this.#outgoing.push(data)
        : this.#incoming.push(data, (frame) => {
            if (frame.command === Command.CONNECTED) this.#agree(frame)
          })
    for (const piece of pieces) this.#listener(this.#recordOf(atMs, direction, piece), piece.frame)
  }

  /** STOMP 1.0 has no `version` header. */
  #agree(connected: Frame): void {
    const named = connected.headers.get('version') ?? Version.V1_0
    this.#version = VERSIONS.find((version) => version === named)
    if (this.#version === undefined) return
    this.#incoming.agree(this.#version)
    this.#outgoing.agree(this.#version)
  }

  #recordOf(atMs: number, direction: Direction, piece: Piece): NewRecord {
    const { frame, raw, problem } = piece
    if (!frame) {
      const kind = problem === undefined ? RecordKind.heartBeat : RecordKind.broken
      return plainRecord(atMs, direction, kind, raw, problem)
    }
    const isMessage = frame.command === Command.MESSAGE
    return {
      atMs,
      direction,
      kind: RecordKind.frame,
      command: frame.command,
      destination: frame.headers.get('destination'),
      subscription: isMessage ? frame.headers.get('subscription') : undefined,
      origin: isMessage ? originOf(frame) : undefined,
      redelivery: isMessage ? redeliveryOf(frame) : undefined,
      raw,
      bytes: byteLength(raw),
      version: versionFor(frame.command, this.#version),
      problem: undefined,
    }
  }
}
