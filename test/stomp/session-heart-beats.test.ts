import { describe, expect, it } from 'vitest'
import { turn } from '../support/fake-turn.ts'
import { OPTIONS, SLOT_MS, Stage } from './stage.ts'

function offering(outgoingMs: number, incomingMs: number, pongCounts = false): Stage {
  return new Stage({ options: { heartBeat: { outgoingMs, incomingMs, toleranceFactor: 2, pongCounts } } })
}

describe('session with heart-beats', () => {
  it.each([
    [1000, 500, 1000],
    [500, 1000, 1000],
    [100, 100, 100],
    [10_000, 10_000, 10_000],
  ])(
    '#50 #51 #52 that sends every %i ms, to a client that wants every %i: one LF at least every %i',
    async (...row) => {
      const [outgoingMs, wantedMs, agreedMs] = row
      const stage = offering(outgoingMs, 0)
      const client = await stage.connect({ 'heart-beat': `0,${wantedMs}` })
      const before = client.socket.sent.length
      const stepMs = agreedMs / 100
      let silentMs = 0
      let beats = 0
      for (let step = 0; step < 2000; step++) {
        stage.clock.advance(stepMs)
        const came = client.takeBeats()
        silentMs = came > 0 ? 0 : silentMs + stepMs
        beats += came
        expect(silentMs).toBeLessThan(agreedMs)
      }
      expect(beats).toBeLessThan(40)
      expect(client.socket.sent.slice(before)).toEqual(Array(beats).fill('\n'))
    },
  )

  it.each<[number, string | undefined, string]>([
    [0, '0,1000', 'the server sends none'],
    [1000, '0,0', 'the client wants none'],
    [1000, '1000,0', 'the client only sends them'],
    [1000, undefined, 'the client says nothing'],
  ])('#47 #50 that offers %i and hears "%s" sends none, as %s', async (outgoingMs, header) => {
    const stage = offering(outgoingMs, 0)
    const client = await stage.connect(header === undefined ? {} : { 'heart-beat': header })
    stage.clock.advance(100_000)
    expect(client.takeBeats()).toBe(0)
    expect(client.socket.closes).toEqual([])
  })

  it('#48 in 1.0 has none, whatever the client says', async () => {
    const stage = offering(1000, 1000)
    const client = stage.open()
    client.connect({ 'accept-version': '1.0', 'heart-beat': '1000,1000' })
    await turn()
    expect(client.take()[0]!.headers.get('heart-beat')).toBe('0,0')
    stage.clock.advance(100_000)
    expect(client.takeBeats()).toBe(0)
    expect(client.socket.closes).toEqual([])
  })

  it('#53 sends no beat where a frame has just been sent', async () => {
    const stage = offering(1000, 0)
    const client = await stage.connect({ 'heart-beat': '0,1000' })
    for (let i = 0; i < 20; i++) {
      stage.clock.advance(500)
      client.frame('BEGIN', { transaction: `t${i}`, receipt: `r${i}` })
      client.frame('ABORT', { transaction: `t${i}` })
    }
    expect(client.takeBeats()).toBe(0)
  })

  it.each([
    [1000, 500, 1000],
    [500, 1000, 1000],
    [10_000, 10_000, 10_000],
  ])('#49 #54 #55 that wants every %i ms, of a client that offers every %i, waits twice %i', async (...row) => {
    const [wantedMs, offeredMs, agreedMs] = row
    const stage = offering(0, wantedMs)
    const client = await stage.connect({ 'heart-beat': `${offeredMs},0` })
    stage.clock.advance(2 * agreedMs - 1)
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(SLOT_MS + 1)
    expect(client.takeWords()).toEqual(['ERROR heart-beat-timeout'])
    expect(client.socket.closes).toEqual([{ code: 1002, reason: `Nothing was received for ${2 * agreedMs} ms` }])
    expect(stage.metrics.count.heartBeatTimeouts).toBe(1)
  })

  it.each<[number, string | undefined]>([
    [0, '1000,0'],
    [1000, '0,0'],
    [1000, '0,1000'],
    [1000, undefined],
  ])('#47 #49 that wants %i and hears "%s" waits for ever', async (incomingMs, header) => {
    const stage = offering(0, incomingMs)
    const client = await stage.connect(header === undefined ? {} : { 'heart-beat': header })
    stage.clock.advance(10_000_000)
    expect(client.socket.closes).toEqual([])
  })

  it.each<[string, string | Uint8Array]>([
    ['an EOL', '\n'],
    ['a CR LF', '\r\n'],
    ['an EOL as bytes', new Uint8Array([10])],
  ])('#5 #53 counts %s as life', async (_what, data) => {
    const stage = offering(0, 1000)
    const client = await stage.connect({ 'heart-beat': '1000,0' })
    for (let i = 0; i < 20; i++) {
      stage.clock.advance(1900)
      client.send(data)
    }
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(2000 + SLOT_MS)
    expect(client.takeWords()).toEqual(['ERROR heart-beat-timeout'])
  })

  it('#53 counts each octet of a frame as life', async () => {
    const stage = offering(0, 1000)
    const client = await stage.connect({ 'heart-beat': '1000,0' })
    for (const char of 'BEGIN\ntransaction:t\nreceipt:r1\n\n\0') {
      stage.clock.advance(1900)
      client.send(char)
    }
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    expect(client.socket.closes).toEqual([])
  })

  it('#53 counts what comes while it is held back as life', async () => {
    const stage = new Stage({
      bus: { goesLive: false },
      options: { heartBeat: { outgoingMs: 0, incomingMs: 1000, toleranceFactor: 2, pongCounts: false } },
    })
    const client = await stage.connect({ 'heart-beat': '1000,0' })
    client.frame('SUBSCRIBE', { id: '1', destination: '/topic/a' })
    for (let i = 0; i < 10; i++) {
      stage.clock.advance(1900)
      client.send('\n')
    }
    expect(client.socket.closes).toEqual([])
  })

  it('#55 does not take a client for dead that it does not read itself', async () => {
    const stage = new Stage({
      bus: { accepts: false },
      options: {
        maxInFlight: 1,
        heartBeat: { outgoingMs: 0, incomingMs: 1000, toleranceFactor: 2, pongCounts: false },
      },
    })
    const client = await stage.connect({ 'heart-beat': '1000,0' })
    for (let i = 0; i < 3; i++) client.frame('SEND', { destination: '/app/a' }, 'x'.repeat(900))
    expect(client.socket.isPaused).toBe(true)
    stage.clock.advance(1900)
    client.send('\n')
    stage.clock.advance(10_000)
    expect(client.socket.closes).toEqual([])
    for (let i = 0; i < 3; i++) {
      stage.bus.handedOver[i]!.accept()
      await turn()
    }
    expect(client.socket.isPaused).toBe(false)
    stage.clock.advance(1900)
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(2000 + SLOT_MS)
    expect(client.takeWords()).toEqual(['ERROR heart-beat-timeout'])
  })

  it('sends no more beats once it ends', async () => {
    const stage = offering(1000, 1000)
    const client = await stage.connect({ 'heart-beat': '1000,1000' })
    client.frame('DISCONNECT', { receipt: 'r1' })
    await turn()
    expect(client.takeWords()).toEqual(['RECEIPT r1'])
    stage.clock.advance(2 * OPTIONS.lingerMs + 100)
    expect(client.takeBeats()).toBe(0)
    expect(stage.metrics.count.heartBeatTimeouts).toBe(0)
  })
})

