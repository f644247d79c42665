/**
 * Outputs that gather what one turn of the event loop has for their client, and write it once at its end: a write costs
 * more than what is in it. One for all clients, so that a turn has one end.
 */
import type { Log } from '../log.ts'
import type { Output } from './output.ts'

export class TurnEnd {
  readonly #log: Log
  #outputs: Output[] = []
  readonly #flush = (): void => {
    const outputs = this.#outputs
    this.#outputs = []
    for (const output of outputs) {
      try {
        output.flush()
      } catch (error) {
        // Nobody is above this call, and the other clients must have what is theirs.
        this.#log.error({ error }, 'A client could not be written to')
      }
    }
  }

  constructor(log: Log) {
    this.#log = log
  }

  /** What is written to this output from here on leaves at the end of this turn, in order. */
  gather(output: Output): void {
    if (!output.gather()) return
    if (this.#outputs.length === 0) queueMicrotask(this.#flush)
    this.#outputs.push(output)
  }
}
