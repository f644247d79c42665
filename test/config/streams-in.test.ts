/** Inbound routes of streams in a configuration. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { linesOf } from './support.ts'

const redis = { url: 'redis://localhost' }
const EVENTS = { stream: 'EVENTS', destination: '{field.topic}', body: '{field.message}' }
const PRICES = { stream: 'PRICES', destination: '/topic/prices/{field.symbol}', body: '{field.price}' }

const problems = (inbound: unknown[], more: object = {}) =>
  linesOf(() => parseConfig({ redis, routes: { inbound }, ...more }))

describe('an inbound route of a stream', () => {
  it('has defaults for all that it need not say', () => {
    expect(parseConfig({ redis, routes: { inbound: [EVENTS] } }).routes).toMatchObject({
      outbound: [],
      inbound: [{ ...EVENTS, headers: [], start: 'latest', maxScan: 10_000 }],
    })
  })

  it('stands beside routes of channels, and addresses users', () => {
    const inbox = { stream: 'INBOX', destination: '/user/{field.user}/queue/inbox', body: '{field.message}' }
    const channel = { channel: 'news', destination: '/topic/news' }
    expect(parseConfig({ redis, routes: { inbound: [channel, inbox, PRICES, EVENTS] } }).routes.inbound).toHaveLength(4)
  })

  it('needs Redis', () => {
    expect(linesOf(() => parseConfig({ routes: { inbound: [EVENTS] } }))).toEqual([
      'redis.url: is missing, and routes.inbound[0].stream needs it: the embedded bus has no streams; set REDIS_URL',
    ])
  })

  it.each([
    [{ body: 'message' }, 'body: must be a field of the entry, such as "{field.message}"'],
    [{ destination: '/topic/{name}' }, 'destination: has "{" or "}", but a field is written {field.name}'],
    [{ destination: '/topic/*' }, 'destination: has "*" or "?": it must be a destination, not a pattern'],
    [
      { destination: '/topic/{field.a}{field.b}' },
      'destination: has two fields side by side: put some text between them',
    ],
    [{ destination: '/other/x' }, 'destination: must start with a broker prefix, "/topic/", not "/other/x"'],
    [{ headers: ['a', 'message-id'] }, 'headers[1]: must not be "message-id", which only the bridge sets'],
    [{ start: 'now' }, 'start: must be one of latest, earliest, not "now"'],
    [{ maxScan: 0 }, 'maxScan: must be a whole number from 1 to 1000000, not 0'],
    [{ codec: 'json' }, 'codec: is not a setting'],
  ])('with %j is refused', (change, line) => {
    expect(problems([{ ...EVENTS, ...change }])).toEqual([expect.stringContaining(`routes.inbound[0].${line}`)])
  })

  it('without a body is refused', () => {
    expect(problems([{ stream: 'EVENTS', destination: '/topic/x' }])).toEqual([
      expect.stringContaining('routes.inbound[0].body: is missing'),
    ])
  })

  it('that can never be used is refused', () => {
    const other = { ...EVENTS, stream: 'OTHER' }
    expect(problems([EVENTS, PRICES, other])).toEqual([
      expect.stringContaining('routes.inbound[1].destination: can never be used: "{field.topic}"'),
      expect.stringContaining('routes.inbound[2].destination: can never be used: "{field.topic}"'),
    ])
    expect(problems([PRICES, { ...PRICES, destination: '/topic/prices/ACME' }])).toHaveLength(1)
  })

  it.each([
    [PRICES, '/topic/prices/*'],
    [PRICES, '/topic/prices/ACME'],
    [PRICES, '/topic/**'],
    [EVENTS, '/topic/**'],
  ])('%j is refused beside a history of %s', (route, destination) => {
    expect(problems([route], { history: [{ destination }] })).toEqual([
      expect.stringContaining('a stream has a history of its own'),
    ])
  })

  it('stands beside a history of what it may never give', () => {
    const history = [{ destination: '/topic/chat/**' }]
    expect(parseConfig({ redis, history, routes: { inbound: [PRICES, EVENTS] } }).history).toHaveLength(1)
  })
})
