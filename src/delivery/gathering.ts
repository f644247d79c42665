/**
 * Topics that have gathered something, by when it has to leave: at the end of this turn of the event loop, or within so
 * many milliseconds. All topics with the same time share one timer, which the first of them starts.
 */
import type { Clock } from '../clock.ts'
import type { Topic } from './feed.ts'

/** Those with the same time. */
interface Window {
  topics: Set<Topic>
  /** Undefined while none of them waits. */
  timer: unknown
}

export class Gathering {
  readonly #clock: Clock
  readonly #flush: (topic: Topic) => void
  /** Those of this turn. */
  #topics: Topic[] = []
  /** By their time in milliseconds: as many as the configuration has. */
  readonly #windows = new Map<number, Window>()
  readonly #flushTurn = (): void => {
    const topics = this.#topics
    this.#topics = []
    for (const topic of topics) this.#flush(topic)
  }

  /** `flush` writes what the topic has, if it still has something; it never throws. */
  constructor(clock: Clock, flush: (topic: Topic) => void) {
    this.#clock = clock
    this.#flush = flush
  }

  /** What the topic has is flushed within this time. It may leave sooner: with others, or because the topic is flushed meanwhile. */
  add(topic: Topic, withinMs: number): void {
    if (withinMs === 0) {
      if (this.#topics.length === 0) queueMicrotask(this.#flushTurn)
      this.#topics.push(topic)
      return
    }
    let window = this.#windows.get(withinMs)
    if (!window) {
      window = { topics: new Set(), timer: undefined }
      this.#windows.set(withinMs, window)
    }
    window.topics.add(topic)
    window.timer ??= this.#arm(window, withinMs)
  }

  /** Nothing waits any more: all that is gathered is flushed. */
  close(): void {
    for (const window of this.#windows.values()) this.#flushWindow(window)
  }

  #arm(window: Window, withinMs: number): unknown {
    return this.#clock.setTimeout(() => this.#flushWindow(window), withinMs)
  }

  #flushWindow(window: Window): void {
    this.#clock.clearTimeout(window.timer)
    window.timer = undefined
    const { topics } = window
    window.topics = new Set()
    for (const topic of topics) this.#flush(topic)
  }
}
