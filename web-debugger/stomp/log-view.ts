/**
 * The records of a log that pass a filter, kept up to date a slice at a time: neither a busy log nor a long one keeps
 * the page from answering a key.
 */
import type { FrameLog } from './frame-log.ts'
import type { FrameRecord } from './frame-record.ts'

/** Longest that one update may take, in milliseconds: a paint has 16. */
const BUDGET_MS = 5
/** Records, and bytes of them, looked at between two looks at the clock. */
const SLICE = 256
const SLICE_BYTES = 262_144

export class LogView {
  readonly #log: FrameLog
  readonly #now: () => number
  readonly #isError: (record: FrameRecord) => boolean
  #matches: (record: FrameRecord) => boolean
  #records: FrameRecord[] = []
  /** Numbers of those shown that are errors. */
  #errors: number[] = []
  #nextSeq: number
  #cut = 0
  /** While it is frozen: nothing from here on is shown, and nothing that is shown goes. */
  #frozenSeq: number | undefined

  constructor(
    log: FrameLog,
    matches: (record: FrameRecord) => boolean,
    now: () => number,
    isError: (record: FrameRecord) => boolean = () => false,
  ) {
    this.#log = log
    this.#matches = matches
    this.#now = now
    this.#isError = isError
    this.#nextSeq = log.firstSeq
  }

  /** Oldest first. The array is the view's own and changes with `update`. */
  get records(): readonly FrameRecord[] {
    return this.#records
  }

  /** Numbers of the errors among them, oldest first. */
  get errors(): readonly number[] {
    return this.#errors
  }

  /** How many have gone from the beginning so far, because the log no longer keeps them. */
  get cut(): number {
    return this.#cut
  }

  get isFrozen(): boolean {
    return this.#frozenSeq !== undefined
  }

  get isComplete(): boolean {
    return this.#nextSeq >= this.#endSeq
  }

  /** How much of the log has been looked at, from 0 to 1. */
  get progress(): number {
    const { firstSeq } = this.#log
    const all = this.#endSeq - firstSeq
    return all <= 0 || this.isComplete ? 1 : Math.max(0, this.#nextSeq - firstSeq) / all
  }

  /** Records that came since it was frozen. */
  get missed(): number {
    return this.#log.nextSeq - this.#endSeq
  }

  freeze(): void {
    this.#frozenSeq = this.#log.nextSeq
  }

  thaw(): void {
    this.#frozenSeq = undefined
  }

  /** Begin anew with another filter. */
  filter(matches: (record: FrameRecord) => boolean): void {
    this.#matches = matches
    this.#records = []
    this.#errors = []
    this.#nextSeq = this.#log.firstSeq
  }

  /** Takes up what is new, and lets go of what the log no longer keeps. */
  update(): void {
    if (!this.isFrozen) this.#trim()
    this.#nextSeq = Math.max(this.#nextSeq, this.#log.firstSeq)
    const endSeq = this.#endSeq
    const endMs = this.#now() + BUDGET_MS
    do {
      const sliceEnd = Math.min(this.#nextSeq + SLICE, endSeq)
      for (let bytes = 0; this.#nextSeq < sliceEnd && bytes < SLICE_BYTES; this.#nextSeq++) {
        const record = this.#log.at(this.#nextSeq)!
        bytes += record.bytes
        if (!this.#matches(record)) continue
        this.#records.push(record)
        if (this.#isError(record)) this.#errors.push(record.seq)
      }
    } while (this.#nextSeq < endSeq && this.#now() < endMs)
  }

  /** Place of the record with that number; undefined if it is not shown. */
  indexOf(seq: number): number | undefined {
    let low = 0
    let high = this.#records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#records[middle]!.seq < seq) low = middle + 1
      else high = middle
    }
    return this.#records[low]?.seq === seq ? low : undefined
  }

  get #endSeq(): number {
    return this.#frozenSeq ?? this.#log.nextSeq
  }

  #trim(): void {
    const { firstSeq } = this.#log
    let count = 0
    while (count < this.#records.length && this.#records[count]!.seq < firstSeq) count++
    if (count > 0) this.#records.splice(0, count)
    this.#cut += count
    const gone = this.#errors.findIndex((seq) => seq >= firstSeq)
    if (gone !== 0) this.#errors.splice(0, gone < 0 ? this.#errors.length : gone)
  }
}
