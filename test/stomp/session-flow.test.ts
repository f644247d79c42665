import { describe, expect, it } from 'vitest'
import type { FakeClient } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { OPTIONS, OUTPUT_LIMITS, SLOT_MS, Stage } from './stage.ts'

describe('session with a slow client', () => {
  async function subscribed(stage: Stage): Promise<FakeClient> {
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
    await turn()
    client.socket.isRead = false
    return client
  }

  it('closes with 4500 beyond the limit of unsent bytes, without an ERROR, and drops after the linger time', async () => {
    const stage = new Stage()
    const client = await subscribed(stage)
    for (let i = 0; i < 11; i++) stage.bus.deliver('topic:a', 'x'.repeat(1000))
    await turn()
    expect(client.takeWords().filter((words) => words.startsWith('ERROR'))).toEqual([])
    expect(client.socket.closes).toEqual([
      { code: 4500, reason: `More than ${OUTPUT_LIMITS.maxUnsentBytes} bytes of output were not read` },
    ])
    expect(client.socket.groups.size).toBe(0)
    expect(stage.metrics.count.slowConsumersClosed).toBe(1)
    expect(stage.log.messages('warn')).toEqual(['A client does not read and is closed'])
    stage.clock.advance(OPTIONS.lingerMs - 1)
    expect(client.socket.terminations).toBe(0)
    stage.clock.advance(SLOT_MS + 1)
    expect(client.socket.terminations).toBe(1)
    expect(client.socket.closes).toHaveLength(1)
  })

  it('closes with 4500 at the next look also when each turn brought little', async () => {
    const stage = new Stage()
    const client = await subscribed(stage)
    for (let i = 0; i < 4; i++) {
      expect(client.socket.closes).toEqual([])
      for (let j = 0; j < 3; j++) stage.bus.deliver('topic:a', 'x'.repeat(900))
      await turn()
      stage.clock.advance(100)
    }
    expect(client.socket.closes[0]?.code).toBe(4500)
  })

  it('closes with 4500 when output waits too long', async () => {
    const stage = new Stage()
    const client = await subscribed(stage)
    stage.bus.deliver('topic:a', 'x')
    await turn()
    stage.clock.advance(OUTPUT_LIMITS.maxUnsentMs + 300)
    expect(client.socket.closes).toEqual([{ code: 4500, reason: 'Output waited longer than 5000 ms to be read' }])
  })

  it('keeps a client that is always behind but reads', async () => {
    const stage = new Stage()
    const client = await subscribed(stage)
    client.socket.bufferedBytes = 0
    for (let i = 0; i < 200; i++) {
      stage.bus.deliver('topic:a', 'x'.repeat(500))
      await turn()
      client.socket.bufferedBytes = Math.min(client.socket.bufferedBytes, 3000)
      client.socket.drains++
      stage.clock.advance(100)
    }
    expect(client.socket.bufferedBytes).toBe(3000)
    expect(client.socket.closes).toEqual([])
  })

  it('counts what it was sent before an UNSUBSCRIBE as sent', async () => {
    const stage = new Stage()
    const client = await subscribed(stage)
    for (let i = 0; i < 5; i++) stage.bus.deliver('topic:a', 'x'.repeat(1000))
    await turn()
    const before = stage.sessions[0]!.client.totalBytes
    expect(before).toBeGreaterThan(5000)
    client.frame('UNSUBSCRIBE', { id: '1' })
    expect(stage.sessions[0]!.client.totalBytes).toBe(before)
  })

  it('closes with 4500 before CONNECTED too', () => {
    const stage = new Stage()
    const client = stage.open()
    client.socket.bufferedBytes = 20_000
    stage.clock.advance(200)
    expect(client.socket.closes).toMatchObject([{ code: 4500 }])
    expect(stage.metrics.count.slowConsumersClosed).toBe(1)
  })

  it('closes with 4500 while it finishes, too, and once', async () => {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    client.frame('DISCONNECT', { receipt: 'bye' })
    expect(client.socket.closes).toEqual([])
    client.socket.bufferedBytes = 20_000
    stage.clock.advance(200)
    expect(client.socket.closes).toMatchObject([{ code: 4500 }])
    stage.clock.advance(200)
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.socket.closes).toHaveLength(1)
    expect(stage.metrics.count.slowConsumersClosed).toBe(1)
    expect(client.take()).toEqual([])
  })

  it('holds back what may be dropped while it finishes, and goes on with it when it is read again', async () => {
    const stage = new Stage({
      bus: { accepts: false },
      slowClients: [{ destination: '/topic/a', policy: 'latest', maxBytes: 5000, maxAgeMs: 60_000 }],
    })
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
    await turn()
    client.frame('SEND', { destination: '/app/a', receipt: 'r1' }, 'x')
    stage.sessions[0]!.shutDown()
    client.socket.bufferedBytes = 5000
    stage.bus.deliver('topic:a', '0') // so that there is something to look at
    await turn()
    stage.clock.advance(200)
    for (const body of ['1', '2', '3']) stage.bus.deliver('topic:a', body)
    await turn()
    expect(client.takeWords()).toEqual(['MESSAGE 0'])
    client.socket.bufferedBytes = 0
    stage.clock.advance(200)
    const [message] = client.take()
    expect([message!.headers.get('dropped'), client.socket.closes]).toEqual(['2', []])
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(client.socket.closes).toMatchObject([{ code: 1001 }])
  })
})

