/** What a subscription with history asks for, makes of the marker, hands over and remembers. */
import { describe, expect, it } from 'vitest'
import type { Position, SubscribeOptions } from '../../src/stomp-client/index.ts'
import { bodies, Stage, type FakeSocket } from './stage.ts'

type Headers = Readonly<Record<string, string>>

const at = (offset: string, epoch = 'e') => ({ offset, epoch })

/** A subscription to `/topic/x`, and what was handed over. */
async function subscribed(options: SubscribeOptions = { history: true }) {
  const stage = new Stage()
  const got: string[] = []
  const handle = stage.client.subscribe('/topic/x', bodies(got), options)
  return { stage, got, handle, socket: await stage.connect() }
}

function marker(socket: FakeSocket, headers: Headers): void {
  socket.message('sub-1', { event: 'position', epoch: 'e', ...headers })
}

/** What the last SUBSCRIBE has asked. */
function ask(socket: FakeSocket): Headers {
  const { id: _id, destination: _destination, receipt: _receipt, ...asked } = socket.sent('SUBSCRIBE').at(-1)!
  return asked
}

describe('the first SUBSCRIBE', () => {
  const position: Position = { offset: '1-7', epoch: 'e' }
  it.each<[SubscribeOptions, Headers]>([
    [{}, {}],
    [{ history: false }, {}],
    [{ history: true }, { last: '0' }],
    [{ last: 5 }, { last: '5' }],
    [{ last: 0 }, { last: '0' }],
    [{ sinceTime: 1700000000000 }, { 'since-time': '1700000000000' }],
    [{ position }, { since: '1-7', epoch: 'e' }],
    [
      { position, last: 5 },
      { since: '1-7', epoch: 'e' },
    ],
    [{ position: undefined, last: 5 }, { last: '5' }],
    [{ position: undefined }, { last: '0' }],
    [{ position: null }, { last: '0' }],
    [
      { history: true, ack: 'client', headers: { last: '3', a: 'b' } },
      { last: '0', ack: 'client', a: 'b' },
    ],
  ])('with %j asks %j', async (options, asked) => {
    expect(ask((await subscribed(options)).socket)).toEqual(asked)
  })

  it.each<[SubscribeOptions]>([
    [{ last: -1 }],
    [{ last: 1.5 }],
    [{ last: NaN }],
    [{ sinceTime: Infinity }],
    [{ last: 1, sinceTime: 1 }],
    [{ position: { offset: 'x', epoch: 'e' } }],
    [{ position: { offset: '1' } as Position }],
  ])('is not sent for %j, which the server would refuse', (options) => {
    const stage = new Stage()
    expect(() => stage.client.subscribe('/topic/x', () => {}, options)).toThrow(TypeError)
  })

  it('is asked again where a cut came before an answer', async () => {
    const { stage, socket, handle } = await subscribed({ last: 5 })
    socket.cut()
    const second = await stage.retry()
    marker(second, { offset: '9', count: '3' })
    expect(handle.position).toBeUndefined()
    second.cut()
    expect(ask(await stage.retry())).toEqual({ last: '5' })
  })
})

describe('the marker', () => {
  it('is for the client alone, and says where it is only if nothing follows', async () => {
    const { stage, socket, handle, got } = await subscribed({ last: 2 })
    marker(socket, { offset: '9', count: '2' })
    expect(handle.position).toBeUndefined()
    socket.message('sub-1', at('8'), 'h')
    expect(handle.position).toEqual(at('8'))
    socket.cut()
    const second = await stage.retry()
    expect(ask(second)).toEqual({ since: '8', epoch: 'e' })
    marker(second, { offset: '9', count: '0', recovered: 'true' })
    expect(handle.position).toEqual(at('9'))
    second.cut()
    expect(ask(await stage.retry())).toEqual({ since: '9', epoch: 'e' })
    expect(got).toEqual(['h'])
  })

  it('is told to onRecovery each time that it says so, before what follows', async () => {
    const told: unknown[] = []
    const stage = new Stage({ onRecovery: (recovery) => told.push(recovery) })
    stage.client.subscribe('/topic/x', ({ body }) => told.push(body), { history: true })
    const socket = await stage.connect()
    marker(socket, { offset: '9', count: '0' })
    expect(told).toEqual([])
    marker(socket, { offset: '9', count: '0', recovered: 'true' })
    marker(socket, { offset: '20', count: '1', recovered: 'false', missed: '10' })
    socket.message('sub-1', at('20'), 'a')
    marker(socket, { offset: '20', count: '0', recovered: 'false' })
    const recovery = { destination: '/topic/x', recovered: false, missed: undefined, count: 0 }
    expect(told).toEqual([{ ...recovery, recovered: true }, { ...recovery, missed: 10, count: 1 }, 'a', recovery])
  })

  it('of a new epoch is where to go on', async () => {
    const { stage, socket, got, handle } = await subscribed({ position: at('900') })
    marker(socket, { offset: '2', epoch: 'f', count: '2', recovered: 'false' })
    expect(handle.position).toEqual(at('900'))
    socket.message('sub-1', at('1', 'f'), 'a')
    socket.cut()
    const second = await stage.retry()
    expect(ask(second)).toEqual({ since: '1', epoch: 'f' })
    marker(second, { offset: '0', epoch: 'g', count: '0', recovered: 'false' })
    expect([got, handle.position]).toEqual([['a'], at('0', 'g')])
  })

  it('behind which the server has lost its newest messages, lets their offsets come a second time', async () => {
    const { stage, socket, got, handle } = await subscribed({ position: at('9') })
    marker(socket, { offset: '6', count: '2', recovered: 'false' })
    socket.message('sub-1', at('5'), 'a')
    socket.message('sub-1', at('5'), 'a again')
    socket.message('sub-1', at('6'), 'b')
    socket.message('sub-1', at('7'), 'c')
    expect([got, handle.position]).toEqual([['a', 'b', 'c'], at('7')])
    marker(socket, { offset: '3', count: '0', recovered: 'false' })
    socket.message('sub-1', at('4'), 'd')
    expect(got).toEqual(['a', 'b', 'c', 'd'])
    // A cut before the first of them asks for all of them again.
    marker(socket, { offset: '2', count: '1', recovered: 'false' })
    socket.cut()
    expect(ask(await stage.retry())).toEqual({ since: '4', epoch: 'e' })
  })

  it('is nothing that only looks like it: a message of the application', async () => {
    const { socket, got } = await subscribed()
    socket.message('sub-1', { event: 'position' }, '52.5,13.4')
    socket.message('sub-1', { event: 'position', ...at('5') })
    socket.message('sub-1', { event: 'position', count: '1' }, 'x')
    expect(got).toEqual(['52.5,13.4', '', 'x'])
  })

  it('is kept from those who did not ask, too', async () => {
    const { stage, socket, got } = await subscribed({})
    marker(socket, { offset: '1', count: '0', recovered: 'false' })
    expect([got, stage.recoveries.length]).toEqual([[], 1])
  })
})

