/**
 * Owns the worker processes of a bridge: starts them, replaces them, stops them, and gathers what they say of
 * themselves, so that each can answer for all. Called by main, which says how a process is started. It serves no
 * client, and knows of the bridge only its configuration and its address, which it passes on unread.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MetricsSnapshot } from '../metrics.ts'
import { newSignal, type Signal } from '../signal.ts'
import type { AnswerForAll, Asked, Inspection } from './messages.ts'
import { MetricsTotal } from './metrics-total.ts'
import { joining } from './questions.ts'
import { MAX_FAILED_STARTS, SlotState, WorkerSlot, type SlotOwner, type StartProcess } from './worker-slot.ts'

export interface SupervisorOptions {
  /** How many. */
  readonly workers: number
  /** What each of them gets; those that come later too, whatever the file says by then, unless it is reloaded. */
  readonly config: unknown
  /** Longest time that a worker takes to stop. */
  readonly deadlineMs: number
}

/** Past the deadline of the workers, so that they can keep it. */
const KILL_AFTER_MS = 500
/** A worker whose place another has taken stops listening at once, and serves who has come before for so long. */
const HAND_OVER_MS = 2000
/** A new worker has to be ready by then, and is asked this often. */
const READY_TIMEOUT_MS = 20_000
const READY_POLL_MS = 100

export class Supervisor {
  readonly #deadlineMs: number
  readonly #clock: Clock
  readonly #log: Log
  readonly #start: StartProcess
  readonly #owner: SlotOwner
  readonly #slots: WorkerSlot[]
  /** Those that are to take a place, and what is waiting for them to start. */
  readonly #coming = new Map<WorkerSlot, Signal>()
  /** Those whose place another has taken, and what is waiting for their end. */
  readonly #leaving = new Map<WorkerSlot, Signal>()
  /** Places change one after the other. */
  #lastChange: Promise<void> = Promise.resolve()
  readonly #metrics = new MetricsTotal()
  readonly #readiness = joining(() => this.#notReadyReasons())
  readonly #renderedMetrics = joining(() => this.#renderMetrics())
  /** What the process in a slot has, or is taking on. */
  readonly #configs = new Map<WorkerSlot, unknown>()
  #config: unknown
  /** Undefined when all have started, once. */
  #onStarted: ((address: unknown) => void) | undefined
  #onStopped: () => void = () => {}
  #isStopping = false
  #failure: Error | undefined
  #killTimer: unknown

  constructor({ workers, config, deadlineMs }: SupervisorOptions, start: StartProcess, clock: Clock, log: Log) {
    this.#deadlineMs = deadlineMs
    this.#clock = clock
    this.#log = log
    this.#config = config
    this.#start = start
    this.#owner = {
      greeted: (slot: WorkerSlot) => this.#greeted(slot),
      started: (slot: WorkerSlot, address: unknown) => this.#started(slot, address),
      asked: (slot: WorkerSlot, id: number, asked: Asked) => void this.#answer(slot, id, asked),
      ended: (slot: WorkerSlot) => this.#ended(slot),
      leaving: (slot: WorkerSlot) => void this.#restartOne(slot),
      gaveUp: (slot: WorkerSlot, reason: string) => this.#giveUp(slot, reason),
    }
    this.#slots = Array.from({ length: workers }, (_, i) => this.#newSlot(i + 1))
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

