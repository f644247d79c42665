/** DISCONNECT, and every other way in which a session ends. */
import { describe, expect, it } from 'vitest'
import { VERSIONS } from '../../../frames/index.ts'
import { frameText, type StompPeer } from '../../support/stomp-peer.ts'
import { eventually } from '../../support/wait.ts'
import { expectMessage, TIMES, unique, type Stage } from './stage.ts'

export function disconnecting(stage: Stage): void {
  const cleanCode = stage.isWebSocket ? 1000 : undefined
  const numbers = (count: number) => Array.from({ length: count }, (_none, i) => `${i}`)

  describe('DISCONNECT', () => {
    it.each(VERSIONS)(
      '#111 #98 gets its RECEIPT after everything before it, and the client may close, in %s',
      async (version) => {
        const name = unique()
        const ear = await stage.listen(`app:${name}`)
        const peer = await stage.connect(version)
        const ids = numbers(50)
        const sends = ids.map((id) => frameText('SEND', { destination: `/app/${name}`, receipt: id }, id))
        peer.send(sends.join('') + frameText('DISCONNECT', { receipt: 'bye' }))
        for (const id of ids) await peer.receipt(id)
        await peer.receipt('bye')
        expect(await ear.waiting()).toBe(50)
        expect(peer.isClosed).toBe(false)
        peer.close(1000)
        expect((await peer.closed).code).toBe(cleanCode)
        expect(peer.frames.at(-1)!.headers.get('receipt-id')).toBe('bye')
      },
    )

    it.each(VERSIONS)(
      '#111 #44 with a receipt is closed by the bridge when the client does not, in %s',
      async (version) => {
        const peer = await stage.connect(version)
        peer.send(frameText('DISCONNECT', { receipt: 'bye' }))
        await peer.receipt('bye')
        const receiptAt = performance.now()
        const { code, atMs } = await peer.closed
        // The client has had time to close first, but not for ever.
        expect(atMs - receiptAt).toBeGreaterThanOrEqual(TIMES.lingerMs / 2)
        expect(atMs - receiptAt).toBeLessThan(TIMES.lingerMs + 2000)
        expect(code).toBe(cleanCode)
      },
    )

    it.each(VERSIONS)('#112 without receipt is closed at once and quietly in %s', async (version) => {
      const peer = await stage.connect(version)
      const sentAt = performance.now()
      peer.send(frameText('DISCONNECT'))
      const { code, atMs } = await peer.closed
      expect(code).toBe(cleanCode)
      expect(atMs - sentAt).toBeLessThan(TIMES.lingerMs)
      expect(peer.frames.map(({ command }) => command)).toEqual(['CONNECTED'])
    })

    it.each(VERSIONS)('#113 hides what comes after it in %s', async (version) => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const send = (body: string) => frameText('SEND', { destination: `/app/${name}`, receipt: body }, body)
      const peer = await stage.connect(version)
      peer.send(
        send('1') + frameText('DISCONNECT', { receipt: '2' }) + send('3') + frameText('NONSENSE', { receipt: '4' }),
      )
      await peer.receipt('1')
      await peer.receipt('2')
      peer.send(send('5'))
      peer.send('complete nonsense\0')
      peer.close()
      await peer.closed
      expect(peer.frames.map(({ command }) => command)).toEqual(['CONNECTED', 'RECEIPT', 'RECEIPT'])
      await stage.redis.publish(`app:${name}`, 'fence')
      expect([await ear.next(), await ear.next()]).toEqual(['"1"', 'fence'])
    })

    it.each(['auto', 'client'])('#72 #111 ends all messages with its RECEIPT, with ack:%s', async (ack) => {
      const name = unique()
      const peer = await stage.watch('1.2', `/topic/${name}`, { ack })
      const flood = () => Promise.all(numbers(100).map(() => stage.redis.publish(`topic:${name}`, '"x"')))
      const flooded = flood()
      await expectMessage(peer, 'x')
      peer.send(frameText('DISCONNECT', { receipt: 'bye' }))
      await Promise.all([flooded, flood()])
      let frame = await peer.frame()
      while (frame.command === 'MESSAGE') frame = await peer.frame()
      expect(frame.headers.get('receipt-id')).toBe('bye')
      await peer.closed
      expect(peer.frames.at(-1)).toBe(frame)
    })

    it.each(VERSIONS)(
      '#44 without receipt, after which the client closes at once, loses nothing in %s',
      async (version) => {
        const name = unique()
        const ear = await stage.listen(`app:${name}`)
        const peer = await stage.connect(version)
        const bodies = numbers(50)
        for (const body of bodies) peer.send(frameText('SEND', { destination: `/app/${name}` }, body))
        peer.send(frameText('DISCONNECT'))
        peer.close()
        for (const body of bodies) expect(await ear.next()).toBe(`"${body}"`)
        await peer.closed
      },
    )
  })

  describe('a connection that ends without DISCONNECT', () => {
    const endings: readonly [string, (peer: StompPeer) => unknown][] = [
      ['closed', (peer) => peer.close()],
      ['dropped', (peer) => peer.abort()],
    ]

    it.each(endings)('#114 has all processed that came before it was %s', async (_how, end) => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect()
      // far more than may be under way at once
      const bodies = numbers(2000)
      peer.send(bodies.map((body) => frameText('SEND', { destination: `/app/${name}` }, body)).join(''))
      await end(peer)
      for (const body of bodies) expect(await ear.next()).toBe(`"${body}"`)
    })

    it.each(endings)('#114 has a transaction applied whose COMMIT came before it was %s', async (_how, end) => {
      const name = unique()
      const ear = await stage.listen(`app:${name}`)
      const peer = await stage.connect()
      const send = (body: string) => frameText('SEND', { destination: `/app/${name}`, transaction: 'tx' }, body)
      peer.send(
        frameText('BEGIN', { transaction: 'tx' }) + send('1') + send('2') + frameText('COMMIT', { transaction: 'tx' }),
      )
      await end(peer)
      expect([await ear.next(), await ear.next()]).toEqual(['"1"', '"2"'])
    })

    it.each([
      ...endings,
      ['ended by DISCONNECT', (peer: StompPeer) => peer.send(frameText('DISCONNECT'))],
      ['ended by an ERROR', (peer: StompPeer) => peer.send(frameText('NONSENSE'))],
    ] as const)('#115 leaves no subscription behind when it was %s', async (_how, end) => {
      const state = async () => ({
        ...(await stage.metrics('sessions', 'subscriptions')),
        channels: await stage.listeners('GREETING_CHANNEL_INBOUND'),
        patterns: await stage.redis.call('PUBSUB', 'NUMPAT'),
      })
      const nothing = { sessions: 0, subscriptions: 0, channels: 0, patterns: 0 }
      await eventually(async () => expect(await state()).toEqual(nothing)) // what earlier cases had
      const peer = await stage.watch('1.2', `/topic/${unique()}/*`)
      await stage.subscribe(peer, '/topic/greetings', { id: 'b', ack: 'client' })
      await stage.subscribe(peer, '/topic/greetings', { id: 'c', ack: 'client-individual' })
      await stage.redis.publish('GREETING_CHANNEL_INBOUND', '"never acknowledged"')
      await expectMessage(peer, 'never acknowledged')
      await expectMessage(peer, 'never acknowledged')
      expect(await state()).toEqual({ sessions: 1, subscriptions: 3, channels: 1, patterns: 1 })
      await end(peer)
      await peer.closed
      await eventually(async () => expect(await state()).toEqual(nothing))
    })

    if (stage.isWebSocket) return

    it('#114 is answered all the same when only the client has ended its side', async () => {
      const name = unique()
      const peer = await stage.connect()
      const ids = numbers(100)
      peer.send(ids.map((id) => frameText('SEND', { destination: `/app/${name}`, receipt: id }, id)).join(''))
      peer.close() // the half that goes to the bridge
      for (const id of ids) await peer.receipt(id)
      await peer.closed
    })
  })
}
