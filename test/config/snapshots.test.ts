/** Snapshots in a configuration. */
import { describe, expect, it } from 'vitest'
import { configWarnings, parseConfig } from '../../src/config.ts'
import { linesOf } from './support.ts'

const redis = { url: 'redis://localhost' }
const BOXES = { destination: '/app/checkboxes', source: { type: 'hash', key: 'checkbox-state' } }
const HTTP = { destination: '/app/state/{id}', source: { type: 'http', url: 'http://state/{id}' } }

const problems = (snapshots: unknown, more: object = { redis }) => linesOf(() => parseConfig({ snapshots, ...more }))

describe('a snapshot', () => {
  it('has defaults for all that it need not say', () => {
    const text = { destination: '/app/text', source: { type: 'string', key: 'text' } }
    expect(parseConfig({ redis, snapshots: [BOXES, HTTP, text] }).snapshots).toEqual([
      { ...BOXES, source: { ...BOXES.source, maxEntries: 10_000, maxBytes: 1_048_576, timeoutMs: 1000 } },
      { ...HTTP, source: { ...HTTP.source, maxBytes: 1_048_576, timeoutMs: 1000 } },
      { ...text, source: { ...text.source, maxBytes: 1_048_576, timeoutMs: 1000 } },
    ])
  })

  it('of a key needs Redis, one of HTTP does not', () => {
    expect(parseConfig({ snapshots: [HTTP] }).snapshots).toHaveLength(1)
    expect(problems([HTTP, BOXES], {})).toEqual([
      'redis.url: is missing, and snapshots[1].source needs it: the embedded bus has no keys; set REDIS_URL',
    ])
  })

  it.each([
    [{ destination: '/topic/x' }, 'destination: must start with an application prefix, "/app/", not "/topic/x"'],
    [{ destination: '/app/*' }, 'destination: has "*"'],
    [{ source: { type: 'table', key: 'x' } }, 'source.type: must be one of hash, string, list, set'],
    [{ source: { type: 'hash' } }, 'source.key: is missing'],
    [{ source: { type: 'hash', key: 'x', url: 'http://x' } }, 'source.url: is not a setting'],
    [{ source: { type: 'string', key: 'x', maxEntries: 1 } }, 'source.maxEntries: is not a setting'],
    [{ source: { type: 'set', key: 'x:{id}' } }, 'source.key: has {id}, which is no variable of its destination'],
    [{ source: { type: 'http', url: 'ftp://x/' } }, 'source.url: must be an http or https URL'],
    [{ source: { type: 'http', url: 'http://{id}/' } }, 'source.url: must be an http or https URL'],
    [{ source: { type: 'http', url: 'http://state/{id}' } }, 'source.url: has {id}, which is no variable'],
    [{ source: { type: 'http', url: 'http://state/', timeoutMs: 0 } }, 'source.timeoutMs: must be a whole number'],
  ])('with %j is refused', (change, line) => {
    expect(problems([{ ...BOXES, ...change }])).toContainEqual(expect.stringContaining(`snapshots[0].${line}`))
  })

  it('that can never be used is refused', () => {
    const all = { destination: '/app/{*rest}', source: { type: 'hash', key: 'x' } }
    expect(problems([all, BOXES])).toEqual([
      'snapshots[1].destination: can never be used: "/app/{*rest}" comes first and takes all of "/app/checkboxes"',
    ])
  })

  it('may be what a path of an endpoint subscribes, and what a rule is about', () => {
    const endpoints = [{ path: '/boxes', protocol: 'raw', subscribe: ['/app/checkboxes'] }]
    expect(parseConfig({ redis, snapshots: [BOXES], endpoints }).endpoints).toHaveLength(1)
    expect(linesOf(() => parseConfig({ endpoints }))).toHaveLength(1)
    const access = {
      authenticators: [{ type: 'anonymous' }],
      rules: [{ allow: 'subscribe', destination: '/app/checkboxes', anonymous: true }],
    }
    const warnings = configWarnings(parseConfig({ redis, snapshots: [BOXES], access }))
    expect(warnings.filter((line) => line.includes('rules[0]'))).toEqual([])
  })
})
