import { describe, expect, it } from 'vitest'
import { isLoopback, loadConfig, parseConfig } from '../../src/config.ts'
import { linesOf, load } from './support.ts'

const TOKEN = 'sixteen-letters!'

describe('debugger.api: auto', () => {
  it('is on without a file, as long as this machine alone is listened to', () => {
    const apiOf = (env: Record<string, string>, host?: string) => loadConfig({ env, options: { host } }).debugger.api
    expect(apiOf({})).toBe('on')
    expect(apiOf({ REDIS_URL: 'redis://host', STOMP_BRIDGE_DEBUGGER_TOKEN: TOKEN })).toBe('on')
    expect(apiOf({ STOMP_BRIDGE_DEBUGGER_API: 'auto' }, 'localhost')).toBe('on')
    expect(apiOf({ HOST: '0.0.0.0' })).toBe('off')
    expect(apiOf({}, '::')).toBe('off')
    expect(apiOf({ STOMP_BRIDGE_DEBUGGER_ENABLED: 'false' })).toBe('off')
    expect(apiOf({ STOMP_BRIDGE_DEBUGGER_API: 'off' })).toBe('off')
  })

  it('is off with any file, and for a program that embeds the bridge', () => {
    expect(load('').debugger.api).toBe('off')
    expect(load('debugger: { api: auto }').debugger.api).toBe('off')
    expect(parseConfig({ debugger: { api: 'auto' } }).debugger.api).toBe('off')
  })

  it('leaves what is said alone', () => {
    expect(load('debugger: { api: on }').debugger.api).toBe('on')
    expect(parseConfig({ debugger: { api: 'on' } }).debugger.api).toBe('on')
    expect(loadConfig({ env: {} })).toSatisfy(Object.isFrozen)
    expect(loadConfig({ env: {} }).debugger).toSatisfy(Object.isFrozen)
  })
})

describe('debugger.api: on', () => {
  it('needs a token where others can reach it, wherever the settings come from', () => {
    const line =
      'debugger.token: is missing, and debugger.api: on needs it, because others can reach server.host 0.0.0.0'
    expect(linesOf(() => parseConfig({ server: { host: '0.0.0.0' }, debugger: { api: 'on' } }))).toEqual([line])
    expect(linesOf(() => load('debugger: { api: on }', { HOST: '0.0.0.0' }))).toEqual([`bridge.yaml: ${line}`])
    expect(linesOf(() => loadConfig({ env: { HOST: '0.0.0.0', STOMP_BRIDGE_DEBUGGER_API: 'on' } }))).toEqual([line])
  })

  it.each([
    { server: { host: '0.0.0.0' }, debugger: { api: 'on', token: TOKEN } },
    { server: { host: '::1' }, debugger: { api: 'on' } },
    { server: { host: '0.0.0.0' }, debugger: { api: 'off' } },
  ])('takes %j', (input) => {
    expect(parseConfig(input)).toMatchObject(input)
  })
})

describe('debugger.token', () => {
  it.each(['short', 'fifteen-letters', 'sixteen letters!', 'sechzehnBuchstäben', 1_234_567_890_123_456])(
    'cannot be %j, and is not quoted',
    (token) => {
      const lines = linesOf(() => parseConfig({ debugger: { token } }))
      expect(lines).toEqual([expect.stringMatching(/^debugger\.token: must be (at least 16 printable ASCII|text)/)])
      expect(lines.join()).not.toContain(String(token))
    },
  )
})

describe('debugger.path', () => {
  it.each([
    ['/health', '/health'],
    ['/docs/debugger', '/docs'],
    ['/api', '/api/notification'],
    ['/api/debugger', '/api'],
  ])('cannot be %s, which is, or is below, a path of the bridge itself', (path, own) => {
    expect(linesOf(() => parseConfig({ debugger: { path } }))).toEqual([
      `debugger.path: must be apart from "${own}", which the bridge answers itself`,
    ])
  })

  it.each([
    ['/debugger', '/debugger'],
    ['/stomp/debugger', '/stomp'],
    ['/ws', '/ws/v1'],
    ['/ws', '/ws/'],
  ])('cannot be %s with server.path %s', (path, stompPath) => {
    expect(linesOf(() => parseConfig({ server: { path: stompPath }, debugger: { path } }))).toEqual([
      `debugger.path: must be apart from server.path, which is "${stompPath}", and is "${path}"`,
    ])
  })

  it.each(['', '/', 'debugger', '/debugger/', '//x', '/a b', '/..', '/a/./b', '/a?b'])('cannot be %j', (path) => {
    expect(linesOf(() => parseConfig({ debugger: { path } }))).toEqual([
      'debugger.path: must start with "/", not end with "/", and be a plain path such as "/debugger"',
    ])
  })

  it.each([{ path: '/' }, { path: '/stomp' }, { path: '/debugger-ws' }])(
    'may be /debugger beside server %j',
    (server) => {
      expect(parseConfig({ server }).debugger.path).toBe('/debugger')
    },
  )

  it('is free for something else when it is another', () => {
    const input = { server: { path: '/debugger' }, debugger: { path: '/tools/stomp.v1' } }
    expect(parseConfig(input)).toMatchObject(input)
  })
})

describe('server.path', () => {
  it.each(['/api/bridge', '/api/sessions', '/api/sessions/x', '/api/channels/x/tail'])('cannot be %s', (path) => {
    expect(linesOf(() => parseConfig({ server: { path } }))).toEqual([
      'server.path: must be another path: the bridge answers this one itself',
    ])
  })

  it('may be below /api otherwise', () => {
    expect(parseConfig({ server: { path: '/api/socket' } }).server.path).toBe('/api/socket')
  })
})

describe('isLoopback', () => {
  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('is so for %s', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  it.each(['', '0.0.0.0', '::', '10.0.0.1', 'localhost.example', '127.0.0.1.example', 'x127.0.0.1'])(
    'is not so for %j',
    (host) => {
      expect(isLoopback(host)).toBe(false)
    },
  )
})
