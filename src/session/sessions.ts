/** All open sessions of a bridge: admits, counts, and ends them together. */
import { ERRORS } from '../errors.ts'
import type { Socket, SocketHandler } from '../socket.ts'
import { Session } from './session.ts'
import type { SessionServices } from './services.ts'

/** How many sessions may be told to close in one turn of the event loop at shutdown. */
const CLOSE_BATCH = 200

export class Sessions {
  readonly #services: SessionServices
  readonly #nodeId: string
  readonly #maxSessions: number
  readonly #open = new Set<Session>()
  #count = 0
  #isDraining = false
  #onEmpty: (() => void) | undefined

  constructor(services: SessionServices, nodeId: string, maxSessions: number) {
    this.#services = services
    this.#nodeId = nodeId
    this.#maxSessions = maxSessions
    services.metrics.observe('sessions', () => this.#open.size)
  }

  /** Why no new session may be opened now; undefined if one may. */
  get refusal(): 'draining' | 'full' | undefined {
    if (this.#isDraining) return 'draining'
    return this.#open.size >= this.#maxSessions ? 'full' : undefined
  }

  get size(): number {
    return this.#open.size
  }

  /** Oldest first. */
  [Symbol.iterator](): Iterator<Session> {
    return this.#open.values()
  }

  /** Lets a session end with an ERROR that says so. False if there is none of this id. */
  close(sessionId: string): boolean {
    for (const session of this.#open) {
      if (session.sessionId !== sessionId) continue
      session.closeByOperator()
      return true
    }
    return false
  }

  /** A socket has opened. One that comes in spite of a refusal is closed with 1001 or 1013 (try again later). */
  readonly open = (socket: Socket): SocketHandler => {
    const session = new Session(socket, `${this.#nodeId}-${++this.#count}`, this.#services, this.#closed)
    const refusal = this.refusal
    this.#open.add(session)
    if (refusal === 'draining') session.refuse(ERRORS['shutting-down'].close, 'The server is shutting down')
    else if (refusal === 'full') session.refuse(1013, 'Too many sessions: try again later')
    return session
  }

  /** Finish and close every session; resolves when all are gone. What is left after the deadline is dropped. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    if (this.#open.size === 0) return
    const timer = setTimeout(() => {
      for (const session of this.#open) session.terminate()
      this.#onEmpty?.()
    }, deadlineMs)
    let told = 0
    for (const session of [...this.#open]) {
      session.shutDown()
      if (++told % CLOSE_BATCH === 0) await new Promise((resolve) => setTimeout(resolve, 0))
    }
    if (this.#open.size > 0) await empty
    clearTimeout(timer)
  }

  readonly #closed = (session: Session): void => {
    this.#open.delete(session)
    if (this.#open.size === 0) this.#onEmpty?.()
  }
}
