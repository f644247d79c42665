/** The newest messages of one log, in memory. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Message } from '../../src/delivery/message.ts'
import { Run } from '../../src/recovery/run.ts'

const EPOCH = 'e1'
const offsetOf = (number: number): string => `${1000 + number}-${number}`

function message(number: number): Message {
  const position = { epoch: EPOCH, offset: offsetOf(number) }
  return new Message({ id: `${EPOCH}:${number}`, destination: '/topic/a', headers: [], body: `b${number}`, position })
}

describe('a run of messages', () => {
  it.each([1, 2, 7, 50])('holds the newest %i, whatever comes', (maxMessages) => {
    const run = new Run(offsetOf(0))
    for (let newest = 1; newest <= 4 * maxMessages + 3; newest++) {
      run.push(message(newest), { maxMessages, maxBytes: Infinity })
      const before = Math.max(0, newest - maxMessages)
      expect(run.before).toBe(offsetOf(before))
      for (let number = before; number <= newest; number++) {
        expect(run.offsetOf(number)).toBe(offsetOf(number))
        expect(run.offsetAt(1000 + number, (offset) => Number(offset.split('-')[0]))).toBe(offsetOf(number))
        const wanted = Array.from({ length: newest - number }, (_, i) => `b${number + 1 + i}`)
        expect(run.after(number, Infinity)!.map(({ body }) => body)).toEqual(wanted)
      }
      for (const none of [run.offsetOf(before - 1), run.after(before - 1, 1), run.offsetOf(newest + 1)])
        expect(none).toBeUndefined()
    }
  })

  it('keeps nothing of what was cut off', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const [held, pushed] = [50, 80]
    const run = new Run(offsetOf(0))
    const references = Array.from({ length: pushed }, (_, i) => {
      const next = message(i + 1)
      run.push(next, { maxMessages: held, maxBytes: Infinity })
      return new WeakRef(next)
    })
    // What was made in this turn is held until its end.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    const kept = references.filter((reference) => reference.deref() !== undefined)
    expect([kept.length, run.after(pushed - held, pushed)!.length]).toEqual([held, held])
  })
})
