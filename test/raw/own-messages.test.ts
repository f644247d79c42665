import { describe, expect, it } from 'vitest'
import { OwnMessages } from '../../src/raw/own-messages.ts'
import { DoorStage } from '../support/door-stage.ts'
import { turn } from '../support/fake-turn.ts'

describe('messages of its own', () => {
  it('are known as often as they come back', () => {
    const own = new OwnMessages(() => 0)
    own.add('x', 2)
    own.add('y', 1)
    own.add('z', 0)
    expect(['x', 'z', 'x', 'x', 'y', 'y'].map((body) => own.take(body))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
    ])
  })

  it('are the same as text and as bytes', () => {
    const own = new OwnMessages(() => 0)
    own.add(new TextEncoder().encode('ä'), 1)
    expect(own.take('ä')).toBe(true)
  })

  it('are forgotten after a while, and when there are too many', () => {
    let now = 0
    const own = new OwnMessages(() => now)
    own.add('old', 1)
    now = 20_000
    expect(own.take('old')).toBe(false)
    own.add('first', 1)
    for (let i = 0; i < 300; i++) own.add(`${i}`, 1)
    expect([own.take('first'), own.take('299')]).toEqual([false, true])
  })
})

describe('a plain WebSocket that publishes to channels', () => {
  const target = { destination: '/topic/a', channel: 'broadcast:a' }
  const routes = {
    inbound: [
      {
        channel: 'broadcast:{name}',
        destination: '/topic/{name}',
        codec: 'raw' as const,
        subscribe: 'on-demand' as const,
      },
    ],
  }

  it('does not get its own message back, and gets the same one of another', async () => {
    const stage = new DoorStage({ routes })
    const [writer, reader] = [stage.openRaw({ publishTo: [target] }), stage.openRaw()]
    await turn()
    writer.send('hello')
    expect(stage.core.bus.published).toEqual(['broadcast:a hello'])
    stage.core.bus.deliver('broadcast:a', 'hello')
    await turn()
    expect([writer.socket.sent, reader.socket.sent]).toEqual([[], ['hello']])
    stage.core.bus.deliver('broadcast:a', 'hello')
    await turn()
    expect([writer.socket.sent, reader.socket.sent]).toEqual([['hello'], ['hello', 'hello']])
  })

  it('gets it with echo', async () => {
    const stage = new DoorStage({ routes })
    const writer = stage.openRaw({ publishTo: [target], isEcho: true })
    await turn()
    writer.send('hello')
    stage.core.bus.deliver('broadcast:a', 'hello')
    await turn()
    expect(writer.socket.sent).toEqual(['hello'])
  })

  it('ends with 1008 when it may not', async () => {
    const stage = new DoorStage({ routes, access: { maySend: () => false } })
    const writer = stage.openRaw({ publishTo: [target] })
    writer.send('hello')
    await turn()
    expect(writer.socket.closes).toMatchObject([{ code: 1008 }])
  })
})
