/** Destinations of users, groups and sessions: in routes, endpoints and prefixes. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { linesOf } from './support.ts'

const inbound = (...routes: unknown[]) => parseConfig({ routes: { inbound: routes } }).routes.inbound
const inboundProblems = (...routes: unknown[]) => linesOf(() => inbound(...routes))
const broker = (settings: object) => linesOf(() => parseConfig({ broker: settings }))

describe('inbound routes', () => {
  it.each([
    ['inbox:{user}', '/user/{user}/queue/inbox'],
    ['inbox:{user}:{*name}', '/user/{user}/queue/{*name}'],
    ['boss', '/user/bob/queue/news'],
    ['team:{name}', '/group/{name}/news'],
    ['team:{name}:{*rest}', '/group/team-{name}/{*rest}'],
    ['socket:{id}', '/session/{id}/queue/news'],
  ])('bring %s to %s', (channel, destination) => {
    expect(inbound({ channel, destination })).toMatchObject([{ channel, destination }])
  })

  it.each(['/user/{user}/news', '/user/{user}/queue/', '/user/queue/{user}', '/group/{user}', '/session/{user}/x/y'])(
    'do not bring anything to %s',
    (destination) => {
      expect(inboundProblems({ channel: destination.includes('{') ? '{user}' : 'x', destination })).toEqual([
        `routes.inbound[0].destination: must start with a broker prefix, "/topic/", not "${destination}"`,
      ])
    },
  )

  it('take receiver and body from fields of a JSON payload', () => {
    const route = {
      channel: 'article:{kind}',
      codec: 'json',
      destination: '/user/{body.to.uuid_remote}/queue/{kind}',
      body: 'data.message',
    }
    expect(inbound(route)).toEqual([{ ...route, subscribe: 'on-demand' }])
  })

  it.each([
    [{ codec: 'raw', body: 'message' }, 'codec: must be json, because the body is taken from a field'],
    [
      { codec: 'raw', destination: '/topic/{body.a}' },
      'codec: must be json, because the destination is taken from a field',
    ],
    [{ body: 'a..b' }, 'body: must be the path of a field, such as "message" or "data.text"'],
    [{ destination: '/topic/{body.}' }, 'destination: has "{body.}", but a variable is written {name} or {*name}'],
    [
      { destination: '/topic/{body.a}', kept: 'key' },
      'kept: cannot be together with fields of the payload: the newest message of a destination could not be found',
    ],
    [{ channel: 'x:{body.a}' }, 'channel: has "{body.a}", but a variable is written {name} or {*name}'],
    [
      { destination: '/topic/{body.a}{body.b}' },
      'destination: has two variables side by side: put some text between them',
    ],
  ])('with fields are refused where there are none: %j', (more, line) => {
    expect(inboundProblems({ channel: 'x', destination: '/topic/x', codec: 'json', ...more })).toEqual([
      `routes.inbound[0].${line}`,
    ])
  })

  it('may bring one payload to two receivers, but not twice to one', () => {
    const to = (field: string) => ({ channel: 'x', codec: 'json', destination: `/user/{body.${field}}/queue/x` })
    expect(inbound(to('sender'), to('receiver'))).toHaveLength(2)
    expect(inboundProblems(to('sender'), to('sender'))).toEqual([expect.stringContaining('messages would come twice')])
  })
})

describe('preset: ws4redis of inbound routes', () => {
  it('is written out as its four routes', () => {
    expect(
      inbound({ preset: 'ws4redis', facility: '{name}' }).map((route) => [
        'channel' in route && route.channel,
        route.destination,
      ]),
    ).toEqual([
      ['broadcast:{name}', '/topic/{name}'],
      ['user:{receiver}:{name}', '/user/{receiver}/queue/{name}'],
      ['group:{receiver}:{name}', '/group/{receiver}/{name}'],
      ['session:{receiver}:{name}', '/session/{receiver}/queue/{name}'],
    ])
    const [broadcast, user] = inbound({ preset: 'ws4redis', facility: 'chat' })
    expect(broadcast).toEqual({
      channel: 'broadcast:chat',
      destination: '/topic/chat',
      codec: 'raw',
      subscribe: 'on-demand',
      kept: 'key',
    })
    expect(user).toMatchObject({ channel: 'user:{name}:chat', destination: '/user/{name}/queue/chat' })
  })

  it('is subscribed at all times where there is history: what is sent there is recorded by who hears it', () => {
    const route = { preset: 'ws4redis', facility: '{name}' }
    const history = [{ destination: '/topic/**' }, { destination: '/user/alice/queue/news' }]
    const subscribed = (more: object) =>
      parseConfig({ history, routes: { inbound: [{ ...route, ...more }] } }).routes.inbound.map(
        (each) => 'channel' in each && each.subscribe,
      )
    expect(subscribed({})).toEqual(['always', 'always', 'on-demand', 'on-demand'])
    expect(subscribed({ keptTtlSeconds: 0 })).toEqual(['on-demand', 'on-demand', 'on-demand', 'on-demand'])
  })

  it('is accepted as it was written out', () => {
    const config = parseConfig({ routes: { inbound: [{ preset: 'ws4redis', facility: '{f}' }] } })
    expect(parseConfig(config)).toEqual(config)
  })

  it.each([
    [{ preset: 'ws4redis' }, 'facility: is missing and must be text'],
    [{ preset: 'ws4', facility: 'x' }, 'preset: must be ws4redis, not "ws4"'],
    [{ preset: 'ws4redis', facility: '{*x}' }, 'facility: must be fixed text, or a variable such as "{name}" for any'],
    [{ preset: 'ws4redis', facility: 'x', codec: 'raw' }, 'codec: is not a setting'],
    [{ preset: 'ws4redis', facility: 'x', facilitty: 'x' }, 'facilitty: is not a setting; did you mean facility?'],
  ])('is refused: %j', (route, line) => {
    expect(inboundProblems(route)).toEqual([`routes.inbound[0].${line}`])
  })

  it('needs /topic, and no other route for its channels', () => {
    const route = { preset: 'ws4redis', facility: 'x' }
    expect(linesOf(() => parseConfig({ broker: { prefixes: ['/queue'] }, routes: { inbound: [route] } }))).toEqual([
      'routes.inbound[0].preset: brings messages to "/topic/x", which must start with a broker prefix, "/queue/"',
    ])
    expect(inboundProblems({ channel: 'broadcast:x', destination: '/topic/x' }, route)).toEqual([
      'routes.inbound[1]: brings "broadcast:x" to "/topic/x", and routes.inbound[0] brings "broadcast:x" to "/topic/x": messages would come twice',
    ])
  })

  it('does not hide what is wrong with a route beside it', () => {
    expect(inboundProblems({ channel: 3, destination: '/topic/x' }, {}, 'x')).toEqual([
      'routes.inbound[0].channel: must be text: put it in quotes',
      'routes.inbound[1].channel: is missing and must be text',
      'routes.inbound[1].destination: is missing and must be text',
      'routes.inbound[2]: must be a group of settings',
    ])
  })
})

describe('prefixes', () => {
  it.each(['/user', '/user/queue', '/group', '/session/x', '/presence', '/bridge'])(
    'are refused where %s is one',
    (prefix) => {
      const [, first] = prefix.split('/')
      const text = `must be another prefix than "${prefix}": "/${first}" is reserved for the bridge itself`
      expect(broker({ prefixes: ['/topic', prefix] })).toEqual([`broker.prefixes[1]: ${text}`])
      expect(broker({ applicationPrefixes: [prefix] })).toEqual([`broker.applicationPrefixes[0]: ${text}`])
    },
  )

  it('may begin like a reserved one', () => {
    expect(parseConfig({ broker: { prefixes: ['/topic', '/users', '/x/user'] } }).broker.prefixes).toHaveLength(3)
  })
})

describe('server.allowedHosts and server.trustedProxies', () => {
  it('take names and addresses', () => {
    const server = {
      allowedHosts: ['app.example.com', 'localhost', '127.0.0.1', '[::1]', 'a_b'],
      trustedProxies: ['10.0.0.0/8', '::1', '192.168.1.1'],
    }
    expect(parseConfig({ server }).server).toMatchObject(server)
  })

  it.each(['app.example.com:80', 'https://app.example.com', '::1', '*', '1.2.3', 'a b', ''])(
    'refuse the host "%s"',
    (host) => {
      expect(linesOf(() => parseConfig({ server: { allowedHosts: [host] } }))).toEqual([
        'server.allowedHosts[0]: must be a host name without a port, such as "app.example.com"; an IPv6 address stands in brackets',
      ])
    },
  )

  it('refuse a proxy by its name', () => {
    expect(linesOf(() => parseConfig({ server: { trustedProxies: ['proxy'] } }))).toEqual([
      'server.trustedProxies[0]: must be an IP address, or a range such as "10.0.0.0/8" or "fd00::/8"',
    ])
  })
})

describe('limits.rates and presence', () => {
  it('take destinations and patterns', () => {
    const rates = [{ action: 'send', destination: '/app/**', count: 1, perSeconds: 5 }]
    const presence = { destinations: ['/topic/rooms/*'], ttlSeconds: 5 }
    expect(parseConfig({ limits: { rates }, presence })).toMatchObject({ limits: { rates }, presence })
  })

  it.each([
    [{ action: 'read' }, 'action: must be one of send, subscribe, not "read"'],
    [
      { destination: '/app/{x}' },
      'destination: must be a destination such as "/topic/news", or a pattern with *, ** or ?',
    ],
    [{ count: 0 }, 'count: must be a whole number from 1 to 1000000, not 0'],
    [{ perSeconds: undefined }, 'perSeconds: is missing and must be a whole number from 1 to 86400'],
  ])('refuse a rate with %j', (more, line) => {
    const rate = { action: 'send', destination: '/app/x', count: 1, perSeconds: 5, ...more }
    expect(linesOf(() => parseConfig({ limits: { rates: [rate] } }))).toEqual([`limits.rates[0].${line}`])
  })

  it('refuse a time that a node cannot keep', () => {
    expect(linesOf(() => parseConfig({ presence: { ttlSeconds: 4 } }))).toEqual([
      'presence.ttlSeconds: must be a whole number from 5 to 3600, not 4',
    ])
  })
})
