/** A template's glob, asked of a real Redis: what PSUBSCRIBE really delivers for it. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { separatorsOf } from '../../src/config/template-syntax.ts'
import { compileTemplate } from '../../src/routes/template.ts'
import { globDeliveries } from '../support/glob-deliveries.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { templates, values } from './arbitraries.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** Anything for a variable, also nothing: all that a glob can say. */
function looselyMatches(source: string, channel: string): boolean {
  const parts = source.split(/\{\*?\w+\}/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(channel)
}

describe('glob of a template in Redis', () => {
  it('covers every channel that the template matches, and only what differs in its variables', async () => {
    const sources = [
      ...new Set(['orders:{id}:out', 'topic:{*name}', 'a[b]:{x}', 'a?{x}', 'a\\{x}', ...fc.sample(templates, 300)]),
    ].filter((source) => source.includes('{'))
    const channels = new Set([
      'orders:1:out',
      'orders::out',
      'topic:',
      'topic:a/b',
      'ab:1',
      'a[b]:*',
      'aXv',
      'a?v',
      'a\\v',
      'av',
    ])
    for (const source of sources) {
      for (const value of fc.sample(values, 6)) channels.add(source.replace(/\{\*?\w+\}/g, () => value))
      channels.add(source)
    }
    const compiled = new Map(sources.map((source) => [source, compileTemplate(source, separatorsOf(source))]))
    const received = await globDeliveries(
      redis,
      [...new Set([...compiled.values()].map(({ glob }) => glob))],
      [...channels],
    )
    let matched = 0
    const wrong: string[] = []
    for (const [source, template] of compiled) {
      for (const channel of channels) {
        const isDelivered = received.get(template.glob)!.has(channel)
        const isMatched = template.match(channel) !== undefined
        if (isMatched) matched++
        if (isMatched && !isDelivered) wrong.push(`${source} misses ${channel}`)
        if (isDelivered !== looselyMatches(source, channel)) wrong.push(`${source} with ${channel}`)
      }
    }
    expect(wrong).toEqual([])
    expect(matched).toBeGreaterThan(100)
  })
})
