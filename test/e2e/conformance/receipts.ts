/** RECEIPT: for which frames, with which id, in which order, and what has happened when it comes. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

const ESCAPING = VERSIONS.filter((version) => version !== '1.0')

export function receipts(stage: Stage): void {
  describe('RECEIPT', () => {
    it.each(VERSIONS)('#98 answers every frame that asks for one, with nothing but its id, in %s', async (version) => {
      const name = unique()
      const peer = await stage.watch(version, `/topic/${name}`, { ack: 'client' })
      await stage.redis.publish(`topic:${name}`, '"a"')
      await stage.redis.publish(`topic:${name}`, '"b"')
      const [first, second] = [await expectMessage(peer, 'a'), await expectMessage(peer, 'b')].map(({ headers }) => ({
        id: headers.get('ack') ?? '',
        'message-id': headers.get('message-id')!,
        subscription: 'sub',
      }))
      const frames: [string, Record<string, string>][] = [
        ['ACK', first!],
        [version === '1.0' ? 'ACK' : 'NACK', second!],
        ['SEND', { destination: `/app/${name}` }],
        ['SUBSCRIBE', { destination: `/topic/${name}/other`, id: 'other' }],
        ['UNSUBSCRIBE', { id: 'other' }],
        ['BEGIN', { transaction: 'a' }],
        ['SEND', { destination: `/app/${name}`, transaction: 'a' }],
        ['COMMIT', { transaction: 'a' }],
        ['BEGIN', { transaction: 'b' }],
        ['ABORT', { transaction: 'b' }],
        ['DISCONNECT', {}],
      ]
      for (const [i, [command, headers]] of frames.entries()) {
        peer.send(frameText(command, { ...headers, receipt: `${command}-${i}` }))
        const receipt = await peer.receipt(`${command}-${i}`)
        expect(receipt.body).toHaveLength(0)
        expect([...receipt.headers]).toEqual([['receipt-id', `${command}-${i}`]])
      }
    })

    it.each(VERSIONS)('#98 does not come unasked in %s', async (version) => {
      const name = unique()
      const peer = await stage.connect(version)
      peer.send(frameText('SUBSCRIBE', { destination: `/topic/${name}`, id: 'a' }))
      peer.send(frameText('SEND', { destination: `/app/${name}` }, 'x'))
      peer.send(frameText('BEGIN', { transaction: 'a' }) + frameText('COMMIT', { transaction: 'a' }))
      peer.send(frameText('UNSUBSCRIBE', { id: 'a' }))
      await stage.fence(peer)
    })

    it.each(VERSIONS)('#99 comes in the order of the frames, whatever they wait for, in %s', async (version) => {
      const name = unique()
      const peer = await stage.connect(version)
      const ids: string[] = []
      let text = ''
      const add = (command: string, headers: Record<string, string>) => {
        const receipt = `${ids.length} ${command}`
        ids.push(receipt)
        text += frameText(command, { ...headers, receipt })
      }
      for (let i = 0; i < 40; i++) {
        const transaction = `tx${i}`
        add('SEND', { destination: `/app/${name}` })
        add('BEGIN', { transaction })
        add('SUBSCRIBE', { destination: `/topic/${name}/${i}`, id: `${i}` })
        add('SEND', { destination: `/app/${name}`, transaction })
        add('UNSUBSCRIBE', { id: `${i}` })
        add(i % 2 === 0 ? 'COMMIT' : 'ABORT', { transaction })
      }
      add('DISCONNECT', {})
      peer.send(text)
      for (const id of ids) await peer.receipt(id)
      await peer.closed
      expect(peer.frames).toHaveLength(1 + ids.length)
    })

    it.each(ESCAPING)('#101 #30 has its id escaped in %s', async (version) => {
      const peer = await stage.connect(version)
      const [cr, escapedCr] = version === '1.2' ? ['\r', '\\r'] : ['', '']
      peer.send(frameText('BEGIN', { transaction: 'a', receipt: 'a:b' }))
      await peer.receipt('a:b')
      peer.send(frameText('BEGIN', { transaction: 'b', receipt: `a\\cb\\n\\\\${escapedCr} ü€😀 ` }))
      await peer.receipt(`a:b\n\\${cr} ü€😀 `)
      expect(peer.text).toContain('RECEIPT\nreceipt-id:a\\cb\n\n\0')
      expect(peer.text).toContain(`RECEIPT\nreceipt-id:a\\cb\\n\\\\${escapedCr} ü€😀 \n\n\0`)
    })

    it('#26 #101 has its id as it was in 1.0', async () => {
      const peer = await stage.connect('1.0')
      peer.send(frameText('BEGIN', { transaction: 'a', receipt: 'a:b\\c\\' }))
      await peer.receipt('a:b\\c\\')
      expect(peer.text).toContain('RECEIPT\nreceipt-id:a:b\\c\\\n\n\0')
    })

    it.each(VERSIONS)('#102 does not come for a frame that is answered by ERROR in %s', async (version) => {
      for (const [input, code] of [
        [frameText('SEND', { destination: '/queue/x', receipt: 'r1' }), 'no-route'],
        [frameText('COMMIT', { transaction: 'none', receipt: 'r1' }), 'unknown-transaction'],
        [frameText('NONSENSE', { receipt: 'r1' }), 'unknown-command'],
      ] as const) {
        const peer = await stage.connect(version)
        peer.send(input)
        await expectError(peer, code, { receipt: 'r1' })
        expect(peer.frames.map(({ command }) => command)).toEqual(['CONNECTED', 'ERROR'])
      }
    })

    it.each(VERSIONS)('#103 of SUBSCRIBE means that what Redis gets now will come, in %s', async (version) => {
      const peer = await stage.connect(version)
      for (let i = 0; i < 20; i++) {
        const name = unique()
        const destination = i % 4 === 3 ? `/topic/${name}/*` : `/topic/${name}/x`
        peer.send(frameText('SUBSCRIBE', { destination, id: `${i}`, receipt: `r${i}` }))
        await peer.receipt(`r${i}`)
        await stage.redis.publish(`topic:${name}/x`, '"now"')
        await expectMessage(peer, 'now', { subscription: `${i}` })
      }
    })

    it.each(VERSIONS)('#103 of SEND means that Redis has it, in %s', async (version) => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect(version)
      for (let i = 0; i < 20; i++) {
        peer.send(frameText('SEND', { destination: `/app/${name}`, receipt: `r${i}` }, `${i}`))
        await peer.receipt(`r${i}`)
        expect(await ear.waiting()).toBe(1)
        expect(await ear.next()).toBe(`"${i}"`)
      }
    })

    it.each(VERSIONS)('#100 #103 of COMMIT means that Redis has all of it, in %s', async (version) => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect(version)
      peer.send(frameText('BEGIN', { transaction: 'tx' }))
      for (let i = 0; i < 5; i++)
        peer.send(frameText('SEND', { destination: `/app/${name}`, transaction: 'tx' }, `${i}`))
      await stage.fence(peer)
      expect(await ear.waiting()).toBe(0)
      peer.send(frameText('COMMIT', { transaction: 'tx', receipt: 'r' }))
      await peer.receipt('r')
      expect(await ear.waiting()).toBe(5)
    })

    it.each(VERSIONS)('#99 #103 of SUBSCRIBE and SEND, and all behind it, waits for Redis in %s', async (version) => {
      const name = unique()
      const [subscriber, sender, other] = await Promise.all([
        stage.connect(version),
        stage.connect(version),
        stage.connect(version),
      ])
      await stage.withoutPatterns()
      await stage.withoutRedis(async () => {
        subscriber.send(frameText('SUBSCRIBE', { destination: `/topic/${name}`, id: 'a', receipt: '1' }))
        sender.send(frameText('SEND', { destination: `/app/${name}`, receipt: '1' }, 'x'))
        for (const peer of [subscriber, sender]) peer.send(frameText('BEGIN', { transaction: 'tx', receipt: '2' }))
        // Long enough for an answer that does not wait, as this client has several.
        for (let i = 0; i < 5; i++) await stage.fence(other)
        for (const peer of [subscriber, sender]) expect(peer.frames).toHaveLength(1)
      })
      for (const peer of [subscriber, sender]) {
        await peer.receipt('1')
        await peer.receipt('2')
      }
    })

    it('#98 may have a long id', async () => {
      const peer = await stage.connect()
      const receipt = 'r'.repeat(8000)
      peer.send(frameText('BEGIN', { transaction: 'a', receipt }))
      await peer.receipt(receipt)
      expect(Buffer.byteLength(receipt)).toBe(8000)
    })
  })
}
