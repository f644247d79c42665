/** The one kind of log that everything takes: the four calls used here, which pino satisfies; embedding needs no pino. */

type LogMethod = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Log {
  debug: LogMethod
  info: LogMethod
  warn: LogMethod
  error: LogMethod
}

/** A log that says nothing: the default when embedded. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

const WINDOW_MS = 10_000

/** How often something that strangers cause may be logged: so many times in ten seconds. */
export class LogBudget {
  readonly #perWindow: number
  #windowEnd = 0
  #left = 0

  constructor(perWindow: number) {
    this.#perWindow = perWindow
  }

  /** True if it may be logged now. */
  take(): boolean {
    const now = performance.now()
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + WINDOW_MS
      this.#left = this.#perWindow
    }
    return this.#left-- > 0
  }
}
