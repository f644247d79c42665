/** Open transactions of one session: what was sent inside waits here, and nobody sees it before COMMIT. */
import type { RoutedMessage } from '../broker/outbound.ts'
import { ProtocolError, quoted } from '../errors.ts'
import { lengthOf } from '../history/log.ts'
import type { AckTarget } from './acknowledgements.ts'

export interface TransactionLimits {
  readonly maxTransactions: number
  readonly maxTransactionFrames: number
  /** Payload bytes over all open transactions of the session. */
  readonly maxTransactionBytes: number
}

export type TransactionStep =
  | { readonly kind: 'send'; readonly message: RoutedMessage }
  | { readonly kind: 'ack' | 'nack'; readonly target: AckTarget }

interface Transaction {
  readonly steps: TransactionStep[]
  bytes: number
}

export class Transactions {
  readonly #limits: TransactionLimits
  readonly #open = new Map<string, Transaction>()
  #bytes = 0

  constructor(limits: TransactionLimits) {
    this.#limits = limits
  }

  /** Errors: ProtocolError `duplicate-transaction`, `too-many-transactions`. */
  begin(id: string): void {
    if (this.#open.has(id))
      throw new ProtocolError('duplicate-transaction', `Cannot begin ${quoted(id)}: this transaction is already open`)
    if (this.#open.size >= this.#limits.maxTransactions) {
      throw new ProtocolError(
        'too-many-transactions',
        `A session may have at most ${this.#limits.maxTransactions} open transactions`,
      )
    }
    this.#open.set(id, { steps: [], bytes: 0 })
  }

  /** Errors: ProtocolError `unknown-transaction`, `transaction-too-large`. */
  add(id: string, step: TransactionStep): void {
    const transaction = this.#get(id)
    const { maxTransactionFrames, maxTransactionBytes } = this.#limits
    if (transaction.steps.length >= maxTransactionFrames) {
      throw new ProtocolError('transaction-too-large', `A transaction may hold at most ${maxTransactionFrames} frames`)
    }
    const bytes = step.kind === 'send' ? lengthOf(step.message) : 0
    if (this.#bytes + bytes > maxTransactionBytes) {
      throw new ProtocolError(
        'transaction-too-large',
        `The open transactions of a session may hold at most ${maxTransactionBytes} bytes`,
      )
    }
    transaction.steps.push(step)
    transaction.bytes += bytes
    this.#bytes += bytes
  }

  /** Closes it and returns what it held, in order. Errors: ProtocolError `unknown-transaction`. */
  take(id: string): readonly TransactionStep[] {
    const transaction = this.#get(id)
    this.#open.delete(id)
    this.#bytes -= transaction.bytes
    return transaction.steps
  }

  clear(): void {
    this.#open.clear()
    this.#bytes = 0
  }

  #get(id: string): Transaction {
    const transaction = this.#open.get(id)
    if (!transaction) throw new ProtocolError('unknown-transaction', `No transaction ${quoted(id)} is open`)
    return transaction
  }
}
