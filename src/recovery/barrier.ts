/** Finds out when everything that was published before a moment has come. One payload of our own serves all who ask in one turn. */
import type { OwnChannels } from '../bus/shared-bus.ts'
import type { Clock } from '../clock.ts'

/** How long it may take to come back, and after a failure until the next attempt; in milliseconds. */
const PATIENCE_MS = 5000
const PAUSE_MS = 500

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Sent {
  readonly waiting: readonly Waiting[]
  readonly timer: unknown
  came: number
  /** How often it comes; undefined before that is known. */
  wanted: number | undefined
}

export class Barrier {
  readonly #channels: Pick<OwnChannels, 'publishEverywhere'>
  readonly #channel: string
  readonly #clock: Clock
  readonly #sent = new Map<string, Sent>()
  #next: Waiting[] = []
  #count = 0

  /** `channel`: of this node, and subscribed. */
  constructor(channels: Pick<OwnChannels, 'publishEverywhere'>, channel: string, clock: Clock) {
    this.#channels = channels
    this.#channel = channel
    this.#clock = clock
  }

  /** Resolves when all that was published before the end of this turn has come. Rejects if that cannot be told. */
  passed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#next.push({ resolve, reject })
      if (this.#next.length === 1) queueMicrotask(() => this.#send())
    })
  }

  /** Resolves after a moment: before the next attempt. */
  pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimeout(resolve, PAUSE_MS))
  }

  /** The payload has come. */
  received(name: string): void {
    const sent = this.#sent.get(name)
    if (!sent) return
    sent.came++
    this.#look(name, sent)
  }

  close(): void {
    for (const name of [...this.#sent.keys()]) this.#fail(name, new Error('the bridge is closed'))
  }

  #send(): void {
    const name = String(++this.#count)
    const late = new Error('What was published does not come')
    const timer = this.#clock.setTimeout(() => this.#fail(name, late), PATIENCE_MS)
    const sent: Sent = { waiting: this.#next, timer, came: 0, wanted: undefined }
    this.#sent.set(name, sent)
    this.#next = []
    this.#channels.publishEverywhere(this.#channel, name).then(
      (count) => {
        sent.wanted = count
        this.#look(name, sent)
      },
      (error: unknown) => this.#fail(name, error as Error),
    )
  }

  #look(name: string, { came, wanted }: Sent): void {
    if (wanted !== undefined && came >= wanted) for (const { resolve } of this.#take(name)) resolve()
  }

  #fail(name: string, error: Error): void {
    for (const { reject } of this.#take(name)) reject(error)
  }

  #take(name: string): readonly Waiting[] {
    const sent = this.#sent.get(name)
    if (!sent) return []
    this.#sent.delete(name)
    this.#clock.clearTimeout(sent.timer)
    return sent.waiting
  }
}
