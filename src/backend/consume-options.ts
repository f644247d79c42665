/** What a consumer can be told beside its stream: defaults, bounds and checks. */
import { requireFunction, requireText, requireWhole, shown } from './checks.ts'
import type { Entry } from './entry.ts'

export interface ConsumeOptions {
  /** Handlers that run at once; 1, which keeps the order of the stream, unless told. */
  readonly concurrency?: number | undefined
  /** Most entries asked for at once, if there is room for so many; 100 unless told. */
  readonly batchSize?: number | undefined
  /**
   * How long an entry must have been idle to be handed out again; 60,000 unless told. The idle time of an entry whose
   * handler runs is ended three times as often, so it may run for longer than that.
   */
  readonly claimIdleMs?: number | undefined
  /** How long one blocking read waits for entries; 5,000 unless told. */
  readonly blockMs?: number | undefined
  /** How often an entry is handed out before it goes to the dead letters. Without it, again and again. Needs `deadLetter`. */
  readonly maxDeliveries?: number | undefined
  /** Stream for entries that nobody could handle. Needs `maxDeliveries`. */
  readonly deadLetter?: string | undefined
  /**
   * Told what goes wrong: with an entry if its handler has thrown, without one if Redis has. An outage is told once, not
   * with each attempt. Unless given, errors are warnings of the process.
   */
  readonly onError?: ((error: Error, entry?: Entry) => void) | undefined
}

/** The same, complete. */
export interface ConsumeSettings {
  readonly stream: string
  readonly group: string
  readonly consumer: string
  readonly concurrency: number
  readonly batchSize: number
  readonly claimIdleMs: number
  readonly blockMs: number
  readonly deadLetters: { readonly stream: string; readonly maxDeliveries: number } | undefined
  readonly onError: (error: Error, entry?: Entry) => void
}

/** The longest time that a timer of JavaScript can have. */
const MAX_MS = 2 ** 31 - 1

/** Errors: throws a TypeError or a RangeError that says what is wrong. */
export function consumeSettings(
  stream: string,
  group: string,
  consumer: string,
  handler: unknown,
  options: ConsumeOptions,
): ConsumeSettings {
  requireText('Cannot consume', 'the stream', stream)
  const what = `Cannot consume ${shown(stream)}`
  requireText(what, 'the group', group)
  requireText(what, 'the consumer', consumer)
  requireFunction(what, 'the handler', handler)
  if (typeof options !== 'object' || options === null) throw new TypeError(`${what}: options must be an object`)
  const { concurrency = 1, batchSize = 100, claimIdleMs = 60_000, blockMs = 5_000, onError = warn } = options
  requireWhole(what, 'concurrency', concurrency, 1, 10_000)
  requireWhole(what, 'batchSize', batchSize, 1, 10_000)
  requireWhole(what, 'claimIdleMs', claimIdleMs, 100, MAX_MS)
  requireWhole(what, 'blockMs', blockMs, 1, MAX_MS)
  requireFunction(what, 'onError', onError)
  const deadLetters = deadLettersOf(what, stream, options)
  return { stream, group, consumer, concurrency, batchSize, claimIdleMs, blockMs, deadLetters, onError }
}

function deadLettersOf(what: string, stream: string, options: ConsumeOptions): ConsumeSettings['deadLetters'] {
  const { maxDeliveries, deadLetter } = options
  if (maxDeliveries === undefined && deadLetter === undefined) return undefined
  if (deadLetter === undefined) throw new TypeError(`${what}: maxDeliveries needs deadLetter`)
  if (maxDeliveries === undefined) throw new TypeError(`${what}: deadLetter needs maxDeliveries`)
  requireText(what, 'deadLetter', deadLetter)
  if (deadLetter === stream) throw new TypeError(`${what}: deadLetter must be another stream`)
  requireWhole(what, 'maxDeliveries', maxDeliveries, 1, 1_000_000)
  return { stream: deadLetter, maxDeliveries }
}

function warn(error: Error): void {
  process.emitWarning(error)
}
