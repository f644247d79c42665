import { describe, expect, it } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { OPTIONS, SLOT_MS, Stage } from './stage.ts'

const LINGER = OPTIONS.lingerMs + SLOT_MS

describe('session after DISCONNECT', () => {
  it('#111 with a receipt lingers, then closes with 1000, then drops the connection', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
    await turn()
    client.frame('DISCONNECT', { receipt: 'bye' })
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT bye'])
    expect(client.socket.groups.size).toBe(0)
    stage.clock.advance(OPTIONS.lingerMs - 1)
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(SLOT_MS + 1)
    expect(client.socket.closes).toEqual([{ code: 1000, reason: '' }])
    expect(client.socket.terminations).toBe(0)
    stage.clock.advance(LINGER)
    expect(client.socket.terminations).toBe(1)
    client.close(1006)
    expect(stage.released).toEqual(stage.sessions)
    expect(stage.clock.pending).toBe(0)
  })

  it('#111 is over when the client closes first', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('DISCONNECT', { receipt: 'bye' })
    client.close()
    expect(stage.released).toEqual(stage.sessions)
    expect(client.socket.closes).toEqual([])
    expect(stage.clock.pending).toBe(0)
  })

  it('#112 without a receipt closes with 1000 and sends nothing', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('DISCONNECT')
    expect(client.take()).toEqual([])
    expect(client.socket.closes).toEqual([{ code: 1000, reason: '' }])
  })

  it('#111 answers after all earlier frames', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    client.frame('DISCONNECT', { receipt: 'bye' })
    await turn()
    expect(client.take()).toEqual([])
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1', 'RECEIPT bye'])
  })

  it('#113 takes no notice of what follows', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.send('DISCONNECT\nreceipt:bye\n\n\0SEND\ndestination:/app/a\n\nx\0')
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    client.send('garbage\0')
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT bye'])
    expect(stage.bus.published).toEqual([])
  })
})

describe('session that closes', () => {
  it('#109 writes ERROR before it closes, and drops a client that does not answer the close', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('BOGUS', { receipt: 'r1' })
    expect(client.takeWords()).toEqual(['ERROR unknown-command'])
    expect(client.socket.closes).toEqual([{ code: 1002, reason: 'Unknown command "BOGUS"' }])
    stage.clock.advance(OPTIONS.lingerMs - 1)
    expect(client.socket.terminations).toBe(0)
    stage.clock.advance(SLOT_MS + 1)
    expect(client.socket.terminations).toBe(1)
  })

  it('#123 gives a reason of at most 123 bytes', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: `/é${'x'.repeat(150)}` })
    const { reason } = client.socket.closes[0]!
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
    expect(reason).toMatch(/^Cannot subscribe to "\/\?x+/)
  })

  it.each([false, true])(
    'closes once when error, slow client, shutdown and time limits meet (at once: %s)',
    async (closesAtOnce) => {
      const stage = new Stage({ bus: { accepts: false } })
      const client = await stage.connect({ 'heart-beat': '1,1' }, { closesAtOnce })
      const [session] = stage.sessions
      client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
      client.frame('BOGUS')
      session!.shutDown()
      stage.bus.handedOver[0]!.refuse()
      client.end()
      await turn()
      expect(client.takeWords()).toEqual(['ERROR bus-unavailable'])
      session!.client.closeAsSlow('slow')
      session!.shutDown()
      client.end()
      client.frame('DISCONNECT', { receipt: 'r2' })
      stage.clock.advance(60_000)
      await turn()
      expect(client.socket.closes).toHaveLength(1)
      expect(client.socket.terminations).toBe(closesAtOnce ? 0 : 1)
      client.close()
      session!.closed(1000)
      await turn()
      stage.clock.advance(60_000)
      expect(stage.released).toHaveLength(1)
      expect(client.take()).toEqual([])
      expect(stage.clock.pending).toBe(0)
    },
  )

  it('closes once when the client closes in the same turn', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('BOGUS')
    client.close()
    client.close()
    stage.clock.advance(60_000)
    expect([client.socket.closes.length, client.socket.terminations, stage.released.length]).toEqual([1, 0, 1])
  })

  it.each([
    ['before CONNECT', {}],
    ['without heart-beats', { 'heart-beat': '0,0' }],
    ['with heart-beats', { 'heart-beat': '1000,1000' }],
    ['with rare heart-beats', { 'heart-beat': '86400000,86400000' }],
  ])('leaves no timer %s', async (when, headers) => {
    const stage = new Stage()
    const client = when === 'before CONNECT' ? stage.open() : await stage.connect(headers)
    expect(stage.clock.pending).toBeGreaterThan(0)
    client.close()
    expect(stage.clock.pending).toBe(0)
    expect(stage.released).toEqual(stage.sessions)
  })

  it('#115 gives back subscriptions, and takes an id of the next session for its own', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a', ack: 'client' })
    client.frame('SUBSCRIBE', { id: '2', destination: '/topic/a' })
    client.frame('BEGIN', { transaction: 't' })
    await turn()
    expect(stage.broker.size).toBe(2)
    client.close()
    expect(stage.broker.size).toBe(0)
    expect(client.socket.groups.size).toBe(0)
    stage.bus.deliver('topic:a', 'x')
    await turn()
    expect(client.take()).toEqual([])
  })

  it('#114 waits for a pending SEND after the socket has closed, then is released', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    client.close()
    await turn()
    expect(stage.released).toEqual([])
    expect(stage.clock.pending).toBe(0)
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(stage.released).toEqual(stage.sessions)
    expect(client.socket.closes).toEqual([])
  })

  it('#114 is released when the pending SEND fails after the socket has closed', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    client.close()
    stage.bus.handedOver[0]!.refuse()
    await turn()
    expect(stage.released).toEqual(stage.sessions)
    expect(stage.clock.pending).toBe(0)
  })

  it('#114 still processes what was held back when the socket closes', async () => {
    const stage = new Stage({ bus: { accepts: false }, options: { maxInFlight: 1 } })
    const client = await stage.connect()
    for (const body of ['1', '2', '3']) client.frame('SEND', { destination: '/app/a' }, body)
    client.close()
    for (let i = 0; i < 3; i++) {
      expect(stage.released).toEqual([])
      stage.bus.handedOver[i]!.accept()
      await turn()
    }
    expect(stage.bus.published).toEqual(['app:a 1', 'app:a 2', 'app:a 3'])
    expect(stage.released).toEqual(stage.sessions)
  })

  it('#96 sends nothing of an open transaction when the socket closes', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('BEGIN', { transaction: 't' })
    client.frame('SEND', { destination: '/app/a', transaction: 't' }, 'x')
    client.close()
    await turn()
    expect(stage.bus.published).toEqual([])
    expect(stage.released).toHaveLength(1)
  })
})

