/**
 * Owns the worker's end of its life under a supervisor: it is told what it is and when to stop, says what it is asked,
 * and asks in its turn, so that it can answer for all. Called by main in a worker; knows nothing of bridges.
 */
import type { Clock } from '../clock.ts'
import type { MetricsSnapshot } from '../metrics.ts'
import type { SupervisorEvents, SupervisorLink } from '../processes.ts'
import type { Subject, ToSupervisor, ToWorker } from './messages.ts'
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
  readonly #link: SupervisorLink
  readonly #questions: Questions<readonly string[] | string>
  #assign: (assignment: Assignment) => void = () => {}
  #reporter: Reporter | undefined
  #isLost = false
  #onStop: ((reason: string) => void) | undefined
  #stopReason: string | undefined

  constructor(connect: (events: SupervisorEvents) => SupervisorLink, clock: Clock) {
    this.#questions = new Questions(clock, ANSWER_TIMEOUT_MS)
    this.assignment = new Promise((resolve) => (this.#assign = resolve))
    this.notReadyReasons = joining(async () => {
      const answer = (await this.#ask('readiness')) as readonly string[] | undefined
      return answer ?? [`the supervisor ${this.#isLost ? 'is gone' : 'does not answer'}`]
    })
    this.renderMetrics = joining(async () => {
      const answer = await this.#ask('metrics')
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

  /** Calls back once, when the supervisor says that this worker has to stop, or is gone itself. Replaces the last callback. */
  onStop(callback: (reason: string) => void): void {
    this.#onStop = callback
    if (this.#stopReason !== undefined) callback(this.#stopReason)
  }

  #send(message: ToSupervisor): Promise<void> {
    return this.#link.send(message)
  }

  async #ask(subject: Subject): Promise<readonly string[] | string | undefined> {
    if (this.#isLost) return undefined
    return this.#questions.ask((id) => void this.#send({ type: 'ask', id, subject }))
  }

  async #receive(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'begin':
        this.#assign(message)
        break
      case 'stop':
        this.#stop('told by the supervisor')
        break
      case 'answer':
        this.#questions.answer(message.id, message.answer)
        break
      case 'report': {
        const { id, subject } = message
        if (!this.#reporter) return
        const report = subject === 'metrics' ? await this.#reporter.metricsSnapshot() : this.#reporter.notReadyReasons()
        await this.#send({ type: 'reported', id, report })
      }
    }
  }

  #lose(): void {
    this.#isLost = true
    this.#questions.abandon()
    this.#stop('the supervisor is gone')
  }

  #stop(reason: string): void {
    if (this.#stopReason !== undefined) return
    this.#stopReason = reason
    this.#onStop?.(reason)
  }
}