  /**
   * Lets all take on another configuration, and those that come later: one of them first, the others when it has it.
   * Resolves when those that run have it. One that cannot although the first could is killed, and replaced by one that
   * begins with it.
   *
   * Errors: rejects with Error when the first cannot use it; it has changed nothing then, and the others are not told.
   */
  async reload(config: unknown): Promise<void> {
    for (const slot of this.#slots) {
      if (await this.#isTaken(slot, config)) break
    }
    this.#config = config
    await Promise.all([...this.#slots, ...this.#coming.keys()].map((slot) => this.#bringUpToDate(slot)))
  }

  /**
   * Lets new workers with this configuration take the places of all, one after the other: each serves before the one from
   * before stops listening, so that no connection is refused.
   *
   * Errors: rejects with Error when a new one does not come up. The one whose place it was to take goes on, and so do those
   * behind it; if it was the first, the configuration stays what it was.
   */
  restart(config: unknown): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#config
      this.#config = config
      for (const [i, slot] of [...this.#slots].entries()) {
        try {
          await this.#renew(slot)
        } catch (error) {
          if (i === 0) this.#config = before
          throw error
        }
      }
    })
  }

  /** Lets all know that the configuration that was read last cannot be used. */
  reloadFailed(): void {
    for (const slot of this.#slots) void slot.reload()
  }

  /** Lets all close in order; those that have not when the deadline has passed are killed. `run` resolves then. */
  stop(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#killTimer = this.#clock.setTimeout(() => this.kill(), this.#deadlineMs + KILL_AFTER_MS)
    for (const slot of this.#all) slot.stop()
  }

  /** Ends all at once. */
  kill(): void {
    for (const slot of this.#all) slot.kill()
  }

  get #all(): WorkerSlot[] {
    return [...this.#slots, ...this.#coming.keys(), ...this.#leaving.keys()]
  }

  #newSlot(number: number): WorkerSlot {
    return new WorkerSlot(number, this.#start, this.#owner, this.#clock, this.#log)
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#lastChange.then(change)
    this.#lastChange = done.catch(() => {}) // for whoever has asked
    return done
  }

  async #restartOne(slot: WorkerSlot): Promise<void> {
    try {
      await this.#inTurn(() => this.#renew(slot))
    } catch (error) {
      this.#log.error({ worker: slot.number, reason: (error as Error).message }, 'The worker was not replaced')
    }
  }

  /** Nothing if it has left already, or when all stop. Errors: rejects with Error when the new one does not come up. */
  async #renew(old: WorkerSlot): Promise<void> {
    if (this.#isStopping || !this.#slots.includes(old)) return
    const used = new Set(this.#all.map(({ number }) => number))
    let number = 1
    while (used.has(number)) number++
    const next = this.#newSlot(number)
    const up = newSignal()
    this.#coming.set(next, up)
    next.fill()
    try {
      await up.promise
      await this.#ready(next)
    } catch (error) {
      this.#coming.delete(next)
      if (next.state !== SlotState.EMPTY) this.#leaving.set(next, newSignal())
      next.stop()
      throw error
    }
    if (this.#isStopping) return
    this.#coming.delete(next)
    this.#slots[this.#slots.indexOf(old)] = next
    const gone = newSignal()
    this.#leaving.set(old, gone)
    const timer = this.#clock.setTimeout(() => old.kill(), HAND_OVER_MS + this.#deadlineMs + KILL_AFTER_MS)
    old.stop(HAND_OVER_MS)
    await gone.promise
    this.#clock.clearTimeout(timer)
  }

  /** Errors: rejects with Error when it is not ready in time. */
  async #ready(slot: WorkerSlot): Promise<void> {
    const until = this.#clock.now() + READY_TIMEOUT_MS
    for (;;) {
      const reasons = (await slot.report({ subject: 'readiness' })) as readonly string[] | undefined
      if (reasons?.length === 0 || this.#isStopping) return
      if (this.#clock.now() >= until) {
        throw new Error(`Worker ${slot.number} is not ready: ${(reasons ?? [absence(slot)]).join(', ')}`)
      }
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, READY_POLL_MS))
    }
  }

  #greeted(slot: WorkerSlot): void {
    this.#configs.set(slot, this.#config)
    slot.send({ type: 'begin', worker: slot.number, config: this.#config })
  }

  /** Has it taken on this configuration? Not if it has gone, or hangs, and then it is for another to try. */
  async #isTaken(slot: WorkerSlot, config: unknown): Promise<boolean> {
    const answer = await slot.reload(config)
    if (answer?.isHanging) this.#replace(slot, answer.problem)
    else if (answer?.problem !== undefined) throw new Error(answer.problem)
    else if (answer) this.#configs.set(slot, config)
    return answer !== undefined && !answer.isHanging
  }

  async #bringUpToDate(slot: WorkerSlot): Promise<void> {
    const config = this.#config
    if (slot.state !== SlotState.STARTED || this.#configs.get(slot) === config) return
    this.#configs.set(slot, config)
    const answer = await slot.reload(config)
    if (answer?.problem !== undefined) this.#replace(slot, answer.problem)
  }

  #replace(slot: WorkerSlot, reason: string | undefined): void {
    if (this.#isStopping) return
    this.#log.error({ worker: slot.number, reason }, 'A worker cannot take on the configuration: it is replaced')
    slot.kill()
  }

  #started(slot: WorkerSlot, address: unknown): void {
    // It may have begun with the one from before.
    void this.#bringUpToDate(slot)
    this.#coming.get(slot)?.resolve()
    if (!this.#onStarted || this.#slots.some(({ state }) => state !== SlotState.STARTED)) return
    const onStarted = this.#onStarted
    this.#onStarted = undefined
    if (!this.#isStopping) onStarted(address)
  }

  #ended(slot: WorkerSlot): void {
    this.#metrics.retire(slot.number)
    if (slot.state === SlotState.EMPTY) {
      this.#leaving.get(slot)?.resolve()
      this.#leaving.delete(slot)
      if (this.#isStopping) this.#coming.get(slot)?.reject(new Error('All workers stop'))
    }
    if (!this.#isStopping || this.#all.some(({ state }) => state !== SlotState.EMPTY)) return
    this.#clock.clearTimeout(this.#killTimer)
    this.#onStopped()
  }

  #giveUp(slot: WorkerSlot, reason: string): void {
    const text = `Worker ${slot.number} could not start ${MAX_FAILED_STARTS} times in a row: ${reason}`
    const coming = this.#coming.get(slot)
    if (coming) {
      coming.reject(new Error(text))
      return
    }
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
    const reports = await Promise.all(this.#all.map((slot) => slot.report({ subject: 'inspection', request })))
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
      this.#all.map(async (slot) => {
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
