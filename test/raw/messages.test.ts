import { describe, expect, it } from 'vitest'
import { DoorStage } from '../support/door-stage.ts'
import { turn } from '../support/fake-turn.ts'

const BINARY = [['content-type', 'application/octet-stream']]

describe('a plain WebSocket gets', () => {
  it('each message as its body: text as text, binary as binary', async () => {
    const stage = new DoorStage()
    const { socket } = stage.openRaw()
    stage.notify('/topic/a', 'text')
    stage.notify('/topic/a', '')
    stage.notify('/topic/a', 'AAH/', { headers: BINARY, encoding: 'base64' })
    stage.notify('/topic/b', 'not subscribed')
    await turn()
    expect(socket.sent).toEqual(['text', '', new Uint8Array([0, 1, 255])])
  })

  it('JSON as it was written, digit by digit', async () => {
    const stage = new DoorStage()
    const { socket } = stage.openRaw()
    stage.core.bus.deliver('BROADCAST', '{"topic":"/topic/a","message":{"id":1784563209871234567, "amount":10.50}}')
    await turn()
    expect(socket.sent).toEqual(['{"id":1784563209871234567, "amount":10.50}'])
  })

  it('the messages of several destinations', async () => {
    const stage = new DoorStage()
    const { socket } = stage.openRaw({ destinations: ['/topic/a', '/topic/b'] })
    stage.notify('/topic/b', '1')
    stage.notify('/topic/a', '2')
    await turn()
    expect(socket.sent.toSorted()).toEqual(['1', '2'])
  })

  it('nothing after it has closed, and its subscriptions are gone', async () => {
    const stage = new DoorStage()
    const client = stage.openRaw()
    expect([stage.clients.size, stage.core.broker.size]).toEqual([1, 1])
    client.close()
    expect([stage.clients.size, stage.core.broker.size]).toEqual([0, 0])
    stage.notify('/topic/a', 'late')
    await turn()
    expect(client.socket.sent).toEqual([])
  })

  it('the same bytes as all others that read the same way: they are in one group', async () => {
    const stage = new DoorStage()
    const [one, two, json] = [stage.openRaw(), stage.openRaw(), stage.openRaw({ frame: 'json' })]
    stage.notify('/topic/a', 'shared')
    await turn()
    expect(stage.network.websocket.written.map(({ messages }) => messages)).toEqual([['shared']])
    expect([one, two].map(({ socket }) => socket.sent)).toEqual([['shared'], ['shared']])
    expect(JSON.parse(json.socket.sent[0] as string)).toMatchObject({ body: 'shared' })
  })
})

describe('with frame=json each message is an object', () => {
  const open = (stage: DoorStage) => {
    const { socket } = stage.openRaw({ frame: 'json' })
    return async () => {
      await turn()
      return socket.sent.splice(0).map((text) => JSON.parse(text as string) as unknown)
    }
  }

  it('with destination, headers and body', async () => {
    const stage = new DoorStage()
    const take = open(stage)
    stage.notify('/topic/a', 'hello', {
      headers: [
        ['content-type', 'text/plain'],
        ['priority', '9'],
      ],
    })
    expect(await take()).toEqual([
      {
        destination: '/topic/a',
        headers: { 'message-id': 'node-1', 'content-type': 'text/plain', priority: '9' },
        body: 'hello',
      },
    ])
  })

  it('with the first of repeated headers, and none that only the server sets', async () => {
    const stage = new DoorStage()
    const take = open(stage)
    const headers = [
      ['x', 'first'],
      ['x', 'second'],
      ['message-id', 'forged'],
      ['__proto__', 'kept'],
    ]
    stage.notify('/topic/a', '', { headers })
    const [frame] = (await take()) as [{ headers: Record<string, string> }]
    expect(Object.entries(frame.headers)).toEqual([
      ['message-id', 'node-1'],
      ['x', 'first'],
      ['__proto__', 'kept'],
    ])
  })

  it('with base64 where the body is binary', async () => {
    const stage = new DoorStage()
    const take = open(stage)
    stage.notify('/topic/a', 'AAH/', { headers: BINARY, encoding: 'base64' })
    expect(await take()).toMatchObject([{ body: 'AAH/', encoding: 'base64' }])
  })

  it('whose body is the text of the message, digit by digit', async () => {
    const stage = new DoorStage()
    const take = open(stage)
    stage.core.bus.deliver('BROADCAST', '{"topic":"/topic/a","message":{"id":1784563209871234567}}')
    expect(await take()).toMatchObject([{ body: '{"id":1784563209871234567}' }])
  })

  it('with the destination that the message went to, where a pattern was subscribed', async () => {
    const stage = new DoorStage()
    const { socket } = stage.openRaw({ frame: 'json', destinations: ['/topic/*'] })
    stage.notify('/topic/b"\u2028', 'x')
    await turn()
    expect(JSON.parse(socket.sent[0] as string)).toMatchObject({ destination: '/topic/b"\u2028' })
  })

  it('and says how many were dropped before it', async () => {
    const slowClients = [{ destination: '/topic/a', policy: 'latest', maxBytes: 1000, maxAgeMs: 60_000 }] as const
    const stage = new DoorStage({ slowClients })
    const { socket } = stage.openRaw({ frame: 'json' })
    socket.isRead = false
    socket.bufferedBytes = 5000
    stage.notify('/topic/a', 'written')
    await turn()
    stage.clock.advance(200)
    for (const body of ['dropped', 'dropped too', 'latest']) stage.notify('/topic/a', body)
    await turn()
    socket.isRead = true
    socket.bufferedBytes = 0
    stage.clock.advance(200)
    const frames = socket.sent.map((text) => JSON.parse(text as string) as { body: string; headers: object })
    expect(frames.map(({ body }) => body)).toEqual(['written', 'latest'])
    expect(frames[1]!.headers).toMatchObject({ dropped: '2' })
    expect(stage.core.metrics.count.messagesDropped).toBe(2)
  })
})

describe('with wrap each message is an object', () => {
  it('with the body in that field, and base64 where it is binary', async () => {
    const stage = new DoorStage()
    const [one, two] = [{ wrap: 'message' }, { wrap: '__proto__' }].map((frame) => stage.openRaw({ frame }))
    stage.notify('/topic/a', '{"id":1784563209871234567}')
    stage.notify('/topic/a', 'AAH/', { headers: BINARY, encoding: 'base64' })
    await turn()
    expect(one!.socket.sent).toEqual(['{"message":"{\\"id\\":1784563209871234567}"}', '{"message":"AAH/"}'])
    expect(two!.socket.sent[1]).toBe('{"__proto__":"AAH/"}')
  })

  it('which those of the same field share', async () => {
    const stage = new DoorStage()
    stage.openRaw({ frame: { wrap: 'message' } })
    stage.openRaw({ frame: { wrap: 'message' } })
    stage.openRaw({ frame: { wrap: 'other' } })
    stage.notify('/topic/a', 'x')
    await turn()
    expect(stage.network.websocket.written.map(({ messages }) => messages)).toEqual([['{"message":"x"}']])
  })
})
