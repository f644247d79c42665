/** What the console of a connection shows: filters, selection, pause, and whether secrets can be read. */
import { batch, computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals'
import type { Connection } from './connection.ts'
import { RecordKind, type FrameRecord } from './frame-record.ts'
import { compileFilter, isFiltering, SHOW_ALL, type LogFilter } from './log-filter.ts'
import { parseQuery, type LogQuery } from './log-query.ts'
import { LogView } from './log-view.ts'

/** How often the list is drawn while a search goes on: drawing costs more than searching. */
const DRAW_INTERVAL_MS = 100

export class ConsoleModel {
  readonly connection: Connection
  readonly text = signal('')
  readonly destination = signal('')
  readonly command = signal('')
  readonly direction = signal<LogFilter['direction']>('all')
  readonly hasHeartBeats = signal(true)
  readonly isFollowing = signal(true)
  readonly isShowingSecrets = signal(false)
  /** Place of the selected record among those shown. */
  readonly selectedIndex = signal<number | undefined>(undefined)
  readonly #selected = signal<FrameRecord | undefined>(undefined)
  readonly #isPaused = signal(false)
  readonly #version = signal(0)
  readonly #query = computed(() => parseQuery(this.text.value))
  readonly #revealed = signal(0)
  readonly #filter: ReadonlySignal<LogFilter>
  readonly #view: LogView
  /** A filter has changed, and the selected one is not in sight again yet. */
  #isRevealDue = false
  #isCatchingUp = false
  #drawnAtMs = 0

  constructor(connection: Connection) {
    const { environment, log, pulse } = connection
    this.connection = connection
    this.#filter = computed(() => ({
      text: this.text.value,
      destination: this.destination.value.trim(),
      command: this.command.value,
      direction: this.direction.value,
      hasHeartBeats: this.hasHeartBeats.value,
      muted: new Set(connection.subscriptions.value.filter((each) => each.isMuted.value).map((each) => each.id)),
    }))
    this.#view = new LogView(
      log,
      compileFilter(SHOW_ALL),
      () => environment.now(),
      (record) => this.#isError(record),
    )
    pulse.onBeat(() => this.#update())
    effect(() => {
      const filter = this.#filter.value
      untracked(() => this.#apply(filter))
    })
    effect(() => {
      const index = this.selectedIndex.value
      if (index !== undefined) this.#selected.value = this.#view.records[index]
    })
  }

  get records(): readonly FrameRecord[] {
    return this.#view.records
  }

  /** How many of them have gone from the beginning so far. */
  get cut(): number {
    return this.#view.cut
  }

  /** Changes when `records` did. */
  get version(): ReadonlySignal<number> {
    return this.#version
  }

  /** What the filter's text means. */
  get query(): ReadonlySignal<LogQuery> {
    return this.#query
  }

  /** Grows when the selected record has to be brought into sight. */
  get revealed(): ReadonlySignal<number> {
    return this.#revealed
  }

  /** How many of those shown are errors. */
  get errorCount(): number {
    return this.#view.errors.length
  }

  /** Stays when a filter, or time, takes its row away. */
  get selected(): ReadonlySignal<FrameRecord | undefined> {
    return this.#selected
  }

  get isPaused(): ReadonlySignal<boolean> {
    return this.#isPaused
  }

  get isFiltering(): boolean {
    return isFiltering(this.#filter.value)
  }

  /** Of the search through the log, from 0 to 1. */
  get progress(): number {
    return this.#view.progress
  }

  /** Records that came since the pause. */
  get missed(): number {
    return this.#view.missed
  }

  setPaused(isPaused: boolean): void {
    if (isPaused) this.#view.freeze()
    else this.#view.thaw()
    this.#isPaused.value = isPaused
    this.#update()
  }

  clear(): void {
    this.connection.log.clear()
    this.deselect()
    this.isFollowing.value = true
    this.#view.thaw()
    this.#isPaused.value = false
    this.#apply(this.#filter.peek())
  }

  clearFilter(): void {
    batch(() => {
      this.text.value = ''
      this.destination.value = ''
      this.command.value = ''
      this.direction.value = 'all'
      this.hasHeartBeats.value = true
      for (const subscription of this.connection.subscriptions.value) subscription.isMuted.value = false
    })
  }

  /**
   * Selects the next error, or the one before, from what is selected; from an end it goes on at the other. Returns which
   * one it is, from 1, or 0 if there is none.
   */
  goToError(direction: 1 | -1): number {
    const { errors } = this.#view
    if (errors.length === 0) return 0
    const from = this.#selected.peek()?.seq ?? (direction === 1 ? -1 : Infinity)
    const found = direction === 1 ? errors.findIndex((seq) => seq > from) : errors.findLastIndex((seq) => seq < from)
    const at = found >= 0 ? found : direction === 1 ? 0 : errors.length - 1
    batch(() => {
      this.selectedIndex.value = this.#view.indexOf(errors[at]!)
      this.#reveal()
    })
    return at + 1
  }

  /** Selects the record of that number and brings it into sight. A pause ends, and a filter that hides it goes. */
  show(seq: number): void {
    const record = this.connection.log.at(seq)
    if (!record) return
    if (this.#isPaused.peek()) this.setPaused(false)
    this.#selected.value = record
    this.#isRevealDue = true
    this.#update()
    if (this.#view.isComplete && this.#view.indexOf(seq) === undefined) this.clearFilter()
  }

  deselect(): void {
    this.selectedIndex.value = undefined
    this.#selected.value = undefined
  }

  #apply(filter: LogFilter): void {
    this.#view.filter(compileFilter(filter, this.#query.peek()))
    this.#isRevealDue = true
    this.#update()
  }

  #reveal(): void {
    this.isFollowing.value = false
    this.#revealed.value++
  }

  #isError({ command, kind, direction, seq }: FrameRecord): boolean {
    if (command === 'ERROR' || kind === RecordKind.broken) return true
    // Of the two frames that an error is about, the answer.
    return direction === 'in' && this.connection.softErrors.of({ seq }) !== undefined
  }

  #update(): void {
    this.#view.update()
    const nowMs = this.connection.environment.now()
    if (this.#view.isComplete || nowMs - this.#drawnAtMs >= DRAW_INTERVAL_MS) {
      this.#drawnAtMs = nowMs
      this.#draw()
    }
    if (this.#view.isComplete || this.#isCatchingUp) return
    this.#isCatchingUp = true
    this.connection.environment.nextFrame(() => {
      this.#isCatchingUp = false
      this.#update()
    })
  }

  #draw(): void {
    batch(() => {
      const selected = this.#selected.peek()
      if (selected) this.selectedIndex.value = this.#view.indexOf(selected.seq)
      if (this.#isRevealDue && this.selectedIndex.value !== undefined) this.#reveal()
      if (this.selectedIndex.value !== undefined || this.#view.isComplete) this.#isRevealDue = false
      this.#version.value++
    })
  }
}