describe('session with a flooding client', () => {
  async function flooding(canPause: boolean) {
    const stage = new Stage({ bus: { accepts: false } })
    const client = await stage.connect({}, { canPause })
    const send = (count: number) => {
      for (let i = 0; i < count; i++) client.frame('SEND', { destination: '/app/a' }, 'x'.repeat(900))
    }
    return { stage, client, send }
  }

  it('has no more effects pending than the limit, pauses the socket, and goes on in order', async () => {
    const { stage, client, send } = await flooding(true)
    send(OPTIONS.maxInFlight)
    expect(client.socket.isPaused).toBe(false)
    send(2)
    client.frame('SEND', { destination: '/app/b', receipt: 'last' }, 'x')
    expect(client.socket.isPaused).toBe(true)
    expect(stage.metrics.count.floodsPaused).toBe(1)
    expect(stage.bus.handedOver).toHaveLength(OPTIONS.maxInFlight)
    for (let i = 0; i < OPTIONS.maxInFlight + 3; i++) {
      stage.bus.handedOver[i]!.accept()
      await turn()
    }
    expect(client.socket.isPaused).toBe(false)
    expect(stage.bus.handedOver).toHaveLength(OPTIONS.maxInFlight + 3)
    expect(stage.bus.published.at(-1)).toBe('app:b x')
    expect(client.takeWords()).toEqual(['RECEIPT last'])
  })

  it('has no more bytes pending than the limit', async () => {
    const stage = new Stage({ bus: { accepts: false }, options: { maxInFlight: 100, maxInFlightBytes: 1000 } })
    const client = await stage.connect()
    for (let i = 0; i < 5; i++) client.frame('SEND', { destination: '/app/a' }, 'x'.repeat(500))
    expect(stage.bus.handedOver).toHaveLength(2)
    stage.bus.handedOver[0]!.accept()
    await turn()
    expect(stage.bus.handedOver).toHaveLength(3)
  })

  it('ends with flooding and 1008 when more comes in spite of the pause, after what came before', async () => {
    const { stage, client, send } = await flooding(false)
    send(OPTIONS.maxInFlight + 4)
    expect(client.socket.isPaused).toBe(true)
    send(1)
    await turn()
    expect(client.take()).toEqual([])
    for (const handedOver of stage.bus.handedOver) handedOver.accept()
    await turn()
    expect(client.takeWords()).toEqual(['ERROR flooding'])
    expect(client.socket.closes).toHaveLength(1)
    expect(client.socket.closes[0]!.code).toBe(1008)
    expect(stage.bus.handedOver).toHaveLength(OPTIONS.maxInFlight)
  })

  it('gets its ERROR when what is pending does not finish in time', async () => {
    const { stage, client, send } = await flooding(false)
    send(OPTIONS.maxInFlight + 5)
    stage.clock.advance(OPTIONS.settleTimeoutMs + SLOT_MS)
    expect(client.takeWords()).toEqual(['ERROR flooding'])
    expect(client.socket.closes.map(({ code }) => code)).toEqual([1008])
    for (const handedOver of stage.bus.handedOver) handedOver.accept()
    await turn()
    expect(client.socket.closes).toHaveLength(1)
    expect(client.take()).toEqual([])
  })

  it('who leaves is closed with 1011 when what is pending does not finish in time', async () => {
    const { stage, client, send } = await flooding(false)
    send(1)
    client.frame('DISCONNECT', { receipt: 'bye' })
    stage.clock.advance(OPTIONS.settleTimeoutMs + SLOT_MS)
    expect(client.socket.closes).toEqual([{ code: 1011, reason: 'What was pending did not finish in time' }])
    expect(client.take()).toEqual([])
  })
})

