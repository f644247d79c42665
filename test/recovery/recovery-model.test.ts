/**
 * The history of one node against a list: whatever is published, lost by the bus, trimmed, emptied or fallen back behind,
 * and whenever what is read arrives, nobody misses or doubles a message without being told.
 */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { numberOf } from '../../src/history/log.ts'
import type { Ask } from '../../src/recovery/ask.ts'
import { bodyOf } from '../support/fake-socket.ts'
import { DESTINATION, RecoveryStage, turns, type Subscribed } from './stage.ts'

type Step =
  | { readonly kind: SimpleKind }
  | { readonly kind: 'trim'; readonly count: number }
  | { readonly kind: 'goBack'; readonly count: number }
  | { readonly kind: 'empty' }
  | {
      readonly kind: 'subscribe'
      readonly how: 'since' | 'last' | 'time' | 'nothing' | 'stale'
      readonly back: number
      readonly isSingle: boolean
      readonly isPattern?: boolean
    }

type SimpleKind =
  | 'goLive'
  | 'release'
  | 'settle'
  | 'publish'
  | 'bring'
  | 'lose'
  | 'carryOut'
  | 'answer'
  | 'fail'
  | 'outage'
  | 'unsubscribe'
  | 'drain'

const simple = (kind: SimpleKind) => fc.constant<Step>({ kind })
const counted = (kind: 'trim' | 'goBack') => fc.integer({ min: 1, max: 4 }).map((count): Step => ({ kind, count }))

const gentle = [
  { weight: 8, arbitrary: simple('publish') },
  { weight: 8, arbitrary: simple('bring') },
  { weight: 3, arbitrary: simple('lose') },
  { weight: 6, arbitrary: simple('carryOut') },
  { weight: 6, arbitrary: simple('answer') },
  { weight: 1, arbitrary: simple('fail') },
  { weight: 1, arbitrary: simple('outage') },
  { weight: 1, arbitrary: simple('unsubscribe') },
  { weight: 2, arbitrary: simple('drain') },
  { weight: 2, arbitrary: simple('settle') },
  { weight: 2, arbitrary: counted('trim') },
  {
    weight: 5,
    arbitrary: fc
      .record({
        how: fc.constantFrom('since', 'last', 'time', 'nothing', 'stale'),
        back: fc.integer({ min: 0, max: 6 }),
        isSingle: fc.boolean(),
      })
      .map((rest): Step => ({ kind: 'subscribe', ...rest })),
  },
] as const

const rough = [
  ...gentle,
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'empty' }) },
  { weight: 1, arbitrary: counted('goBack') },
]

/** Where the channel of the destination comes and goes with its subscribers. */
const byInterest = [
  ...gentle,
  { weight: 6, arbitrary: simple('goLive') },
  { weight: 3, arbitrary: simple('release') },
  { weight: 3, arbitrary: simple('unsubscribe') },
  {
    weight: 3,
    arbitrary: fc.constant<Step>({ kind: 'subscribe', how: 'nothing', back: 0, isSingle: false, isPattern: true }),
  },
] as const

/** One subscriber, and what was promised to it. */
interface Checked {
  readonly subscribed: Subscribed
  readonly ask: Ask | undefined
  isOpen: boolean
}

class Model {
  readonly stage: RecoveryStage
  readonly subscribers: Checked[] = []
  #count = 0

  constructor(isByInterest: boolean, collectEvery?: number) {
    this.stage = new RecoveryStage({}, isByInterest, collectEvery)
  }

  async take(step: Step): Promise<void> {
    const { stage } = this
    const { log } = stage
    switch (step.kind) {
      case 'publish':
        log.add(`m${++this.#count}`)
        break
      case 'bring':
        stage.bring()
        break
      case 'lose':
        stage.lose()
        break
      case 'carryOut':
        log.carryOut()
        break
      case 'answer':
        log.answer()
        break
      case 'fail':
        log.fail()
        break
      case 'outage':
        log.onTheWay.splice(0)
        stage.history.setUnavailableReason('away')
        log.fail()
        stage.history.setUnavailableReason(undefined)
        break
      case 'goLive':
        stage.goLive()
        break
      case 'release':
        vi.advanceTimersByTime(10_000)
        break
      case 'settle':
        await stage.settle()
        break
      case 'drain':
        stage.clock.advance(1000)
        break
      case 'trim':
        log.trim(step.count)
        break
      case 'goBack':
        // Who was connected to the old one is not to the new one.
        log.onTheWay.splice(0)
        stage.history.setUnavailableReason('away')
        log.fail()
        log.goBack(step.count)
        stage.history.setUnavailableReason(undefined)
        break
      case 'empty':
        log.empty()
        stage.history.cleared('/topic/a')
        break
      case 'unsubscribe': {
        const first = this.subscribers.find(({ isOpen }) => isOpen)
        if (!first) break
        first.isOpen = false
        stage.unsubscribe(first.subscribed)
        break
      }
      case 'subscribe': {
        const ask = this.#askOf(step)
        this.subscribers.push({ subscribed: stage.subscribe(ask, optionsOf(step)), ask, isOpen: true })
      }
    }
    await turns()
  }

  /** After this everybody has everything. */
  async end(): Promise<void> {
    await this.stage.settle()
    this.stage.log.add('last')
    await this.stage.settle()
  }

