/** Commands of clients to Redis in a configuration. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { linesOf } from './support.ts'

const redis = { url: 'redis://localhost' }

const problems = (redisCommands: unknown, more: object = { redis }) =>
  linesOf(() => parseConfig({ redisCommands, ...more }))

describe('commands to Redis', () => {
  it('are none by default', () => {
    expect(parseConfig().redisCommands).toEqual({
      allow: [],
      keyPrefix: '{user}:',
      maxBytes: 1000,
      maxAnswerBytes: 65_536,
      timeoutMs: 1000,
    })
  })

  it('need Redis', () => {
    expect(problems({ allow: ['GET'] }, {})).toEqual([
      'redis.url: is missing, and redisCommands needs it: the embedded bus has no commands; set REDIS_URL',
    ])
  })

  it.each(['{user}', 'x:', '{user}{user}:', '{name}:', '{user}x:', 'x*{user}-', ''])(
    'have no prefix %j',
    (keyPrefix) => {
      expect(problems({ allow: ['GET'], keyPrefix })).toEqual([
        expect.stringContaining('redisCommands.keyPrefix: must have {user} once, with ":" or "/" after it'),
      ])
    },
  )

  it('may be what an endpoint sends, where there are some', () => {
    const endpoints = [{ path: '/redis', protocol: 'raw', subscribe: ['/user/queue/redis'], send: '/bridge/redis' }]
    expect(parseConfig({ redis, redisCommands: { allow: ['GET'] }, endpoints }).endpoints).toHaveLength(1)
    expect(problems({}, { redis, endpoints })).toEqual([expect.stringContaining('endpoints[0].send')])
  })
})
