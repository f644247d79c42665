/** Times in which something with Redis fails: telling it once, and how long to wait before the next attempt. */

const FIRST_DELAY_MS = 50
const MAX_DELAY_MS = 2_000

/** One kind of work with Redis. Its failure is told when it begins, and when the cause is another one. */
export class Outage {
  readonly #what: string
  readonly #tell: (error: Error) => void
  #told: string | undefined

  /** `what`: the work, as a phrase that an error begins with (`Cannot read "x"`). */
  constructor(what: string, tell: (error: Error) => void) {
    this.#what = what
    this.#tell = tell
  }

  failed(cause: unknown): void {
    const text = `${this.#what}: ${errorText(cause)}`
    if (text === this.#told) return
    this.#told = text
    this.#tell(new Error(text, { cause }))
  }

  over(): void {
    this.#told = undefined
  }
}

/** Returns how long to wait after so many attempts, in milliseconds: ever longer, and at random, so that not all come at once. */
export function retryDelayMs(attempts: number): number {
  const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts - 1, 16))
  return Math.round(delayMs * (0.75 + Math.random() * 0.25))
}

/** Returns what an error says; where Node joins the attempts for each address of a host, the first of them. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errorText(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
