/** Keeps the newest frames of one log: hands them to the store piece by piece, and takes away what is too old. */
import type { Connection } from '../stomp/connection.ts'
import { plainRecord, RecordKind, type FrameRecord, type NewRecord } from '../stomp/frame-record.ts'
import { maskRaw } from '../stomp/secrets.ts'
import { formatBytes } from '../ui/format.ts'
import type { FrameStore, KeptPiece } from './frame-store.ts'

/** What is kept of a log at most. */
export const KEPT = { records: 5_000, bytes: 8 * 1024 * 1024 }
/** A larger frame is only mentioned. */
export const MAX_KEPT_FRAME_BYTES = 1024 * 1024
/** The most that one piece has: more would keep the page from answering a key. */
const PIECE = { records: 500, bytes: 1024 * 1024 }
/** From a frame to its being kept, and from one piece to the next. */
const DELAY_MS = 300
const NEXT_MS = 50

export interface KeptLogOptions {
  readonly connection: Connection
  readonly store: FrameStore
  readonly page: string
  readonly tab: string
  readonly onProblem: (error: unknown) => void
}

interface PieceFacts {
  readonly number: number
  readonly records: number
  readonly bytes: number
  /** Number of its last record in the log. */
  readonly lastSeq: number
}

export class KeptLog {
  readonly #options: KeptLogOptions
  readonly #stopListening: readonly (() => void)[]
  readonly #pieces: PieceFacts[] = []
  /** Number of the first record that is not kept yet. */
  #nextSeq: number
  #lastNumber = 0
  #timer: unknown
  #isOn = true

  constructor(options: KeptLogOptions) {
    this.#options = options
    const { log } = options.connection
    this.#nextSeq = log.nextSeq
    this.#stopListening = [log.onAppend(() => this.#schedule(DELAY_MS)), log.onClear(() => this.#trim())]
  }

  /** Puts what was kept into the log, and goes on after it. Returns how many records there were. */
  restore(pieces: readonly KeptPiece[]): number {
    const { log, pulse } = this.#options.connection
    let count = 0
    for (const { number, records } of pieces) {
      const kept = records.filter(isRecord)
      for (const record of kept) log.append(record)
      count += kept.length
      const bytes = kept.reduce((sum, record) => sum + record.bytes, 0)
      this.#pieces.push({ number, records: kept.length, bytes, lastSeq: log.nextSeq - 1 })
      this.#lastNumber = number
    }
    this.#nextSeq = log.nextSeq
    this.#clearTimer()
    pulse.mark()
    return count
  }

  /** All that is not kept yet, at once: the page is about to go. */
  flush(): void {
    this.#clearTimer()
    while (this.#isOn && this.#nextSeq < this.#options.connection.log.nextSeq) this.#keepPiece()
  }

  /** From here on nothing is kept. `isForgetting`: and what is kept goes. */
  stop(isForgetting: boolean): void {
    this.#isOn = false
    this.#clearTimer()
    for (const stop of this.#stopListening) stop()
    if (isForgetting) this.#remove(this.#lastNumber)
  }

  #schedule(delayMs: number): void {
    if (!this.#isOn || this.#timer !== undefined) return
    this.#timer = this.#options.connection.environment.setTimeout(() => {
      this.#timer = undefined
      this.#keepPiece()
      if (this.#nextSeq < this.#options.connection.log.nextSeq) this.#schedule(NEXT_MS)
    }, delayMs)
  }

  #clearTimer(): void {
    this.#options.connection.environment.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #keepPiece(): void {
    const { connection, store, page, tab, onProblem } = this.#options
    const { log, environment } = connection
    // Of a burst only what will be kept.
    this.#nextSeq = Math.max(this.#nextSeq, log.firstSeq, log.nextSeq - KEPT.records)
    const records: NewRecord[] = []
    let bytes = 0
    for (; this.#nextSeq < log.nextSeq && records.length < PIECE.records && bytes < PIECE.bytes; this.#nextSeq++) {
      const record = keptOf(log.at(this.#nextSeq)!, connection.secretNames)
      records.push(record)
      bytes += record.bytes
    }
    if (records.length === 0) return
    const savedAtMs = environment.now()
    const number = Math.max(this.#lastNumber + 1, Math.floor(savedAtMs))
    this.#lastNumber = number
    this.#pieces.push({ number, records: records.length, bytes, lastSeq: this.#nextSeq - 1 })
    store.put({ page, tab, number, savedAtMs, records }).catch(onProblem)
    this.#trim()
  }

  /** Lets go of whole pieces: those that the log has no more, and those that are more than is kept. */
  #trim(): void {
    const { firstSeq } = this.#options.connection.log
    let records = this.#pieces.reduce((sum, piece) => sum + piece.records, 0)
    let bytes = this.#pieces.reduce((sum, piece) => sum + piece.bytes, 0)
    let last: number | undefined
    for (let first = this.#pieces[0]; first; first = this.#pieces[0]) {
      const isSpare = records - first.records >= KEPT.records || (bytes > KEPT.bytes && this.#pieces.length > 1)
      if (!isSpare && first.lastSeq >= firstSeq) break
      this.#pieces.shift()
      records -= first.records
      bytes -= first.bytes
      last = first.number
    }
    if (last !== undefined) this.#remove(last)
  }

  #remove(upTo: number): void {
    const { store, page, tab, onProblem } = this.#options
    store.remove(page, tab, upTo).catch(onProblem)
  }
}

/** A record as it may be stored: without secrets, and without the buffer that its bytes are a part of. */
function keptOf({ seq: _seq, ...record }: FrameRecord, secretNames: readonly string[]): NewRecord {
  if (record.bytes > MAX_KEPT_FRAME_BYTES) {
    const words = `${record.direction === 'in' ? 'Received' : 'Sent'} before the page was loaded again`
    const text = `${words}, and too large to keep: ${record.command} of ${formatBytes(record.bytes)}`
    return plainRecord(record.atMs, 'note', RecordKind.note, text, undefined)
  }
  const raw = maskRaw({ seq: _seq, ...record }, secretNames)
  return { ...record, raw: typeof raw === 'string' ? raw : raw.slice() }
}

/** The storage is the page's own, but of a version that may be another one. */
function isRecord(value: unknown): value is NewRecord {
  if (typeof value !== 'object' || value === null) return false
  const { atMs, direction, kind, command, raw, bytes } = value as Partial<Record<keyof NewRecord, unknown>>
  const isData = typeof raw === 'string' || raw instanceof Uint8Array
  const isKnown =
    Object.values<unknown>(RecordKind).includes(kind) && ['in', 'out', 'note'].includes(direction as string)
  return isData && isKnown && typeof atMs === 'number' && typeof bytes === 'number' && typeof command === 'string'
}
