/** SUBSCRIBE and UNSUBSCRIBE: ids, patterns, limits of what may be subscribed, and when messages end. */
import { describe, expect, it } from 'vitest'
import { VERSIONS, type Version } from '../../../frames/index.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { waitFor } from '../../support/wait.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

const ESCAPING = VERSIONS.filter((version) => version !== '1.0')

export function subscribing(stage: Stage): void {
  describe('SUBSCRIBE', () => {
    it.each(VERSIONS)('#64 needs a destination in %s', async (version) => {
      const peer = await stage.connect(version)
      peer.send(frameText('SUBSCRIBE', { id: '1', receipt: 'r1' }))
      await expectError(peer, 'missing-header', { receipt: 'r1' })
    })

    it.each(ESCAPING)('#65 needs an id in %s', async (version) => {
      const peer = await stage.connect(version)
      peer.send(frameText('SUBSCRIBE', { destination: '/topic/x', receipt: 'r1' }))
      await expectError(peer, 'missing-header', { receipt: 'r1' })
    })

    it('#65 #76 needs no id in 1.0; its messages name an id only if there is one', async () => {
      const [one, other] = [`/topic/${unique()}`, `/topic/${unique()}`]
      const peer = await stage.connect('1.0')
      await stage.subscribe(peer, one, {})
      await stage.subscribe(peer, other, { id: 'a' })
      peer.send(frameText('SEND', { destination: one }, 'one') + frameText('SEND', { destination: other }, 'other'))
      await expectMessage(peer, 'one', { subscription: undefined, destination: one, 'message-id': /./ })
      await expectMessage(peer, 'other', { subscription: 'a', destination: other, 'message-id': /./ })
    })

    it('#67 twice to one destination without id, in 1.0, gives every message once', async () => {
      const destination = `/topic/${unique()}`
      const peer = await stage.connect('1.0')
      await stage.subscribe(peer, destination, {})
      await stage.subscribe(peer, destination, {})
      peer.send(frameText('SEND', { destination }, 'once') + frameText('SEND', { destination }, 'again'))
      await expectMessage(peer, 'once')
      await expectMessage(peer, 'again')
    })

    it.each(VERSIONS)('#66 with an id in use is an ERROR in %s', async (version) => {
      const peer = await stage.watch(version, `/topic/${unique()}`, { id: 'a' })
      peer.send(frameText('SUBSCRIBE', { destination: `/topic/${unique()}`, id: 'a', receipt: 'r1' }))
      await expectError(peer, 'duplicate-subscription', { receipt: 'r1' })
    })

    it.each(VERSIONS)('#67 twice to one destination gives every message twice in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.connect(version)
      await stage.subscribe(peer, destination, { id: 'a' })
      await stage.subscribe(peer, destination, { id: 'b' })
      peer.send(frameText('SEND', { destination }, 'twice'))
      const [first, second] = [await expectMessage(peer, 'twice'), await expectMessage(peer, 'twice')]
      expect([first, second].map(({ headers }) => headers.get('subscription')).sort()).toEqual(['a', 'b'])
      await stage.fence(peer)
    })

    it.each(VERSIONS)(
      '#68 may use an id again after UNSUBSCRIBE, and one that another client has, in %s',
      async (version) => {
        const [one, other] = [`/topic/${unique()}`, `/topic/${unique()}`]
        const peer = await stage.watch(version, one, { id: 'a' })
        const stranger = await stage.watch(version, other, { id: 'a' })
        peer.send(frameText('UNSUBSCRIBE', { id: 'a' }))
        await stage.subscribe(peer, other, { id: 'a' })
        stranger.send(frameText('SEND', { destination: one }, 'gone'))
        stranger.send(frameText('SEND', { destination: other }, 'there'))
        await expectMessage(peer, 'there', { destination: other, subscription: 'a' })
        await expectMessage(stranger, 'there', { destination: other, subscription: 'a' })
      },
    )

    it.each<[string, Version]>([
      ['auto', '1.0'],
      ['client', '1.0'],
      ...ESCAPING.flatMap((version) =>
        ['auto', 'client', 'client-individual'].map((ack) => [ack, version] as [string, Version]),
      ),
    ])('#69 takes ack:%s in %s', async (ack, version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch(version, destination, { ack })
      peer.send(frameText('SEND', { destination }, 'hello'))
      await expectMessage(peer, 'hello')
    })

    it.each<[string, Version]>([
      ['client-individual', '1.0'],
      ...VERSIONS.flatMap((version) =>
        ['none', '', 'Auto', 'CLIENT', 'auto '].map((ack) => [ack, version] as [string, Version]),
      ),
    ])('#69 refuses ack:%s in %s', async (ack, version) => {
      const peer = await stage.connect(version)
      peer.send(frameText('SUBSCRIBE', { destination: '/topic/x', id: '1', ack, receipt: 'r1' }))
      await expectError(peer, 'bad-header', { receipt: 'r1' })
    })

    it.each(['/queue/x', '/app/greet', '/topic', '/topic/', '/topicx/y', 'x', '', '/', '*', '/*/x', '**', '/**'])(
      '#70 to %j, which is no topic, is an ERROR',
      async (destination) => {
        for (const version of VERSIONS) {
          const peer = await stage.connect(version)
          peer.send(frameText('SUBSCRIBE', { destination, id: '1', receipt: 'r1' }))
          await expectError(peer, 'bad-destination', { receipt: 'r1' })
        }
      },
    )

    it.each(VERSIONS)('#74 ignores headers that it does not know in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch(version, destination, { 'activemq.prefetchSize': '1' })
      peer.send(frameText('SEND', { destination, color: 'blue' }, 'hello'))
      await expectMessage(peer, 'hello', { 'activemq.prefetchSize': undefined })
    })

    it.each(VERSIONS)('#75 is refused with a selector in %s', async (version) => {
      const peer = await stage.connect(version)
      peer.send(frameText('SUBSCRIBE', { destination: '/topic/a', id: '0', selector: "color = 'red'", receipt: 'r' }))
      const error = await expectError(peer, 'bad-header', { receipt: 'r' })
      expect(error.headers.get('message')).toBe('Header "selector" is not supported')
    })

    it('#11 has its body ignored in 1.0', async () => {
      const destination = `/topic/${unique()}`
      const peer = await stage.connect('1.0')
      peer.send(frameText('SUBSCRIBE', { destination, id: 'a', receipt: '1' }, 'body'))
      peer.send(frameText('SUBSCRIBE', { destination, id: 'b', receipt: '2', 'content-length': '3' }, 'b\0y'))
      await peer.receipt('1')
      await peer.receipt('2')
    })

    it.each(VERSIONS)('gives nothing of other destinations in %s', async (version) => {
      const name = unique()
      const peer = await stage.watch(version, `/topic/${name}/a`)
      const sender = await stage.connect()
      for (const rest of ['', '/', '/A', '/a/', '/a/b', '/ab', '/', '/b']) {
        sender.send(frameText('SEND', { destination: `/topic/${name}${rest}` }, rest))
      }
      sender.send(frameText('SEND', { destination: `/topic/${name}/a` }, 'the one'))
      await expectMessage(peer, 'the one')
    })

    it.each<[pattern: string, taken: readonly string[], left: readonly string[]]>([
      ['/*', ['/a', '/abc', '/a.b'], ['', '/a/b', '/a/']],
      ['/a*', ['/a', '/ab', '/abc'], ['/ba', '/a/b', '/A']],
      ['/*c', ['/c', '/abc'], ['/cb', '/a/c']],
      ['/a*c*e', ['/ace', '/abcde', '/accee'], ['/ac', '/aec', '/abcdef']],
      ['/?', ['/a', '/ü'], ['/ab', '/', '']],
      ['/a?c', ['/abc', '/a.c'], ['/ac', '/abbc', '/a/c']],
      ['/**', ['/a', '/a/b', '/a/b/c', ''], ['x']],
      ['/**/c', ['/c', '/a/c', '/a/b/c'], ['/c/d', '/abc']],
      ['/a/**/c', ['/a/c', '/a/b/c', '/a/b/b/c'], ['/a', '/a/b', '/b/c']],
      ['/a/**/c/*', ['/a/c/d', '/a/b/c/d'], ['/a/c', '/a/c/d/e']],
      ['/*/b', ['/a/b', '/abc/b'], ['/b', '/a/a/b', '/a/b/c']],
      ['/a/*/**', ['/a/b', '/a/b/c'], ['/a']],
    ])('takes the pattern %s', async (pattern, taken, left) => {
      const base = `/topic/${unique()}`
      const peer = await stage.watch('1.2', `${base}${pattern}`)
      const sender = await stage.connect()
      for (const rest of [...left, ...taken]) sender.send(frameText('SEND', { destination: `${base}${rest}` }, rest))
      for (const rest of taken) await expectMessage(peer, rest, { destination: `${base}${rest}`, subscription: 'sub' })
      await stage.fence(peer)
    })

    it.each(['auto', 'client'])('gives a message once per subscription that takes it, with ack:%s', async (ack) => {
      const base = `/topic/${unique()}`
      const peer = await stage.connect()
      const rest = ['/a/b', '/a/*', '/**', '/?/b', '/*/*', '/**/b', '/c/*']
      for (const pattern of rest) await stage.subscribe(peer, `${base}${pattern}`, { id: pattern, ack })
      peer.send(frameText('SEND', { destination: `${base}/a/b` }, 'many'))
      const ids = []
      for (let i = 0; i < 6; i++) {
        const { headers } = await expectMessage(peer, 'many', { destination: `${base}/a/b` })
        ids.push(headers.get('subscription'))
      }
      expect(ids.sort()).toEqual(rest.slice(0, -1).sort())
      await stage.fence(peer)
    })
  })

  describe('UNSUBSCRIBE', () => {
    it.each(ESCAPING)('#71 needs an id in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch(version, destination)
      peer.send(frameText('UNSUBSCRIBE', { destination, receipt: 'r1' }))
      await expectError(peer, 'missing-header', { receipt: 'r1' })
    })

    it('#71 needs an id or a destination in 1.0', async () => {
      const peer = await stage.connect('1.0')
      peer.send(frameText('UNSUBSCRIBE', { receipt: 'r1' }))
      await expectError(peer, 'missing-header', { receipt: 'r1' })
    })

    it('#71 #72 ends a 1.0 subscription without id by its destination, and no other', async () => {
      const [one, other] = [`/topic/${unique()}`, `/topic/${unique()}`]
      const peer = await stage.connect('1.0')
      await stage.subscribe(peer, one, {})
      await stage.subscribe(peer, other, {})
      await stage.subscribe(peer, one, { id: 'a' })
      peer.send(frameText('UNSUBSCRIBE', { destination: one, receipt: 'r1' }))
      await peer.receipt('r1')
      peer.send(frameText('SEND', { destination: one }, 'one') + frameText('SEND', { destination: other }, 'other'))
      await expectMessage(peer, 'one', { subscription: 'a' })
      await expectMessage(peer, 'other', { subscription: undefined })
    })

    it.each(VERSIONS)(
      '#71 of an id that is not live is ignored, counted, and gets its receipt in %s',
      async (version) => {
        const destination = `/topic/${unique()}`
        const peer = await stage.watch(version, destination)
        const before = await stage.metric('unsubscribe_unknown_total')
        for (const [receipt, id] of Object.entries({ r1: 'sub', r2: 'sub', r3: 'never' })) {
          peer.send(frameText('UNSUBSCRIBE', { id, receipt }))
          await peer.receipt(receipt)
        }
        expect(await stage.metric('unsubscribe_unknown_total')).toBe(before + 2)
      },
    )

    it.each(VERSIONS.flatMap((version) => ['auto', 'client'].map((ack) => [version, ack] as const)))(
      '#72 ends the messages of that subscription, and no others, in %s with ack:%s',
      async (version, ack) => {
        const name = unique()
        const peer = await stage.connect(version)
        await stage.subscribe(peer, `/topic/${name}`, { id: 'a', ack })
        await stage.subscribe(peer, `/topic/${name}`, { id: 'b', ack })
        const flood = () => Promise.all(Array.from({ length: 50 }, () => stage.redis.publish(`topic:${name}`, '"x"')))
        const flooded = flood()
        peer.send(frameText('UNSUBSCRIBE', { id: 'a', receipt: 'r1' }))
        let frame = await peer.frame()
        while (frame.command === 'MESSAGE') frame = await peer.frame()
        expect(frame.headers.get('receipt-id')).toBe('r1')
        await Promise.all([flooded, flood()])
        await stage.redis.publish(`topic:${name}`, '"last"')
        for (let body = ''; body !== 'last';) {
          const message = await peer.expect('MESSAGE', { subscription: 'b' })
          body = new TextDecoder().decode(message.body)
        }
        await stage.fence(peer)
      },
    )

    it.each(VERSIONS)('#115 lets go of the Redis channel in %s', async (version) => {
      const [one, other] = await Promise.all([
        stage.watch(version, '/topic/greetings'),
        stage.watch(version, '/topic/greetings'),
      ])
      expect(await stage.listeners('GREETING_CHANNEL_INBOUND')).toBe(1)
      one.send(frameText('UNSUBSCRIBE', { id: 'sub' }))
      other.send(frameText('UNSUBSCRIBE', { id: 'sub' }))
      await waitFor(async () => (await stage.listeners('GREETING_CHANNEL_INBOUND')) === 0)
    })
  })
}