describe('a message', () => {
  it('is handed over once, in order', async () => {
    const { socket, got, handle } = await subscribed()
    marker(socket, { offset: '1-9', count: '0' })
    for (const offset of ['1-8', '1-9', '1-10', '1-10', '1-9', '2-0', '1-99', '10-0', '9-9']) {
      socket.message('sub-1', at(offset), offset)
    }
    expect([got, handle.position]).toEqual([['1-10', '2-0', '10-0'], at('10-0')])
  })

  it('counts as handed over when its callback was called, also if that throws, and knows its position by then', async () => {
    const stage = new Stage()
    const seen: unknown[] = []
    const handle = stage.client.subscribe(
      '/topic/x',
      () => {
        seen.push(handle.position)
        throw new Error('Oh')
      },
      { history: true },
    )
    const socket = await stage.connect()
    socket.message('sub-1', at('5'))
    socket.cut()
    expect(seen).toEqual([at('5')])
    expect(ask(await stage.retry())).toEqual({ since: '5', epoch: 'e' })
  })

  it('of another epoch, or without a position, or retained, is handed over', async () => {
    const { socket, got, handle } = await subscribed()
    socket.message('sub-1', at('5'), 'a')
    socket.message('sub-1', at('1', 'f'), 'b')
    socket.message('sub-1', {}, 'c')
    socket.message('sub-1', { offset: 'x', epoch: 'f' }, 'd')
    socket.message('sub-1', { retained: 'true' }, 'e')
    expect([got, handle.position]).toEqual([['a', 'b', 'c', 'd', 'e'], at('1', 'f')])
  })

  it('that is retained comes once where it has a position, and each time where it has none', async () => {
    const { stage, socket, got } = await subscribed({})
    socket.message('sub-1', { ...at('5'), retained: 'true' }, 'a')
    socket.message('sub-1', { retained: 'true' }, 'b')
    socket.cut()
    const second = await stage.retry()
    second.message('sub-1', { ...at('5'), retained: 'true' }, 'a')
    second.message('sub-1', { retained: 'true' }, 'b')
    second.message('sub-1', { ...at('6'), retained: 'true' }, 'c')
    expect(got).toEqual(['a', 'b', 'b', 'c'])
    expect(ask(second)).toEqual({})
  })

  it('of a pattern is never dropped: each destination has offsets of its own', async () => {
    const stage = new Stage()
    const got: string[] = []
    const handle = stage.client.subscribe('/topic/*', bodies(got))
    const socket = await stage.connect()
    socket.message('sub-1', { destination: '/topic/x', ...at('5') }, 'a')
    socket.message('sub-1', { destination: '/topic/y', ...at('1') }, 'b')
    expect([got, handle.position]).toEqual([['a', 'b'], undefined])
  })

  it('that comes back from a queue is never dropped', async () => {
    const { socket, got } = await subscribed({})
    socket.message('sub-1', at('5'), 'a')
    socket.message('sub-1', { ...at('5'), redelivered: 'true' }, 'a')
    expect(got).toEqual(['a', 'a'])
  })

  it.each([
    ['client-individual', ['dropped']],
    ['client', []],
  ] as const)('that is dropped is acknowledged with %s: %j', async (ack, acknowledged) => {
    const { socket } = await subscribed({ history: true, ack })
    socket.message('sub-1', { ...at('5'), ack: 'kept' })
    socket.message('sub-1', { ...at('5'), ack: 'dropped' })
    expect(socket.sent('ACK').map(({ id }) => id)).toEqual(acknowledged)
  })
})

describe('a position', () => {
  it('can be stored as JSON, and given back', async () => {
    const { socket, handle } = await subscribed()
    socket.message('sub-1', at('1-18446744073709551615'))
    const stored = JSON.stringify(handle.position)
    const again = await subscribed({ position: JSON.parse(stored) as Position })
    expect(ask(again.socket)).toEqual({ since: '1-18446744073709551615', epoch: 'e' })
    expect(again.handle.position).toEqual(handle.position)
  })

  it('is that of its own subscription', async () => {
    const stage = new Stage()
    const [a, b] = [1, 2].map(() => stage.client.subscribe('/topic/x', () => {}, { history: true }))
    const socket = await stage.connect()
    socket.message('sub-1', at('5'))
    expect([a!.position, b!.position]).toEqual([at('5'), undefined])
  })
})
