import { expect, it } from 'vitest'
import { MemoryBus } from '../../src/bus/memory.ts'
import { numberOf } from '../../src/history/log.ts'
import { MemoryLog } from '../../src/history/memory-log.ts'
import { Recorder } from '../bus/recorder.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { logContract } from './contract.ts'
import { enqueueContract } from './enqueue-contract.ts'

const TTL_MS = 100_000
const DAY_MS = 86_400_000

function start() {
  const clock = new FakeClock()
  const recorder = new Recorder()
  const bus = new MemoryBus()
  bus.start(recorder)
  return { bus, log: new MemoryLog(bus, clock), recorder, clock }
}

logContract('MemoryLog', async () => {
  const { clock, ...rest } = start()
  return { ...rest, expire: () => void clock.advance(TTL_MS), stop: () => rest.bus.close() }
})

enqueueContract('MemoryLog', async () => {
  const { bus, recorder, clock } = start()
  const streams = new Map<string, ReadonlyMap<string, Uint8Array>[]>()
  const of = (stream: string): ReadonlyMap<string, Uint8Array>[] => {
    const known = streams.get(stream) ?? []
    streams.set(stream, known)
    return known
  }
  const queues = {
    lengthOf: (stream: string) => of(stream).length,
    add: (stream: string, fields: ReadonlyMap<string, Uint8Array>) => void of(stream).push(fields),
    heldOf: () => 0,
    settle: () => {},
  }
  return {
    bus,
    recorder,
    log: new MemoryLog(bus, clock, queues),
    entries: async (stream) =>
      of(stream).map((fields) =>
        Object.fromEntries([...fields].map(([name, value]) => [name, new TextDecoder().decode(value)])),
      ),
    removeOldest: async (stream) => of(stream).shift(),
    stop: () => bus.close(),
  }
})

it('an embedded log forgets in the end that there was a destination', async () => {
  const { log, clock } = start()
  const target = { destination: '/topic/a', size: 5, ttlSeconds: 100 }
  await log.publish([{ channel: 'c', payload: '{"message":1}', target }])
  clock.advance(TTL_MS + DAY_MS)
  expect(await log.read('/topic/a', { from: { kind: 'none' }, maxEntries: 1, maxLength: 1 })).toBeUndefined()
  await log.publish([{ channel: 'c', payload: '{"message":1}', target }])
  const page = await log.read('/topic/a', { from: { kind: 'none' }, maxEntries: 1, maxLength: 1 })
  expect(numberOf(page!.newest)).toBe(1)
})

it('an embedded log publishes again under a name when five minutes are over', async () => {
  const { log, clock, recorder, bus } = start()
  await bus.subscribe('c')
  const message = { channel: 'c', payload: 'x', once: 'k' }
  await log.publish([message])
  await log.publish([message])
  clock.advance(300_000)
  await log.publish([message])
  await recorder.untilReceived(2)
  expect(recorder.texts()).toEqual(['x', 'x'])
})

it('an embedded log whose bus is closed refuses, and remembers no name', async () => {
  const { log, bus } = start()
  await bus.close()
  await expect(log.publish([{ channel: 'c', payload: 'x' }])).rejects.toThrow('the bus is closed')
})

it('an embedded log has no streams, and then does nothing of what goes with an entry', async () => {
  const { log, bus, recorder } = start()
  await bus.subscribe('c')
  const entry = { maxLength: 1, groups: [], fields: [] }
  const all = [
    { channel: 'c', payload: 'x' },
    { channel: 's', payload: 'x', entry },
  ]
  await expect(log.publish(all)).rejects.toThrow('no streams')
  await log.publish([{ channel: 'c', payload: 'y' }])
  await recorder.untilReceived(1)
  expect(recorder.texts()).toEqual(['y'])
})
