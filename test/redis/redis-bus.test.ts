import { afterAll, beforeAll } from 'vitest'
import type { Redis } from 'ioredis'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { busContract } from '../bus/contract.ts'
import { startBus } from './support.ts'

let redis: RedisServer
let outside: Redis
beforeAll(async () => {
  redis = await startRedis()
  outside = await redis.client()
})
afterAll(() => redis.stop())

for (const keyPrefix of ['', 'p*[x]\\:']) {
  busContract(
    {
      name: keyPrefix === '' ? 'RedisBus' : 'RedisBus with a key prefix',
      deliversPastUnsubscribe: true,
      oneOfAPattern: 'byte',
      isAvailableAtOnce: false,
    },
    async (recorder) => {
      const { bus } = startBus(redis.url, { keyPrefix }, { recorder })
      await recorder.untilAvailable()
      return {
        bus,
        publishFromOutside: (channel, payload) => outside.publish(keyPrefix + channel, payload),
        stop: () => bus.close(),
      }
    },
  )
}
