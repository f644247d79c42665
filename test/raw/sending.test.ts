import { describe, expect, it } from 'vitest'
import { ANONYMOUS } from '../../src/access/identity.ts'
import { BusRefusedError } from '../../src/bus/bus.ts'
import { DoorStage, RAW_LIMITS, SETTLE_MS, SLOT_MS } from '../support/door-stage.ts'
import { turn } from '../support/fake-turn.ts'

const CHAT = { destinations: ['/topic/chat'], sendTo: '/topic/chat' }

/** What was published comes back, as Redis brings it. */
function bringBack(stage: DoorStage): void {
  for (const { messages } of stage.core.bus.handedOver.splice(0)) {
    for (const { channel, payload } of messages) stage.core.bus.deliver(channel, payload)
  }
}

describe('what a plain WebSocket sends', () => {
  it('over a rate is left out, and the client goes on; with a queue of errors it is told', async () => {
    const rates = [{ action: 'send', destination: '/topic/chat', count: 1, perSeconds: 60 }] as const
    const stage = new DoorStage({ rates })
    const client = stage.openRaw({ ...CHAT, destinations: ['/user/queue/errors'], frame: 'json' })
    const deaf = stage.openRaw(CHAT)
    for (const each of [client, deaf]) for (const body of ['1', '2']) each.send(body)
    await turn()
    expect(stage.core.bus.handedOver.flatMap(({ messages }) => messages)).toHaveLength(2)
    const told = client.socket.sent.map((text) => JSON.parse(text as string) as unknown)
    expect(told).toMatchObject([
      {
        destination: '/user/queue/errors',
        headers: { code: 'rate-limited', 'refused-destination': '/topic/chat', 'retry-after': '60' },
      },
    ])
    for (const each of [client, deaf]) expect(each.socket.closes).toEqual([])
    expect(deaf.socket.sent).toEqual([])
  })

  it.each([false, true])('that it may not send ends the client, unless errors are soft (%s)', async (softErrors) => {
    const stage = new DoorStage({ softErrors, access: { maySend: () => false } })
    const client = stage.openRaw(CHAT)
    client.send('1')
    await turn()
    expect(stage.core.bus.handedOver).toEqual([])
    expect(client.socket.closes.map(({ code }) => code)).toEqual(softErrors ? [] : [1008])
  })

  it('is ignored and counted where its endpoint sends nowhere', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw()
    client.send('into the void')
    client.send(new Uint8Array([1]))
    await turn()
    expect(stage.core.bus.handedOver).toEqual([])
    expect(client.socket.closes).toEqual([])
    expect(stage.core.metrics.count).toMatchObject({ framesReceived: 2, messagesIgnored: 2 })
  })

  it('comes back to it alone with echo: text as text, binary as binary', async () => {
    const stage = new DoorStage()
    const [client, other] = [stage.openRaw({ isEcho: true }), stage.openRaw({ isEcho: true })]
    client.send('text')
    client.send(new Uint8Array([0, 255]))
    await turn()
    expect(client.socket.sent).toEqual(['text', new Uint8Array([0, 255])])
    expect(other.socket.sent).toEqual([])
    expect(stage.core.bus.handedOver).toEqual([])
  })

  it('goes to where its endpoint sends, by its route, in order, with who sent it', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw({ sendTo: '/app/greet' })
    for (const body of ['1', '2', '3']) client.send(body)
    client.send(new Uint8Array([0x80]))
    await turn()
    expect(stage.core.bus.published.slice(0, 3)).toEqual(['app:greet 1', 'app:greet 2', 'app:greet 3'])
    expect(stage.core.bus.handedOver[3]!.messages[0]!.payload).toEqual(new Uint8Array([0x80]))
  })

  it('keeps its kind on the way to other clients', async () => {
    const stage = new DoorStage()
    const [client, other] = [stage.openRaw(CHAT), stage.openRaw(CHAT)]
    client.send('text')
    client.send(new TextEncoder().encode('binary'))
    client.send(new Uint8Array([0, 255]))
    bringBack(stage)
    await turn()
    expect(other.socket.sent).toEqual(['text', new TextEncoder().encode('binary'), new Uint8Array([0, 255])])
  })

  it('reaches all others, and not itself', async () => {
    const stage = new DoorStage()
    const [one, two, reader] = [
      stage.openRaw(CHAT),
      stage.openRaw(CHAT),
      stage.openRaw({ destinations: ['/topic/chat'] }),
    ]
    one.send('of one')
    two.send('of two')
    bringBack(stage)
    stage.notify('/topic/chat', 'of a backend')
    await turn()
    expect(one.socket.sent).toEqual(['of two', 'of a backend'])
    expect(two.socket.sent).toEqual(['of one', 'of a backend'])
    expect(reader.socket.sent).toEqual(['of one', 'of two', 'of a backend'])
  })

  it('reaches itself too with echo', async () => {
    const stage = new DoorStage()
    const one = stage.openRaw({ ...CHAT, isEcho: true })
    one.send('mine')
    bringBack(stage)
    await turn()
    expect(one.socket.sent).toEqual(['mine'])
  })

  it('does not come back from what was held for it either', async () => {
    const slowClients = [
      { destination: '/topic/chat', policy: 'drop-oldest', maxBytes: 1000, maxAgeMs: 60_000 },
    ] as const
    const stage = new DoorStage({ slowClients })
    const [one, two] = [stage.openRaw(CHAT), stage.openRaw(CHAT)]
    one.socket.isRead = false
    one.socket.bufferedBytes = 5000
    stage.notify('/topic/chat', 'written')
    await turn()
    stage.clock.advance(200)
    one.send('mine')
    two.send('of two')
    bringBack(stage)
    await turn()
    one.socket.isRead = true
    one.socket.bufferedBytes = 0
    stage.clock.advance(200)
    expect(one.socket.sent).toEqual(['written', 'of two'])
  })

  it('must be allowed', async () => {
    const stage = new DoorStage({
      access: { maySend: (_identity, destination) => destination !== '/topic/chat' },
    })
    const client = stage.openRaw(CHAT)
    client.send('x')
    await turn()
    expect(client.socket.closes).toEqual([{ code: 1008, reason: 'You may not send to "/topic/chat"' }])
    expect(stage.core.bus.handedOver).toEqual([])
  })

  it('carries the name of who sends it', async () => {
    const stage = new DoorStage()
    const asked: unknown[] = []
    const identity = { ...ANONYMOUS, user: 'alice' }
    const access = { maySend: (who: unknown) => asked.push(who) > 0 }
    const other = new DoorStage({ access })
    other.openRaw({ ...CHAT, identity }).send('x')
    stage.openRaw({ ...CHAT, identity }).send('x')
    await turn()
    expect(asked).toEqual([identity])
    expect(JSON.parse(stage.core.bus.published[0]!.replace('BROADCAST ', ''))).toMatchObject({ sender: 'node-1' })
  })

  it('ends the connection when no route takes it', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw({ sendTo: '/nowhere/x' })
    client.send('x')
    await turn()
    expect(client.socket.closes).toMatchObject([{ code: 1002, reason: expect.stringContaining('no route takes it') }])
  })

  it.each([
    ['is away', ({ bus }: DoorStage['core']) => bus.setReason('away'), () => {}, /unavailable/],
    [
      'refuses it',
      () => {},
      ({ bus }: DoorStage['core']) => bus.handedOver[0]!.refuse(new BusRefusedError('no')),
      /refuses/,
    ],
    ['loses it', () => {}, ({ bus }: DoorStage['core']) => bus.handedOver[0]!.refuse(), /unavailable/],
  ])('ends the connection when the bus %s: it cannot be told otherwise', async (_case, before, after, reason) => {
    const stage = new DoorStage({ bus: { accepts: false } })
    const client = stage.openRaw(CHAT)
    before(stage.core)
    client.send('x')
    after(stage.core)
    await turn()
    expect(client.socket.closes).toMatchObject([{ code: 1002, reason: expect.stringMatching(reason) }])
    expect(stage.core.metrics.count.busFailures).toBe(1)
    expect(stage.core.broker.size).toBe(0)
  })

  it.each([
    ['text', 'é'.repeat(RAW_LIMITS.maxMessageBytes / 2), 'é'.repeat(RAW_LIMITS.maxMessageBytes / 2 + 1)],
    ['bytes', new Uint8Array(RAW_LIMITS.maxMessageBytes), new Uint8Array(RAW_LIMITS.maxMessageBytes + 1)],
  ])('may have so many bytes and no more: %s', async (_kind, longest, tooLong) => {
    const stage = new DoorStage()
    const client = stage.openRaw(CHAT)
    client.send(longest)
    await turn()
    expect(client.socket.closes).toEqual([])
    client.send(tooLong)
    client.send('after it')
    await turn()
    expect(client.socket.closes).toEqual([{ code: 1009, reason: 'A message may have at most 1000 bytes' }])
    expect(stage.core.bus.handedOver).toHaveLength(1)
  })
})

