/** Joins many changes into one: the model marks, the views draw once before the next paint. */
import { signal, type ReadonlySignal } from '@preact/signals'
import type { Environment } from './environment.ts'

export class Pulse {
  readonly #environment: Environment
  readonly #beat = signal(0)
  readonly #listeners = new Set<() => void>()
  #isDue = false

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** Grows with every paint that has something new. */
  get beat(): ReadonlySignal<number> {
    return this.#beat
  }

  /** Something changed. Costs nothing when it was marked before. */
  mark(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#environment.nextFrame(() => this.#fire())
  }

  /** Called before `beat` grows. Returns the function that ends it. */
  onBeat(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #fire(): void {
    this.#isDue = false
    for (const listener of this.#listeners) listener()
    this.#beat.value++
  }
}
