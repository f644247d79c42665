import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { AckMode } from '../../src/client/subscription.ts'
import { ClientStage } from './stage.ts'

describe('subscriptions', () => {
  it('keep nothing in memory of the frames that their names were cut from', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const stage = new ClientStage({ limits: { maxSubscriptions: 1000 } })
    const door = stage.open()
    const usedBytes = (): number => {
      gc()
      return process.memoryUsage().heapUsed
    }
    const before = usedBytes()
    for (let i = 0; i < 200; i++) {
      const frame = `destination:/topic/prices/${1000 + i}\nid:subscription-${1000 + i}\n${'x'.repeat(100_000)}`
      const ackMode = i % 2 === 0 ? AckMode.individual : AckMode.auto
      door.subscribe(frame.slice(12, 30), frame.slice(34, 51), ackMode)
    }
    expect(stage.core.broker.size).toBe(200)
    // The frames are 20 MB.
    expect(usedBytes() - before).toBeLessThan(5_000_000)
  })
})
