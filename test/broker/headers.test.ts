import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Version } from '../../frames/index.ts'
import type { HeaderPair } from '../../src/headers.ts'
import { framesOf } from '../support/fake-socket.ts'
import { turn } from '../support/fake-turn.ts'
import { broadcast, BrokerStage, framesFor, headersOf, sent } from './stage.ts'

const { V1_0, V1_1, V1_2 } = Version

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('broker: headers', () => {
  const given: HeaderPair[] = [
    ['x', '1'],
    ['message-id', 'forged'],
    ['subscription', 'forged'],
    ['ack', 'forged'],
    ['content-length', '1'],
    ['destination', 'forged'],
    ['receipt', 'forged'],
    ['transaction', 'forged'],
    ['user-name', 'forged'],
    ['x', '2'],
    ['Subscription', 'is another name'],
    ['heart-beat', 'is nothing special'],
  ]

  it('#59 #60 of a SEND pass, in order and repeated, except those that only the server may set', async () => {
    const stage = new BrokerStage()
    const subscribed = stage.subscribe('/topic/a')
    stage.send(sent('/topic/a', 'Test', given))
    expect(headersOf((await framesFor(subscribed))[0])).toEqual([
      ['subscription', '0'],
      ['message-id', 'node-1'],
      ['destination', '/topic/a'],
      ['x', '1'],
      ['x', '2'],
      ['Subscription', 'is another name'],
      ['heart-beat', 'is nothing special'],
    ])
  })

  it('#60 of a backend pass, except those that only the server may set', async () => {
    const stage = new BrokerStage()
    const subscribed = stage.subscribe('/topic/env/1')
    stage.bus.deliver('env:1', JSON.stringify({ body: 'Test', headers: Object.fromEntries(given) }))
    expect(headersOf((await framesFor(subscribed))[0]).map(([name]) => name)).toEqual([
      'subscription',
      'message-id',
      'destination',
      'content-type',
      'x',
      'Subscription',
      'heart-beat',
    ])
  })

  it.each([
    ['1.0', V1_0, 'con:tent-length'],
    ['1.0', V1_0, 'a\nck'],
    ['1.0', V1_0, 'content-length\0'],
    ['1.1', V1_1, 'content-length\r'],
    ['1.1', V1_1, '\rack'],
    ['1.1', V1_1, 'mess\0age-id'],
    ['1.2', V1_2, 'content-length\0'],
    ['1.2', V1_2, 'user-name\0'],
    ['a client that trims', V1_1, ' content-length'],
    ['a client that trims', V1_2, 'ack\t '],
  ])('#60 cannot become a reserved one in %s, which leaves out what it cannot carry', async (_name, version, name) => {
    const stage = new BrokerStage()
    const { socket } = stage.subscribe('/topic/a', { id: '1', version })
    stage.bus.deliver('BROADCAST', broadcast('/topic/a', 'ab\0MESSAGE\n\nforged\0', [[name, '2']]))
    await turn()
    const text = socket.sent.join('')
    const names = text
      .slice(0, text.indexOf('\n\n'))
      .split('\n')
      .slice(1)
      .map((line) => line.slice(0, line.indexOf(':')))
    expect(names.sort()).toEqual(['content-length', 'destination', 'message-id', 'subscription'])
    expect(framesOf([text], version)).toHaveLength(1)
  })

  it('say the content type of a route that has one', async () => {
    const stage = new BrokerStage()
    const subscribed = stage.subscribe('/topic/always')
    stage.bus.deliver('always', 'Test')
    expect((await framesFor(subscribed))[0]?.headers.get('content-type')).toBe('text/x')
  })

  it('#63 #121 of a SEND without a content type stay without one, its octets as they are', async () => {
    const stage = new BrokerStage()
    const subscribed = stage.subscribe('/topic/a')
    const body = Uint8Array.of(0, 255, 254, 10)
    stage.send({ ...sent('/topic/a'), body })
    const [frame] = await framesFor(subscribed)
    expect(frame?.headers.has('content-type')).toBe(false)
    expect([...(frame?.body ?? [])]).toEqual([...body])
    expect(subscribed.socket.sent[0]).toBeInstanceOf(Uint8Array)
  })
})
