/**
 * Owns the worker's end of its life under a supervisor: it is told what it is and when to stop, says what it is asked,
 * and asks in its turn, so that it can answer for all. Called by main in a worker; knows nothing of bridges.
 */
import type { Clock } from '../clock.ts'
import type { MetricsSnapshot } from '../metrics.ts'
import type { SupervisorEvents, SupervisorLink } from '../processes.ts'
import type { AnswerForAll, Asked, Inspection, Report, ToSupervisor, ToWorker } from './messages.ts'
import { joining, Questions } from './questions.ts'

/** What a worker is told to be. */
export interface Assignment {
  /** From 1. */
  readonly worker: number
  readonly config: unknown
}

/** What can be asked of a worker once it has started. */
export interface Reporter {
  notReadyReasons(): readonly string[]
  metricsSnapshot(): Promise<MetricsSnapshot>
  /** Takes and returns plain data. */
  inspect(request: unknown): Promise<unknown>
}

/** Beyond what the supervisor itself waits for the slowest worker. */
const ANSWER_TIMEOUT_MS = 1500

export class WorkerLife {
  /** Resolves when the supervisor says what this worker is. */
  readonly assignment: Promise<Assignment>
  /** For `/ready`: of all workers; never rejects. */
  readonly notReadyReasons: () => Promise<readonly string[]>
  /** For `/metrics`: of all workers. Errors: rejects when the supervisor does not answer. */
  readonly renderMetrics: () => Promise<string>
  /** For the web debugger: what each worker says; none when the supervisor does not answer. */
  readonly inspectAll = async (request: unknown): Promise<readonly unknown[]> => {
    const inspections = await this.#ask({ subject: 'inspection', request })
    return ((inspections ?? []) as readonly Inspection[]).map(({ answer }) => answer)
  }
  readonly #link: SupervisorLink
  readonly #questions: Questions<AnswerForAll>
  #assign: (assignment: Assignment) => void = () => {}
  #reporter: Reporter | undefined
  #onReload: ((config: unknown) => Promise<void>) | undefined
  #isLost = false
  #onStop: ((reason: string, handOverMs: number | undefined) => void) | undefined
  #stopped: { readonly reason: string; readonly handOverMs: number | undefined } | undefined

  constructor(connect: (events: SupervisorEvents) => SupervisorLink, clock: Clock) {
    this.#questions = new Questions(clock, ANSWER_TIMEOUT_MS)
    this.assignment = new Promise((resolve) => (this.#assign = resolve))
    this.notReadyReasons = joining(async () => {
      const answer = (await this.#ask({ subject: 'readiness' })) as readonly string[] | undefined
      return answer ?? [`the supervisor ${this.#isLost ? 'is gone' : 'does not answer'}`]
    })
    this.renderMetrics = joining(async () => {
      const answer = await this.#ask({ subject: 'metrics' })
      if (typeof answer !== 'string') throw new Error('The supervisor does not answer')
      return answer
    })
    this.#link = connect({
      received: (message) => void this.#receive(message as ToWorker),
      lost: () => this.#lose(),
    })
    void this.#send({ type: 'hello' })
  }

  /** The bridge is up, and can be asked from now on. */
  started(address: unknown, reporter: Reporter): void {
    this.#reporter = reporter
    void this.#send({ type: 'started', address })
  }

  /** The bridge will not come up. Resolves when that is said, and this process may end. */
  failed(reason: string): Promise<void> {
    return this.#send({ type: 'failed', reason })
  }

  /**
   * Calls back once, when the supervisor says that this worker has to stop, or is gone itself. Replaces the last callback.
   * `handOverMs`: see the message `stop`.
   */
  onStop(callback: (reason: string, handOverMs: number | undefined) => void): void {
    this.#onStop = callback
    if (this.#stopped) callback(this.#stopped.reason, this.#stopped.handOverMs)
  }

  /** Asks the supervisor to let another take the place of this worker. */
  askToBeReplaced(): void {
    void this.#send({ type: 'replace' })
  }

  /**
   * Calls back with each new configuration, undefined for one that cannot be used. What the callback rejects with is told to
   * the supervisor. Before the supervisor hears that this worker has started.
   */
  onReload(callback: (config: unknown) => Promise<void>): void {
    this.#onReload = callback
  }

  #send(message: ToSupervisor): Promise<void> {
    return this.#link.send(message)
  }

  async #ask(asked: Asked): Promise<AnswerForAll | undefined> {
    if (this.#isLost) return undefined
    return this.#questions.ask((id) => void this.#send({ type: 'ask', id, ...asked }))
  }

  async #receive(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'begin':
        this.#assign(message)
        break
      case 'stop':
        this.#stop('told by the supervisor', message.handOverMs)
        break
      case 'answer':
        this.#questions.answer(message.id, message.answer)
        break
      case 'reload': {
        const problem = await this.#reload(message.config)
        await this.#send({ type: 'reloaded', id: message.id, problem })
        break
      }
      case 'report':
        if (this.#reporter) {
          const report = await reportOf(this.#reporter, message)
          await this.#send({ type: 'reported', id: message.id, report })
        }
    }
  }

  /** Returns what went wrong. */
  async #reload(config: unknown): Promise<string | undefined> {
    try {
      await this.#onReload?.(config)
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  #lose(): void {
    this.#isLost = true
    this.#questions.abandon()
    this.#stop('the supervisor is gone')
  }

  #stop(reason: string, handOverMs?: number): void {
    if (this.#stopped) return
    this.#stopped = { reason, handOverMs }
    this.#onStop?.(reason, handOverMs)
  }
}

async function reportOf(reporter: Reporter, asked: Asked): Promise<Report> {
  switch (asked.subject) {
    case 'readiness':
      return reporter.notReadyReasons()
    case 'metrics':
      return reporter.metricsSnapshot()
    case 'inspection':
      return { answer: await reporter.inspect(asked.request) }
  }
}
