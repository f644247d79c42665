/** A session that goes on with a new token: what is sent, and what the server says to it. */
import { signal, type ReadonlySignal } from '@preact/signals'
import { Command, type FrameHeaders, type FrameToEncode } from '../../frames/index.ts'
import { readToken } from './jwt.ts'
import { RENEW_DESTINATION } from './secrets.ts'

/** Until when a session may go on, and who says so. */
export interface Expiry {
  /** Milliseconds since 1970; undefined if it does not expire. */
  readonly atMs: number | undefined
  /** `token` is only read here, and not checked. */
  readonly source: 'token' | 'server'
}

export type RenewalState = 'none' | 'waiting' | 'done' | 'failed'

export class Renewal {
  /** The new one, until it is sent and taken. */
  readonly token = signal('')
  readonly #state = signal<RenewalState>('none')
  readonly #problem = signal<string | undefined>(undefined)
  readonly #expiry = signal<Expiry | undefined>(undefined)
  #receipt: string | undefined
  #sent = ''

  get state(): ReadonlySignal<RenewalState> {
    return this.#state
  }

  /** Why the last one failed. */
  get problem(): ReadonlySignal<string | undefined> {
    return this.#problem
  }

  /** Undefined without a session, and where nothing is known. */
  get expiry(): ReadonlySignal<Expiry | undefined> {
    return this.#expiry
  }

  /** A session has begun with this token, if it is one. */
  begin(token: string | undefined): void {
    const facts = token === undefined ? undefined : readToken(token)
    this.#expiry.value = facts && { atMs: facts.expiresAtMs, source: 'token' }
    this.#state.value = 'none'
    this.#problem.value = undefined
  }

  /** False, with the reason in `problem`, if nothing was sent. */
  send(receipt: string, transmit: (frame: FrameToEncode) => boolean): boolean {
    const token = this.token.value.trim()
    if (token === '') return this.#fail('Enter the new token')
    const headers: [string, string][] = [
      ['destination', RENEW_DESTINATION],
      ['Authorization', `Bearer ${token}`],
      ['receipt', receipt],
    ]
    this.#receipt = receipt
    if (!transmit({ command: Command.SEND, headers })) return this.#fail('Not connected: connect with the new token')
    this.#sent = token
    this.#problem.value = undefined
    this.#state.value = 'waiting'
    return true
  }

  /** The token that is good now, if this is the answer to it. */
  answered(headers: FrameHeaders): string | undefined {
    if (this.#state.value !== 'waiting' || headers.get('receipt-id') !== this.#receipt) return undefined
    const expires = Number(headers.get('expires') ?? NaN)
    this.#expiry.value = { atMs: Number.isFinite(expires) ? expires * 1000 : undefined, source: 'server' }
    this.#state.value = 'done'
    this.token.value = ''
    return this.#sent
  }

  /** The session is over. */
  end(): void {
    this.#expiry.value = undefined
    if (this.#state.value === 'waiting') this.#fail('The server has ended the session instead of renewing it.')
    else this.#state.value = 'none'
  }

  #fail(problem: string): false {
    this.#state.value = 'failed'
    this.#problem.value = problem
    return false
  }
}
