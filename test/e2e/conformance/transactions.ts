/** BEGIN, COMMIT, ABORT, watched by other clients and by Redis. */
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { bodyText, frameText } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

export function transactions(stage: Stage): void {
  describe('a transaction', () => {
    it.each(VERSIONS.flatMap((version) => ['BEGIN', 'COMMIT', 'ABORT'].map((command) => [command, version] as const)))(
      '#91 needs a name: %s in %s',
      async (command, version) => {
        const peer = await stage.connect(version)
        peer.send(frameText(command, { receipt: 'r1' }))
        await expectError(peer, 'missing-header', { receipt: 'r1' })
      },
    )

    it.each(VERSIONS)('#92 begun twice is an ERROR in %s', async (version) => {
      const peer = await stage.connect(version)
      peer.send(frameText('BEGIN', { transaction: 'tx', receipt: '1' }))
      await peer.receipt('1')
      peer.send(frameText('BEGIN', { transaction: 'tx', receipt: '2' }))
      await expectError(peer, 'duplicate-transaction', { receipt: '2' })
    })

    it.each(VERSIONS.flatMap((version) => ['COMMIT', 'ABORT'].map((command) => [command, version] as const)))(
      '#93 that is not open is an ERROR: %s in %s',
      async (command, version) => {
        const peer = await stage.connect(version)
        peer.send(frameText('BEGIN', { transaction: 'tx' }) + frameText(command, { transaction: 'tx', receipt: '1' }))
        await peer.receipt('1')
        peer.send(frameText(command, { transaction: 'tx', receipt: '2' }))
        await expectError(peer, 'unknown-transaction', { receipt: '2' })
      },
    )

    it.each(VERSIONS)(
      '#94 #100 is invisible before COMMIT and complete, in order, after it, in %s',
      async (version) => {
        const name = unique()
        const [topic, app] = [`/topic/${name}`, `/app/${name}`]
        const [watcher, ear] = await Promise.all([stage.watch(version, topic), stage.listen(`app:${name}`)])
        const peer = await stage.connect(version)
        peer.send(frameText('BEGIN', { transaction: 'tx', receipt: 'begin' }))
        await peer.receipt('begin')
        for (const body of ['1', '2', '3']) {
          peer.send(frameText('SEND', { destination: topic, transaction: 'tx', receipt: `t${body}` }, body))
          peer.send(frameText('SEND', { destination: app, transaction: 'tx', receipt: `a${body}` }, body))
          await peer.receipt(`t${body}`)
          await peer.receipt(`a${body}`)
        }
        peer.send(frameText('SEND', { destination: topic, receipt: 'f1' }, 'outside'))
        peer.send(frameText('SEND', { destination: app, receipt: 'f2' }, 'outside'))
        await peer.receipt('f1')
        await peer.receipt('f2')
        await expectMessage(watcher, 'outside')
        expect(await ear.next()).toBe('"outside"')
        expect(await ear.waiting()).toBe(0)
        peer.send(frameText('COMMIT', { transaction: 'tx', receipt: 'commit' }))
        peer.send(frameText('SEND', { destination: topic }, 'after'))
        peer.send(frameText('SEND', { destination: app }, 'after'))
        await peer.receipt('commit')
        for (const body of ['1', '2', '3', 'after']) {
          await expectMessage(watcher, body)
          expect(await ear.next()).toBe(`"${body}"`)
        }
      },
    )

    it('#94 is not mixed with what others send, nor with another of the same session', async () => {
      const name = unique()
      const destination = `/topic/${name}`
      const watcher = await stage.watch('1.2', destination)
      const senders = await Promise.all(Array.from({ length: 4 }, () => stage.connect()))
      const [count, rounds] = [10, 8]
      senders.forEach((sender, s) => {
        for (let round = 0; round < rounds; round++) {
          const transaction = `tx${round}`
          sender.send(frameText('BEGIN', { transaction }))
          for (let i = 0; i < count; i++)
            sender.send(frameText('SEND', { destination, transaction }, `${s}-${round} ${i}`))
        }
        for (let round = 0; round < rounds; round++) {
          sender.send(frameText('SEND', { destination }, `alone ${s}`))
          sender.send(frameText('COMMIT', { transaction: `tx${round}` }))
        }
      })
      const seen: string[] = []
      const total = senders.length * rounds * (count + 1)
      while (seen.length < total) seen.push(bodyText(await watcher.frame()))
      const inside = seen.map((body, at) => [body, at] as const).filter(([body]) => body.endsWith(' 0'))
      const begins = inside.filter(([body]) => !body.startsWith('alone'))
      expect(begins).toHaveLength(senders.length * rounds)
      for (const [body, at] of begins) {
        const transaction = body.split(' ')[0]!
        expect(seen.slice(at, at + count)).toEqual(Array.from({ length: count }, (_none, i) => `${transaction} ${i}`))
      }
    })

    it('#94 that is applied comes after what the session sent before, and before what it sends after', async () => {
      const name = unique()
      const destination = `/topic/${name}`
      const watcher = await stage.watch('1.2', destination)
      const peer = await stage.connect()
      let frames = ''
      const expected: string[] = []
      for (let i = 0; i < 30; i++) {
        frames += frameText('SEND', { destination }, `before ${i}`)
        frames += frameText('BEGIN', { transaction: `${i}` })
        frames += frameText('SEND', { destination, transaction: `${i}` }, `inside ${i}`)
        frames += frameText('COMMIT', { transaction: `${i}` })
        expected.push(`before ${i}`, `inside ${i}`)
      }
      peer.send(frames)
      for (const body of expected) await expectMessage(watcher, body)
    })

    it.each(VERSIONS)('#95 that is aborted leaves nothing, and its name is free again, in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch(version, destination)
      const peer = await stage.connect(version)
      const send = (body: string) => frameText('SEND', { destination, transaction: 'tx' }, body)
      peer.send(frameText('BEGIN', { transaction: 'tx' }) + send('dropped'))
      peer.send(frameText('ABORT', { transaction: 'tx', receipt: 'abort' }))
      await peer.receipt('abort')
      peer.send(frameText('BEGIN', { transaction: 'tx' }) + send('kept'))
      peer.send(frameText('COMMIT', { transaction: 'tx', receipt: 'commit' }))
      await peer.receipt('commit')
      await expectMessage(watcher, 'kept')
      await stage.fence(watcher)
    })

    it.each(VERSIONS)(
      '#96 that is open when the session ends leaves nothing, however it ends, in %s',
      async (version) => {
        const name = unique()
        const watcher = await stage.watch(version, `/topic/${name}`)
        const endings: readonly ((peer: Awaited<ReturnType<typeof stage.connect>>) => unknown)[] = [
          (peer) => peer.send(frameText('DISCONNECT', { receipt: 'bye' })),
          (peer) => peer.send(frameText('DISCONNECT')),
          (peer) => peer.send(frameText('NONSENSE')),
          (peer) => peer.close(),
          (peer) => peer.abort(),
        ]
        for (const end of endings) {
          const peer = await stage.connect(version)
          peer.send(frameText('BEGIN', { transaction: 'tx' }))
          peer.send(frameText('SEND', { destination: `/topic/${name}`, transaction: 'tx', receipt: '1' }, 'dropped'))
          await peer.receipt('1')
          await end(peer)
          await peer.closed
        }
        const last = await stage.connect(version)
        last.send(frameText('SEND', { destination: `/topic/${name}` }, 'fence'))
        await expectMessage(watcher, 'fence')
      },
    )

    it('#96 that is open when a broken frame ends the session leaves nothing', async () => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect()
      const tx = { destination: `/app/${name}`, transaction: 'tx' }
      peer.send(frameText('BEGIN', { transaction: 'tx' }) + frameText('SEND', tx, 'dropped'))
      peer.send(frameText('SEND', { ...tx, destination: '/queue/none', receipt: 'r1' }, 'no route'))
      await expectError(peer, 'no-route', { receipt: 'r1' })
      await stage.redis.publish(`app:${name}`, 'fence')
      expect(await ear.next()).toBe('fence')
    })

    it.each(VERSIONS)('#97 has a name of its own connection in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch(version, destination)
      const [one, other] = await Promise.all([stage.connect(version), stage.connect(version)])
      for (const [peer, body] of [
        [one, 'one'],
        [other, 'other'],
      ] as const) {
        peer.send(frameText('BEGIN', { transaction: 'tx', receipt: '1' }))
        peer.send(frameText('SEND', { destination, transaction: 'tx', receipt: '2' }, body))
        await peer.receipt('1')
        await peer.receipt('2')
      }
      other.send(frameText('COMMIT', { transaction: 'tx' }))
      await expectMessage(watcher, 'other')
      one.send(frameText('COMMIT', { transaction: 'tx' }))
      await expectMessage(watcher, 'one')
    })

    it.each(VERSIONS)('may be empty, and several may be open at once, in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch(version, destination)
      peer.send(frameText('BEGIN', { transaction: 'a' }) + frameText('BEGIN', { transaction: 'b' }))
      peer.send(frameText('SEND', { destination, transaction: 'a' }, 'of a'))
      peer.send(frameText('SEND', { destination, transaction: 'b' }, 'of b'))
      peer.send(frameText('COMMIT', { transaction: 'b' }))
      await expectMessage(peer, 'of b')
      peer.send(frameText('COMMIT', { transaction: 'a' }))
      await expectMessage(peer, 'of a')
      peer.send(frameText('BEGIN', { transaction: 'c' }) + frameText('COMMIT', { transaction: 'c', receipt: 'c' }))
      await peer.receipt('c')
    })
  })
}
