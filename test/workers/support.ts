/** Processes that do what the test says: both ends of the channel, without a process. */
import type { SupervisorEvents, SupervisorLink, WorkerEvents, WorkerProcess } from '../../src/processes.ts'
import type { ToSupervisor, ToWorker } from '../../src/workers/messages.ts'
import { Supervisor } from '../../src/workers/supervisor.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

/** A worker process, as the test plays it. */
export class FakeProcess implements WorkerProcess {
  readonly pid: number
  /** What the supervisor has sent, in order. */
  readonly received: ToWorker[] = []
  isKilled = false
  readonly #events: WorkerEvents

  constructor(pid: number, events: WorkerEvents) {
    this.pid = pid
    this.#events = events
  }

  send(message: object): void {
    this.received.push(structuredClone(message) as ToWorker)
  }

  /** SIGKILL; the test says when it ends. */
  kill(): void {
    this.isKilled = true
  }

  /** The worker sends this. */
  say(message: ToSupervisor): void {
    this.#events.received(JSON.parse(JSON.stringify(message)))
  }

  /** Comes up in the usual two steps. */
  comeUp(address: unknown = 'an address'): void {
    this.say({ type: 'hello' })
    this.say({ type: 'started', address })
  }

  end(how = 'SIGKILL'): void {
    this.#events.ended(how)
  }

  /** The last message of that kind. */
  last<Type extends ToWorker['type']>(type: Type): Extract<ToWorker, { type: Type }> | undefined {
    return this.received.findLast((message) => message.type === type) as Extract<ToWorker, { type: Type }> | undefined
  }
}

/** Every process that was started, in order. */
export class FakeProcesses {
  readonly all: FakeProcess[] = []
  readonly start = (events: WorkerEvents): WorkerProcess => {
    const process = new FakeProcess(this.all.length + 1, events)
    this.all.push(process)
    return process
  }

  get newest(): FakeProcess {
    return this.all.at(-1)!
  }
}

/** A worker's channel, whose other end is the test. */
export class FakeLink {
  /** What the worker has sent, in order. */
  readonly sent: ToSupervisor[] = []
  #events: SupervisorEvents | undefined

  readonly connect = (events: SupervisorEvents): SupervisorLink => {
    this.#events = events
    return {
      send: (message) => {
        this.sent.push(message as ToSupervisor)
        return Promise.resolve()
      },
    }
  }

  /** The supervisor sends this. */
  say(message: ToWorker): void {
    this.#events!.received(message)
  }

  lose(): void {
    this.#events!.lost()
  }
}

export const DEADLINE_MS = 10_000
export const config = { server: { port: 8080 } }

/** Processes are started, none has come up. */
export function supervised(workers: number) {
  const processes = new FakeProcesses()
  const clock = new FakeClock()
  const log = new FakeLog()
  const supervisor = new Supervisor({ workers, config, deadlineMs: DEADLINE_MS }, processes.start, clock, log)
  const addresses: unknown[] = []
  let outcome: string | undefined
  supervisor
    .run((address) => addresses.push(address))
    .then(
      () => (outcome = 'stopped'),
      (error: Error) => (outcome = error.message),
    )
  return { supervisor, processes, clock, log, addresses, outcome: () => outcome }
}

/** All have come up. */
export function running(workers: number) {
  const scene = supervised(workers)
  for (const process of scene.processes.all) process.comeUp()
  return scene
}
