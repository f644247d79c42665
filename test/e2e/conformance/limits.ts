/** The limits that the bridge has by default, each at its edge: what fits is taken, one more is refused. */
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { frameText } from '../../support/stomp-peer.ts'
import { expectError, expectMessage, unique, type Stage } from './stage.ts'

const FRAME_BYTES = 65_536
const CONNECT_FRAME_BYTES = 16_384
const HEADERS = 64
const HEADER_BYTES = 8192
const SUBSCRIPTIONS = 128
const TRANSACTIONS = 16
const TRANSACTION_FRAMES = 100
const TRANSACTION_BYTES = 1_048_576

/** A frame of exactly that many octets, from the first of its command to the NUL. */
function sized(bytes: number, command: string, headers: Readonly<Record<string, string>>): string {
  return frameText(command, headers, 'x'.repeat(bytes - frameText(command, headers).length))
}

/** A CONNECT of exactly that many octets: it can have no body. */
function sizedConnect(bytes: number): string {
  const headers = { 'accept-version': '1.2', a: 'x'.repeat(8000), b: 'x'.repeat(8000), c: '' }
  return frameText('CONNECT', { ...headers, c: 'x'.repeat(bytes - frameText('CONNECT', headers).length) })
}

export function limits(stage: Stage): void {
  const manyHeaders = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_none, i) => [`h${i}`, `${i}`]))

  describe('limit', () => {
    it.each(VERSIONS)('#22 of a frame: 64 KiB with content-length in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const peer = await stage.watch(version, destination)
      const withLength = (bytes: number) => {
        const head = { destination, receipt: 'r1', 'content-length': '65000' }
        const length = String(bytes - frameText('SEND', head).length)
        return sized(bytes, 'SEND', { ...head, 'content-length': length })
      }
      peer.send(withLength(FRAME_BYTES))
      const commands = [(await peer.frame()).command, (await peer.frame()).command]
      expect(commands.sort()).toEqual(['MESSAGE', 'RECEIPT'])
      peer.send(withLength(FRAME_BYTES + 1))
      await expectError(peer, 'frame-too-large', { receipt: 'r1' })
    })

    it.each(VERSIONS)('#22 of a frame: 64 KiB without content-length in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const [sender, watcher] = await Promise.all([stage.connect(version), stage.watch(version, destination)])
      const frame = sized(FRAME_BYTES, 'SEND', { destination })
      sender.send(frame)
      await expectMessage(watcher, frame.slice(frame.indexOf('\n\n') + 2, -1))
      sender.send(sized(FRAME_BYTES + 1, 'SEND', { destination }))
      await expectError(sender, 'frame-too-large')
    })

    it('#22 of a frame: it is refused as soon as it cannot end in time', async () => {
      const peer = await stage.connect()
      peer.send('SEND\ndestination:/topic/x\nreceipt:r1\n\n')
      for (let i = 0; i < 8; i++) peer.send('x'.repeat(8192))
      await expectError(peer, 'frame-too-large', { receipt: 'r1' })
    })

    it('#22 of a frame before CONNECTED: 16 KiB', async () => {
      const [good, bad] = await Promise.all([stage.open(), stage.open()])
      good.send(sizedConnect(CONNECT_FRAME_BYTES))
      await good.expect('CONNECTED')
      bad.send(sizedConnect(CONNECT_FRAME_BYTES + 1))
      await expectError(bad, 'frame-too-large')
    })

    it('#22 of a frame before CONNECTED does not hold for what comes at once with CONNECT', async () => {
      const destination = `/topic/${unique()}`
      const watcher = await stage.watch('1.2', destination)
      const peer = await stage.open()
      const body = 'x'.repeat(50_000)
      peer.send(frameText('CONNECT', { 'accept-version': '1.2' }) + frameText('SEND', { destination }, body))
      await peer.expect('CONNECTED')
      await expectMessage(watcher, body)
    })

    it.each(VERSIONS)('#22 of headers: 64 in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const [sender, watcher] = await Promise.all([stage.connect(version), stage.watch(version, destination)])
      sender.send(frameText('SEND', { destination, ...manyHeaders(HEADERS - 1) }))
      await expectMessage(watcher, '', { h0: '0', [`h${HEADERS - 2}`]: `${HEADERS - 2}` })
      sender.send(frameText('SEND', { destination, receipt: 'r1', ...manyHeaders(HEADERS - 1) }))
      await expectError(sender, 'too-many-headers', { receipt: 'r1' })
    })

    it.each(VERSIONS)('#22 of a header line: 8 KiB in %s', async (version) => {
      const destination = `/topic/${unique()}`
      const [sender, watcher] = await Promise.all([stage.connect(version), stage.watch(version, destination)])
      const value = 'x'.repeat(HEADER_BYTES - 'long:'.length)
      sender.send(frameText('SEND', { destination, long: value }))
      await expectMessage(watcher, '', { long: value })
      sender.send(frameText('SEND', { destination, receipt: 'r1', long: `${value}x` }))
      await expectError(sender, 'header-too-long', { receipt: 'r1' })
    })

    it('#22 of a header line: 8 KiB, though it never ends, before CONNECTED too', async () => {
      const [connected, unconnected] = await Promise.all([stage.connect(), stage.open()])
      for (const peer of [connected, unconnected]) {
        peer.send('A'.repeat(HEADER_BYTES + 1))
        await expectError(peer, 'header-too-long')
      }
    })

    it.each(VERSIONS)('#22 of subscriptions: 128 in %s', async (version) => {
      const base = `/topic/${unique()}`
      const peer = await stage.connect(version)
      const subscribe = (i: number) =>
        frameText('SUBSCRIBE', { destination: `${base}/${i}`, id: `${i}`, receipt: `r${i}` })
      for (let i = 0; i < SUBSCRIPTIONS; i++) peer.send(subscribe(i))
      for (let i = 0; i < SUBSCRIPTIONS; i++) await peer.receipt(`r${i}`)
      // one that is given back makes room for one
      peer.send(frameText('UNSUBSCRIBE', { id: '0' }) + subscribe(0))
      await peer.receipt('r0')
      peer.send(subscribe(SUBSCRIPTIONS))
      await expectError(peer, 'too-many-subscriptions', { receipt: `r${SUBSCRIPTIONS}` })
    })

    it.each(VERSIONS)('#22 #97 of open transactions: 16 in %s', async (version) => {
      const peer = await stage.connect(version)
      const begin = (i: number) => frameText('BEGIN', { transaction: `${i}`, receipt: `r${i}` })
      for (let i = 0; i < TRANSACTIONS; i++) {
        peer.send(begin(i))
        await peer.receipt(`r${i}`)
      }
      peer.send(
        frameText('COMMIT', { transaction: '0' }) + frameText('ABORT', { transaction: '1' }) + begin(0) + begin(1),
      )
      await peer.receipt('r0')
      await peer.receipt('r1')
      peer.send(begin(TRANSACTIONS))
      await expectError(peer, 'too-many-transactions', { receipt: `r${TRANSACTIONS}` })
    })

    it.each(VERSIONS)('#22 #97 of a transaction: 100 frames in %s', async (version) => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect(version)
      const send = (receipt: string) => frameText('SEND', { destination: `/app/${name}`, transaction: 'tx', receipt })
      const full = frameText('BEGIN', { transaction: 'tx' }) + send('r').repeat(TRANSACTION_FRAMES)
      peer.send(full + frameText('COMMIT', { transaction: 'tx', receipt: 'commit' }))
      for (let i = 0; i < TRANSACTION_FRAMES; i++) await peer.receipt('r')
      await peer.receipt('commit')
      expect(await ear.waiting()).toBe(TRANSACTION_FRAMES)
      peer.send(full + send('one too many'))
      for (let i = 0; i < TRANSACTION_FRAMES; i++) await peer.receipt('r')
      await expectError(peer, 'transaction-too-large', { receipt: 'one too many' })
      expect(await ear.waiting()).toBe(TRANSACTION_FRAMES)
    })

    it('#22 #97 of all open transactions of a session: 1 MiB', async () => {
      const name = unique()
      const peer = await stage.connect()
      const body = 'x'.repeat(60_000)
      const fitting = Math.floor(TRANSACTION_BYTES / body.length)
      peer.send(frameText('BEGIN', { transaction: 'a' }) + frameText('BEGIN', { transaction: 'b' }))
      for (let i = 0; i <= fitting; i++) {
        const transaction = i % 2 === 0 ? 'a' : 'b'
        peer.send(frameText('SEND', { destination: `/app/raw/${name}`, transaction, receipt: `r${i}` }, body))
        if (i < fitting) await peer.receipt(`r${i}`)
        else await expectError(peer, 'transaction-too-large', { receipt: `r${i}` })
      }
    })
  })
}
