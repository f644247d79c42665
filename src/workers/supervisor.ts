/**
 * Owns the worker processes of a bridge: starts them, replaces them, stops them, and gathers what they say of
 * themselves, so that each can answer for all. Called by main, which says how a process is started. It serves no
 * client, and knows of the bridge only its configuration and its address, which it passes on unread.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MetricsSnapshot } from '../metrics.ts'
import type { AnswerForAll, Asked, Inspection } from './messages.ts'
import { MetricsTotal } from './metrics-total.ts'
import { joining } from './questions.ts'
import { MAX_FAILED_STARTS, SlotState, WorkerSlot, type StartProcess } from './worker-slot.ts'

export interface SupervisorOptions {
  /** How many. */
  readonly workers: number
  /** What each of them gets; those that come later too, whatever the file says by then. */
  readonly config: unknown
  /** Longest time that a worker takes to stop. */
  readonly deadlineMs: number
}

/** Past the deadline of the workers, so that they can keep it. */
const KILL_AFTER_MS = 500

export class Supervisor {
  readonly #deadlineMs: number
  readonly #clock: Clock
  readonly #slots: readonly WorkerSlot[]
  readonly #metrics = new MetricsTotal()
  readonly #readiness = joining(() => this.#notReadyReasons())
  readonly #renderedMetrics = joining(() => this.#renderMetrics())
  /** Undefined when all have started, once. */
  #onStarted: ((address: unknown) => void) | undefined
  #onStopped: () => void = () => {}
  #isStopping = false
  #failure: Error | undefined
  #killTimer: unknown

  constructor({ workers, config, deadlineMs }: SupervisorOptions, start: StartProcess, clock: Clock, log: Log) {
    this.#deadlineMs = deadlineMs
    this.#clock = clock
    const owner = {
      greeted: (slot: WorkerSlot) => slot.send({ type: 'begin', worker: slot.number, config }),
      started: (_slot: WorkerSlot, address: unknown) => this.#started(address),
      asked: (slot: WorkerSlot, id: number, asked: Asked) => void this.#answer(slot, id, asked),
      ended: (slot: WorkerSlot) => this.#ended(slot),
      gaveUp: (slot: WorkerSlot, reason: string) => this.#giveUp(slot, reason),
    }
    this.#slots = Array.from({ length: workers }, (_, i) => new WorkerSlot(i + 1, start, owner, clock, log))
  }

  /**
   * Starts the workers and keeps them running until `stop`. Calls back once, when all have started, with the address
   * that one of them gave.
   *
   * Errors: rejects with a line for people when a worker could not be started; all have been stopped then.
   */
  run(onStarted: (address: unknown) => void): Promise<void> {
    this.#onStarted = onStarted
    return new Promise((resolve, reject) => {
      this.#onStopped = () => (this.#failure ? reject(this.#failure) : resolve())
      for (const slot of this.#slots) slot.fill()
    })
  }

  /** Lets all close in order; those that have not when the deadline has passed are killed. `run` resolves then. */
  stop(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#killTimer = this.#clock.setTimeout(() => this.kill(), this.#deadlineMs + KILL_AFTER_MS)
    for (const slot of this.#slots) slot.stop()
  }

  /** Ends all at once. */
  kill(): void {
    for (const slot of this.#slots) slot.kill()
  }

  #started(address: unknown): void {
    if (!this.#onStarted || this.#slots.some(({ state }) => state !== SlotState.STARTED)) return
    const onStarted = this.#onStarted
    this.#onStarted = undefined
    if (!this.#isStopping) onStarted(address)
  }

  #ended(slot: WorkerSlot): void {
    this.#metrics.retire(slot.number)
    if (!this.#isStopping || this.#slots.some(({ state }) => state !== SlotState.EMPTY)) return
    this.#clock.clearTimeout(this.#killTimer)
    this.#onStopped()
  }

  #giveUp({ number }: WorkerSlot, reason: string): void {
    const text = `Worker ${number} could not start ${MAX_FAILED_STARTS} times in a row: ${reason}`
    this.#failure ??= new Error(text)
    this.stop()
  }

  async #answer(slot: WorkerSlot, id: number, asked: Asked): Promise<void> {
    slot.send({ type: 'answer', id, answer: await this.#answerFor(asked) })
  }

  #answerFor(asked: Asked): Promise<AnswerForAll> {
    switch (asked.subject) {
      case 'readiness':
        return this.#readiness()
      case 'metrics':
        return this.#renderedMetrics()
      case 'inspection':
        return this.#inspectAll(asked.request)
    }
  }

  /** What each says that answers; how that becomes one is for who asked. */
  async #inspectAll(request: unknown): Promise<Inspection[]> {
    const reports = await Promise.all(this.#slots.map((slot) => slot.report({ subject: 'inspection', request })))
    return reports.filter((report) => report !== undefined) as Inspection[]
  }

  async #notReadyReasons(): Promise<string[]> {
    const lists = await Promise.all(
      this.#slots.map(async (slot) => {
        const reasons = (await slot.report({ subject: 'readiness' })) as readonly string[] | undefined
        return (reasons ?? [absence(slot)]).map((reason) => `worker ${slot.number}: ${reason}`)
      }),
    )
    return lists.flat()
  }

  async #renderMetrics(): Promise<string> {
    const reports = new Map<number, MetricsSnapshot>()
    await Promise.all(
      this.#slots.map(async (slot) => {
        const report = (await slot.report({ subject: 'metrics' })) as MetricsSnapshot | undefined
        if (report) reports.set(slot.number, report)
      }),
    )
    return this.#metrics.render(reports)
  }
}

/** Why a worker has not said what it was asked. */
function absence({ state }: WorkerSlot): string {
  switch (state) {
    case SlotState.STARTING:
      return 'starting'
    case SlotState.STARTED:
      return 'does not answer'
    case SlotState.PAUSING:
    case SlotState.EMPTY:
      return 'ended'
  }
}
