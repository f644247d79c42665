/** Sends again what a log has sent: at the pace that it was sent at, or at once. */
import { signal, type ReadonlySignal } from '@preact/signals'
import type { Header } from '../../frames/index.ts'
import type { Connection } from './connection.ts'
import { partsOf, RecordKind, type NewRecord, type WireData } from './frame-record.ts'
import { MASK, RENEW_DESTINATION } from './secrets.ts'

export interface ReplayedMessage {
  /** After the first one, in milliseconds. */
  readonly afterMs: number
  readonly destination: string
  readonly headers: readonly Header[]
  readonly body: WireData
}

export interface ReplayPlan {
  readonly messages: readonly ReplayedMessage[]
  /** How many headers are left out because the log hides their values. */
  readonly hiddenHeaders: number
}

export interface ReplayProgress {
  readonly sent: number
  readonly total: number
}

/** Of the session that is over, or worked out anew. */
const OWN_HEADERS: readonly string[] = ['destination', 'content-length', 'receipt', 'transaction']
/** What may wait in the browser while messages go as fast as they can. */
const MAX_UNSENT_BYTES = 1_048_576
/** The most that is sent before the page gets a turn. */
const BURST = 200

/** What a log has sent with SEND, but for new tokens: those are hidden, and nobody's business. */
export function planReplay(records: readonly NewRecord[]): ReplayPlan {
  let hiddenHeaders = 0
  let startMs: number | undefined
  const messages: ReplayedMessage[] = []
  for (const record of records) {
    const { kind, direction, command, destination, atMs } = record
    if (kind !== RecordKind.frame || direction !== 'out' || command !== 'SEND') continue
    if (destination === undefined || destination === RENEW_DESTINATION) continue
    startMs ??= atMs
    const { headers, body, text } = partsOf({ ...record, seq: 0 })
    const sendable = headers.filter(([name, value]) => !OWN_HEADERS.includes(name) && value !== MASK)
    hiddenHeaders += headers.filter(([, value]) => value === MASK).length
    messages.push({ afterMs: Math.max(0, atMs - startMs), destination, headers: sendable, body: text ?? body })
  }
  return { messages, hiddenHeaders }
}

export class Replay {
  readonly #connection: Connection
  readonly #plan = signal<ReplayPlan | undefined>(undefined)
  readonly #progress = signal<ReplayProgress | undefined>(undefined)
  readonly #problem = signal<string | undefined>(undefined)
  #timer: unknown

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** What could be sent again; undefined where no log was imported, or it has sent nothing. */
  get plan(): ReadonlySignal<ReplayPlan | undefined> {
    return this.#plan
  }

  /** Undefined if none runs. */
  get progress(): ReadonlySignal<ReplayProgress | undefined> {
    return this.#progress
  }

  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  offer(records: readonly NewRecord[]): void {
    const plan = planReplay(records)
    this.#plan.value = plan.messages.length > 0 ? plan : undefined
    this.#problem.value = undefined
  }

  dismiss(): void {
    this.stop()
    this.#plan.value = undefined
  }

  /** Late timers are made up for. */
  start(isAtOnce: boolean): void {
    const messages = this.#plan.value?.messages
    if (!messages || this.#progress.value) return
    const { environment } = this.#connection
    const startMs = environment.now()
    const total = messages.length
    let sent = 0
    const step = () => {
      const elapsedMs = environment.now() - startMs
      for (let burst = 0; burst < BURST && sent < total; burst++) {
        const message = messages[sent]!
        const isDue = isAtOnce || message.afterMs <= elapsedMs
        if (!isDue || this.#connection.unsentBytes > MAX_UNSENT_BYTES) break
        if (!this.#connection.send(message)) {
          this.stop()
          this.#problem.value = `Stopped after ${sent} of ${total}: not connected`
          return
        }
        sent++
      }
      this.#progress.value = sent < total ? { sent, total } : undefined
      if (sent === total) return
      const waitMs = isAtOnce ? 0 : messages[sent]!.afterMs - (environment.now() - startMs)
      this.#timer = environment.setTimeout(step, Math.max(0, Math.min(waitMs, 1000)))
    }
    this.#problem.value = undefined
    step()
  }

  stop(): void {
    this.#connection.environment.clearTimeout(this.#timer)
    this.#progress.value = undefined
  }
}
