import { describe, expect, it } from 'vitest'
import { BusRefusedError } from '../../src/bus/bus.ts'
import { MemoryBus } from '../../src/bus/memory.ts'
import { SharedBus, type OwnChannels } from '../../src/bus/shared-bus.ts'
import { FakeBus } from '../support/fake-bus.ts'
import { busContract } from './contract.ts'
import { Recorder } from './recorder.ts'

busContract(
  { name: 'SharedBus', deliversPastUnsubscribe: false, oneOfAPattern: 'character', isAvailableAtOnce: true },
  async (recorder) => {
    const bus = new SharedBus(new MemoryBus())
    bus.start(recorder)
    return { bus, publishFromOutside: (channel, payload) => bus.publish(channel, payload), stop: () => bus.close() }
  },
)

describe('the channels of the bridge’s own', () => {
  const sides = ['own', 'history', 'queues'] as const
  const channels = { own: 'stomp-bridge:node:1', history: 'stomp-bridge:history:x', queues: 'stomp-bridge:queue:x' }

  function setUp() {
    const fake = new FakeBus()
    const bus = new SharedBus(fake)
    const told: string[] = []
    for (const side of sides) {
      const channelsOf: OwnChannels = bus[side]
      channelsOf.listen({
        onMessage: (channel, payload) => void told.push(`${side}: ${channel} ${new TextDecoder().decode(payload)}`),
        onAvailability: (reason) => void told.push(`${side}: ${reason ?? 'available'}`),
        onRefusal: (channel, refusal) => void told.push(`${side}: ${channel} ${refusal?.message ?? 'taken'}`),
      })
    }
    const recorder = new Recorder()
    bus.start(recorder)
    told.length = 0
    return { fake, bus, told, recorder }
  }

  it.each(sides)('bring to each side what is its own, and nobody else: %s', async (side) => {
    const { fake, bus, told, recorder } = setUp()
    await bus[side].subscribe(channels[side])
    fake.deliver(channels[side], 'x')
    fake.deliver(channels[side], 'by a pattern', '*')
    expect(told).toEqual([`${side}: ${channels[side]} x`])
    expect(recorder.received).toEqual([])
  })

  it('tell all sides when the bus goes and comes', () => {
    const { fake, told, recorder } = setUp()
    fake.setReason('away')
    fake.setReason(undefined)
    expect(told.sort()).toEqual(sides.flatMap((side) => [`${side}: available`, `${side}: away`]).sort())
    expect(recorder.reasons.slice(-2)).toEqual(['away', undefined])
  })

  it.each(sides)('are nobody else’s to publish and subscribe: %s', async (side) => {
    const { bus, fake } = setUp()
    await expect(bus.publish(channels[side], 'x')).rejects.toBeInstanceOf(BusRefusedError)
    await expect(bus.subscribe(channels[side])).rejects.toBeInstanceOf(BusRefusedError)
    await bus[side].publish(channels[side], 'x')
    expect(fake.published).toEqual([`${channels[side]} x`])
  })
})
