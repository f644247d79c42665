/**
 * Owns the place of one worker: the process that is in it, and its replacement when it ends. A process that ends soon is
 * replaced after a pause that doubles; one that never starts is given up after a few attempts. Called by the supervisor.
 */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { WorkerEvents, WorkerProcess } from '../processes.ts'
import type { Asked, Report, ToSupervisor, ToWorker } from './messages.ts'
import { Questions } from './questions.ts'

/** Starts a process that will be a worker. */
export type StartProcess = (events: WorkerEvents) => WorkerProcess

/** What a place tells its owner. */
export interface SlotOwner {
  /** The process listens to its channel: it has to be told what it is. */
  greeted(slot: WorkerSlot): void
  started(slot: WorkerSlot, address: unknown): void
  /** The process wants to know something of all. */
  asked(slot: WorkerSlot, id: number, asked: Asked): void
  /** The process wants another to take its place. */
  leaving(slot: WorkerSlot): void
  /** The process has ended, whether another follows or not. */
  ended(slot: WorkerSlot): void
  /** The process could not start this often in a row; no other follows. */
  gaveUp(slot: WorkerSlot, reason: string): void
}

export const SlotState = { STARTING: 'starting', STARTED: 'started', PAUSING: 'pausing', EMPTY: 'empty' } as const
export type SlotState = (typeof SlotState)[keyof typeof SlotState]

export const MAX_FAILED_STARTS = 5
/** Pause before the first replacement, in milliseconds; doubled each time that a process ends soon. */
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 5000
/** A process that has served this long did not end soon. */
const STABLE_MS = 10_000
/** A process that has not started by then is hanging. */
const START_TIMEOUT_MS = 30_000
/** One that has not taken on a configuration by then is hanging. */
const RELOAD_TIMEOUT_MS = 20_000
/** One that has not answered by then does not answer. Below the second that probes usually wait. */
const ANSWER_TIMEOUT_MS = 700

/** What came of a configuration that a process was to take on. */
export interface ReloadAnswer {
  /** Undefined if it has it. */
  readonly problem: string | undefined
  readonly isHanging: boolean
}

const HANGING: ReloadAnswer = { problem: `it did not answer within ${RELOAD_TIMEOUT_MS} ms`, isHanging: true }

export class WorkerSlot {
  readonly number: number
  readonly #start: StartProcess
  readonly #owner: SlotOwner
  readonly #clock: Clock
  readonly #log: Log
  readonly #questions: Questions<Report>
  readonly #reloads: Questions<ReloadAnswer>
  #state: SlotState = SlotState.EMPTY
  #process: WorkerProcess | undefined
  #hasGreeted = false
  /** What the process said of its own end. */
  #reason: string | undefined
  #startedAtMs = 0
  #failedStarts = 0
  #pauseMs = FIRST_PAUSE_MS
  #isStopping = false
  /** Of the pause or of the start. */
  #timer: unknown

  constructor(number: number, start: StartProcess, owner: SlotOwner, clock: Clock, log: Log) {
    this.number = number
    this.#start = start
    this.#owner = owner
    this.#clock = clock
    this.#log = log
    this.#questions = new Questions(clock, ANSWER_TIMEOUT_MS)
    this.#reloads = new Questions(clock, RELOAD_TIMEOUT_MS)
  }

  get state(): SlotState {
    return this.#state
  }

  fill(): void {
    this.#state = SlotState.STARTING
    this.#hasGreeted = false
    this.#reason = undefined
    this.#timer = this.#clock.setTimeout(() => this.#hang(), START_TIMEOUT_MS)
    this.#process = this.#start({
      received: (message) => this.#receive(message as ToSupervisor),
      ended: (how) => this.#end(this.#reason ?? how),
    })
  }

  send(message: ToWorker): void {
    this.#process?.send(message)
  }

  /** What the process says of itself; undefined when there is none, or it does not say it in time. */
  async report(asked: Asked): Promise<Report | undefined> {
    if (this.#state !== SlotState.STARTED) return undefined
    return this.#questions.ask((id) => this.send({ type: 'report', id, ...asked }))
  }

  /**
   * Lets the process take on another configuration; without one it is told that there is none to be used. Resolves with what
   * came of it; undefined if it ended meanwhile, or if there is no process.
   */
  async reload(config?: unknown): Promise<ReloadAnswer | undefined> {
    if (this.#state !== SlotState.STARTED) return undefined
    const process = this.#process
    const answer = await this.#reloads.ask((id) => this.send({ type: 'reload', id, config }))
    return answer ?? (process === this.#process ? HANGING : undefined)
  }

  /**
   * Lets the process close in order; no other follows. `ended` comes, now if there is none. `handOverMs`: see the message
   * `stop`.
   */
  stop(handOverMs?: number): void {
    if (this.#isStopping) return
    this.#isStopping = true
    if (this.#state === SlotState.PAUSING || this.#state === SlotState.EMPTY) this.#leave()
    else if (this.#hasGreeted) this.send(handOverMs === undefined ? { type: 'stop' } : { type: 'stop', handOverMs })
    else this.kill() // it does not listen yet, and has nothing to close
  }

  kill(): void {
    this.#process?.kill()
  }

  #receive(message: ToSupervisor): void {
    switch (message.type) {
      case 'hello':
        this.#hasGreeted = true
        if (this.#isStopping) this.send({ type: 'stop' })
        else this.#owner.greeted(this)
        break
      case 'started':
        this.#clock.clearTimeout(this.#timer)
        this.#state = SlotState.STARTED
        this.#failedStarts = 0
        this.#startedAtMs = this.#clock.now()
        this.#log.info({ worker: this.number, workerPid: this.#process?.pid }, 'Worker started')
        this.#owner.started(this, message.address)
        break
      case 'failed':
        this.#reason = message.reason
        break
      case 'reported':
        this.#questions.answer(message.id, message.report)
        break
      case 'reloaded':
        this.#reloads.answer(message.id, { problem: message.problem, isHanging: false })
        break
      case 'replace':
        this.#owner.leaving(this)
        break
      case 'ask':
        this.#owner.asked(this, message.id, message)
    }
  }

  #hang(): void {
    this.#reason = `it did not start within ${START_TIMEOUT_MS} ms`
    this.kill()
  }

  #end(how: string): void {
    this.#clock.clearTimeout(this.#timer)
    this.#questions.abandon()
    this.#reloads.abandon()
    const workerPid = this.#process?.pid
    const hasStarted = this.#state === SlotState.STARTED
    this.#state = SlotState.EMPTY
    this.#process = undefined
    if (this.#isStopping) return this.#leave()
    if (!hasStarted) this.#failedStarts++
    if (this.#failedStarts >= MAX_FAILED_STARTS) {
      this.#leave()
      this.#owner.gaveUp(this, how)
      return
    }
    if (hasStarted && this.#clock.now() - this.#startedAtMs >= STABLE_MS) this.#pauseMs = FIRST_PAUSE_MS
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
    this.#state = SlotState.PAUSING
    this.#timer = this.#clock.setTimeout(() => this.fill(), pauseMs)
    const text = hasStarted ? 'Worker ended: starting another' : 'Worker did not start: trying again'
    this.#log.error({ worker: this.number, workerPid, reason: how, pauseMs }, text)
    this.#owner.ended(this)
  }

  #leave(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#state = SlotState.EMPTY
    this.#owner.ended(this)
  }
}
