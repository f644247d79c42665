/** Redis channels and destinations, both ways: the routes of the stage, and the convention for all else. */
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { bodyText, frameText } from '../../support/stomp-peer.ts'
import { unusualJson } from '../../support/unusual-json.ts'
import { waitFor } from '../../support/wait.ts'
import { expectMessage, unique, type Stage } from './stage.ts'

export function routes(stage: Stage): void {
  describe('a route', () => {
    it.each(VERSIONS)('takes /app/greet to its channel as a JSON string in %s', async (version) => {
      const ear = await stage.listen('GREETING_CHANNEL_OUTBOUND')
      const peer = await stage.connect(version)
      peer.send(frameText('SEND', { destination: '/app/greet' }, 'Test "Message"'))
      expect(await ear.next()).toBe('"Test \\"Message\\""')
    })

    it.each(VERSIONS)('#76 brings GREETING_CHANNEL_INBOUND to /topic/greetings in %s', async (version) => {
      const peer = await stage.watch(version, '/topic/greetings')
      await stage.redis.publish('GREETING_CHANNEL_INBOUND', '"Test"')
      await expectMessage(peer, 'Test', { destination: '/topic/greetings', 'content-type': 'text/plain;charset=UTF-8' })
    })

    it.each(['/x', '/a/b', '/a/b/', '/with space', '/ü€', '/a:b', '/a.b-c_d'])(
      '#58 by convention takes /app%s and brings /topic%s',
      async (rest) => {
        const name = `${unique()}${rest}`
        const [ear, peer] = await Promise.all([
          stage.listen(`app:${name}`),
          stage.watch('1.2', `/topic/${name.replaceAll(':', '\\c')}`),
        ])
        peer.send(frameText('SEND', { destination: `/app/${name}` }, 'out'))
        expect(await ear.next()).toBe('"out"')
        await stage.redis.publish(`topic:${name}`, '"in"')
        await expectMessage(peer, 'in', { destination: `/topic/${name}` })
      },
    )

    it('fills its variables in, both ways', async () => {
      const id = unique()
      const [ear, peer] = await Promise.all([
        stage.listen(`orders:${id}:out`),
        stage.watch('1.2', `/topic/prices/${id}`),
      ])
      peer.send(
        frameText('SEND', { destination: `/app/orders/${id}`, 'x-a': '1', 'content-type': 'text/plain' }, 'order'),
      )
      expect(JSON.parse(await ear.next())).toMatchObject({
        body: 'order',
        destination: `/app/orders/${id}`,
        'content-type': 'text/plain',
        headers: { 'x-a': '1' },
      })
      await stage.redis.publish(`prices:${id}`, '{"price": 1.50}')
      await expectMessage(peer, '{"price": 1.50}', {
        destination: `/topic/prices/${id}`,
        'content-type': 'application/json',
      })
    })

    it('that a channel has is the only one for it: the convention keeps out', async () => {
      const id = unique()
      const peer = await stage.watch('1.2', `/topic/prices/${id}`)
      const everything = await stage.watch('1.2', '/topic/**')
      await stage.redis.publish(`topic:prices/${id}`, '"by convention"')
      await stage.redis.publish(`prices:${id}`, '1')
      await expectMessage(peer, '1')
      await expectMessage(everything, '1', { destination: `/topic/prices/${id}` })
      await stage.fence(peer)
    })

    it('#59 #60 gives the headers of an envelope, but none that are the server’s', async () => {
      const id = unique()
      const peer = await stage.watch('1.2', `/topic/orders/${id}`)
      const headers = {
        'x-a': '1',
        'message-id': 'forged',
        subscription: 'forged',
        ack: 'forged',
        destination: '/forged',
      }
      await stage.redis.publish(`orders:${id}:in`, JSON.stringify({ body: 'hello', 'content-type': 'a/b', headers }))
      await expectMessage(peer, 'hello', {
        'x-a': '1',
        'content-type': 'a/b',
        destination: `/topic/orders/${id}`,
        'message-id': /^(?!forged)/,
        subscription: 'sub',
        ack: undefined,
      })
    })

    it('leaves JSON as it is written, on every way through the bridge', async () => {
      const id = unique()
      const [ear, published] = await Promise.all([stage.listen(`json:${id}`), stage.listen('BROADCAST-CHANNEL')])
      const peer = await stage.watch('1.2', '/topic/**')
      const type = { 'content-type': 'application/json' }
      for (const json of unusualJson.filter((each) => each !== 'null')) {
        peer.send(frameText('SEND', { destination: `/app/json/${id}` }, json))
        expect(await ear.next()).toBe(json)
        await stage.redis.publish(`prices:${id}`, json)
        await expectMessage(peer, json, { destination: `/topic/prices/${id}`, ...type })
        await stage.redis.publish(`orders:${id}:in`, `{"headers":{"n":1784563209871234567,"d":10.50},"body":${json}}`)
        await expectMessage(peer, json, { n: '1784563209871234567', d: '10.50', ...type })
        const broadcast = `{"topic":"/topic/${id}","message":${json}}`
        await stage.redis.publish('BROADCAST-CHANNEL', broadcast)
        await expectMessage(peer, json, { destination: `/topic/${id}`, ...type })
        const posted = await fetch(`${stage.bridge.url}/api/notification`, {
          method: 'POST',
          headers: type,
          body: broadcast,
        })
        expect(posted.status).toBe(200)
        await expectMessage(peer, json, { destination: `/topic/${id}`, ...type })
        expect([await published.next(), await published.next()]).toEqual([broadcast, broadcast])
      }
      await stage.redis.publish(`topic:${id}`, '1784563209871234567')
      await expectMessage(peer, '1784563209871234567', { destination: `/topic/${id}` })
    })

    it('skips JSON that is nested too deeply, and goes on', async () => {
      const id = unique()
      const peer = await stage.watch('1.2', '/topic/**')
      const before = await stage.metric('payloads_malformed_total')
      const deep = '['.repeat(100_000) + ']'.repeat(100_000)
      await stage.redis.publish('BROADCAST-CHANNEL', `{"topic":"/topic/${id}","message":${deep}}`)
      await stage.redis.publish(`orders:${id}:in`, `{"body":${deep}}`)
      await stage.redis.publish(`topic:${id}`, '"good"')
      await expectMessage(peer, 'good')
      expect(await stage.metric('payloads_malformed_total')).toBe(before + 2)
    })

    it('gives raw octets as they are', async () => {
      const name = unique()
      const peer = await stage.watch('1.2', `/topic/in/${name}`)
      await stage.redis.publish(`in:${name}`, Buffer.from([0, 255, 0, 10]))
      const { body, headers } = await peer.expect('MESSAGE')
      expect([...body]).toEqual([0, 255, 0, 10])
      expect(headers.get('content-length')).toBe('4')
      await stage.redis.publish(`in:${name}`, 'no JSON at all')
      await expectMessage(peer, 'no JSON at all')
    })

    it.each([
      [
        'topic:',
        '/topic/',
        ['no JSON', '{"an":"object"}', '', '"unfinished', Buffer.from([0x22, 0xff, 0x22])],
        '"good"',
        'good',
      ],
      ['prices:', '/topic/prices/', ['no JSON', '', '{'], '[1]', '[1]'],
    ] as const)('skips what cannot be read on %s and goes on', async (channel, destination, bad, good, text) => {
      const name = unique()
      const peer = await stage.watch('1.2', destination + name)
      const before = await stage.metric('payloads_malformed_total')
      for (const payload of bad) await stage.redis.publish(channel + name, payload)
      await stage.redis.publish(channel + name, good)
      await expectMessage(peer, text)
      expect(await stage.metric('payloads_malformed_total')).toBe(before + bad.length)
      await stage.bridge.waitForLog((record) => record['channel'] === channel + name)
    })

    it('is subscribed in Redis only while somebody wants it', async () => {
      const name = unique()
      await stage.withoutPatterns()
      const peers = [await stage.watch('1.2', `/topic/${name}`), await stage.watch('1.1', `/topic/${name}`)]
      expect(await stage.listeners(`topic:${name}`)).toBe(1)
      peers[0]!.close()
      await peers[0]!.closed
      await stage.fence(peers[1]!)
      await stage.redis.publish(`topic:${name}`, '"still"')
      await expectMessage(peers[1]!, 'still')
      peers[1]!.close()
      await waitFor(async () => (await stage.listeners(`topic:${name}`)) === 0)
      const again = await stage.watch('1.2', `/topic/${name}`)
      await stage.redis.publish(`topic:${name}`, '"again"')
      await expectMessage(again, 'again')
    })

    it('gives each message once, in order, to patterns and exact subscriptions that overlap in Redis', async () => {
      const name = unique()
      const ids = ['/x', '/*', '/**', '/?']
      const peer = await stage.connect()
      for (const id of ids) await stage.subscribe(peer, `/topic/${name}${id}`, { id })
      const other = await stage.watch('1.2', `/topic/${name}/x`)
      const bodies = Array.from({ length: 10 }, (_none, i) => `${i}`)
      for (const body of bodies) await stage.redis.publish(`topic:${name}/x`, `"${body}"`)
      for (const body of bodies) await expectMessage(other, body)
      // The order is one per subscription, not one over all of them.
      const heard = new Map<string | undefined, string[]>(ids.map((id) => [id, []]))
      for (let i = 0; i < ids.length * bodies.length; i++) {
        const message = await peer.expect('MESSAGE')
        heard.get(message.headers.get('subscription'))!.push(bodyText(message))
      }
      expect([...heard]).toEqual(ids.map((id) => [id, bodies]))
      await stage.fence(peer)
      await stage.fence(other)
    })

    it('brings POST /api/notification to subscribers', async () => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch('1.2', destination)
      for (const [message, body, type] of [
        ['text', 'text', 'text/plain;charset=UTF-8'],
        [{ a: [1] }, '{"a":[1]}', 'application/json'],
      ] as const) {
        const response = await fetch(`${stage.bridge.url}/api/notification`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ topic: destination, message }),
        })
        expect([response.status, await response.text()]).toEqual([200, ''])
        const frame = await peer.expect('MESSAGE', { destination, 'content-type': type })
        expect(bodyText(frame)).toBe(body)
      }
    })
  })
}
