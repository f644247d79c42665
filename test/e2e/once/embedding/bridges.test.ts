/** Bridges inside another program: two side by side, and their end. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBridge, parseConfig } from '../../../../src/index.ts'
import { createRuntime } from '../../../../src/runtime/node.ts'
import { metric, notify } from '../../../support/clients/backend.ts'
import { startRedis } from '../../../support/redis.ts'
import { bodyText, frameText } from '../../../support/stomp-peer.ts'
import { FakeBus } from './fake-bus.ts'
import { connected, embed, isServing, subscribe } from './support.ts'

describe('two bridges in one process', () => {
  it('have nothing in common but the process', async () => {
    const one = await embed({ server: { path: '/one' }, limits: { maxSubscriptions: 1 } })
    const two = await embed({ broker: { prefixes: ['/queue'] }, server: { docs: false } })
    expect(one.address.http.port).not.toBe(two.address.http.port)
    const [onOne, onTwo] = [await connected(one.wsUrl), await connected(two.wsUrl)]
    const [idOne, idTwo] = [onOne, onTwo].map((peer) => peer.frames[0]!.headers.get('session')!)
    expect(idOne).not.toBe(idTwo)

    await subscribe(onOne, '/topic/x')
    for (const destination of ['/queue/x', '/queue/y']) await subscribe(onTwo, destination)
    expect([await metric(one, 'stomp_bridge_subscriptions'), await metric(two, 'stomp_bridge_subscriptions')]).toEqual([
      1, 2,
    ])
    await notify(one, '/topic/x', 'to one')
    await notify(two, '/queue/x', 'to two')
    expect(bodyText(await onOne.expect('MESSAGE'))).toBe('to one')
    expect(bodyText(await onTwo.expect('MESSAGE'))).toBe('to two')
    expect((await notify(one, '/queue/x', 'x')).status).toBe(400)
    expect((await notify(two, '/topic/x', 'x')).status).toBe(400)
    expect((await fetch(`${one.url}/docs`)).status).toBe(200)
    expect((await fetch(`${two.url}/docs`)).status).toBe(404)
    onOne.send(frameText('SUBSCRIBE', { destination: '/topic/y', id: '2' }))
    await onOne.expect('ERROR', { code: 'too-many-subscriptions' })

    await one.bridge.close()
    expect(await isServing(one.url)).toBe(false)
    await notify(two, '/queue/y', 'still here')
    expect(bodyText(await onTwo.expect('MESSAGE'))).toBe('still here')
    expect(await metric(two, 'stomp_bridge_messages_received_total')).toBe(2)
  })

  it('on one Redis find each other, or not, by their prefix', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const [one, two, other] = await Promise.all(
      ['a:', 'a:', 'b:'].map((keyPrefix) => embed({ redis: { url: redis.url, keyPrefix } })),
    )
    const peers = await Promise.all([one!, two!, other!].map(({ wsUrl }) => connected(wsUrl)))
    for (const peer of peers) await subscribe(peer, '/topic/x')
    await notify(one!, '/topic/x', 'to a')
    await notify(other!, '/topic/x', 'to b')
    const bodies = await Promise.all(peers.map(async (peer) => bodyText(await peer.expect('MESSAGE'))))
    expect(bodies).toEqual(['to a', 'to a', 'to b'])
  })
})

describe('close', () => {
  it('gives the same end to everybody who asks, however often', async () => {
    const { bridge, url, wsUrl } = await embed()
    const peer = await connected(wsUrl)
    await Promise.all([bridge.close(), bridge.close()])
    await bridge.close()
    expect((await peer.closed).code).toBe(1001)
    expect(await isServing(url)).toBe(false)
  })

  it('comes before a start, or in the middle of it, and leaves no listener', async () => {
    const config = parseConfig({ server: { port: 0 } })
    const never = createBridge({ config, runtime: createRuntime(), version: '0' })
    await never.close()

    const early = createBridge({ config, runtime: createRuntime(), version: '0' })
    const starting = early.start()
    await early.close()
    const address = await starting.catch(() => undefined)
    if (address) expect(await isServing(`http://127.0.0.1:${address.http.port}`)).toBe(false)
  })

  it('happens by itself when a port is in use, and frees the other', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const probe = await embed()
    const free = probe.address.http.port
    await probe.bridge.close()
    const bus = new FakeBus()
    const config = parseConfig({ server: { port: free }, tcp: { enabled: true, port } })
    const unlucky = createBridge({ config, runtime: createRuntime(), version: '0', bus })
    await expect(unlucky.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(bus.closed).toBe(1)
    await expect(embed({ server: { port: free } })).resolves.toBeDefined()
  })
})
