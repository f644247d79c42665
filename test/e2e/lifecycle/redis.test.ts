/** A bridge process and its Redis: with a password, without a Redis, and beside others on the same one. */
import { describe, expect, it } from 'vitest'
import { listen, notify } from '../../support/clients/backend.ts'
import type { BridgeProcess } from '../../support/process.ts'
import { runtime } from '../../support/runtime.ts'
import { bodyText, frameText } from '../../support/stomp-peer.ts'
import { untilReady } from '../../support/world.ts'
import { notReady, open, ownRedis, SLACK_MS, start } from './support.ts'

describe(`a bridge process on ${runtime}`, () => {
  describe('with a password for Redis', () => {
    const secret = 'hunter2/&%'
    const secrets = [secret, encodeURIComponent(secret), 'hunter2']
    /** All that left the process by any way. */
    const expectNoSecret = async (bridge: BridgeProcess) => {
      const answers = await Promise.all(
        ['/health', '/ready', '/metrics', '/docs', '/openapi.json'].map(async (path) =>
          (await fetch(bridge.url + path)).text(),
        ),
      )
      const peer = await open({ url: bridge.wsUrl })
      peer.send(frameText('CONNECT', { 'accept-version': '1.2', login: 'me', passcode: secret }))
      await peer.expect('CONNECTED')
      peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }))
      await peer.frame()
      await bridge.stop()
      const everything = [bridge.stdout(), bridge.stderr(), ...answers, peer.text].join('\n')
      for (const word of secrets) expect(everything).not.toContain(word)
    }

    it.each(['in the URL', 'beside the URL'])('given %s, it logs in and keeps it to itself', async (way) => {
      const redis = await ownRedis({ requirepass: secret })
      const bare = `redis://127.0.0.1:${redis.port}`
      const bridge = await start({
        env: {
          LOG_LEVEL: 'trace',
          ...(way === 'in the URL'
            ? { REDIS_URL: redis.url }
            : { REDIS_URL: bare, STOMP_BRIDGE_REDIS_PASSWORD: secret }),
        },
      })
      await untilReady(bridge)
      const outbound = await listen(redis, 'GREETING_CHANNEL_OUTBOUND')
      const peer = await open({ url: bridge.wsUrl })
      await peer.stompConnect()
      peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'hi'))
      await peer.receipt('r')
      expect((await outbound.next()).toString()).toBe('"hi"')
      peer.terminate()
      await expectNoSecret(bridge)
    })

    it('which is wrong, it stays up, says why it is not ready, and keeps it to itself', async () => {
      const redis = await ownRedis({ requirepass: 'another' })
      const url = `redis://:${encodeURIComponent(secret)}@127.0.0.1:${redis.port}`
      const bridge = await start({ env: { LOG_LEVEL: 'trace', REDIS_URL: url } })
      const { reasons } = await notReady(bridge, /WRONGPASS|password/i)
      expect(reasons.join()).toContain(`127.0.0.1:${redis.port}`)
      await expectNoSecret(bridge)
    })

    it('which is missing, it stays up and says why it is not ready', async () => {
      const redis = await ownRedis({ requirepass: secret })
      const bridge = await start({ env: { REDIS_URL: `redis://127.0.0.1:${redis.port}` } })
      await notReady(bridge, /NOAUTH|authenticat/i)
      expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
      expect(await bridge.stop()).toBe(0)
    })

    it('and no Redis there, it stays up and keeps it to itself', async () => {
      const redis = await ownRedis({ requirepass: secret })
      await redis.stop()
      const bridge = await start({ env: { LOG_LEVEL: 'trace', REDIS_URL: redis.url } })
      await notReady(bridge, /ECONNREFUSED/)
      await expectNoSecret(bridge)
    })
  })

  describe('without Redis', () => {
    it('lives, says so, takes no message, and goes on when Redis comes', async () => {
      const redis = await ownRedis()
      await redis.stop()
      const bridge = await start({
        env: { REDIS_URL: redis.url, STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '200' },
      })
      expect((await fetch(`${bridge.url}/health`)).status).toBe(200)
      await notReady(bridge, new RegExp(`127.0.0.1:${redis.port}`))
      const posted = await notify(bridge, '/topic/toast', 'lost')
      expect(posted.status).toBe(503)
      expect(JSON.parse(posted.body)).toMatchObject({ error: { code: 'bus-unavailable' } })

      const subscriber = await open({ url: bridge.wsUrl })
      await subscriber.stompConnect()
      for (const [id, destination] of ['/topic/toast', '/topic/greetings', '/topic/*'].entries()) {
        subscriber.send(frameText('SUBSCRIBE', { destination, id: String(id), receipt: destination }))
      }
      for (const destination of ['/app/greet', '/topic/toast']) {
        const sender = await open({ url: bridge.wsUrl })
        await sender.stompConnect()
        sender.send(frameText('SEND', { destination, receipt: 'r' }, 'lost'))
        await sender.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'r' })
        expect((await sender.closed).code).toBe(1002)
        expect(sender.frames.map(({ command }) => command)).toEqual(['CONNECTED', 'ERROR'])
      }
      // Nothing is promised before it is true.
      expect(subscriber.frames.map(({ command }) => command)).toEqual(['CONNECTED'])

      await redis.restart()
      for (const destination of ['/topic/toast', '/topic/greetings', '/topic/*']) await subscriber.receipt(destination)
      await untilReady(bridge)
      expect(await notify(bridge, '/topic/toast', 'found')).toEqual({ status: 200, body: '' })
      const copies = [await subscriber.expect('MESSAGE'), await subscriber.expect('MESSAGE')]
      expect(copies.map(({ headers }) => headers.get('subscription')).sort()).toEqual(['0', '2'])
      expect(copies.map(bodyText)).toEqual(['found', 'found'])
      const backend = await redis.client()
      await backend.publish('GREETING_CHANNEL_INBOUND', '"Test"')
      const greetings = [await subscriber.expect('MESSAGE'), await subscriber.expect('MESSAGE')]
      expect(greetings.map(({ headers }) => headers.get('subscription')).sort()).toEqual(['1', '2'])
      expect(await bridge.stop()).toBe(0)
    })

    it('stops at once when asked to', async () => {
      const redis = await ownRedis()
      await redis.stop()
      const bridge = await start({ env: { REDIS_URL: redis.url } })
      await notReady(bridge, /./)
      const startedMs = performance.now()
      expect(await bridge.stop()).toBe(0)
      expect(performance.now() - startedMs).toBeLessThan(SLACK_MS)
    })
  })

  it('puts the prefix of its keys before every channel, and hears no other bridge', async () => {
    const redis = await ownRedis()
    const prefixes = ['one:', 'o*e:[x]?']
    const [one, two] = await Promise.all(
      prefixes.map((prefix) => start({ env: { REDIS_URL: redis.url, STOMP_BRIDGE_REDIS_KEY_PREFIX: prefix } })),
    )
    const peers = await Promise.all([one!, two!].map(({ wsUrl }) => open({ url: wsUrl })))
    for (const peer of peers) {
      await peer.stompConnect()
      for (const destination of ['/topic/greetings', '/topic/news', '/topic/**']) {
        peer.send(frameText('SUBSCRIBE', { destination, id: destination, receipt: destination }))
        await peer.receipt(destination)
      }
    }
    const backend = await redis.client()
    const names = async () => ((await backend.pubsub('CHANNELS')) as string[]).filter((name) => !name.includes('probe'))
    expect((await names()).sort()).toEqual(
      prefixes
        .flatMap((prefix) =>
          ['BROADCAST-CHANNEL', 'GREETING_CHANNEL_INBOUND', 'topic:news'].map((name) => prefix + name),
        )
        .sort(),
    )
    expect(await backend.pubsub('NUMPAT')).toBe(2)

    for (const [i, prefix] of prefixes.entries()) {
      const peer = peers[i]!
      const subscriptions = async () =>
        [await peer.expect('MESSAGE'), await peer.expect('MESSAGE')]
          .map((frame) => `${bodyText(frame)} ${frame.headers.get('destination')} ${frame.headers.get('subscription')}`)
          .sort()
      await backend.publish(`${prefix}GREETING_CHANNEL_INBOUND`, '"g"')
      expect(await subscriptions()).toEqual(['g /topic/greetings /topic/**', 'g /topic/greetings /topic/greetings'])
      await backend.publish(`${prefix}topic:other`, '"o"')
      await peer.expect('MESSAGE', { destination: '/topic/other', subscription: '/topic/**' })
      await backend.publish(`${prefix}topic:news`, '"n"')
      expect(await subscriptions()).toEqual(['n /topic/news /topic/**', 'n /topic/news /topic/news'])
      await notify(i === 0 ? one! : two!, '/topic/news', 'b')
      expect(await subscriptions()).toEqual(['b /topic/news /topic/**', 'b /topic/news /topic/news'])

      const outbound = await listen(redis, `${prefix}GREETING_CHANNEL_OUTBOUND`)
      peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'hi'))
      await peer.receipt('r')
      expect((await outbound.next()).toString()).toBe('"hi"')
    }
    // A pattern's characters in the prefix are only characters.
    await backend.publish('ooooe:xytopic:news', '"stranger"')
    await backend.publish('ooooe:xytopic:other', '"stranger"')
    await notify(two!, '/topic/news', 'last')
    await peers[1]!.expect('MESSAGE')
    await peers[1]!.expect('MESSAGE')
    for (const peer of peers) expect(peer.text).not.toContain('stranger')
    expect(peers[0]!.text).not.toContain('last')
  })
})
