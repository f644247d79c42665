/**
 * A work queue on several nodes against what it promises: whatever is sent, settled, refused, lost on the way or killed,
 * nothing is lost, nothing settled is given again, a message is with one subscription at a time, and in the end everything
 * is done.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BusRefusedError, BusUnavailableError } from '../../src/bus/bus.ts'
import { turn } from '../support/fake-turn.ts'
import { FakeWorker, QueueStage, VISIBLE_SECONDS, type QueueNode } from './stage.ts'

type Step =
  | { readonly kind: 'add'; readonly count: number }
  | { readonly kind: 'subscribe'; readonly node: number; readonly prefetch: number; readonly isAuto: boolean }
  | { readonly kind: 'pass'; readonly ms: number }
  | {
      readonly kind:
        | 'unsubscribe'
        | 'ack'
        | 'ackAll'
        | 'nack'
        | 'block'
        | 'carryOut'
        | 'answer'
        | 'lose'
        | 'refuse'
        | 'bring'
        | 'loseWait'
        | 'hear'
        | 'outage'
        | 'back'
        | 'kill'
      readonly node: number
      readonly pick: number
    }

const which = fc.integer({ min: 0, max: 5 })
const of = (kind: Extract<Step, { readonly pick: number }>['kind']) =>
  fc.record({ kind: fc.constant(kind), node: which, pick: which })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      node: which,
      prefetch: fc.integer({ min: 1, max: 3 }),
      isAuto: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(10, 600, 2100, 7000) }) },
  { weight: 1, arbitrary: of('unsubscribe') },
  { weight: 4, arbitrary: of('ack') },
  { weight: 1, arbitrary: of('ackAll') },
  { weight: 2, arbitrary: of('nack') },
  { weight: 1, arbitrary: of('block') },
  { weight: 3, arbitrary: of('carryOut') },
  { weight: 10, arbitrary: of('answer') },
  { weight: 1, arbitrary: of('lose') },
  { weight: 1, arbitrary: of('refuse') },
  { weight: 4, arbitrary: of('bring') },
  { weight: 1, arbitrary: of('loseWait') },
  { weight: 2, arbitrary: of('hear') },
  { weight: 1, arbitrary: of('outage') },
  { weight: 2, arbitrary: of('back') },
  { weight: 1, arbitrary: of('kill') },
)

class Model {
  readonly stage = new QueueStage()
  readonly #added: string[] = []
  /** Who has it, by message id. */
  readonly #with = new Map<string, FakeWorker>()
  /** Ids of what is done as far as a subscription knows, and its node. */
  readonly #settled = new Map<string, QueueNode>()
  /** Somebody has done something with it that ends it: delivered with auto, acknowledged. */
  readonly #worked = new Set<string>()
  /** What was settled with ack:auto may come again then: nobody can be told. */
  #hasRefused = false
  /** How often it was given to somebody. */
  readonly #seen = new Map<string, number>()
  readonly problems: string[] = []

  constructor() {
    for (let i = 0; i < 2; i++) this.#newNode()
  }

  #newNode(): QueueNode {
    const node = this.stage.node()
    node.store.isPrompt = false
    return node
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      this.#step(each)
      await turn()
    }
    await this.#quiet()
  }

  #step(each: Step): void {
    const { stage } = this
    if (each.kind === 'add') {
      for (let i = 0; i < each.count; i++) this.#added.push(stage.simulated.add(String(this.#added.length)))
      return
    }
    if (each.kind === 'pass') return void stage.clock.advance(each.ms)
    const node = stage.nodes[each.node % stage.nodes.length]!
    const { store } = node
    if (each.kind === 'subscribe') {
      if (node.workers.length < 4) this.#subscribe(node, each.prefetch, each.isAuto)
      return
    }
    const worker = node.workers[each.pick % Math.max(1, node.workers.length)]
    switch (each.kind) {
      case 'unsubscribe':
        if (worker) this.#leave(node, worker)
        break
      case 'ack':
      case 'nack': {
        const ids = worker ? [...worker.has] : []
        const id = ids[each.pick % Math.max(1, ids.length)]
        if (id !== undefined) this.#done(worker!, [id], each.kind === 'ack')
        break
      }
      case 'ackAll':
        if (worker && worker.has.size > 0) this.#done(worker, [...worker.has], true)
        break
      case 'block':
        if (!worker) break
        worker.room = worker.room === 0 ? Infinity : 0
        break
      case 'carryOut':
        store.carryOut()
        break
      case 'answer':
        store.answer()
        break
      case 'lose':
        if (each.pick % 2 === 0) store.carryOut()
        store.fail(new BusUnavailableError('no answer came'))
        break
      case 'refuse':
        if (store.calls[0]?.answer) break // a refusal has no effect
        this.#hasRefused = true
        this.#settled.clear()
        store.fail(new BusRefusedError('NOPERM'))
        break
      case 'bring':
        store.bring()
        break
      case 'loseWait':
        store.loseWait()
        break
      case 'hear':
        if (each.pick === 0) store.returned = 0
        else node.hear()
        break
      case 'outage':
        node.setAvailable(false)
        while (store.calls.length > 0) {
          if (each.pick % 2 === 0) store.carryOut()
          store.fail(new BusUnavailableError('Redis is away'))
        }
        store.loseWait()
        break
      case 'back':
        node.setAvailable(true)
        break
      case 'kill':
        if (each.pick === 0) this.#kill(node)
        break
    }
  }

  #subscribe(node: QueueNode, prefetch: number, isAuto: boolean): FakeWorker {
    const worker = new FakeWorker(isAuto)
    let last = -1
    worker.onMessage = ({ id, body, headers }) => {
      const n = Number(body)
      const entry = id.slice('queue:q-'.length)
      const isStolen = this.stage.simulated.stolen.has(entry)
      const count = Number(headers.find(([name]) => name === 'delivery-count')![1])
      const seen = (this.#seen.get(id) ?? 0) + 1
      this.#seen.set(id, seen)
      if (seen > count && !isStolen) this.problems.push(`${n} came ${seen} times, and says ${count}`)
      if (worker.room === 0) this.problems.push(`${n} came to who has no room`)
      if (worker.has.size > prefetch) this.problems.push(`${worker.has.size} with a prefetch of ${prefetch}`)
      if (count === 1) {
        if (n <= last) this.problems.push(`${n} came after ${last}`)
        last = n
      }
      if (isAuto) this.#worked.add(id)
      if (isStolen) return
      if (this.#with.has(id)) this.problems.push(`${n} is with two`)
      if (this.#settled.has(id)) this.problems.push(`${n} came again, and was settled`)
      if (!isAuto) this.#with.set(id, worker)
      else if (!this.#hasRefused) this.#settled.set(id, node)
    }
    const forget = worker.forget.bind(worker)
    worker.forget = (id) => {
      forget(id)
      if (this.#with.get(id) === worker) this.#with.delete(id)
    }
    return node.subscribe(prefetch, worker)
  }

  #leave(node: QueueNode, worker: FakeWorker): void {
    for (const id of worker.has) if (this.#with.get(id) === worker) this.#with.delete(id)
    node.unsubscribe(worker)
  }

  /** What it had not told Redis comes again. */
  #kill(node: QueueNode): void {
    for (const lost of node.workers) for (const id of lost.has) this.#with.delete(id)
    for (const [id, each] of this.#settled) if (each === node) this.#settled.delete(id)
    this.stage.kill(node)
    this.#newNode()
  }

  #done(worker: FakeWorker, ids: readonly string[], isAck: boolean): void {
    for (const id of ids) {
      if (this.#with.get(id) === worker) this.#with.delete(id)
      if (isAck) this.#worked.add(id)
    }
    const done = isAck ? worker.ack(...ids) : worker.nack(...ids)
    const node = this.stage.nodes.find(({ workers }) => workers.includes(worker))!
    if (isAck) for (const id of ids) this.#settled.set(id, node)
    done.then(
      () => {},
      () => {
        // Refused: it comes again.
        for (const id of ids) this.#settled.delete(id)
      },
    )
  }

  /** Everything works again, and everybody settles what comes. */
  async #quiet(): Promise<void> {
    const { stage } = this
    for (const node of stage.nodes) {
      node.setAvailable(true)
      node.store.isPrompt = true
      while (node.store.calls.length > 0) node.store.answer()
      for (const worker of node.workers) worker.room = Infinity
    }
    const all = stage.nodes.flatMap(({ workers }) => workers)
    if (all.length === 0) this.#subscribe(stage.nodes[0]!, 2, false)
    for (let i = 0; i < 40 && stage.simulated.ids.length > 0; i++) {
      await stage.pass((VISIBLE_SECONDS * 1000) / 4)
      for (const { workers } of stage.nodes) {
        for (const worker of workers) {
          for (let left = 100; worker.has.size > 0 && left > 0; left--) {
            this.#done(worker, [...worker.has], true)
            await stage.settle()
          }
        }
      }
    }
    await stage.settle()
  }

  check(): void {
    const { simulated } = this.stage
    expect(this.problems).toEqual([])
    expect(simulated.ids).toEqual([])
    for (const id of this.#added) {
      const isDone = simulated.settled.has(id) || simulated.dead.has(id)
      if (!isDone) throw new Error(`${id} is lost`)
      if (simulated.settled.has(id) && !this.#worked.has(`queue:q-${id}`))
        throw new Error(`${id} was settled by nobody`)
    }
  }
}

describe('a work queue', () => {
  it('keeps what it promises whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const model = new Model()
        await model.run(steps)
        model.check()
      }),
      { numRuns: 150 },
    )
  }, 120_000)
})
