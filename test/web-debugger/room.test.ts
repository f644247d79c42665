import { describe, expect, it } from 'vitest'
import { createLayout } from '../../web-debugger/shell/layout.ts'
import { SubscriptionEntry } from '../../web-debugger/stomp/subscriptions.ts'
import { groupByPrefix, searchSubscriptions } from '../../web-debugger/subscriptions/subscription-groups.ts'
import { memoryStore } from './fake-page.ts'

const entries = (...destinations: string[]) =>
  destinations.map((destination, i) => new SubscriptionEntry(`sub-${i}`, 0, { destination }))

describe('many subscriptions', () => {
  it('are grouped by all but the last part of their destinations', () => {
    const all = entries('/topic/a/1', '/topic/b', '/topic/a/2', '/queue/x.eu.1', '/queue/x.eu.2', 'plain', '/one')
    expect(groupByPrefix(all).map(({ prefix, entries: found }) => [prefix, found.length])).toEqual([
      ['/topic/a/', 2],
      ['/topic/', 1],
      ['/queue/x.eu.', 2],
      ['plain', 1],
      ['/one', 1],
    ])
  })

  it('are found by words in any case and order, and by their ids', () => {
    const all = entries('/topic/red/apple', '/topic/green/apple', '/topic/red/pear')
    const found = (text: string) => searchSubscriptions(all, text).map(({ id }) => id)
    expect(found('  ')).toHaveLength(3)
    expect(found('APPLE red')).toEqual(['sub-0'])
    expect(found('sub-2')).toEqual(['sub-2'])
    expect(found('apple pear')).toEqual([])
  })
})

describe('the layout', () => {
  it('is remembered, and forgotten where the page has its say again', () => {
    const storage = memoryStore()
    const first = createLayout(storage)
    expect([first.sideWidth.value, first.detailWidth.value, first.areSubscriptionsGrouped.value]).toEqual([
      undefined,
      undefined,
      false,
    ])
    first.sideWidth.value = 420
    first.detailWidth.value = 300
    first.areSubscriptionsGrouped.value = true
    first.detailWidth.value = undefined
    const second = createLayout(storage)
    expect([second.sideWidth.value, second.detailWidth.value, second.areSubscriptionsGrouped.value]).toEqual([
      420,
      undefined,
      true,
    ])
  })

  it.each(['-5', '0', 'wide', '1e9'])('takes no width of %s', (width) => {
    const storage = memoryStore()
    storage.setItem('stomp-bridge.layout.side-width', width)
    expect(createLayout(storage).sideWidth.value).toBeUndefined()
  })
})
