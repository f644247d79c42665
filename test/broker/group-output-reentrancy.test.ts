/** A write may let the watch look at all outputs at once, and that may end, detach or attach any subscription. */
import { describe, expect, it } from 'vitest'
import { Version } from '../../frames/index.ts'
import { Broker } from '../../src/broker/broker.ts'
import { Metrics } from '../../src/metrics.ts'
import { RouteTable } from '../../src/routes/table.ts'
import { FakeBus } from '../support/fake-bus.ts'
import { FakeLog } from '../support/fake-log.ts'
import { turn } from '../support/fake-turn.ts'
import { bodyOf, FakeMeter, FakeNetwork } from './fake-subscriber.ts'

function setUp() {
  const prefixes = { prefixes: ['/topic'], applicationPrefixes: ['/app'] }
  const table = new RouteTable(
    { outbound: [], inbound: [], convention: true, conventionCodec: 'raw' },
    ['/app'],
    ['/topic'],
  )
  const options = { ...prefixes, broadcastChannel: 'b', joinFrames: true, releaseDelayMs: 1, slowClients: [] }
  const bus = new FakeBus(),
    meter = new FakeMeter(),
    network = new FakeNetwork()
  const broker = new Broker(options, table, bus, 'node', new FakeLog(), new Metrics(), meter)
  for (const transport of ['websocket', 'tcp'] as const) broker.attachFanout(transport, network[transport])
  broker.start()
  const subscribe = () => {
    const subscriber = network.subscriber()
    const { subscription } = broker.subscribe({
      destination: '/topic/a',
      id: '1',
      version: Version.V1_2,
      subscriber,
      acknowledges: false,
    })
    return { subscriber, subscription, bodies: () => subscriber.frames(Version.V1_2).map((f) => bodyOf(f).trim()) }
  }
  const once = (action: () => void) => {
    meter.onWrote = () => {
      meter.onWrote = undefined
      action()
    }
  }
  return { bus, broker, meter, subscribe, once }
}
const long = (t: string) => t + ' '.repeat(17000)

describe('broker: a look inside a delivery', () => {
  it('that finds a member behind gives it the message once', () => {
    const { bus, broker, subscribe, once } = setUp()
    const one = subscribe()
    subscribe()
    once(() => broker.detach(one.subscription))
    bus.deliver('topic:a', long('1'))
    expect(one.bodies()).toEqual(['1'])
  })
  it('that finds a detached one caught up gives it the message too', async () => {
    const { bus, broker, subscribe, once } = setUp()
    const one = subscribe()
    subscribe()
    broker.detach(one.subscription)
    once(() => broker.attach(one.subscription))
    bus.deliver('topic:a', long('1'))
    bus.deliver('topic:a', '2')
    await turn()
    expect(one.bodies()).toEqual(['1', '2'])
  })
  it('that ends a subscription which is just being detached', async () => {
    const { bus, broker, subscribe, once } = setUp()
    const one = subscribe()
    const other = subscribe()
    bus.deliver('topic:a', '1')
    once(() => broker.unsubscribe(one.subscription))
    broker.detach(one.subscription)
    bus.deliver('topic:a', '2')
    await turn()
    expect(one.bodies()).toEqual(['1'])
    expect(other.bodies()).toEqual(['1', '2'])
  })
  it('that ends the last member of a group which another is just joining', async () => {
    const { bus, broker, subscribe, once } = setUp()
    const one = subscribe()
    bus.deliver('topic:a', '1')
    once(() => broker.unsubscribe(one.subscription))
    const other = subscribe()
    bus.deliver('topic:a', '2')
    await turn()
    expect(one.bodies()).toEqual(['1'])
    expect(other.bodies()).toEqual(['2'])
  })
})
