/** How often a node reads the history of one destination that many come back to. */
import { describe, expect, it } from 'vitest'
import type { Ask } from '../../src/recovery/ask.ts'
import { RecoveryStage, type Subscribed } from './stage.ts'

const CLIENTS = 500

async function begin(size = 1000) {
  const stage = new RecoveryStage({ size })
  let reads = 0
  const { log } = stage
  const read = log.read.bind(log)
  log.read = (...args) => {
    reads++
    return read(...args)
  }
  for (let i = 0; i < 30; i++) log.add(`m${i}`)
  await stage.settle()
  const since = (i: number): Ask => {
    const { offset } = log.entries[(i * 7) % log.entries.length]!
    return { kind: 'since', position: { epoch: log.epoch, offset } }
  }
  const beyond = (i: number): Ask => ({ kind: 'since', position: { epoch: log.epoch, offset: `9999-${1000 + i}` } })
  const markerOf = ({ receiver }: Subscribed) => receiver.frames[0]!.headers
  return { stage, log, since, beyond, markerOf, reads: () => reads }
}

describe('those who come back to one destination', () => {
  it('share what was read, also if they are never there at the same time', async () => {
    const { stage, log, since, markerOf, reads } = await begin()
    const begunMs = stage.clock.now()
    for (let i = 0; i < CLIENTS; i++) {
      const client = stage.subscribe(since(i))
      await stage.settle(10)
      expect(client.receiver.bodies.slice(1)).toEqual(log.entries.slice((i * 7) % 30 + 1).map(bodyOf)) // prettier-ignore
      expect(markerOf(client).get('recovered')).toBe('true')
      stage.unsubscribe(client)
    }
    expect(stage.clock.now() - begunMs).toBeLessThan(60_000)
    expect(reads()).toBeLessThan(30)
  })

  it('get what was published while nobody was there', async () => {
    const { stage, log, since, reads } = await begin()
    const last = { kind: 'since', position: { epoch: log.epoch, offset: log.newest } } as const
    for (const ask of [since(0), since(1)]) {
      const client = stage.subscribe(ask)
      await stage.settle()
      stage.unsubscribe(client)
    }
    const before = reads()
    for (const body of ['x', 'y']) log.add(body)
    await stage.settle()
    const client = stage.subscribe(last)
    await stage.settle()
    expect(client.receiver.bodies).toEqual(['', 'x', 'y'])
    expect(reads()).toBe(before)
  })

  it('are kept no more than the log holds, however long they go on to come', async () => {
    const { stage, log, since, reads } = await begin(10)
    const keptBytes = () => [...stage.history.inUse][0]!.keptBytes
    const comeBack = async (ask: Ask): Promise<readonly string[]> => {
      const client = stage.subscribe(ask)
      await stage.settle(10)
      stage.unsubscribe(client)
      return client.receiver.bodies.slice(1)
    }
    for (const ask of [since(0), since(1)]) await comeBack(ask)
    const atFirst = keptBytes()
    expect(atFirst).toBeGreaterThan(0)
    const readBefore = reads()
    for (let i = 0; i < 600; i++) {
      const last = log.newest
      log.add('of the same length')
      stage.bring()
      if (log.entries.length > 50) log.trim(log.entries.length - 10)
      if (i % 10 === 0) {
        const came = await comeBack({ kind: 'since', position: { epoch: log.epoch, offset: last } })
        expect(came).toEqual(['of the same length'])
      }
    }
    // Who asks for more than is left gets what is left, as before.
    expect((await comeBack({ kind: 'last', count: 10 })).length).toBe(10)
    expect((await comeBack(since(0))).length).toBeGreaterThanOrEqual(10)
    expect(reads()).toBe(readBefore)
    expect(keptBytes()).toBeLessThan(atFirst * 6)
  })

  it.each([
    ['a minute after the last ask', (stage: RecoveryStage) => void stage.clock.advance(70_000)],
    ['when the bus was away', ({ history }: RecoveryStage) => {
      history.setUnavailableReason('away')
      history.setUnavailableReason(undefined)
    }],
  ])('are not waited for any more %s', async (_when, pass) => {
    const { stage, since, reads } = await begin()
    for (const ask of [since(0), since(1)]) {
      const client = stage.subscribe(ask)
      await stage.settle()
      stage.unsubscribe(client)
    }
    expect([...stage.history.inUse]).toHaveLength(1)
    pass(stage)
    await stage.settle()
    expect([...stage.history.inUse]).toEqual([])
    const before = reads()
    const client = stage.subscribe(since(3))
    await stage.settle()
    expect(client.receiver.frames[0]!.headers.get('recovered')).toBe('true')
    expect(reads()).toBeGreaterThan(before)
  }) // prettier-ignore

  it('are looked up together and seldom if they say that they have heard more than there is', async () => {
    const { stage, beyond, markerOf, reads } = await begin()
    const clients: Subscribed[] = []
    for (let i = 0; i < CLIENTS; i++) {
      clients.push(stage.subscribe(beyond(i)))
      if (i % 5 === 0) await stage.settle()
    }
    await stage.settle()
    for (const client of clients) {
      expect(markerOf(client).get('recovered')).toBe('false')
      expect(client.receiver.bodies).toHaveLength(31)
    }
    const seconds = (stage.clock.now() - 1_000_000) / 1000
    expect(reads()).toBeLessThan(seconds / 2 + 20)
  })
})

function bodyOf({ payload }: { readonly payload: string }): string {
  return (JSON.parse(payload) as { readonly message: string }).message
}