describe('session while the bus is away', () => {
  it('#103 keeps a SUBSCRIBE without its receipt, and answers a SEND with ERROR at once', async () => {
    const stage = new Stage({ bus: { goesLive: false } })
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a', receipt: 'r1' })
    client.frame('SEND', { destination: '/app/a', receipt: 'r2' }, 'x')
    await turn()
    expect(client.take()).toEqual([])
    expect(stage.bus.published).toEqual([])
    stage.bus.setReason('connection lost')
    await turn()
    const [error, ...others] = client.take()
    expect([error!.headers.get('code'), error!.headers.get('receipt-id')]).toEqual(['bus-unavailable', 'r2'])
    expect(others).toEqual([])
    expect(client.socket.closes[0]!.code).toBe(1002)
    stage.bus.setReason(undefined)
    stage.bus.goLive()
    await turn()
    expect(client.take()).toEqual([])
  })

  it('#103 answers a SUBSCRIBE when the bus is back, and what followed it after that', async () => {
    const stage = new Stage({ bus: { goesLive: false, isAvailable: false } })
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a', receipt: 'r1' })
    client.frame('BEGIN', { transaction: 't', receipt: 'r2' })
    await turn()
    expect(client.take()).toEqual([])
    stage.bus.goLive()
    stage.bus.setReason(undefined)
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1', 'RECEIPT r2'])
  })

  it.each([
    ['ERROR', 'BOGUS', 'ERROR unknown-command'],
    ['the receipt of DISCONNECT', 'DISCONNECT', 'RECEIPT r3'],
  ])('sends %s at once, after the receipts of all but the pending SUBSCRIBE', async (_what, command, answer) => {
    const stage = new Stage({ bus: { isAvailable: false, goesLive: false } })
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a', receipt: 'r1' })
    client.frame('BEGIN', { transaction: 't', receipt: 'r2' })
    client.frame(command, { receipt: 'r3' })
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r2', answer])
  })

  it('is released when the socket closes while a SUBSCRIBE is pending', async () => {
    const stage = new Stage({ bus: { goesLive: false } })
    const client = await stage.connect()
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a', receipt: 'r1' })
    client.frame('SUBSCRIBE', { id: '2', destination: '/topic/b' })
    client.frame('SEND', { destination: '/app/a' }, 'x')
    await turn()
    client.close()
    await turn()
    expect(stage.released).toEqual(stage.sessions)
    expect(client.socket.groups.size).toBe(0)
    expect(stage.bus.published).toEqual(['app:a x']) // #114
    expect(stage.bus.commands).not.toContain('subscribe topic:b')
    expect(stage.clock.pending).toBe(0)
  })
})