describe('session whose pongs count', () => {
  it('pings a client once its beat is overdue, and takes the pong for one', async () => {
    const stage = offering(0, 1000, true)
    const client = await stage.connect({ 'heart-beat': '1000,0' })
    stage.clock.advance(900)
    expect(client.socket.pings).toBe(0)
    for (let i = 1; i <= 60; i++) {
      stage.clock.advance(1000)
      expect(client.socket.pings).toBe(i)
      client.pong()
    }
    expect(client.socket.closes).toEqual([])
  })

  it('closes a client that answers none as soon as any other', async () => {
    const stage = offering(0, 1000, true)
    const client = await stage.connect({ 'heart-beat': '1000,0' })
    stage.clock.advance(1900)
    expect(client.takeWords()).toEqual([])
    stage.clock.advance(100 + SLOT_MS)
    expect(client.takeWords()).toEqual(['ERROR heart-beat-timeout'])
    expect(client.socket.pings).toBe(1)
    expect(client.socket.closes[0]?.code).toBe(1002)
  })

  it('does not ping a client that beats in time', async () => {
    const stage = offering(0, 1000, true)
    const client = await stage.connect({ 'heart-beat': '1000,0' })
    for (let i = 0; i < 60; i++) {
      stage.clock.advance(950)
      client.send('\n')
    }
    expect(client.socket.pings).toBe(0)
    expect(client.socket.closes).toEqual([])
  })

  it.each([
    ['the setting is off', false, 'websocket'],
    ['it is TCP, which has no pings', true, 'tcp'],
  ] as const)('is none where %s: nothing is pinged, and no pong counts', async (_why, pongCounts, transport) => {
    const stage = offering(0, 1000, pongCounts)
    const client = await stage.connect({ 'heart-beat': '1000,0' }, { transport })
    stage.clock.advance(1500)
    client.pong()
    stage.clock.advance(500 + SLOT_MS)
    expect(client.takeWords()).toEqual(['ERROR heart-beat-timeout'])
    expect(client.socket.pings).toBe(0)
  })

  it('sends beats of its own beside the pings', async () => {
    const stage = offering(1000, 1000, true)
    const client = await stage.connect({ 'heart-beat': '1000,1000' })
    client.takeBeats()
    for (let i = 0; i < 10; i++) {
      stage.clock.advance(1000)
      client.pong()
    }
    expect(client.takeBeats()).toBeGreaterThanOrEqual(10)
    expect(client.socket.closes).toEqual([])
  })
})
