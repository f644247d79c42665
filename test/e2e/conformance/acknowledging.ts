/** ACK and NACK in all modes and versions. What they settle is seen in the counters that the bridge keeps. */
import { describe, expect, it } from 'vitest'
import { VERSIONS, type Frame, type Version } from '../../../frames/index.ts'
import { frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

const ESCAPING = VERSIONS.filter((version) => version !== '1.0')

/** How a version names a delivery. STOMP 1.0: message-id; 1.1: and subscription; 1.2: the ack header. */
function naming(version: Version, { headers }: Frame): Record<string, string> {
  if (version === '1.2') return { id: headers.get('ack')! }
  const messageId = { 'message-id': headers.get('message-id')! }
  return version === '1.1' ? { ...messageId, subscription: headers.get('subscription')! } : messageId
}

export function acknowledging(stage: Stage): void {
  const counters = () => stage.metrics('acknowledged_total', 'rejected_total')

  /** Sends the frame, waits for its receipt, and gives what it has settled. */
  const settled = async (peer: StompPeer, command: 'ACK' | 'NACK' | 'COMMIT', headers: Record<string, string>) => {
    const before = await counters()
    const receipt = unique()
    peer.send(frameText(command, { ...headers, receipt }))
    await peer.receipt(receipt)
    const after = await counters()
    return {
      acknowledged: after.acknowledged_total - before.acknowledged_total,
      rejected: after.rejected_total - before.rejected_total,
    }
  }

  /** A session with that many deliveries that wait to be acknowledged. */
  const delivered = async (version: Version, ack: string, count: number) => {
    const destination = `/topic/${unique()}`
    const peer = await stage.watch(version, destination, { ack })
    for (let i = 0; i < count; i++) peer.send(frameText('SEND', { destination }, `${i}`))
    const frames: Frame[] = []
    for (let i = 0; i < count; i++) frames.push(await expectMessage(peer, `${i}`))
    return { peer, destination, names: frames.map((frame) => naming(version, frame)) }
  }

  describe('ACK', () => {
    it.each(VERSIONS)('#81 #82 #83 #84 settles in client mode all up to the one it names in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client', 5)
      expect(await settled(peer, 'ACK', names[2]!)).toEqual({ acknowledged: 3, rejected: 0 })
      expect(await settled(peer, 'ACK', names[3]!)).toEqual({ acknowledged: 1, rejected: 0 })
    })

    it.each(VERSIONS)('#84 leaves other subscriptions alone in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const other = `/topic/${unique()}`
      const peer = await stage.connect(version)
      await stage.subscribe(peer, other, { id: 'b', ack: 'client' })
      await stage.subscribe(peer, destination, { id: 'a', ack: 'client' })
      peer.send(frameText('SEND', { destination: other }, 'first') + frameText('SEND', { destination }, 'second'))
      const first = await expectMessage(peer, 'first', { subscription: 'b' })
      const second = await expectMessage(peer, 'second', { subscription: 'a' })
      expect(await settled(peer, 'ACK', naming(version, second))).toEqual({ acknowledged: 1, rejected: 0 })
      expect(await settled(peer, 'ACK', naming(version, first))).toEqual({ acknowledged: 1, rejected: 0 })
    })

    it.each(ESCAPING)('#78 names one of two deliveries of a message in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.connect(version)
      await stage.subscribe(peer, destination, { id: 'a', ack: 'client-individual' })
      await stage.subscribe(peer, destination, { id: 'b', ack: 'client-individual' })
      peer.send(frameText('SEND', { destination }, 'twice'))
      const [one, other] = [await expectMessage(peer, 'twice'), await expectMessage(peer, 'twice')]
      expect(await settled(peer, 'ACK', naming(version, one))).toEqual({ acknowledged: 1, rejected: 0 })
      expect(await settled(peer, 'NACK', naming(version, other))).toEqual({ acknowledged: 0, rejected: 1 })
    })

    it.each(ESCAPING)('#85 settles in client-individual mode only the one it names in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client-individual', 4)
      for (const name of [names[2]!, names[0]!, names[3]!, names[1]!]) {
        expect(await settled(peer, 'ACK', name)).toEqual({ acknowledged: 1, rejected: 0 })
      }
    })

    it.each<[Version, string]>([
      ['1.2', 'id'],
      ['1.1', 'message-id'],
      ['1.1', 'subscription'],
      ['1.0', 'message-id'],
    ])('#81 #82 #83 #89 in %s without %s is an ERROR', async (version, missing) => {
      const { peer, names } = await delivered(version, 'client', 1)
      const { [missing]: _left, ...headers } = names[0]!
      peer.send(frameText('ACK', { ...headers, receipt: 'r1' }))
      await expectError(peer, 'missing-header', { receipt: 'r1' })
    })

    it.each(VERSIONS)('#89 of what was never delivered is an ERROR in %s', async (version) => {
      for (const id of ['never', '', '1', '0.x-1', '999.x-1']) {
        const { peer } = await delivered(version, 'client', 1)
        peer.send(frameText('ACK', { id, 'message-id': id, subscription: 'sub', receipt: 'r1' }))
        await expectError(peer, 'unknown-ack', { receipt: 'r1' })
      }
    })

    it('#89 on an auto subscription is an ERROR', async () => {
      for (const version of ['1.0', '1.1'] as const) {
        const { peer, names } = await delivered(version, 'auto', 1)
        peer.send(frameText('ACK', { ...names[0]!, receipt: 'r1' }))
        await expectError(peer, 'unknown-ack', { receipt: 'r1' })
      }
    })

    it.each(VERSIONS)('#89 twice for one delivery is ignored in %s, the receipt comes', async (version) => {
      const { peer, names } = await delivered(version, 'client', 2)
      expect(await settled(peer, 'ACK', names[1]!)).toEqual({ acknowledged: 2, rejected: 0 })
      expect(await settled(peer, 'ACK', names[1]!)).toEqual({ acknowledged: 0, rejected: 0 })
      expect(await settled(peer, 'ACK', names[0]!)).toEqual({ acknowledged: 0, rejected: 0 })
    })

    it.each(VERSIONS)('#73 after UNSUBSCRIBE settles nothing in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client', 2)
      peer.send(frameText('UNSUBSCRIBE', { id: 'sub' }))
      expect(await settled(peer, 'ACK', names[1]!)).toEqual({ acknowledged: 0, rejected: 0 })
    })

    it.each(VERSIONS)(
      '#73 after the id was taken again settles nothing of the new subscription in %s',
      async (version) => {
        const { peer, destination, names } = await delivered(version, 'client', 1)
        peer.send(frameText('UNSUBSCRIBE', { id: 'sub' }))
        await stage.subscribe(peer, destination, { id: 'sub', ack: 'client' })
        peer.send(frameText('SEND', { destination }, 'new'))
        const fresh = naming(version, await expectMessage(peer, 'new'))
        expect(await settled(peer, 'ACK', names[0]!)).toEqual({ acknowledged: 0, rejected: 0 })
        expect(await settled(peer, 'ACK', fresh)).toEqual({ acknowledged: 1, rejected: 0 })
      },
    )

    it.each(VERSIONS)('#90 in a transaction takes effect at COMMIT in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client', 3)
      peer.send(frameText('BEGIN', { transaction: 'tx' }))
      expect(await settled(peer, 'ACK', { ...names[1]!, transaction: 'tx' })).toEqual({ acknowledged: 0, rejected: 0 })
      expect(await settled(peer, 'COMMIT', { transaction: 'tx' })).toEqual({ acknowledged: 2, rejected: 0 })
    })

    it.each(VERSIONS)('#90 #95 in a transaction that is aborted has no effect in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client', 3)
      peer.send(frameText('BEGIN', { transaction: 'tx' }))
      peer.send(frameText('ACK', { ...names[2]!, transaction: 'tx' }))
      peer.send(frameText('ABORT', { transaction: 'tx' }))
      expect(await settled(peer, 'ACK', names[1]!)).toEqual({ acknowledged: 2, rejected: 0 })
    })

    it.each(VERSIONS)('#62 #90 in a transaction that is not open is an ERROR in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client', 1)
      peer.send(frameText('ACK', { ...names[0]!, transaction: 'tx', receipt: 'r1' }))
      await expectError(peer, 'unknown-transaction', { receipt: 'r1' })
    })

    it.each(ESCAPING)(
      '#94 #90 together with NACK and SEND in a transaction takes effect at COMMIT in %s',
      async (version) => {
        const { peer, names } = await delivered(version, 'client-individual', 3)
        const destination = `/topic/${unique()}`
        const watcher = await stage.watch(version, destination)
        const before = await counters()
        peer.send(frameText('BEGIN', { transaction: 'tx' }))
        peer.send(frameText('ACK', { ...names[0]!, transaction: 'tx' }))
        peer.send(frameText('SEND', { destination, transaction: 'tx' }, 'inside'))
        peer.send(frameText('NACK', { ...names[2]!, transaction: 'tx' }))
        peer.send(frameText('SEND', { destination }, 'outside'))
        await stage.fence(peer)
        await expectMessage(watcher, 'outside')
        expect(await counters()).toEqual(before)
        expect(await settled(peer, 'COMMIT', { transaction: 'tx' })).toEqual({ acknowledged: 1, rejected: 1 })
        await expectMessage(watcher, 'inside')
      },
    )
  })

  describe('NACK', () => {
    it('#83 does not exist in 1.0', async () => {
      const { peer, names } = await delivered('1.0', 'client', 1)
      peer.send(frameText('NACK', { ...names[0]!, receipt: 'r1' }))
      await expectError(peer, 'unknown-command', { receipt: 'r1' })
    })

    it.each(ESCAPING)('#86 #87 discards in client mode all up to the one it names in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client', 4)
      expect(await settled(peer, 'NACK', names[2]!)).toEqual({ acknowledged: 0, rejected: 3 })
      expect(await settled(peer, 'ACK', names[3]!)).toEqual({ acknowledged: 1, rejected: 0 })
      await stage.fence(peer)
    })

    it.each(ESCAPING)('#86 #87 discards in client-individual mode only the one it names in %s', async (version) => {
      const { peer, destination, names } = await delivered(version, 'client-individual', 3)
      const watcher = await stage.watch(version, destination, { ack: 'client' })
      expect(await settled(peer, 'NACK', names[1]!)).toEqual({ acknowledged: 0, rejected: 1 })
      peer.send(frameText('SEND', { destination }, 'next'))
      await expectMessage(peer, 'next')
      await expectMessage(watcher, 'next') // and nobody else gets what was discarded
      expect(await settled(peer, 'ACK', names[2]!)).toEqual({ acknowledged: 1, rejected: 0 })
    })

    it.each<[Version, string]>([
      ['1.2', 'id'],
      ['1.1', 'message-id'],
      ['1.1', 'subscription'],
    ])('#81 #82 #89 in %s without %s is an ERROR', async (version, missing) => {
      const { peer, names } = await delivered(version, 'client', 1)
      const { [missing]: _left, ...headers } = names[0]!
      peer.send(frameText('NACK', { ...headers, receipt: 'r1' }))
      await expectError(peer, 'missing-header', { receipt: 'r1' })
    })

    it.each(ESCAPING)('#90 in a transaction takes effect at COMMIT in %s', async (version) => {
      const { peer, names } = await delivered(version, 'client', 2)
      peer.send(frameText('BEGIN', { transaction: 'tx' }))
      expect(await settled(peer, 'NACK', { ...names[1]!, transaction: 'tx' })).toEqual({ acknowledged: 0, rejected: 0 })
      expect(await settled(peer, 'COMMIT', { transaction: 'tx' })).toEqual({ acknowledged: 0, rejected: 2 })
    })
  })

  it.each(VERSIONS)(
    '#88 what was not acknowledged before the connection went is not delivered again in %s',
    async (version) => {
      const { peer, destination } = await delivered(version, 'client', 2)
      await peer.abort()
      const again = await stage.watch(version, destination, { ack: 'client' })
      again.send(frameText('SEND', { destination }, 'new'))
      await expectMessage(again, 'new')
      await stage.fence(again)
    },
  )
}
