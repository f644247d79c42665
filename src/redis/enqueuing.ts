/**
 * Messages for work queues that are sent by themselves: those of one turn for one queue go to Redis as one script, because a
 * script of its own for each is most of what a small message costs there. Each is taken or refused by itself.
 */
import { Buffer } from 'node:buffer'
import { BusUnavailableError, QueueFullError } from '../bus/bus.ts'
import type { StreamEntry } from '../history/log.ts'
import { textOf } from '../text.ts'
import { ENQUEUE_SCRIPT } from './queue-scripts.ts'
import { newScript, type Script, type ScriptRunner } from './scripts.ts'

const SCRIPT = newScript(ENQUEUE_SCRIPT)

/** Messages and characters of one script, about: it keeps everybody else waiting. */
const MAX_MESSAGES = 100
const MAX_LENGTH = 65_536

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Batch {
  readonly args: (string | Uint8Array)[]
  readonly waiting: Waiting[]
  length: number
}

export class Enqueuing {
  readonly #script: ScriptRunner
  readonly #flush: () => void
  /** By the key of the stream. */
  readonly #batches = new Map<string, Batch>()
  #turnEnd: ReturnType<typeof setImmediate> | undefined

  /** `flush`: writes what the scripts were given. */
  constructor(ordered: (script: Script) => ScriptRunner, flush: () => void) {
    this.#script = ordered(SCRIPT)
    this.#flush = flush
  }

  /** Resolves when Redis has it. Rejects as `HistoryLog.publish`. */
  add(key: string, { maxLength, fields }: StreamEntry, payload: string | Uint8Array): Promise<void> {
    const batch = this.#batchFor(key, maxLength)
    batch.args.push(String(fields.length * 2))
    for (const [name, value = payload] of fields) {
      // A payload may be a view of what came in, which is something else by the end of the turn. Texts are written as one.
      batch.args.push(name, typeof value === 'string' ? value : (textOf(value) ?? Buffer.from(value)))
      batch.length += name.length + value.length
    }
    const added = new Promise<void>((resolve, reject) => batch.waiting.push({ resolve, reject }))
    if (batch.waiting.length >= MAX_MESSAGES || batch.length >= MAX_LENGTH) this.#send(key, batch)
    return added
  }

  /** Hands over what was added so far, so that it is before whatever is handed over next. */
  flush(): void {
    for (const [key, batch] of this.#batches) this.#send(key, batch)
  }

  #batchFor(key: string, maxLength: number): Batch {
    const known = this.#batches.get(key)
    if (known) return known
    const batch: Batch = { args: [String(maxLength)], waiting: [], length: 0 }
    this.#batches.set(key, batch)
    this.#turnEnd ??= setImmediate(() => {
      this.#turnEnd = undefined
      this.flush()
      this.#flush()
    })
    return batch
  }

  #send(key: string, { args, waiting }: Batch): void {
    this.#batches.delete(key)
    this.#script.run({ keys: [key], args }).then(
      (answer) => {
        for (const [i, added] of (answer as readonly number[]).entries()) {
          if (added === 1) waiting[i]!.resolve()
          else waiting[i]!.reject(new QueueFullError('a queue holds as many messages as it may'))
        }
      },
      (error: unknown) => {
        // Of several some may be there already, as after a lost connection.
        const failure = error instanceof Error ? error : new BusUnavailableError(String(error))
        for (const { reject } of waiting) reject(failure)
      },
    )
  }
}
