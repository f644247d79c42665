import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Version } from '../../frames/index.ts'
import { ChannelInterests } from '../../src/broker/channel-interests.ts'
import { GroupOutput } from '../../src/broker/group-output.ts'
import { Memberships, type Member } from '../../src/broker/memberships.ts'
import { Registry } from '../../src/broker/registry.ts'
import { Metrics } from '../../src/metrics.ts'
import { RouteTable } from '../../src/routes/table.ts'
import { FakeBus } from '../support/fake-bus.ts'
import { FakeLog } from '../support/fake-log.ts'
import { turn } from '../support/fake-turn.ts'

function setUp({ goesLive = true } = {}) {
  const bus = new FakeBus({ goesLive })
  const interests = new ChannelInterests(bus, 0)
  bus.start({
    onMessage() {},
    onAvailability: (reason) => interests.setBusAvailable(reason === undefined),
    onRefusal: (kind, name, refusal) => interests.setRefusal(kind, name, refusal),
  })
  const table = new RouteTable({ outbound: [], inbound: [], convention: true, conventionCodec: 'raw' }, [], ['/topic'])
  const output = new GroupOutput({ joinFrames: true }, { wrote() {} }, new FakeLog(), new Metrics())
  const memberships = new Memberships({ slowClients: [] }, new Registry<Member>(), interests, output, table)
  onTestFinished(() => interests.close())
  const add = (destination: string, id = '1', acknowledges = false) => {
    const subscriber = { transport: 'websocket', join() {}, leave() {}, publish() {}, deliver() {} } as const
    return memberships.add({ destination, id, version: Version.V1_2, subscriber, acknowledges })
  }
  return { memberships, bus, add }
}

describe('memberships', () => {
  it('wait for the bus only until what they need is live', async () => {
    const { memberships, bus, add } = setUp({ goesLive: false })
    const waiting = [add('/topic/a'), add('/topic/a')].map((member) => memberships.whenLive(member))
    expect(waiting).not.toContain(undefined)
    bus.goLive()
    await Promise.all(waiting.map((liveness) => liveness!.live))
    expect(memberships.whenLive(add('/topic/a'))).toBeUndefined()
    expect(bus.commands).toEqual(['subscribe topic:a'])
  })

  it('ask the bus again for what it has refused to those before', async () => {
    const { memberships, bus, add } = setUp({ goesLive: false })
    const refused = memberships.whenLive(add('/topic/a'))!
    bus.refuseSubscription('topic:a')
    await expect(refused.live).rejects.toMatchObject({ code: 'bus-refused' })
    const again = memberships.whenLive(add('/topic/a'))!
    bus.goLive()
    await again.live
    expect(bus.commands).toEqual(['subscribe topic:a', 'subscribe topic:a'])
  })

  it('keep a channel until the last of a destination has gone', async () => {
    const { memberships, bus, add } = setUp()
    const members = [add('/topic/a')]
    await turn()
    for (const id of ['1', '2']) members.push(add('/topic/a', id, id === '2'))
    for (const member of members.slice(1)) memberships.remove(member)
    await turn()
    expect(bus.channels).toContain('topic:a')
    memberships.remove(members[0]!)
    await expect.poll(() => [...bus.channels]).toEqual([])
    expect(memberships.size).toBe(0)
  })

  it('keep nothing in memory of the frames that their names were cut from', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const { memberships, add } = setUp()
    const usedBytes = (): number => {
      gc()
      return process.memoryUsage().heapUsed
    }
    const before = usedBytes()
    for (let i = 0; i < 200; i++) {
      const frame = `destination:/topic/prices/${1000 + i}\nid:subscription-${1000 + i}\n${'x'.repeat(100_000)}`
      add(frame.slice(12, 30), frame.slice(34, 51), i % 2 === 0)
    }
    expect(memberships.size).toBe(200)
    // The frames are 20 MB.
    expect(usedBytes() - before).toBeLessThan(5_000_000)
  })
})
