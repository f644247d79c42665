/** A client that is behind, and a look at all outputs in the middle of what is sent to it. */
import { describe, expect, it } from 'vitest'
import type { FakeClient } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { OUTPUT_LIMITS, Stage } from '../stomp/stage.ts'

describe('deliveries, to a client that was behind', () => {
  it('leave an ended subscription ended, when what was held is too much and closes the client', async () => {
    const stage = new Stage({
      slowClients: [{ destination: '/topic/a', policy: 'latest', maxBytes: 5000, maxAgeMs: 60_000 }],
    })
    const slow = await stage.connect()
    const other = await stage.connect()
    for (const client of [slow, other]) client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
    slow.socket.isRead = false
    stage.bus.deliver('topic:a', 'x'.repeat(OUTPUT_LIMITS.maxUnsentBytes / 2))
    await turn()
    stage.clock.advance(100)
    stage.bus.deliver('topic:a', 'y'.repeat(OUTPUT_LIMITS.maxUnsentBytes * 3))
    await turn()
    slow.socket.bufferedBytes = 0
    stage.clock.advance(100)
    expect(slow.socket.closes).toHaveLength(1)
    slow.close()
    expect([...stage.broker.subscriptionCounts()]).toEqual([['/topic/a', 1]])
  })

  it('hold back what comes on many topics at once, a little of each, before that closes the client', async () => {
    const stage = new Stage({
      limits: { maxSubscriptions: 20 },
      slowClients: [{ destination: '/topic/*', policy: 'drop-oldest', maxBytes: 5000, maxAgeMs: 60_000 }],
    })
    const slow = await connectToMany(stage)
    slow.socket.isRead = false
    await deliverALittleOfEach(stage)
    stage.clock.advance(100)
    expect(slow.socket.closes).toEqual([])
    expect(slow.socket.bufferedBytes).toBeLessThan(OUTPUT_LIMITS.maxUnsentBytes)
  })

  it('of which none may be dropped are found to be too many before the runtime drops the client', async () => {
    const stage = new Stage({ limits: { maxSubscriptions: 20 } })
    const slow = await connectToMany(stage)
    slow.socket.isRead = false
    await deliverALittleOfEach(stage)
    expect(slow.socket.closes).toMatchObject([{ code: 4500 }])
    expect(slow.socket.bufferedBytes).toBeLessThan(OUTPUT_LIMITS.maxUnsentBytes * 4)
  })
})

const TOPICS = 20

async function connectToMany(stage: Stage): Promise<FakeClient> {
  const client = await stage.connect()
  for (let i = 0; i < TOPICS; i++) client.frame('SUBSCRIBE', { id: `${i}`, destination: `/topic/${i}` })
  return client
}

/** Less than half the limit to each topic, so that none alone makes anybody look. */
async function deliverALittleOfEach(stage: Stage): Promise<void> {
  for (let i = 0; i < TOPICS * 2; i++) {
    stage.bus.deliver(`topic:${i % TOPICS}`, 'x'.repeat(OUTPUT_LIMITS.maxUnsentBytes / 5))
    await turn()
  }
}