describe('session whose peer has ended', () => {
  it('finishes and answers what came before, then closes', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect({}, { transport: 'tcp' })
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    client.end()
    await turn()
    expect(client.socket.closes).toEqual([])
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(client.socket.closes).toEqual([{ code: 1000, reason: '' }])
  })

  it('finishes what was held back as well', async () => {
    const stage = new Stage({ bus: { accepts: false }, options: { maxInFlight: 1 } })
    const client = await stage.connect({}, { transport: 'tcp' })
    for (const id of ['1', '2']) client.frame('SEND', { destination: '/app/a', receipt: `r${id}` }, id)
    client.end()
    for (let i = 0; i < 2; i++) {
      expect(client.socket.closes).toEqual([])
      stage.bus.handedOver[i]!.accept()
      await turn()
    }
    expect(client.takeWords()).toEqual(['RECEIPT r1', 'RECEIPT r2'])
    expect(client.socket.closes).toHaveLength(1)
  })

  it('closes at once when nothing is pending, before CONNECT too', () => {
    const stage = new Stage()
    const client = stage.open({ transport: 'tcp' })
    client.send('CONN')
    client.end()
    expect(client.socket.closes).toEqual([{ code: 1000, reason: '' }])
  })

  it('is answered although CONNECT, SEND and the end come at once', async () => {
    const stage = new Stage()
    const client = stage.open({ transport: 'tcp' })
    client.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    client.end()
    await turn()
    expect(client.takeWords()).toEqual(['CONNECTED', 'RECEIPT r1'])
    expect(client.socket.closes).toHaveLength(1)
  })
})

describe('session that is shut down', () => {
  it('answers pending receipts first, then closes with 1001 without an ERROR', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    stage.sessions[0]!.shutDown()
    client.frame('SEND', { destination: '/app/a', receipt: 'r2' }, 'y')
    await turn()
    expect(client.socket.closes).toEqual([])
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(client.socket.closes).toEqual([{ code: 1001, reason: 'The server is shutting down' }])
    expect(stage.bus.published).toEqual(['app:a x'])
  })

  it('does not wait for a SUBSCRIBE that is pending', async () => {
    const stage = new Stage({ bus: { goesLive: false } })
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a', receipt: 'r1' })
    stage.sessions[0]!.shutDown()
    expect(client.take()).toEqual([])
    expect(client.socket.closes[0]!.code).toBe(1001)
  })

  it('closes before CONNECT too', () => {
    const stage = new Stage()
    const client = stage.open()
    stage.sessions[0]!.shutDown()
    expect(client.socket.closes[0]!.code).toBe(1001)
  })

  it('keeps the close code of what ended it before', async () => {
    const stage = new Stage()
    const client = await stage.connect()
    client.frame('BOGUS')
    stage.sessions[0]!.shutDown()
    expect(client.socket.closes.map(({ code }) => code)).toEqual([1002])
  })
})
