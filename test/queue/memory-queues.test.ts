import { MemoryQueues } from '../../src/queue/memory-queues.ts'
import { queueContract } from './contract.ts'

queueContract('MemoryQueues', async (recorder) => {
  let reason: string | undefined
  const store = new MemoryQueues(() => reason)
  store.listen(recorder)
  store.start()
  return {
    store,
    recorder,
    add: async ({ stream }, ...bodies) => {
      for (const body of bodies) store.add(stream, new Map([['body', new TextEncoder().encode(body)]]))
    },
    close: async () => (reason = 'the bus is closed'),
    stop: async () => {},
  }
})
