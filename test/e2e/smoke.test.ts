/**
 * The bridge in a few seconds: its three ways, its pages and its end, with one client of each side. `npm run test:quick`
 * runs it beside the unit tests; the suites beside it look at all of this closely.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Redis } from 'ioredis'
import { listen, notify } from '../support/clients/backend.ts'
import { connectStompjs7, type Stompjs7Client } from '../support/clients/stompjs7.ts'
import type { BridgeProcess } from '../support/process.ts'
import type { RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { startWorld } from '../support/world.ts'

describe(`the bridge on ${runtime}, in short`, () => {
  let redis: RedisServer
  let backend: Redis
  let bridge: BridgeProcess
  beforeAll(async () => {
    ;({ redis, backend, bridge } = await startWorld({ runtime }))
  })

  const connect = async (): Promise<Stompjs7Client> => {
    const client = await connectStompjs7(bridge)
    onTestFinished(() => client.disconnect())
    return client
  }

  it('brings a subscriber what is posted, what a backend publishes and what another client sends', async () => {
    const [client, sender] = [await connect(), await connect()]
    const greetings = await client.subscribe('/topic/greetings')
    expect(await notify(bridge, '/topic/greetings', 'posted')).toEqual({ status: 200, body: '' })
    expect((await greetings.next()).body).toBe('posted')
    await backend.publish('GREETING_CHANNEL_INBOUND', '"published"')
    expect((await greetings.next()).body).toBe('published')
    await sender.send('/topic/greetings', 'sent')
    expect((await greetings.next()).body).toBe('sent')
  })

  it('brings a backend what a client sends', async () => {
    const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
    await (await connect()).send('/app/greet', 'hello')
    expect(String(await outbound.next())).toBe('"hello"')
  })

  it('serves its pages', async () => {
    for (const path of ['/health', '/ready', '/metrics', '/docs', '/openapi.json', '/debugger/']) {
      expect([path, (await fetch(bridge.url + path)).status]).toEqual([path, 200])
    }
  })

  it('stops in order, and its clients are told', async () => {
    const client = await connectStompjs7(bridge)
    expect(await bridge.stop()).toBe(0)
    expect(await client.closed).toBe(1001)
    expect(bridge.logs().filter(({ level }) => level !== 'info')).toEqual([])
  })
})
