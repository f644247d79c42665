/** MESSAGE: the headers it has in each version, and how it is put on the wire. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { expectMessage, unique, type Stage } from './stage.ts'

export function messages(stage: Stage): void {
  describe('MESSAGE', () => {
    it.each(VERSIONS)(
      '#76 #79 #13 from Redis has destination, message-id, subscription, type and length in %s',
      async (version) => {
        const name = unique()
        const peer = await stage.watch(version, `/topic/${name}`)
        await stage.redis.publish(`topic:${name}`, '"ü€😀"')
        const { headers } = await expectMessage(peer, 'ü€😀')
        expect(Object.fromEntries(headers)).toEqual({
          destination: `/topic/${name}`,
          'message-id': expect.stringMatching(/^\S+$/),
          subscription: 'sub',
          'content-type': 'text/plain;charset=UTF-8',
          'content-length': '9',
        })
      },
    )

    it.each(VERSIONS)('#76 has a message-id of its own in %s', async (version) => {
      const name = unique()
      const peer = await stage.watch(version, `/topic/${name}`)
      const ids = new Set<string | undefined>()
      for (let i = 0; i < 20; i++) {
        if (i % 2 === 0) await stage.redis.publish(`topic:${name}`, `"${i}"`)
        else peer.send(frameText('SEND', { destination: `/topic/${name}` }, `${i}`))
        ids.add((await expectMessage(peer, `${i}`)).headers.get('message-id'))
      }
      expect(ids.size).toBe(20)
    })

    it.each(
      VERSIONS.flatMap((version) => ['auto', 'client', 'client-individual'].map((ack) => [version, ack] as const)),
    )('#77 has an ack header exactly where 1.2 asks for it: %s, ack:%s', async (version, ack) => {
      if (version === '1.0' && ack === 'client-individual') return // refused: see SUBSCRIBE
      const destination = `/topic/${unique()}`
      const peer = await stage.watch(version, destination, { ack })
      peer.send(frameText('SEND', { destination }, 'hello'))
      const isWanted = version === '1.2' && ack !== 'auto'
      await expectMessage(peer, 'hello', { ack: isWanted ? /^\S+$/ : undefined })
    })

    it('#77 has an ack header that is unique among all deliveries of a session', async () => {
      const destination = `/topic/${unique()}`
      const peer = await stage.connect()
      await stage.subscribe(peer, destination, { id: 'a', ack: 'client' })
      await stage.subscribe(peer, destination, { id: 'b', ack: 'client-individual' })
      for (let i = 0; i < 5; i++) peer.send(frameText('SEND', { destination }, `${i}`))
      const acks = new Set<string | undefined>()
      for (let i = 0; i < 10; i++) acks.add((await peer.expect('MESSAGE', { ack: /./ })).headers.get('ack'))
      expect(acks.size).toBe(10)
    })

    it.each(VERSIONS)('#80 does not come without a subscription in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch(version, destination)
      const peer = await stage.connect(version)
      peer.send(frameText('SEND', { destination }, 'not for me'))
      await expectMessage(watcher, 'not for me')
      await stage.fence(peer)
    })

    it.each(VERSIONS)('#12 carries content-length in %s, most of all where NULs are in the body', async (version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch(version, destination)
      for (const body of ['plain', 'a\0b', '\0', '\0\0\n']) {
        peer.send(frameText('SEND', { destination, 'content-length': String(body.length) }, body))
        await expectMessage(peer, body, { 'content-length': String(body.length) })
      }
    })

    it.each(VERSIONS)(
      '#122 ends with a NUL in %s, as every frame does, and on TCP an EOL behind it',
      async (version) => {
        const destination = `/topic/${unique()}`
        const peer = await stage.watch(version, destination)
        peer.send(frameText('SEND', { destination }, 'hello'))
        await expectMessage(peer, 'hello')
        await stage.fence(peer)
        const end = stage.isWebSocket ? '\0' : '\0\n'
        expect(peer.text.endsWith(end)).toBe(true)
        expect(peer.text.split(end)).toHaveLength(peer.frames.length + 1)
      },
    )

    if (!stage.isWebSocket) return

    it.each<[kind: string, ack: string, contentType: string | undefined, body: string | Uint8Array]>(
      ['auto', 'client'].flatMap((ack) => [
        ['text', ack, undefined, 'text'],
        ['text', ack, 'text/plain', 'ü€😀'],
        ['text', ack, 'image/png', 'but text'],
        ['binary', ack, 'application/octet-stream', 'text'],
        ['binary', ack, undefined, Uint8Array.of(0xff, 0, 0xfe)],
        ['binary', ack, 'text/plain', Uint8Array.of(0xc3)],
      ]),
    )('#121 is a %s message with ack:%s, type %s and body %j', async (kind, ack, contentType, body) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch('1.2', destination, { ack })
      const octets = Buffer.from(body)
      const headers = {
        destination,
        'content-length': `${octets.length}`,
        ...(contentType && { 'content-type': contentType }),
      }
      peer.send(Buffer.concat([Buffer.from(frameText('SEND', headers).slice(0, -1)), octets, Uint8Array.of(0)]))
      const frame = await peer.expect('MESSAGE')
      expect(Buffer.from(frame.body)).toEqual(octets)
      expect(typeof peer.messages.at(-1)).toBe(kind === 'text' ? 'string' : 'object')
    })
  })
}
