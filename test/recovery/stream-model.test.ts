/**
 * A stream as one node delivers it, against a list: whatever is added and trimmed, and whenever it comes and what is read
 * arrives, nobody who asks misses or doubles a message without being told.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ask } from '../../src/recovery/ask.ts'
import { turns } from './stage.ts'
import { DESTINATION, STREAM, StreamStage, type Subscribed } from './stream-stage.ts'

type Step =
  | {
      readonly kind: 'add' | 'addOther' | 'bring' | 'carryOut' | 'answer' | 'fail' | 'settle' | 'unsubscribe' | 'empty'
    }
  | { readonly kind: 'trim'; readonly count: number }
  | {
      readonly kind: 'subscribe'
      readonly how: 'since' | 'last' | 'time' | 'nothing' | 'stale' | 'beyond'
      readonly back: number
      readonly isSingle: boolean
    }

const simple = (kind: Exclude<Step['kind'], 'trim' | 'subscribe'>) => fc.constant<Step>({ kind })

const gentle = [
  { weight: 8, arbitrary: simple('add') },
  { weight: 4, arbitrary: simple('addOther') },
  { weight: 8, arbitrary: simple('bring') },
  { weight: 8, arbitrary: simple('carryOut') },
  { weight: 8, arbitrary: simple('answer') },
  { weight: 1, arbitrary: simple('fail') },
  { weight: 1, arbitrary: simple('unsubscribe') },
  { weight: 1, arbitrary: simple('settle') },
  {
    weight: 5,
    arbitrary: fc
      .record({
        how: fc.constantFrom('since', 'last', 'time', 'nothing', 'stale', 'beyond'),
        back: fc.integer({ min: 0, max: 25 }),
        isSingle: fc.boolean(),
      })
      .map((rest): Step => ({ kind: 'subscribe', ...rest })),
  },
] as const

const rough = [
  ...gentle,
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 8 }).map((count): Step => ({ kind: 'trim', count })) },
  { weight: 1, arbitrary: simple('empty') },
]

interface Checked {
  readonly subscribed: Subscribed
  readonly ask: Ask | undefined
  /** Number of the entry since which it asks. */
  readonly since: number | undefined
  isOpen: boolean
  /** The stream has begun anew since. */
  isOfOtherStory: boolean
}

class Model {
  readonly stage: StreamStage
  readonly subscribers: Checked[] = []
  /** Ids of all messages for the destination in this story, and the number of the first of them. */
  #ids: string[] = []
  #first = 0
  #count = 0

  constructor(maxScan: number) {
    this.stage = new StreamStage({ maxScan })
  }

  async take(step: Step): Promise<void> {
    const { stream } = this.stage
    switch (step.kind) {
      case 'add':
        this.#ids.push(stream.add(DESTINATION, String(this.#count++)))
        break
      case 'addOther':
        stream.add('/topic/b', 'other')
        break
      case 'bring':
      case 'carryOut':
      case 'answer':
      case 'fail':
        stream[step.kind]()
        break
      case 'settle':
        await this.stage.settle()
        break
      case 'trim':
        stream.trim(step.count)
        break
      case 'empty':
        stream.fail()
        stream.empty()
        this.#ids = []
        this.#first = this.#count
        for (const each of this.subscribers) each.isOfOtherStory = true
        break
      case 'unsubscribe': {
        const first = this.subscribers.find(({ isOpen }) => isOpen)
        if (!first) break
        first.isOpen = false
        this.stage.unsubscribe(first.subscribed)
        break
      }
      case 'subscribe': {
        const { ask, since } = this.#askOf(step)
        this.subscribers.push({
          subscribed: this.stage.subscribe(ask, step),
          ask,
          since,
          isOpen: true,
          isOfOtherStory: false,
        })
      }
    }
    await turns()
  }

  #askOf({ how, back }: Extract<Step, { kind: 'subscribe' }>): { ask: Ask | undefined; since?: number } {
    const { newest } = this.stage.stream
    const index = Math.max(-1, this.#ids.length - 1 - back)
    const offset = this.#ids[index] ?? '0-0'
    const since = this.#first + index
    switch (how) {
      case 'since':
        return { ask: { kind: 'since', position: { epoch: STREAM, offset } }, since }
      case 'time':
        return { ask: { kind: 'time', ms: Number(offset.split('-')[0]) }, since }
      case 'stale':
        return { ask: { kind: 'since', position: { epoch: 'old', offset: newest } } }
      case 'beyond':
        return { ask: { kind: 'since', position: { epoch: STREAM, offset: '9999-0' } } }
      case 'last':
        return { ask: { kind: 'last', count: back } }
      case 'nothing':
        return { ask: undefined }
    }
  }

  async end(): Promise<void> {
    await this.stage.settle()
    await this.take({ kind: 'add' })
    await this.stage.settle()
  }

  check(isGentle: boolean): void {
    for (const { subscribed, ask, since, isOpen, isOfOtherStory } of this.subscribers) {
      const { frames, bodies } = subscribed.receiver
      const events = frames.map(({ headers }, i) => ({
        number: Number(bodies[i]),
        marker: headers.get('event') === 'position' ? headers : undefined,
      }))
      if (!ask) {
        const numbers = events.map(({ number }) => number)
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
        continue
      }
      // What has to come next; undefined where it has been told that something is missing.
      let next: number | undefined
      let highest = -1
      for (const [i, { number, marker }] of events.entries()) {
        if (i === 0) expect(marker).toBeDefined()
        if (marker) {
          const recovered = marker.get('recovered')
          if (i > 0) expect(recovered).toBe('false')
          next = i === 0 && recovered === 'true' && !isOfOtherStory ? since! + 1 : undefined
          continue
        }
        if (next !== undefined) expect(number).toBe(next)
        expect(number).toBeGreaterThan(highest)
        highest = number
        next = number + 1
      }
      const first = events[0]?.marker
      if (isGentle && first) {
        if (since !== undefined) expect(first.get('recovered')).toBe('true')
        if (ask.kind === 'last') expect(first.get('recovered')).toBeUndefined()
        expect(events.filter(({ marker }) => marker)).toHaveLength(1)
        if (isOpen) expect(events.length - 1).toBeGreaterThanOrEqual(Number(first.get('count')))
      }
      if (!isOpen) continue
      expect(first).toBeDefined()
      expect(subscribed.isStarted).toBe(true)
      expect(events.at(-1)?.number).toBe(this.#count - 1)
    }
  }
}

describe('a stream', () => {
  for (const [name, steps, isGentle, maxScan] of [
    ['whenever it comes', gentle, true, 1000],
    ['also when it is trimmed or begins anew', rough, false, 1000],
    ['with a short look back', rough, false, 5],
  ] as const) {
    it(`gives to who asks everything once and in order, or says so, ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.boolean(),
          fc.array(fc.oneof(...steps), { maxLength: 80, size: 'max' }),
          async (knowsAdded, taken) => {
            const model = new Model(maxScan)
            model.stage.stream.knowsAdded = knowsAdded || isGentle
            for (const step of taken) await model.take(step)
            await model.end()
            model.check(isGentle)
          },
        ),
        { numRuns: Number(process.env['RUNS'] ?? 100) },
      )
    })
  }
})
