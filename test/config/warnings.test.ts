import { describe, expect, it } from 'vitest'
import { checkedConfig } from '../../src/cli.ts'
import { configWarnings, loadConfig, parseConfig } from '../../src/config.ts'

const ANONYMOUS = { type: 'anonymous' }
const RULE = { allow: 'subscribe', destination: '/topic/**' }
const JWT = { type: 'jwt', algorithms: ['RS256'], jwksUrl: 'https://id.example/', audience: 'bridge' }

const warnings = (input: object) => configWarnings(parseConfig(input))
const accessWarnings = (access: object) => warnings({ access: { authenticators: [JWT], rules: [RULE], ...access } })

describe('configWarnings', () => {
  it('are none where all is as it seems', () => {
    expect(warnings({})).toEqual([])
    expect(warnings({ server: { allowedHosts: [] }, tcp: { enabled: true } })).toEqual([])
    expect(
      accessWarnings({
        authenticators: [JWT, { type: 'ticket' }, { type: 'callback', url: 'http://localhost/{token}' }, ANONYMOUS],
        rules: [
          RULE,
          { allow: 'subscribe', destination: '/topic/x', anonymous: true },
          { allow: 'subscribe', destination: '/**' },
          { allow: 'send', destination: '/user/*/queue/chat' },
          { allow: ['subscribe', 'send'], destination: '/group/staff/x' },
          { allow: 'send', destination: '/app/**' },
        ],
        apiKeys: [{ name: 'a', key: 'x'.repeat(16), scopes: ['read'] }],
      }),
    ).toEqual([])
    expect(warnings({ server: { host: '0.0.0.0' }, access: { authenticators: [JWT], rules: [RULE] } })).toEqual([])
  })

  it('name each address at which others reach an open bridge', () => {
    expect(warnings({ server: { host: '0.0.0.0' }, tcp: { enabled: true, host: '::' } })).toEqual([
      'server.host is 0.0.0.0 and there is no access: anyone who can reach it may subscribe and send',
      'tcp.host is :: and there is no access: anyone who can reach it may subscribe and send',
    ])
  })

  it.each([
    [{ authenticators: [], rules: [] }, 'access.authenticators is empty: no client can come in'],
    [
      { rules: [] },
      'access.rules is empty: clients may subscribe to what is addressed to themselves, and to nothing else',
    ],
    [
      { authenticators: [ANONYMOUS], rules: [{ allow: ['send'], destination: '/app/**', anonymous: true }] },
      'access.rules[0] lets anyone send to "/app/**", also who is not authenticated',
    ],
    [
      {
        authenticators: [JWT, ANONYMOUS],
        rules: [
          { deny: 'subscribe', destination: '/topic/secret/**' },
          { ...RULE, anonymous: true },
        ],
      },
      'access.rules[0] denies only clients that are authenticated; a later rule lets anonymous ones in: add anonymous: true',
    ],
    [
      { rules: [RULE, { deny: 'subscribe', destination: '/user/queue/secret' }] },
      'access.rules[1] is never asked: below /user clients may subscribe to what is addressed to them, and to nothing else',
    ],
    [
      { rules: [RULE, { allow: 'subscribe', destination: '/tpic/**' }] },
      'access.rules[1]: nothing below /tpic can be subscribed',
    ],
    [
      { rules: [RULE, { allow: ['subscribe', 'send'], destination: '/ap/**' }] },
      'access.rules[1]: nothing can be sent below /ap',
    ],
    [
      { authenticators: [JWT, { ...JWT, jwksUrl: 'https://other.example/' }] },
      'access.authenticators[1] is never asked about tokens of an algorithm that access.authenticators[0] takes: what that one refuses is refused',
    ],
    [
      { authenticators: [JWT, { type: 'ticket', ttlSeconds: 301 }] },
      'access.authenticators[1].ttlSeconds is over 300: a ticket stands in URLs and logs, and should be used at once',
    ],
    [
      { authenticators: [{ type: 'ticket' }, ANONYMOUS] },
      'Nobody can get a ticket: there is no other authenticator, and no API key with the scope tickets',
    ],
    [
      { authenticators: [{ ...JWT, jwksUrl: 'http://id.example/' }] },
      'access.authenticators[0].jwksUrl is http: to another machine: who is in between can replace the keys',
    ],
    [
      { authenticators: [{ ...JWT, audience: undefined }] },
      'access.authenticators[0].audience is missing: tokens that were issued for other services are accepted too',
    ],
    [
      { authenticators: [{ type: 'callback', url: 'http://auth.internal/{token}' }] },
      'access.authenticators[0].url is http: to another machine: who is in between can read tokens, and let anyone in',
    ],
    [
      { authenticators: [{ type: 'callback', url: 'https://auth/{token}', userFrom: 'token' }] },
      'access.authenticators[0].userFrom is token: the token becomes a name that others can see, so it must be no secret',
    ],
    [
      { authenticators: [{ type: 'proxy', userHeader: 'X-User', trustedAddresses: ['::1', '0.0.0.0/0'] }] },
      'access.authenticators[0].trustedAddresses has 0.0.0.0/0, which is every address: everybody can be any user',
    ],
    [
      { apiKeys: [{ name: 'a', key: 'hunter2', scopes: ['read'] }] },
      'access.apiKeys[0].key has fewer than 16 characters: stomp-bridge gen-api-key makes one',
    ],
  ])('of %j', (access, warning) => {
    expect(accessWarnings(access)).toEqual([warning])
  })

  it('name a preset of which only one half is there', () => {
    const endpoints = [{ path: '/ws/{facility}', preset: 'ws4redis' }]
    const inbound = [{ preset: 'ws4redis', facility: '{name}' }]
    expect(warnings({ endpoints })).toEqual([
      "endpoints[0] has preset: ws4redis, but no route brings its channels: routes.inbound needs { preset: ws4redis, facility: '{name}' }",
    ])
    expect(warnings({ endpoints, routes: { inbound } })).toEqual([])
  })

  it('are printed by check-config after OK', () => {
    const sources = { env: { HOST: '0.0.0.0' } }
    expect(checkedConfig(sources, loadConfig(sources))).toBe(
      'OK: built-in defaults, no configuration file; overridden: server.host (HOST)\n' +
        'Warning: server.host is 0.0.0.0 and there is no access: anyone who can reach it may subscribe and send\n',
    )
  })
})
