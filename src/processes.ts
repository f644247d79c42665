/**
 * The interface between a runtime and those who run this program in several processes: how another one is started, and
 * how a supervisor and its workers talk. Messages are plain JSON. Types only.
 */

/** A worker, as its supervisor holds it. Never throws; calls after its end are no-ops. */
export interface WorkerProcess {
  /** 0 if it could not be started at all. */
  readonly pid: number
  send(message: object): void
  /** End it at once. */
  kill(): void
}

export interface WorkerEvents {
  received(message: unknown): void
  /** Comes exactly once, and last; says how it ended, such as `exit code 1` or `SIGKILL`. */
  ended(how: string): void
}

/** The supervisor, as a worker holds it. */
export interface SupervisorLink {
  /** Resolves when the message has left this process; at once when the supervisor is gone. */
  send(message: object): Promise<void>
}

export interface SupervisorEvents {
  received(message: unknown): void
  /** The supervisor is gone. Comes at most once, and last. */
  lost(): void
}

/** Both ends, on one runtime. */
export interface Processes {
  /** Starts this program again: the same executable and arguments, in this environment. */
  startWorker(env: Readonly<Record<string, string | undefined>>, events: WorkerEvents): WorkerProcess
  /** Errors: throws when this process was not started by `startWorker`. */
  connectSupervisor(events: SupervisorEvents): SupervisorLink
}
