import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Effects } from '../../src/stomp/effects.ts'
import { Ending } from '../../src/stomp/state.ts'
import { turn } from '../support/fake-turn.ts'

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

function deferred(): Deferred {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone
    reject = onFailed
  })
  return { promise, resolve, reject }
}

const nothing = (): void => {}
const always = (): boolean => true
const onlyByError = (end: string): boolean => end === 'error'

/** Receipts and error messages in the order in which they are settled. */
function setUp() {
  const settled: string[] = []
  const effects = new Effects({
    settled({ receipt, error }) {
      settled.push(error === undefined ? `${receipt}` : `${receipt}: ${(error as Error).message}`)
    },
    progressed: nothing,
    failed: nothing,
  })
  return { effects, settled }
}

describe('effects', () => {
  it('#98 that are done settle at once when nothing is before them', () => {
    const { effects, settled } = setUp()
    effects.addDone('1')
    effects.addDone(undefined)
    effects.addDone('3', new Error('failed'))
    expect(settled).toEqual(['1', 'undefined', '3: failed'])
    expect(effects.size).toBe(0)
  })

  it('#99 settle in the order they came, whatever finishes first', async () => {
    const { effects, settled } = setUp()
    const [first, second, third] = [deferred(), deferred(), deferred()]
    effects.addPending('1', first.promise, undefined, 10)
    effects.addPending('2', second.promise, undefined, 10)
    effects.addDone('3')
    effects.addPending('4', third.promise, undefined, 10)
    third.resolve()
    second.resolve()
    await turn()
    expect(settled).toEqual([])
    expect(effects.size).toBe(4)
    first.resolve()
    await turn()
    expect(settled).toEqual(['1', '2', '3', '4'])
    expect(effects.size).toBe(0)
  })

  it('#102 that fail settle with their error in their turn', async () => {
    const { effects, settled } = setUp()
    const [first, second] = [deferred(), deferred()]
    effects.addPending('1', first.promise, undefined, 10)
    effects.addPending('2', second.promise, undefined, 10)
    second.reject(new Error('no'))
    await turn()
    expect(settled).toEqual([])
    first.resolve()
    await turn()
    expect(settled).toEqual(['1', '2: no'])
  })

  it('that fail without a reason settle with an error all the same', async () => {
    const { effects, settled } = setUp()
    const { promise, reject } = deferred()
    effects.addPending('1', promise, undefined, 10)
    reject(undefined)
    await turn()
    expect(settled).toEqual(['1: failed without a reason'])
  })

  it('that may never happen are waited for as long as nothing fails', async () => {
    const { effects, settled } = setUp()
    const subscribe = deferred()
    effects.addPending('subscribe', subscribe.promise, always, 10)
    effects.addDone('begin')
    await turn()
    expect(settled).toEqual([])
    subscribe.resolve()
    await turn()
    expect(settled).toEqual(['subscribe', 'begin'])
  })

  it('that may never happen are given up when a later one fails, and never settle', async () => {
    const { effects, settled } = setUp()
    const [subscribe, send] = [deferred(), deferred()]
    effects.addPending('subscribe', subscribe.promise, always, 10)
    effects.addPending('send', send.promise, undefined, 10)
    send.reject(new Error('bus-unavailable'))
    await turn()
    expect(settled).toEqual(['send: bus-unavailable'])
    subscribe.resolve()
    await turn()
    expect(settled).toEqual(['send: bus-unavailable'])
    expect(effects.size).toBe(0)
  })

  it('behind one that is given up settle at once when what ends the session was done at once', () => {
    const { effects, settled } = setUp()
    effects.addPending('subscribe', deferred().promise, always, 10)
    effects.addDone('begin')
    effects.addDone('bad', new Error('no route'))
    expect(settled).toEqual(['begin', 'bad: no route'])
    expect(effects.size).toBe(0)
  })

  it('that must happen are waited for also when a later one fails', async () => {
    const { effects, settled } = setUp()
    const [subscribe, send] = [deferred(), deferred()]
    effects.addPending('send', send.promise, undefined, 10)
    effects.addPending('subscribe', subscribe.promise, always, 10)
    effects.addDone('bad', new Error('no route'))
    await turn()
    expect(settled).toEqual([])
    send.resolve()
    await turn()
    expect(settled).toEqual(['send', 'bad: no route'])
  })

  it('that an error need not wait for are waited for by who leaves', async () => {
    const [left, failed] = [setUp(), setUp()]
    const ack = deferred()
    for (const { effects } of [left, failed]) effects.addPending('ack', ack.promise, onlyByError, 10)
    left.effects.addDone('disconnect', new Ending(1000, 'bye', 'client'))
    failed.effects.addDone('bad', new Error('no route'))
    expect([left.settled, failed.settled]).toEqual([[], ['bad: no route']])
    ack.resolve()
    await turn()
    expect(left.settled).toEqual(['ack', 'disconnect: undefined'])
  })

  it('that have failed are known before their turn', async () => {
    let failures = 0
    const effects = new Effects({ settled: nothing, progressed: nothing, failed: () => failures++ })
    const [first, second] = [deferred(), deferred()]
    effects.addPending('1', first.promise, undefined, 10)
    effects.addPending('2', second.promise, undefined, 10)
    effects.addDone('leave', new Ending(1001, '', 'shutting-down'))
    expect(effects.failure).toBeUndefined()
    second.reject(new Error('bus-unavailable'))
    await turn()
    expect([failures, effects.failure?.receipt]).toEqual([1, '2'])
  })

  it('that may never happen but have are not given up', async () => {
    const { effects, settled } = setUp()
    const [send, subscribe] = [deferred(), deferred()]
    effects.addPending('send', send.promise, undefined, 10)
    effects.addPending('subscribe', subscribe.promise, always, 10)
    subscribe.resolve()
    await turn()
    effects.addDone('bad', new Error('no route'))
    send.resolve()
    await turn()
    expect(settled).toEqual(['send', 'subscribe', 'bad: no route'])
  })

  it('weigh what they hold until they have happened or failed', async () => {
    const { effects } = setUp()
    const [first, second] = [deferred(), deferred()]
    effects.addPending('1', first.promise, undefined, 10)
    effects.addPending('2', second.promise, undefined, 5)
    expect(effects.pendingBytes).toBe(15)
    second.resolve()
    await turn()
    expect(effects.pendingBytes).toBe(10)
    first.reject(new Error('no'))
    await turn()
    expect(effects.pendingBytes).toBe(0)
  })

  it('may be added from within a settled one', async () => {
    const settled: string[] = []
    const effects = new Effects({
      settled({ receipt }) {
        settled.push(`${receipt}`)
        if (receipt === '1') effects.addDone('added')
      },
      progressed: nothing,
      failed: nothing,
    })
    const [first, second] = [deferred(), deferred()]
    effects.addPending('1', first.promise, undefined, 10)
    effects.addPending('2', second.promise, undefined, 10)
    second.resolve()
    first.resolve()
    await turn()
    expect(settled).toEqual(['1', '2', 'added'])
  })

  it('weigh what they hold until they have happened, whoever is before them', async () => {
    const { effects } = setUp()
    const [first, second] = [deferred(), deferred()]
    effects.addPending('1', first.promise, undefined, 100)
    effects.addPending('2', second.promise, undefined, 20)
    effects.addDone('3')
    expect(effects.pendingBytes).toBe(120)
    second.reject(new Error('no'))
    await turn()
    expect(effects.pendingBytes).toBe(100)
    first.resolve()
    await turn()
    expect(effects.pendingBytes).toBe(0)
  })

  it('are forgotten by clear', async () => {
    const { effects, settled } = setUp()
    const { promise, resolve } = deferred()
    effects.addPending('1', promise, undefined, 10)
    effects.addDone('2')
    effects.clear()
    expect(effects.size).toBe(0)
    resolve()
    await turn()
    expect(settled).toEqual([])
  })

  it('stay in order by the thousands, with a long wait at the front', async () => {
    const { effects, settled } = setUp()
    const all = Array.from({ length: 5000 }, () => deferred())
    for (const [i, { promise }] of all.entries()) effects.addPending(`${i}`, promise, undefined, 10)
    for (const { resolve } of all.slice(1)) resolve()
    await turn()
    expect(settled).toEqual([])
    all[0]!.resolve()
    await turn()
    expect(settled).toEqual(all.map((_, i) => `${i}`))
  })

  it('settle in order and each once, up to the first error, whatever happens when', async () => {
    const kinds = fc.array(fc.constantFrom('done', 'pending', 'pending', 'failing'), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(kinds, fc.infiniteStream(fc.nat()), async (list, choices) => {
        const { effects, settled } = setUp()
        const open: { readonly name: string; readonly settle: () => void }[] = []
        const expected: string[] = []
        for (const [i, kind] of list.entries()) {
          const name = `${i}`
          expected.push(kind === 'failing' ? `${name}: no` : name)
          if (kind === 'done') {
            effects.addDone(name)
            continue
          }
          const { promise, resolve, reject } = deferred()
          effects.addPending(name, promise, undefined, 10)
          open.push({ name, settle: kind === 'failing' ? () => reject(new Error('no')) : resolve })
        }
        while (open.length > 0) {
          open.splice(choices.next().value % open.length, 1)[0]!.settle()
          await turn()
          expect(settled).toEqual(expected.slice(0, settled.length))
        }
        expect(settled).toEqual(expected)
        expect(effects.size).toBe(0)
      }),
      { numRuns: 100 },
    )
  })
})
