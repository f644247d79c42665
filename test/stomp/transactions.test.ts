import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/errors.ts'
import { Transactions, type TransactionStep } from '../../src/stomp/transactions.ts'

const LIMITS = { maxTransactions: 2, maxTransactionFrames: 3, maxTransactionBytes: 10 }

const send = (payload: string): TransactionStep => ({ kind: 'send', message: { channel: 'a', payload } })
const ack: TransactionStep = {
  kind: 'ack',
  target: { subscription: undefined, delivery: undefined, messageId: 'node-1' },
}

const codeOf = (attempt: () => unknown): unknown => {
  try {
    attempt()
  } catch (error) {
    return error instanceof ProtocolError ? error.code : error
  }
  return undefined
}

describe('transactions', () => {
  it('#94 give back what was added, in order, each its own', () => {
    const transactions = new Transactions(LIMITS)
    transactions.begin('1')
    transactions.begin('2')
    transactions.add('1', send('a'))
    transactions.add('2', send('b'))
    transactions.add('1', ack)
    transactions.add('1', send('c'))
    expect(transactions.take('1')).toEqual([send('a'), ack, send('c')])
    expect(transactions.take('2')).toEqual([send('b')])
  })

  it('#92 refuse to begin one that is open', () => {
    const transactions = new Transactions(LIMITS)
    transactions.begin('1')
    expect(codeOf(() => transactions.begin('1'))).toBe('duplicate-transaction')
  })

  it.each([
    ['#93 taken', (transactions: Transactions) => transactions.take('1')],
    ['#62 added to', (transactions: Transactions) => transactions.add('1', ack)],
  ])('%s without being open are unknown', (_name, attempt) => {
    const transactions = new Transactions(LIMITS)
    expect(codeOf(() => attempt(transactions))).toBe('unknown-transaction')
    transactions.begin('1')
    transactions.take('1')
    expect(codeOf(() => attempt(transactions))).toBe('unknown-transaction')
    transactions.begin('1')
    transactions.clear()
    expect(codeOf(() => attempt(transactions))).toBe('unknown-transaction')
  })

  it('#95 may be begun again when they were taken, empty', () => {
    const transactions = new Transactions(LIMITS)
    transactions.begin('1')
    transactions.add('1', ack)
    transactions.take('1')
    transactions.begin('1')
    expect(transactions.take('1')).toEqual([])
  })

  it.each(['', '__proto__', 'a:b\nc'])('#97 may be called %j', (id) => {
    const transactions = new Transactions(LIMITS)
    expect(codeOf(() => transactions.take(id))).toBe('unknown-transaction')
    transactions.begin(id)
    transactions.add(id, ack)
    expect(transactions.take(id)).toEqual([ack])
  })

  it('#97 are limited in number, and free a place when taken', () => {
    const transactions = new Transactions(LIMITS)
    transactions.begin('1')
    transactions.begin('2')
    expect(codeOf(() => transactions.begin('3'))).toBe('too-many-transactions')
    transactions.take('1')
    transactions.begin('3')
  })

  it('#97 are limited in frames, each by itself', () => {
    const transactions = new Transactions(LIMITS)
    transactions.begin('1')
    transactions.begin('2')
    for (let i = 0; i < 3; i++) transactions.add('1', ack)
    expect(codeOf(() => transactions.add('1', ack))).toBe('transaction-too-large')
    transactions.add('2', ack)
    expect(transactions.take('1')).toHaveLength(3)
  })

  it('#97 are limited in bytes, all together, and free them when taken', () => {
    const transactions = new Transactions(LIMITS)
    transactions.begin('1')
    transactions.begin('2')
    transactions.add('1', send('12345'))
    transactions.add('2', send('12345'))
    expect(codeOf(() => transactions.add('2', send('1')))).toBe('transaction-too-large')
    transactions.add('2', send(''))
    transactions.take('1')
    transactions.add('2', send('12345'))
  })

  it('#96 hold nothing after clear', () => {
    const transactions = new Transactions(LIMITS)
    for (let i = 0; i < 5; i++) {
      transactions.begin('1')
      transactions.begin('2')
      transactions.add('1', send('1234567890'))
      transactions.clear()
    }
  })
})
