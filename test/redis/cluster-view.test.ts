import { describe, expect, it } from 'vitest'
import { viewBy } from '../../src/redis/cluster-view.ts'

describe('what a node of a Cluster says', () => {
  const view = (...slots: unknown[]) =>
    viewBy((_name, about) => Promise.resolve(about === 'SLOTS' ? slots : 'cluster_current_epoch:7\r\n'), 'reached.test')

  it('is where the slots are', async () => {
    const { epoch, ranges } = await view([0, 99, ['10.0.0.1', 7000, 'a', []], ['10.0.0.2', 7001, 'b', []]])
    expect(epoch).toBe(7)
    expect(ranges).toEqual([[0, 99, { host: '10.0.0.1', port: 7000 }]])
  })

  it.each([null, '', '?'])('is about the one that was reached where its address is %j', async (unknown) => {
    expect((await view([0, 1, [unknown, 7000, 'a', []]])).ranges[0]![2].host).toBe('reached.test')
  })

  it.each([
    ['a list', ['hostname', 'a.test']],
    ['an object', { hostname: 'a.test' }],
    ['a map', new Map([['hostname', 'a.test']])],
  ])('names hosts beside addresses, also of replicas, as %s', async (_name, more) => {
    const { hostnames } = await view([0, 1, ['10.0.0.1', 7000, 'a', []], ['10.0.0.2', 7001, 'b', more]])
    expect([...hostnames]).toEqual([['10.0.0.2:7001', 'a.test']])
  })

  it('is an address where the name that is preferred is missing', async () => {
    expect((await view([0, 1, ['?', 7000, 'a', ['ip', '10.0.0.1']]])).ranges[0]![2].host).toBe('10.0.0.1')
  })

  it('is nothing before Redis 7 but addresses', async () => {
    expect((await view([0, 1, ['10.0.0.1', 7000, 'a']])).hostnames.size).toBe(0)
  })
})
