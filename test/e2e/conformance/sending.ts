/** SEND: what arrives at subscribers and in Redis, and what is refused. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

const BINARY = Uint8Array.from({ length: 256 }, (_none, i) => 255 - i)

/** A SEND with a body of octets. */
function binarySend(headers: Readonly<Record<string, string>>, body: Uint8Array): Uint8Array {
  const head = frameText('SEND', { ...headers, 'content-length': String(body.length) })
  return Buffer.concat([Buffer.from(head.slice(0, -1)), body, Uint8Array.of(0)])
}

export function sending(stage: Stage): void {
  describe('SEND', () => {
    it.each(VERSIONS)('#57 needs a destination in %s', async (version) => {
      const peer = await stage.connect(version)
      peer.send(frameText('SEND', { receipt: 'r1' }, 'body'))
      await expectError(peer, 'missing-header', { receipt: 'r1' })
    })

    it.each(VERSIONS)(
      'to a topic reaches every subscriber of that topic in %s, and the sender if it is one',
      async (version) => {
        const destination = `/topic/${unique()}`
        const sender = await stage.watch(version, destination)
        const others = await Promise.all(VERSIONS.map((other) => stage.watch(other, destination)))
        sender.send(frameText('SEND', { destination }, 'hello'))
        for (const peer of [sender, ...others]) await expectMessage(peer, 'hello', { destination, subscription: 'sub' })
      },
    )

    it.each(VERSIONS)('keeps the order of one sender in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch(version, destination)
      const sender = await stage.connect(version)
      const bodies = Array.from({ length: 100 }, (_none, i) => `${i}`)
      for (const body of bodies) sender.send(frameText('SEND', { destination }, body))
      for (const body of bodies) await expectMessage(watcher, body)
    })

    it.each([
      '/topic/with space',
      '/topic/trailing/',
      '/topic//double//slash',
      '/topic/../up/./here',
      '/topic/UPPER-lower',
      '/topic/ü€😀',
      '/topic/%20%2F',
      '/topic/a;b=c&d=e#f',
      '/topic/{curly}[square](round)',
      '/topic/$dollar^caret|pipe',
    ])('#58 takes the destination %j as it is', async (base) => {
      const destination = `${base}${unique()}/`
      const watcher = await stage.watch('1.2', destination)
      const sender = await stage.connect()
      for (const other of [
        destination.slice(0, -1),
        destination.toUpperCase(),
        `${destination}/`,
        encodeURI(destination),
      ]) {
        if (other !== destination && other.startsWith('/topic/'))
          sender.send(frameText('SEND', { destination: other }, other))
      }
      sender.send(frameText('SEND', { destination }, 'the one'))
      await expectMessage(watcher, 'the one', { destination })
    })

    it.each(VERSIONS)('#59 passes user headers on in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch(version, destination)
      const sender = await stage.connect(version)
      const headers = {
        'x-a': '1',
        'X-Mixed-Case': 'Value',
        priority: '9',
        'reply-to': '/topic/there',
        'correlation-id': 'c',
      }
      sender.send(frameText('SEND', { destination, ...headers, 'content-type': 'a/b;c=d' }, 'body'))
      await expectMessage(watcher, 'body', { ...headers, 'content-type': 'a/b;c=d' })
    })

    it.each(VERSIONS)('#60 cannot set what only the server says in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch(version, destination)
      const sender = await stage.connect(version)
      const forged = { 'message-id': 'forged', subscription: 'forged', ack: 'forged', 'user-name': 'forged' }
      sender.send(
        frameText('SEND', { destination, ...forged, receipt: 'r1', 'content-length': '4', 'x-last': '1' }, 'body'),
      )
      sender.send(frameText('BEGIN', { transaction: 'tx' }))
      sender.send(frameText('SEND', { destination, ...forged, transaction: 'tx' }, 'in tx'))
      sender.send(frameText('COMMIT', { transaction: 'tx' }))
      for (const body of ['body', 'in tx']) {
        const { headers } = await expectMessage(watcher, body, {
          'message-id': /^(?!forged)/,
          subscription: 'sub',
          ack: undefined,
          'user-name': undefined,
          receipt: undefined,
          transaction: undefined,
        })
        const names = [...headers].map(([name]) => name)
        expect(names).toEqual([...new Set(names)])
        expect([...headers].map(([, value]) => value)).not.toContain('forged')
      }
    })

    it.each(['\\r', '\\n', '\\c', ' ', '\t'])(
      '#27 #60 cannot smuggle in, as a name with %j, what an older subscriber reads as the server’s',
      async (ending) => {
        const destination = `/topic/${unique()}`
        const watchers = await Promise.all(VERSIONS.map((version) => stage.watch(version, destination)))
        const unnamed = await stage.connect('1.0')
        await stage.subscribe(unnamed, destination, {})
        const sender = await stage.connect()
        const names = ['message-id', 'subscription', 'destination', 'content-length', 'ack', 'user-name']
        const forged = names.map((name) => `${name}${ending}:1\n`).join('')
        sender.send(`SEND\ndestination:${destination}\n${forged}\nthe whole body\0`)
        sender.send(frameText('SEND', { destination }, 'next'))
        for (const watcher of [...watchers, unnamed]) {
          const message = await expectMessage(watcher, 'the whole body', {
            destination,
            subscription: watcher === unnamed ? undefined : 'sub',
            ack: undefined,
            'user-name': undefined,
          })
          await expectMessage(watcher, 'next')
          // stompjs 2.3.3 trims names, and goes by the first of a name.
          const trimmed = new Map(
            [...message.headers].reverse().map(([name, value]) => [name.replace(/^[ \t]+|[ \t]+$/g, ''), value]),
          )
          expect(trimmed.get('content-length')).toBe('14')
          expect(trimmed.get('destination')).toBe(destination)
          expect(trimmed.get('message-id')).not.toBe('1')
        }
      },
    )

    it.each([
      '/queue/x',
      '/app',
      '/app/',
      '/application/x',
      '/topic',
      '/topic/',
      '/topicx/y',
      '/Topic/x',
      'topic/x',
      'x',
      '',
      '/',
    ])('#40 #61 to %j, which nothing takes, is an ERROR no-route', async (destination) => {
      for (const version of VERSIONS) {
        const peer = await stage.connect(version)
        peer.send(frameText('SEND', { destination, receipt: 'r1' }, 'body'))
        await expectError(peer, 'no-route', { receipt: 'r1' })
      }
    })

    it('#61 of a body that its route cannot carry is an ERROR', async () => {
      const [peer, other] = await Promise.all([stage.connect(), stage.connect()])
      peer.send(binarySend({ destination: '/app/greet', receipt: 'r1' }, BINARY))
      await expectError(peer, 'bad-body', { receipt: 'r1' })
      other.send(frameText('SEND', { destination: '/app/json/x', receipt: 'r1' }, '{not json'))
      await expectError(other, 'bad-body', { receipt: 'r1' })
    })

    it.each(VERSIONS)('#62 in a transaction that is not open is an ERROR in %s', async (version) => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect(version)
      peer.send(frameText('SEND', { destination: `/app/${name}`, transaction: 'tx', receipt: 'r1' }, 'body'))
      await expectError(peer, 'unknown-transaction', { receipt: 'r1' })
      expect(await ear.waiting()).toBe(0)
    })

    it.each(VERSIONS)('#63 may have an empty body in %s', async (version) => {
      const name = unique()
      const [ear, watcher] = await Promise.all([stage.listen(`app:${name}`), stage.watch(version, `/topic/${name}`)])
      const sender = await stage.connect(version)
      sender.send(frameText('SEND', { destination: `/topic/${name}` }))
      sender.send(
        frameText('SEND', { destination: `/topic/${name}`, 'content-length': '0', 'content-type': 'text/plain' }),
      )
      sender.send(frameText('SEND', { destination: `/app/${name}` }))
      await expectMessage(watcher, '', { 'content-type': undefined })
      await expectMessage(watcher, '', { 'content-type': 'text/plain' })
      expect(await ear.next()).toBe('""')
    })

    it.each(VERSIONS)('#63 has no content-type of our own in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch(version, destination)
      const sender = await stage.connect(version)
      sender.send(frameText('SEND', { destination }, 'plain'))
      sender.send(binarySend({ destination }, BINARY))
      await expectMessage(watcher, 'plain', { 'content-type': undefined })
      const { headers, body } = await watcher.expect('MESSAGE', { 'content-type': undefined })
      expect(headers.get('content-length')).toBe('256')
      expect(Buffer.from(body)).toEqual(Buffer.from(BINARY))
    })

    it.each([
      ['text/plain', 'text'],
      ['text/plain;charset=iso-8859-1', 'Latin'],
      ['application/json', '{"a":[1,2,{"b":null}]}'],
      ['application/octet-stream', 'octets'],
      ['made/up', 'ü€😀 \u2028 \ufeff'],
      ['text/plain', '\ufeffwith a byte order mark'],
      ['text/plain', ' \t\n spaces \n\n'],
      ['text/plain', '"quoted" and \\escaped\\'],
    ])('#59 #63 keeps content-type %s and the body %j', async (contentType, body) => {
      const name = unique()
      const [ear, watcher] = await Promise.all([stage.listen(`raw:${name}`), stage.watch('1.2', `/topic/${name}`)])
      const sender = await stage.connect()
      sender.send(frameText('SEND', { destination: `/topic/${name}`, 'content-type': contentType }, body))
      sender.send(frameText('SEND', { destination: `/app/raw/${name}`, 'content-type': contentType }, body))
      await expectMessage(watcher, body, { 'content-type': contentType })
      expect(await ear.next()).toBe(body)
    })

    it('#63 passes octets on as they are, to Redis too', async () => {
      const name = unique()
      const ear = await stage.listen(`raw:${name}`)
      const sender = await stage.connect()
      sender.send(binarySend({ destination: `/app/raw/${name}` }, BINARY))
      expect(Buffer.from(await ear.nextBytes())).toEqual(Buffer.from(BINARY))
    })
  })
}
