import type { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { queueContract } from '../queue/contract.ts'
import { Recorder } from '../bus/recorder.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { startBus } from './support.ts'

let redis: RedisServer
let outside: Redis
beforeAll(async () => {
  redis = await startRedis()
  outside = await redis.client()
})
afterAll(() => redis.stop())

for (const keyPrefix of ['', 'p{x}[*]:']) {
  queueContract(keyPrefix === '' ? 'RedisQueues' : 'RedisQueues with a key prefix', async (recorder) => {
    const told = new Recorder()
    const { bus } = startBus(redis.url, { keyPrefix }, { recorder: told })
    await told.untilAvailable()
    bus.queues.listen(recorder)
    bus.queues.start()
    return {
      store: bus.queues,
      recorder,
      add: async ({ stream }, ...bodies) => {
        const pipeline = outside.pipeline()
        for (const body of bodies) pipeline.xadd(keyPrefix + stream, '*', 'body', body)
        await pipeline.exec()
      },
      close: () => bus.close(),
      stop: () => bus.close(),
    }
  })
}