  #askOf({ how, back }: Extract<Step, { kind: 'subscribe' }>): Ask | undefined {
    const { epoch, entries, newest } = this.stage.log
    const entry = entries.at(-1 - back)
    switch (how) {
      case 'since':
        return { kind: 'since', position: { epoch, offset: entry?.previous ?? newest } }
      case 'stale':
        return { kind: 'since', position: { epoch: 'old', offset: newest } }
      case 'last':
        return { kind: 'last', count: back }
      case 'time':
        return { kind: 'time', ms: Number(newest.split('-')[0]) - back }
      case 'nothing':
        return undefined
    }
  }

  /** Follows what each has got. */
  check(): void {
    const { newest, epoch } = this.stage.log
    for (const { subscribed, ask, isOpen } of this.subscribers) {
      const frames = subscribed.receiver.frames.map(({ headers }) => ({
        isMarker: headers.get('event') === 'position',
        offset: headers.get('offset')!,
        epoch: headers.get('epoch')!,
        recovered: headers.get('recovered'),
        count: Number(headers.get('count')),
      }))
      let at = ask?.kind === 'since' ? { ...ask.position } : undefined
      let isTold = false
      for (const [i, frame] of frames.entries()) {
        if (frame.isMarker) {
          if (i > 0) expect(frame.recovered).toBe('false')
          if (i === 0 && ask) expect(frame.recovered).toBe(ask.kind === 'last' ? undefined : frame.recovered)
          const isWhole = frame.recovered === 'true'
          if (isWhole && ask?.kind === 'since') expect(frame.epoch).toBe(ask.position.epoch)
          isTold = !isWhole
          if (!isWhole) at = undefined
          continue
        }
        if (i === 0) expect(ask).toBeUndefined()
        if (at && !isTold && ask) {
          expect(frame.epoch).toBe(at.epoch)
          expect(numberOf(frame.offset)).toBe(numberOf(at.offset) + 1)
        } else if (at && at.epoch === frame.epoch) {
          expect(numberOf(frame.offset)).toBeGreaterThan(numberOf(at.offset))
        }
        at = { offset: frame.offset, epoch: frame.epoch }
        isTold = false
      }
      if (!isOpen) continue
      if (ask) expect(frames[0]?.isMarker).toBe(true)
      const last = frames.at(-1)
      expect([last?.isMarker, last?.offset, last?.epoch]).toEqual([false, newest, epoch])
    }
  }
}

function optionsOf({ isSingle, isPattern }: Extract<Step, { kind: 'subscribe' }>) {
  return { isSingle, destination: isPattern ? '/topic/*' : DESTINATION }
}

describe('history', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  for (const [name, steps, isByInterest, collectEvery] of [
    ['whatever the bus loses and the log trims', gentle, false],
    ['also when it is emptied or has gone back', rough, false],
    ['also where the channel of a destination comes and goes', byInterest, true],
    ['also where garbage is collected between any two pages', rough, false, 1],
  ] as const) {
    it(`misses and doubles nothing without saying so, ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(...steps), { maxLength: 60, size: 'max' }), async (taken) => {
          const model = new Model(isByInterest, collectEvery)
          for (const step of taken) await model.take(step)
          await model.end()
          model.check()
        }),
        { numRuns: Number(process.env['RUNS'] ?? 400) },
      )
    })
  }
  it('brings who subscribes by a pattern nothing of what was sent while nobody had', async () => {
    const stage = new RecoveryStage({}, true)
    const publish = async (body: string) => {
      stage.log.add(body)
      await stage.settle()
    }
    const subscribe = async (destination: string) => {
      const subscribed = stage.subscribe(undefined, { destination })
      await stage.settle()
      return subscribed
    }
    const first = await subscribe('/topic/*')
    await publish('1')
    stage.unsubscribe(first)
    vi.advanceTimersByTime(10_000)
    for (const body of ['2', '3']) await publish(body)
    const second = await subscribe('/topic/*')
    const exact = await subscribe(DESTINATION)
    await publish('4')
    const bodies = [first, second, exact].map(({ receiver }) => receiver.frames.map(bodyOf))
    expect(bodies).toEqual([['1'], ['4'], ['4']])
  })

  it('brings who asks what was sent while its channel was not live yet', async () => {
    const stage = new RecoveryStage({}, true)
    stage.log.add('1')
    const asked = stage.subscribe({ kind: 'last', count: 0 })
    const { newest } = stage.log
    stage.unsubscribe(asked)
    const back = stage.subscribe({ kind: 'since', position: { epoch: stage.log.epoch, offset: newest } })
    const other = stage.subscribe()
    await turns()
    for (let i = 0; i < 3; i++) {
      stage.log.carryOut()
      stage.log.answer()
      await turns()
    }
    stage.log.add('2') // nobody here is sent this
    await stage.settle()
    expect(back.receiver.frames.map(({ headers }) => headers.get('event') ?? headers.get('offset'))).toEqual([
      'position',
      stage.log.newest,
    ])
    expect(other.receiver.frames.map(bodyOf)).not.toContain('1')
  })

  it('brings what was heard while it was read where live begins, also if the log holds it no longer', async () => {
    const stage = new RecoveryStage({ size: 2 })
    const subscribed = stage.subscribe()
    await turns()
    const sent = Array.from({ length: 20 }, (_, i) => String(i + 1))
    for (const body of sent) {
      stage.log.add(body)
      stage.bring()
    }
    stage.log.trim(18)
    await stage.settle()
    expect(subscribed.receiver.frames.map(bodyOf)).toEqual(sent)
  })
})
