import { MemoryBus } from '../../src/bus/memory.ts'
import { SharedBus } from '../../src/bus/shared-bus.ts'
import { busContract } from './contract.ts'

busContract(
  { name: 'SharedBus', deliversPastUnsubscribe: false, oneOfAPattern: 'character', isAvailableAtOnce: true },
  async (recorder) => {
    const bus = new SharedBus(new MemoryBus())
    bus.start(recorder)
    return { bus, publishFromOutside: (channel, payload) => bus.publish(channel, payload), stop: () => bus.close() }
  },
)
