/** The transactions of a connection, open and done. */
import { signal, type ReadonlySignal } from '@preact/signals'
import { Command, type FrameToEncode, type Header } from '../../frames/index.ts'

export type TransactionState = 'open' | 'committed' | 'aborted' | 'lost'

export interface Transaction {
  readonly id: string
  readonly state: TransactionState
  /** SEND, ACK and NACK frames in it. */
  readonly frames: number
}

/** Done ones that are still listed. */
const KEPT = 20

export class Transactions {
  readonly #transmit: (frame: FrameToEncode) => boolean
  readonly #list = signal<readonly Transaction[]>([])
  #count = 0

  constructor(transmit: (frame: FrameToEncode) => boolean) {
    this.#transmit = transmit
  }

  /** Newest first. */
  get list(): ReadonlySignal<readonly Transaction[]> {
    return this.#list
  }

  isOpen(id: string): boolean {
    return this.#list.value.some((each) => each.id === id && each.state === 'open')
  }

  /** The id of the new transaction; undefined if there is no session or the id is in use. */
  begin(wantedId = ''): string | undefined {
    const id = wantedId.trim() || `tx-${++this.#count}`
    if (this.isOpen(id) || !this.#send(Command.BEGIN, id)) return undefined
    const others = this.#list.value.filter((each) => each.id !== id)
    this.#list.value = [{ id, state: 'open' as const, frames: 0 }, ...others].slice(0, KEPT)
    return id
  }

  commit(id: string): void {
    if (this.isOpen(id) && this.#send(Command.COMMIT, id)) this.#change(id, { state: 'committed' })
  }

  abort(id: string): void {
    if (this.isOpen(id) && this.#send(Command.ABORT, id)) this.#change(id, { state: 'aborted' })
  }

  /** A frame went into it. */
  countFrame(id: string): void {
    const found = this.#list.value.find((each) => each.id === id)
    if (found) this.#change(id, { frames: found.frames + 1 })
  }

  /** The session is over; the server has aborted what was open. */
  lose(): void {
    this.#list.value = this.#list.value.map((each) => (each.state === 'open' ? { ...each, state: 'lost' } : each))
  }

  #send(command: 'BEGIN' | 'COMMIT' | 'ABORT', id: string): boolean {
    const headers: Header[] = [['transaction', id]]
    return this.#transmit({ command, headers })
  }

  #change(id: string, change: Partial<Transaction>): void {
    this.#list.value = this.#list.value.map((each) => (each.id === id ? { ...each, ...change } : each))
  }
}