describe('a plain WebSocket that sends faster than the bus takes it', () => {
  const flooded = (count: number, canPause = true) => {
    const stage = new DoorStage({ bus: { accepts: false } })
    const client = stage.openRaw(CHAT, { canPause })
    for (let i = 0; i < count; i++) client.send(`${i}`)
    return { stage, client }
  }

  it('is not read meanwhile, and then goes on in order', async () => {
    const { stage, client } = flooded(RAW_LIMITS.maxInFlight + 3)
    const { bus, metrics } = stage.core
    expect(client.socket.isPaused).toBe(true)
    expect(bus.handedOver).toHaveLength(RAW_LIMITS.maxInFlight)
    expect(metrics.count.floodsPaused).toBe(1)
    bus.accepts = true
    for (const each of [...bus.handedOver]) each.accept()
    await turn()
    expect(client.socket.isPaused).toBe(false)
    const bodies = bus.published.map(
      (each) => (JSON.parse(each.replace('BROADCAST ', '')) as { message: string }).message,
    )
    expect(bodies).toEqual(['0', '1', '2', '3', '4', '5', '6'])
    expect(client.socket.closes).toEqual([])
  })

  it('is paused for many bytes too', () => {
    const stage = new DoorStage({ bus: { accepts: false } })
    const client = stage.openRaw(CHAT)
    for (let i = 0; i < 3; i++) client.send('x'.repeat(RAW_LIMITS.maxMessageBytes))
    expect(client.socket.isPaused).toBe(false)
    client.send('x')
    expect(client.socket.isPaused).toBe(true)
  })

  it('is closed with 1008 when much more comes all the same, once the bus has what came before', async () => {
    const { stage, client } = flooded(RAW_LIMITS.maxInFlight * 4 + 5, false)
    const { bus } = stage.core
    expect(bus.handedOver).toHaveLength(RAW_LIMITS.maxInFlight * 4)
    expect(client.socket.closes).toEqual([])
    for (const each of bus.handedOver) each.accept()
    await turn()
    expect(client.socket.closes).toEqual([{ code: 1008, reason: 'Messages come faster than they can be processed' }])
    expect(client.socket.isPaused).toBe(false)
  })

  it('is closed in time when the bus never takes it', async () => {
    const { stage, client } = flooded(RAW_LIMITS.maxInFlight * 4, false)
    await turn()
    stage.clock.advance(SETTLE_MS - SLOT_MS)
    expect(client.socket.closes).toEqual([])
    stage.clock.advance(SLOT_MS * 2)
    expect(client.socket.closes).toMatchObject([{ code: 1008 }])
  })

  it('is a session until the bus has all that it sent, also when it has left', async () => {
    const { stage, client } = flooded(2)
    client.close()
    expect([stage.clients.size, stage.core.broker.size]).toEqual([1, 0])
    for (const each of stage.core.bus.handedOver) each.accept()
    await turn()
    expect(stage.clients.size).toBe(0)
  })
})
