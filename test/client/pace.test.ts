/** Sessions that send faster than they may: what they send waits, and nothing of it is lost. */
import { describe, expect, it } from 'vitest'
import { OPTIONS, Stage } from '../stomp/stage.ts'
import { DoorStage } from '../support/door-stage.ts'
import { turn } from '../support/fake-turn.ts'

const NONE = { maxFramesPerSecond: 0, maxBytesPerSecond: 0 }

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
}

async function setUp(pace: Partial<typeof NONE>, transport: 'websocket' | 'tcp' = 'websocket') {
  const stage = new Stage({ options: { pace: { ...NONE, ...pace }, maxInFlight: 1000 } })
  const client = await stage.connect({}, { transport })
  /** Lets so much time pass, a slot at a time. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 20) {
      stage.clock.advance(20)
      await settle()
    }
  }
  const published = () => stage.bus.published.length
  const send = (i: number) => client.frame('SEND', { destination: '/app/a', receipt: `${i}` }, 'x')
  return { stage, client, pass, published, send }
}

describe.each(['websocket', 'tcp'] as const)('a session over %s that sends too fast', (transport) => {
  it('has its frames processed at its pace, all of them and in order', async () => {
    const { client, pass, published, send, stage } = await setUp({ maxFramesPerSecond: 10 }, transport)
    for (let i = 0; i < 20; i++) send(i)
    await settle()
    expect(published()).toBe(9) // CONNECT was one too
    await pass(500)
    expect(published()).toBeGreaterThanOrEqual(13)
    expect(published()).toBeLessThanOrEqual(14)
    await pass(1000)
    expect(client.takeWords()).toEqual(Array.from({ length: 20 }, (_, i) => `RECEIPT ${i}`))
    expect(stage.metrics.count.throttled).toBeGreaterThan(0)
    expect(client.socket.closes).toEqual([])
    // After a quiet second it has all of a second again.
    await pass(1000)
    for (let i = 0; i < 10; i++) send(i)
    await settle()
    expect(published()).toBe(30)
  })

  it('is read no further while too much waits, and its heart-beats are not missed', async () => {
    const { client, pass, stage } = await setUp({ maxFramesPerSecond: 1 }, transport)
    const body = 'x'.repeat(400)
    for (let i = 0; i < 4; i++) client.frame('SEND', { destination: '/app/a' }, body)
    await settle()
    expect(client.socket.isPaused).toBe(true)
    await pass(6000)
    expect([client.socket.isPaused, stage.bus.published.length]).toEqual([false, 4])
    expect(client.socket.closes).toEqual([])
  })

  it('pays for its bytes, whatever they are cut into', async () => {
    const { client, pass, published } = await setUp({ maxBytesPerSecond: 1000 }, transport)
    await pass(1000)
    for (let i = 0; i < 2; i++) client.frame('SEND', { destination: '/app/a' }, 'x'.repeat(900))
    await settle()
    expect(published()).toBe(1)
    await pass(1200)
    expect(published()).toBe(2)
  })

  it('leaves nothing behind that waits when it goes, and nothing of it is lost', async () => {
    const { stage, client, published, send } = await setUp({ maxFramesPerSecond: 2 }, transport)
    for (let i = 0; i < 6; i++) send(i)
    await settle()
    expect(published()).toBe(1)
    client.close()
    await settle()
    expect([published(), stage.clients.size, stage.clock.pending]).toEqual([6, 0, 0])
  })
})

it('heart-beats cost nothing', async () => {
  const { client, published, send } = await setUp({ maxFramesPerSecond: 3, maxBytesPerSecond: 200 })
  for (let i = 0; i < 500; i++) client.send('\n')
  send(1)
  await settle()
  expect(published()).toBe(1)
  expect(OPTIONS.pace).toEqual(NONE)
})

it('a plain WebSocket that sends too fast is read no further until its time has come', async () => {
  const stage = new DoorStage({ pace: { maxFramesPerSecond: 2 } })
  const client = stage.openRaw({ sendTo: '/app/a' })
  for (let i = 0; i < 2; i++) client.send(`${i}`)
  await settle()
  expect([client.socket.isPaused, stage.core.bus.published.length]).toEqual([true, 2])
  // What was on its way still comes, and counts.
  client.send('2')
  stage.clock.advance(520)
  await settle()
  expect(client.socket.isPaused).toBe(true)
  stage.clock.advance(520)
  await settle()
  expect([client.socket.isPaused, stage.core.bus.published.length]).toEqual([false, 3])
  client.send('3')
  expect(client.socket.isPaused).toBe(true)
  client.close()
  expect(stage.clock.pending).toBe(0)
})
