/** Work queues as the broker sees them: what goes to their streams, and what does not come from channels. */
import { describe, expect, it } from 'vitest'
import { codeOf } from '../support/failure.ts'
import { turn } from '../support/fake-turn.ts'
import { broadcast, BrokerStage, sent } from './stage.ts'

const RULE = { destination: '/queue/**', maxDeliveries: 3, visibilitySeconds: 30, maxLength: 7 }

describe('broker: a work queue', () => {
  it('is a stream to which a SEND is added, with what it says of itself', () => {
    const { outbound } = new BrokerStage({ queues: [RULE], prefixes: { prefixes: ['/topic'] } })
    const routed = outbound.route(
      sent('/queue/a/b', 'x', [
        ['content-type', 'text/x'],
        ['a', '1'],
      ]),
    )
    expect(routed).toEqual({
      channel: 'queue:a/b',
      payload: new TextEncoder().encode('x'),
      entry: {
        maxLength: 7,
        isQueue: true,
        groups: [],
        fields: [
          ['body', undefined],
          ['content-type', 'text/x'],
          ['headers', '{"a":"1"}'],
        ],
      },
    })
  })

  it('comes before a channel of the same destination, and leaves others alone', () => {
    const { outbound } = new BrokerStage({ queues: [{ ...RULE, destination: '/queue/a' }] })
    expect(outbound.route(sent('/queue/a')).entry).toBeDefined()
    expect(outbound.route(sent('/queue/b')).entry).toBeUndefined()
    expect(outbound.route(sent('/queue/b')).channel).toBe('BROADCAST')
  })

  it('has no name for dead ones', () => {
    const { outbound } = new BrokerStage({ queues: [RULE] })
    expect(codeOf(() => outbound.route(sent('/queue/a:dead')))).toBe('bad-destination')
  })

  it.each([
    ['the broadcast', 'BROADCAST', broadcast('/queue/a', 'x')],
    ['the broadcast, for dead ones', 'BROADCAST', broadcast('/queue/a:dead', 'x')],
    ['a channel', 'jobs:a', 'x'],
    ['a channel, for dead ones', 'jobs:a:dead', 'x'],
  ])('takes nothing from %s, which every node hears', async (_what, channel, payload) => {
    const stage = new BrokerStage({
      queues: [RULE],
      routes: { inbound: [{ channel: 'jobs:{x}', destination: '/queue/{x}', codec: 'raw', subscribe: 'always' }] },
    })
    const { socket } = stage.subscribe('/topic/**')
    stage.bus.deliver(channel, payload, channel === 'BROADCAST' ? undefined : 'jobs:*')
    await turn()
    expect(socket.sent).toEqual([])
    expect(stage.metrics.count.payloadsMalformed).toBe(1)
    expect(stage.log.entries).toMatchObject([{ level: 'warn', message: 'Malformed payload was skipped' }])
    expect(String(stage.log.entries[0]!.fields['reason'])).toMatch(/work queue|dead messages/)
  })
})
