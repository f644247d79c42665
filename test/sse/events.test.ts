import { describe, expect, it } from 'vitest'
import { DoorStage } from '../support/door-stage.ts'
import { turn } from '../support/fake-turn.ts'
import { StreamReader, type ReadEvent } from './reader.ts'

const BINARY = { headers: [['content-type', 'application/octet-stream']], encoding: 'base64' }

const dataOf = (events: readonly ReadEvent[]): unknown[] => events.map(({ data }) => JSON.parse(data) as unknown)

describe('a stream of one destination has each message as an event', () => {
  it.each([
    ['a word', 'hello'],
    ['lines', 'one\ntwo\n\nfour'],
    ['a line feed alone', '\n'],
    ['a line feed at the end', 'one\n'],
    ['a space at the start', ' one\n two'],
    ['a NUL', 'a\0b'],
    ['a colon at the start', ':not a comment'],
    ['what looks like a field', 'event: x\nid: 7\nretry: 1'],
    ['letters of others', 'žluťoučký 🐎\u2028\u2029'],
    ['a byte order mark', '\ufeffx'],
  ])('whose data is the body: %s', async (_case, body) => {
    const stage = new DoorStage()
    const reader = new StreamReader(stage.openStream())
    stage.notify('/topic/a', body)
    stage.notify('/topic/a', 'next')
    await turn()
    expect(reader.take()).toEqual([
      { event: 'message', data: body },
      { event: 'message', data: 'next' },
    ])
  })

  it.each([
    ['empty', ''],
    ['a carriage return', 'a\rb'],
    ['both ends of a line', 'a\r\nb'],
  ])('whose data is JSON where events cannot carry the body: %s', async (_case, body) => {
    const stage = new DoorStage()
    const reader = new StreamReader(stage.openStream())
    stage.notify('/topic/a', body)
    await turn()
    const events = reader.take()
    expect(events).toMatchObject([{ event: 'message' }])
    expect(dataOf(events)).toMatchObject([{ destination: '/topic/a', body }])
  })

  it('whose data is JSON with base64 where the body is binary', async () => {
    const stage = new DoorStage()
    const reader = new StreamReader(stage.openStream())
    stage.notify('/topic/a', 'AAH/', BINARY)
    await turn()
    expect(dataOf(reader.take())).toEqual([
      {
        destination: '/topic/a',
        headers: { 'message-id': 'node-1', 'content-type': 'application/octet-stream' },
        body: 'AAH/',
        encoding: 'base64',
      },
    ])
  })

  it('digit by digit', async () => {
    const stage = new DoorStage()
    const reader = new StreamReader(stage.openStream())
    stage.core.bus.deliver('BROADCAST', '{"topic":"/topic/a","message":{"id":1784563209871234567}}')
    await turn()
    expect(reader.take()).toMatchObject([{ data: '{"id":1784563209871234567}' }])
  })

  it('made once for all who read it', async () => {
    const stage = new DoorStage()
    const streams = [stage.openStream(), stage.openStream()]
    stage.notify('/topic/a', 'x')
    await turn()
    expect(stage.network.http.written.map(({ messages }) => messages)).toEqual([['event: message\ndata: x\n\n']])
    for (const stream of streams) expect(new StreamReader(stream).take()).toMatchObject([{ data: 'x' }])
  })
})

describe('a stream of several destinations', () => {
  it('has each message as JSON, which says where it went', async () => {
    const stage = new DoorStage()
    const reader = new StreamReader(stage.openStream({ destinations: ['/topic/a', '/topic/b'] }))
    stage.notify('/topic/a', 'line\nfeed', {
      headers: [
        ['x', '1'],
        ['x', '2'],
      ],
    })
    await turn()
    stage.notify('/topic/b', '')
    stage.notify('/topic/c', 'not subscribed')
    await turn()
    const events = reader.take()
    expect(events).toMatchObject([{ event: 'message' }, { event: 'message' }])
    expect(dataOf(events)).toMatchObject([
      { destination: '/topic/a', headers: { x: '1' }, body: 'line\nfeed' },
      { destination: '/topic/b', body: '' },
    ])
  })
})

describe('a stream that was behind', () => {
  it('says how many messages were dropped before the next one', async () => {
    const slowClients = [{ destination: '/topic/**', policy: 'drop-oldest', maxBytes: 150, maxAgeMs: 60_000 }] as const
    const stage = new DoorStage({ slowClients })
    const client = stage.openStream()
    const reader = new StreamReader(client)
    client.socket.isRead = false
    client.socket.bufferedBytes = 5000
    stage.notify('/topic/a', 'written')
    await turn()
    stage.clock.advance(200)
    for (let i = 0; i < 10; i++) stage.notify('/topic/a', `message ${i} of ten, each too long for all of them`)
    await turn()
    client.socket.isRead = true
    client.socket.bufferedBytes = 0
    stage.clock.advance(200)
    const [written, dropped, ...rest] = reader.take()
    expect(written).toEqual({ event: 'message', data: 'written' })
    expect(dropped!.event).toBe('dropped')
    const { count } = stage.core.metrics
    expect(count.messagesDropped).toBeGreaterThan(0)
    expect(JSON.parse(dropped!.data)).toEqual({ destination: '/topic/a', count: count.messagesDropped })
    expect(rest).toHaveLength(10 - count.messagesDropped)
    expect(rest.at(-1)!.data).toContain('message 9')
  })
})
