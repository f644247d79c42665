/** What of a new configuration can be applied, and what is in force then. */
import { describe, expect, it } from 'vitest'
import { LIVE_SETTINGS, parseConfig, planReload } from '../../src/config.ts'
import { describeSettings } from '../../src/config.ts'

const REDIS = { redis: { url: 'redis://localhost' } }

function plan(before: object, after: object, fixed?: readonly string[]) {
  const { config, ...lists } = planReload(parseConfig(before), parseConfig(after), fixed)
  return { config, lists }
}

describe('the plan of a reload', () => {
  it('is empty for what says the same', () => {
    const before = parseConfig({ server: { port: 1 } })
    const { config, applied, needsRestart } = planReload(before, parseConfig({ server: { port: 1 } }))
    expect([applied, needsRestart]).toEqual([[], []])
    expect(config).toBe(before)
  })

  it('tells what can be applied from what needs a restart, and has the one in force and not the other', () => {
    const authenticators = [{ type: 'anonymous' }]
    const rules = [{ allow: 'subscribe', destination: '/topic/**' }]
    const { config, lists } = plan(
      { access: { authenticators }, server: { port: 1 } },
      { access: { authenticators, rules }, server: { port: 2, allowedHosts: ['a.example'] }, log: { level: 'warn' } },
    )
    expect(lists).toEqual({
      applied: ['server.allowedHosts', 'access.rules', 'log.level'],
      needsRestart: ['server.port'],
    })
    expect(config.access?.rules).toEqual(rules)
    expect([config.server.port, config.server.allowedHosts, config.log.level]).toEqual([1, ['a.example'], 'warn'])
  })

  it('says again what still needs a restart', () => {
    const { config } = plan({}, { server: { port: 2 }, log: { level: 'warn' } })
    const again = planReload(config, parseConfig({ server: { port: 2 }, log: { level: 'warn' } }))
    expect([again.applied, again.needsRestart]).toEqual([[], ['server.port']])
  })

  it('changes no open bridge into a closed one, nor back', () => {
    expect(plan({}, { access: {} }).lists).toEqual({ applied: [], needsRestart: ['access'] })
    const closed = { access: { apiKeys: [{ name: 'a', key: 'k', scopes: ['read'] }] } }
    expect(plan(closed, {}).lists).toEqual({ applied: [], needsRestart: ['access'] })
  })

  it.each([
    ['a stream', { outbound: [{ destination: '/app/a', stream: 's' }] }],
    ['a stream that is read', { inbound: [{ stream: 's', destination: '/topic/{field.a}', body: '{field.b}' }] }],
    ['a kept value', { inbound: [{ channel: 'c', destination: '/topic/c', kept: 'key' }] }],
  ])('leaves all routes as they were where %s is new', (_what, routes) => {
    const changed = { convention: false, ...routes }
    const { config, lists } = plan(REDIS, { ...REDIS, routes: changed })
    expect(lists.applied).toEqual([])
    expect(lists.needsRestart).toContain('routes.convention')
    expect(config.routes.convention).toBe(true)
  })

  it('applies other routes beside a stream that stays', () => {
    const stream = { destination: '/app/a', stream: 's' }
    const routes = (channel: string) => ({ outbound: [stream, { destination: '/app/b', channel }] })
    const { lists } = plan({ ...REDIS, routes: routes('one') }, { ...REDIS, routes: routes('two') })
    expect(lists).toEqual({ applied: ['routes.outbound'], needsRestart: [] })
  })

  it('leaves authenticators as they were where tickets come or go', () => {
    const { lists } = plan({ access: {} }, { access: { authenticators: [{ type: 'ticket', ttlSeconds: 60 }] } })
    expect(lists).toEqual({ applied: [], needsRestart: ['access.authenticators'] })
  })

  it('never opens the debug API: its token can change or come, and does not go', () => {
    const [token, other] = ['a-token-of-the-debugger', 'another-token-of-it']
    const closed = { debugger: { api: 'on', token } }
    const { config, lists } = plan(closed, {})
    expect(lists).toEqual({ applied: [], needsRestart: ['debugger.api', 'debugger.token'] })
    expect(config.debugger).toMatchObject({ api: 'on', token })
    const applied = { applied: ['debugger.token'], needsRestart: [] }
    expect(plan(closed, { debugger: { api: 'on', token: other } }).lists).toEqual(applied)
    expect(plan({ debugger: { api: 'on' } }, closed).lists).toEqual(applied)
  })

  it('applies nothing where what could be applied does not fit to what stays', () => {
    const { lists, config } = plan(
      { routes: { inbound: [] } },
      {
        broker: { prefixes: ['/other'] },
        routes: { inbound: [{ channel: 'c', destination: '/other/c' }] },
        log: { level: 'warn' },
      },
    )
    expect(lists.applied).toEqual([])
    expect(lists.needsRestart).toEqual(['broker.prefixes', 'routes.inbound', 'log.level'])
    expect(config.log.level).toBe('info')
  })

  it('leaves what is not for this process', () => {
    expect(plan({}, { log: { level: 'warn' } }, ['log.level']).lists.needsRestart).toEqual(['log.level'])
  })

  it('knows settings that there are', () => {
    const paths = describeSettings().map(({ path }) => path)
    expect(LIVE_SETTINGS.filter((path) => !paths.includes(path))).toEqual([])
  })
})
