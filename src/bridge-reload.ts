/**
 * Owns how a bridge that runs takes on another configuration: what of it can be applied is made first, all of it, and
 * then put in place in one turn of the event loop. What can be replaced, and how, is for its parts.
 */
import { planReload, type Config } from './config.ts'
import type { Metrics } from './metrics.ts'

/** What came of a new configuration: settings by their path, such as `access.rules`. */
export interface ReloadResult {
  /** They have changed, and are in force. */
  readonly applied: readonly string[]
  /** They have changed, and stay as they were until the bridge is started again. */
  readonly needsRestart: readonly string[]
}

/** Something whose settings can change. */
export interface LivePart {
  /**
   * Makes what the configuration says, without changing anything; undefined if all stays as it is. `changed`: settings.
   * Errors: throws Error for what cannot be used.
   */
  prepare(config: Config, changed: ReadonlySet<string>): Replacement | undefined
}

export interface Replacement {
  /** Settings that stand as before, but for what they name: the content of a file. */
  readonly also?: readonly string[]
  /** Puts it in place. Must not throw. */
  apply(): void
  /** Called when all are in place. Resolves when the change has reached everybody; never rejects. */
  finish?(): Promise<void>
}

export class BridgeReload {
  readonly #parts: readonly LivePart[]
  readonly #fixed: readonly string[]
  #inForce: Config
  #last: Promise<unknown> = Promise.resolve()
  #isSuccessful = true
  #succeededAtMs = Date.now()

  /** `fixed`: settings that the program answers for that embeds the bridge, and which no part applies. */
  constructor(
    config: Config,
    { parts, fixed }: { readonly parts: readonly LivePart[]; readonly fixed: readonly string[] },
    metrics: Pick<Metrics, 'observe'>,
  ) {
    this.#inForce = config
    this.#parts = parts
    this.#fixed = fixed
    metrics.observe('configLastReloadSuccessful', () => (this.#isSuccessful ? 1 : 0))
    metrics.observe('configLastReloadSuccessTimestampSeconds', () => Math.round(this.#succeededAtMs / 1000))
  }

  /**
   * Applies what can be applied of a new configuration, after what was asked before. `load`: returns it; when it throws, the
   * old one stays in force.
   * Errors: rejects with what `load` throws, and with Error for what cannot be used; nothing has changed then.
   */
  run(load: () => Config): Promise<ReloadResult> {
    const done = this.#last.then(() => this.#run(load))
    this.#last = done.catch(() => {}) // for whoever has asked
    return done
  }

  async #run(load: () => Config): Promise<ReloadResult> {
    try {
      const { config, applied, needsRestart } = planReload(this.#inForce, load(), this.#fixed)
      const changed = new Set(applied)
      const replacements = this.#parts.flatMap((part) => part.prepare(config, changed) ?? [])
      for (const each of replacements) each.apply()
      this.#inForce = config
      await Promise.all(replacements.map(async (each) => each.finish?.()))
      this.#isSuccessful = true
      this.#succeededAtMs = Date.now()
      return { applied: [...new Set([...applied, ...replacements.flatMap(({ also = [] }) => also)])], needsRestart }
    } catch (error) {
      this.#isSuccessful = false
      throw error
    }
  }
}

/** Returns a part for which making and putting in place is one. `settings`: those that concern it. */
export function livePart(settings: readonly string[], apply: (config: Config) => void): LivePart {
  return {
    prepare: (config, changed) =>
      settings.some((path) => changed.has(path)) ? { apply: () => apply(config) } : undefined,
  }
}
