import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { linesOf } from './support.ts'

const endpoint = (more: Record<string, unknown>) => ({ path: '/ws', protocol: 'raw', ...more })
const problemsOf = (...endpoints: Record<string, unknown>[]) =>
  linesOf(() => parseConfig({ endpoints: endpoints.map(endpoint) }))

const OWN = 'must be another path: the bridge answers this one itself'
const PLAIN = 'must be a plain path such as "/ws/{room}", where {room} stands for one segment'
const DESTINATION =
  'must be a destination such as "/topic/{room}", where {room} is from the path and {query.room} from the query'

describe('endpoints', () => {
  it('are taken as they are meant, with defaults', () => {
    const { endpoints } = parseConfig({
      endpoints: [
        { path: '/', protocol: 'raw', subscribe: ['/topic/notifications'] },
        { path: '/ws', protocol: 'raw', subscribe: ['/topic/{query.room}'], credential: 'token', wrap: 'message' },
        { path: '/ws/{room}/x', protocol: 'raw', subscribe: ['/topic/{room}-{query.b}'], send: '/app/{room}' },
        { path: '/echo', protocol: 'raw', echo: true },
      ],
    })
    expect(endpoints[0]).toEqual({
      path: '/',
      protocol: 'raw',
      subscribe: ['/topic/notifications'],
      frame: 'body',
      echo: false,
    })
    expect(endpoints).toHaveLength(4)
  })

  it.each([
    [{ path: 'ws' }, `endpoints[0].path: ${PLAIN}`],
    [{ path: '/ws/' }, `endpoints[0].path: ${PLAIN}`],
    [{ path: '/a/{b}c' }, `endpoints[0].path: ${PLAIN}`],
    [{ path: '/a/*' }, `endpoints[0].path: ${PLAIN}`],
    [{ path: '/a/:b' }, `endpoints[0].path: ${PLAIN}`],
    [{ path: '/health' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/raw/topic/x' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/sse' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/api/tickets' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/api/revocations' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/api/users/{user}' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/api/presence' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/api/notifications' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/api/sessions/{id}' }, `endpoints[0].path: ${OWN}`],
    [{ path: '/stomp' }, 'endpoints[0].path: must not be server.path too: "/stomp"'],
    [{ path: '/stomp/websocket' }, 'endpoints[0].path: must not be server.path too: "/stomp/websocket"'],
    [{ path: '/debugger' }, 'endpoints[0].path: must not be debugger.path too: "/debugger"'],
    [{ path: '/debugger/x' }, 'endpoints[0].path: must not be debugger.path too: "/debugger/x"'],
    [{ protocol: 'stomp' }, 'endpoints[0].protocol: must be one of raw, not "stomp"'],
    [{ subscribe: ['topic/x'] }, `endpoints[0].subscribe[0]: ${DESTINATION}`],
    [{ subscribe: ['/topic/*'] }, `endpoints[0].subscribe[0]: ${DESTINATION}`],
    [{ subscribe: ['/topic/{*rest}'] }, `endpoints[0].subscribe[0]: ${DESTINATION}`],
    [{ send: '/topic/' }, `endpoints[0].send: ${DESTINATION}`],
    [
      { subscribe: ['/topic/a', '/queue/{query.x}'] },
      'endpoints[0].subscribe[1]: must be below a prefix of broker.prefixes, or /user/queue, /session/queue or /group/{name}, not "/queue/{query.x}"',
    ],
    [
      { subscribe: ['/{query.x}/a'] },
      'endpoints[0].subscribe[0]: must be below a prefix of broker.prefixes, or /user/queue, /session/queue or /group/{name}, not "/{query.x}/a"',
    ],
    [
      { send: '/queue/x' },
      'endpoints[0].send: must be below a prefix of broker.applicationPrefixes or broker.prefixes, or address a user, group or session, not "/queue/x"',
    ],
    [
      { path: '/ws/{room}', subscribe: ['/topic/{rooms}'] },
      'endpoints[0].subscribe[0]: has the variable {rooms}, which its path does not have; for a query parameter write {query.rooms}',
    ],
    [
      { send: '/app/{room}' },
      'endpoints[0].send: has the variable {room}, which its path does not have; for a query parameter write {query.room}',
    ],
    [
      { frame: 'json', wrap: 'message' },
      'endpoints[0].wrap: must be left out with frame: json, which is another way to write it',
    ],
  ])('are refused where they cannot be meant: %j', (more, line) => {
    expect(problemsOf(more)).toEqual([line])
  })

  it('may be for users, groups and sessions', () => {
    const endpoints = [
      { path: '/a/{g}', protocol: 'raw', subscribe: ['/user/queue/x', '/group/{g}/x', '/session/queue/{query.y}'] },
      { path: '/b/{u}', protocol: 'raw', send: '/user/{u}/queue/x' },
      { path: '/c', protocol: 'raw', send: '/session/{query.id}/queue/x' },
    ]
    expect(parseConfig({ endpoints }).endpoints).toMatchObject(endpoints)
    expect(problemsOf({ subscribe: ['/user/bob/queue/x'] })).toHaveLength(1)
    expect(problemsOf({ send: '/user/queue/x' })).toHaveLength(1)
  })

  it('may have a preset instead of all else', () => {
    const preset = { path: '/ws/{facility}', preset: 'ws4redis', credential: 'token' }
    const config = parseConfig({ endpoints: [preset] })
    expect(config.endpoints).toEqual([{ ...preset, subscribe: [], frame: 'body', echo: false }])
    expect(parseConfig(config)).toEqual(config)
  })

  it.each([
    [{ preset: undefined }, 'protocol: is missing and must be raw, unless there is a preset'],
    [{ preset: 'ws4' }, 'preset: must be one of ws4redis, not "ws4"'],
    [{ path: '/ws/{room}' }, 'path: must have {facility}, which the preset takes from it, and is "/ws/{room}"'],
    ...[
      { protocol: 'raw' },
      { subscribe: ['/topic/x'] },
      { send: '/app/x' },
      { wrap: 'm' },
      { echo: true },
      { frame: 'json' },
    ].map((more): [object, string] => [
      more,
      `${Object.keys(more)[0]}: must be left out with a preset, which says it already`,
    ]),
  ])('are refused with a preset and %j', (more, line) => {
    const given = { path: '/ws/{facility}', preset: 'ws4redis', ...more }
    expect(linesOf(() => parseConfig({ endpoints: [given] }))).toEqual([`endpoints[0].${line}`])
  })

  it('are refused where two take the same paths', () => {
    expect(problemsOf({ path: '/ws/{a}' }, { path: '/ws/x' }, { path: '/ws/{b}' })).toEqual([
      'endpoints[2].path: must not be that of endpoints[0] too: "/ws/{b}"',
    ])
  })

  it('are refused at the alias of a STOMP endpoint at /', () => {
    const config = { server: { path: '/' }, endpoints: [endpoint({ path: '/websocket' })] }
    expect(linesOf(() => parseConfig(config as never))).toEqual([
      'endpoints[0].path: must not be server.path too: "/websocket"',
    ])
  })

  it('are refused at paths of SockJS, where that is', () => {
    const config = {
      doors: { sockjs: true },
      endpoints: [endpoint({ path: '/stomp/{a}' }), endpoint({ path: '/stompy' })],
    }
    expect(linesOf(() => parseConfig(config as never))).toEqual([
      'endpoints[0].path: must not be a path of SockJS too: "/stomp/{a}"',
    ])
    expect(() => parseConfig({ ...config, doors: {} })).not.toThrow()
  })

  it('are refused with more subscriptions than a client may have', () => {
    const subscribe = ['/topic/a', '/topic/b', '/topic/c']
    const config = { limits: { maxSubscriptions: 2 }, endpoints: [endpoint({ subscribe })] }
    expect(linesOf(() => parseConfig(config as never))).toEqual([
      'endpoints[0].subscribe: must have at most limits.maxSubscriptions entries, which is 2, not 3',
    ])
  })

  it('may be where the page of the debugger would be if it were served', () => {
    const config = { debugger: { enabled: false }, endpoints: [endpoint({ path: '/debugger' })] }
    expect(parseConfig(config as never).endpoints).toHaveLength(1)
  })
})
