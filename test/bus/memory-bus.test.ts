import { MemoryBus } from '../../src/bus/memory.ts'
import { busContract } from './contract.ts'

busContract(
  { name: 'MemoryBus', deliversPastUnsubscribe: false, oneOfAPattern: 'character', isAvailableAtOnce: true },
  async (recorder) => {
    const bus = new MemoryBus()
    bus.start(recorder)
    return {
      bus,
      publishFromOutside: (channel, payload) => bus.publish(channel, payload),
      stop: () => bus.close(),
    }
  },
)
