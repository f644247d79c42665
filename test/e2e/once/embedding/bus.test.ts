/** A bus of the program's own in place of Redis. */
import { describe, expect, it } from 'vitest'
import { notify } from '../../../support/clients/backend.ts'
import { Inbox } from '../../../support/clients/inbox.ts'
import { bodyText, frameText } from '../../../support/stomp-peer.ts'
import { eventually } from '../../../support/wait.ts'
import { FakeBus } from './fake-bus.ts'
import { connected, embed, logInto, subscribe } from './support.ts'

describe('a bus of the program', () => {
  it('carries everything, and is closed once', async () => {
    const bus = new FakeBus()
    const { bridge, address, url, wsUrl } = await embed({}, { bus })
    expect(address.bus).toBe('a fake')
    const peer = await connected(wsUrl)
    await subscribe(peer, '/topic/greetings')
    expect(bus.channels).toEqual(new Set(['BROADCAST-CHANNEL', 'GREETING_CHANNEL_INBOUND']))
    bus.deliver('GREETING_CHANNEL_INBOUND', '"Test"')
    expect(bodyText(await peer.expect('MESSAGE'))).toBe('Test')
    await notify({ url }, '/topic/greetings', 'posted')
    expect(await bus.published.next()).toEqual({
      channel: 'BROADCAST-CHANNEL',
      payload: '{"topic":"/topic/greetings","message":"posted"}',
    })
    peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'r' }, 'hi'))
    await peer.receipt('r')
    expect(await bus.published.next()).toEqual({ channel: 'GREETING_CHANNEL_OUTBOUND', payload: '"hi"' })
    peer.send(
      frameText('BEGIN', { transaction: 't' }) +
        frameText('SEND', { destination: '/app/a', transaction: 't' }, '1') +
        frameText('SEND', { destination: '/app/b', transaction: 't' }, '2') +
        frameText('COMMIT', { transaction: 't', receipt: 'c' }),
    )
    await peer.receipt('c')
    expect(await bus.published.take(2)).toEqual([
      { channel: 'app:a', payload: '"1"' },
      { channel: 'app:b', payload: '"2"' },
    ])
    expect(bus.transactions).toBe(1)
    await bridge.close()
    await bridge.close()
    expect(bus.closed).toBe(1)
  })

  it('that is away makes the bridge not ready and refuses messages, until it is back', async () => {
    const bus = new FakeBus()
    const { url, wsUrl } = await embed({}, { bus })
    bus.become('out to lunch')
    const ready = await fetch(`${url}/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not-ready', reasons: ['out to lunch'] }])
    expect((await notify({ url }, '/topic/x', 'x')).status).toBe(503)
    const sender = await connected(wsUrl)
    sender.send(frameText('SEND', { destination: '/app/x', receipt: 'r' }, 'x'))
    await sender.expect('ERROR', { code: 'bus-unavailable', 'receipt-id': 'r' })
    expect((await sender.closed).code).toBe(1002)

    const subscriber = await connected(wsUrl)
    subscriber.send(frameText('SUBSCRIBE', { destination: '/topic/x', id: '1', receipt: 'live' }))
    subscriber.send(frameText('UNSUBSCRIBE', { id: 'none', receipt: 'behind' }))
    await eventually(() => expect(bus.channels).toContain('topic:x'))
    expect(subscriber.frames).toHaveLength(1)
    bus.become(undefined)
    await subscriber.receipt('live')
    await subscriber.receipt('behind')
    expect((await fetch(`${url}/ready`)).status).toBe(200)
  })

  it('that fails in its own way is a fault of ours, and its words are for the log', async () => {
    const logged = new Inbox<string>('log record')
    const bus = new FakeBus()
    bus.fault = new Error('disk 7 is on fire')
    const { url, wsUrl } = await embed({}, { bus, log: logInto(logged) })
    const posted = await notify({ url }, '/topic/x', 'x')
    expect(posted.status).toBe(500)
    const peer = await connected(wsUrl)
    peer.send(frameText('SEND', { destination: '/app/x', receipt: 'r' }, 'x'))
    await peer.expect('ERROR', { code: 'internal', 'receipt-id': 'r' })
    expect((await peer.closed).code).toBe(1011)
    expect(posted.body + peer.text).not.toContain('fire')
    expect(logged.all.join()).toContain('fire')
  })
})
