import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema, describeSettings, parseConfig } from '../../src/config.ts'
import { load } from './support.ts'

const text = readFileSync(new URL('../../bridge.example.yaml', import.meta.url), 'utf8')
const commented = /^# access:\n(#.*\n)+/m
const withAccess = text.replace(commented, (block) => block.replace(/^# /gm, ''))

describe('bridge.example.yaml', () => {
  it('names its schema in the first line, for editors', () => {
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./bridge.schema.json')
  })

  it('equals the defaults except for the routes that it states', () => {
    const config = load(text)
    const { outbound, inbound, ...routes } = config.routes
    const defaults = parseConfig({ routes: { outbound: [], inbound: [] } })
    expect({ ...config, routes: { ...routes, outbound: [], inbound: [] } }).toEqual(defaults)
    expect(outbound).toEqual([{ destination: '/app/orders/{id}', channel: 'orders:{id}:out', codec: 'envelope' }])
    expect(inbound.map((route) => 'channel' in route && route.channel)).toEqual([
      'prices:{symbol}',
      'GREETING_CHANNEL_INBOUND',
    ])
  })

  it('shows every section and every setting, those without a default as comments', () => {
    const sections = Object.keys(configJsonSchema()['properties'] as object).filter((key) => key !== '$schema')
    expect(Object.keys(parse(withAccess))).toEqual(sections)
    for (const { path } of describeSettings()) {
      expect(text, path).toMatch(new RegExp(`^ *(# *)?${path.split('.').at(-1)}:`, 'm'))
    }
  })

  it('has no access, but an example that works once its secrets are filled in', () => {
    expect(load(text).access).toBeUndefined()
    const filledIn = withAccess
      .replace('scrypt$…', 'scrypt$32768$8$3$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
      .replace("keyHash: '…'", `keyHash: ${'0a'.repeat(32)}`)
    const { authenticators, rules, apiKeys, ...defaults } = load(filledIn).access!
    expect(authenticators.map(({ type }) => type)).toEqual(['jwt', 'ticket', 'users', 'anonymous'])
    expect([rules.length, apiKeys.length]).toEqual([6, 1])
    expect({ ...defaults, authenticators: [], rules: [], apiKeys: [] }).toEqual(parseConfig({ access: {} }).access)
  })
})
