/**
 * Owns when a process reads its configuration again, and what it says of that. One reload follows the other: what is asked
 * for meanwhile is done once more when that is over, and at the start when that has succeeded. Called by main.
 */
import { ConfigError } from './config.ts'
import type { Log } from './log.ts'

/** What a new configuration has come to; see `ReloadResult` of the bridge. */
export interface Outcome {
  readonly applied: readonly string[]
  readonly needsRestart: readonly string[]
}

/** Reads and applies the configuration. Errors: rejects with what is wrong with it. */
export type Reload = () => Promise<Outcome>

export class Reloads {
  readonly #log: Log
  /** Undefined before the process serves. */
  #reload: Reload | undefined
  #isAsked = false
  #isRunning = false
  #hasEnded = false

  constructor(log: Log) {
    this.#log = log
  }

  /** Somebody wants the configuration to be read again. */
  ask(): void {
    if (this.#hasEnded) return this.#log.info({}, 'The configuration is not read again: the bridge is stopping')
    this.#isAsked = true
    void this.#run()
  }

  /** The process serves: from here on it can be done. */
  begin(reload: Reload): void {
    this.#reload = reload
    void this.#run()
  }

  /** The process stops. */
  end(): void {
    this.#hasEnded = true
  }

  async #run(): Promise<void> {
    if (this.#isRunning || !this.#reload) return
    this.#isRunning = true
    while (this.#isAsked && !this.#hasEnded) {
      this.#isAsked = false
      try {
        const { applied, needsRestart } = await this.#reload()
        this.#log.info({ applied, needsRestart }, outcomeText({ applied, needsRestart }))
      } catch (error) {
        const problems = problemsOf(error)
        this.#log.error({ problems }, 'The configuration was not reloaded: the one from before stays in force')
      }
    }
    this.#isRunning = false
  }
}

/** Returns what has come of it in one line. */
export function outcomeText({ applied, needsRestart }: Outcome): string {
  const parts = [
    ...(applied.length > 0 ? [`applied ${applied.join(', ')}`] : []),
    ...(needsRestart.length > 0 ? [`needs a restart: ${needsRestart.join(', ')}`] : []),
  ]
  return `Configuration reloaded: ${parts.length > 0 ? parts.join('; ') : 'nothing has changed'}`
}

/** Returns each problem by itself. */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems.map(({ line }) => line)
  return [error instanceof Error ? error.message : String(error)]
}
