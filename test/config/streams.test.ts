import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { linesOf, load } from './support.ts'

const redis = { url: 'redis://localhost' }
const configOf = (...outbound: unknown[]) => parseConfig({ redis, routes: { outbound } })
const problems = (...outbound: unknown[]) => linesOf(() => configOf(...outbound))

const ROUTE = {
  destination: '/app/test',
  stream: 'TEST_EVENT_TO_BACKEND',
  maxLength: 100_000,
  fields: { message: 'body', topic: 'destination', how: 'header.priority' },
  constants: { _class: 'com.example.common.model.StreamDataEvent' },
  groups: ['CONSUMER_GROUP'],
}

describe('an outbound route to a stream', () => {
  it('is accepted, and again as it was written out', () => {
    const config = configOf(ROUTE)
    expect(config.routes.outbound).toEqual([{ ...ROUTE, codec: 'raw' }])
    expect(parseConfig(config)).toEqual(config)
  })

  it('has the body as its one field by default, and a bounded length', () => {
    expect(configOf({ destination: '/app/test', stream: 'S' }).routes.outbound).toEqual([
      {
        destination: '/app/test',
        stream: 'S',
        codec: 'raw',
        maxLength: 100_000,
        fields: { message: 'body' },
        constants: {},
        groups: [],
      },
    ])
  })

  it('may take less of the destination into the name of the stream, but not more', () => {
    expect(() => configOf({ destination: '/app/orders/{region}/{id}', stream: 'orders:{region}' })).not.toThrow()
    expect(problems({ destination: '/app/orders', stream: 'orders:{region}' })).toEqual([
      'routes.outbound[0].destination: must have the variable {region} of its stream "orders:{region}"',
    ])
  })

  it.each([
    [{ maxLength: 0 }, 'maxLength: must be a whole number from 1 to 1000000000, not 0'],
    [{ codec: 'no' }, 'codec: must be one of json-string, raw, json, envelope, not "no"'],
    [
      { fields: { message: 'bodi' } },
      'fields.message: must be body, destination, session, user, content-type, reply-to, correlation-id, or header.NAME for a header of the SEND frame',
    ],
    [{ constants: { a: 1 } }, 'constants.a: must be text: put it in quotes'],
    [{ fields: { _class: 'body' } }, 'constants._class: must not be in fields too'],
    [
      { fields: { who: 'user' }, constants: {} },
      'fields: must have body, destination or session, or constants must have a field: an entry is never empty',
    ],
    [{ stream: 'a{b' }, 'stream: has "{" without "}"'],
    [{ gruops: [] }, 'gruops: is not a setting; did you mean groups?'],
    [{ channel: 'x' }, 'channel: must not be there beside stream'],
  ])('is refused with %j', (wrong, line) => {
    expect(problems({ ...ROUTE, ...wrong })).toEqual([`routes.outbound[0].${line}`])
  })

  it('has a channel or a stream', () => {
    expect(problems({ destination: '/app/test', channel: 'a', stream: 'b' })).toEqual([
      'routes.outbound[0].stream: must not be there beside channel',
    ])
    expect(problems({ destination: '/app/test' })).toEqual(['routes.outbound[0].channel: is missing and must be text'])
    expect(problems({ destination: '/app/test', channel: 'a', groups: ['g'] })).toEqual([
      'routes.outbound[0].groups: must not be there beside channel',
    ])
  })

  it('may not be where an earlier route takes everything', () => {
    expect(problems({ destination: '/app/{*rest}', stream: 'ALL' }, { destination: '/app/x', channel: 'x' })).toEqual([
      'routes.outbound[1].destination: can never be used: "/app/{*rest}" of routes.outbound[0] comes first and takes all of "/app/x"',
    ])
  })

  it('needs Redis, and says how to name it', () => {
    const line =
      'redis.url: is missing, and routes.outbound[1].stream needs it: the embedded bus has no streams; set REDIS_URL'
    const outbound = [{ destination: '/app/x', channel: 'x' }, ROUTE]
    expect(linesOf(() => parseConfig({ routes: { outbound } }))).toEqual([line])
    const file = JSON.stringify({ routes: { outbound } })
    expect(() => load(file, { REDIS_URL: 'redis://localhost' })).not.toThrow()
  })
})
