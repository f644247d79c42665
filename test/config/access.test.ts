import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { loadConfig, parseConfig, redactConfig, secretSettings } from '../../src/config.ts'
import { linesOf, load } from './support.ts'

const SECRET = 'x'.repeat(32)
const HASH = 'scrypt$32768$8$3$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
const HS = { type: 'jwt', algorithms: ['HS256'], secret: SECRET }
const RS = { type: 'jwt', algorithms: ['RS256'], jwksUrl: 'https://id.example/jwks.json' }
const CALLBACK = { type: 'callback', url: 'http://127.0.0.1:5000/auth/{token}' }
const PROXY = { type: 'proxy', userHeader: 'X-Forwarded-User', trustedAddresses: ['127.0.0.1/32', '::1'] }
const ANONYMOUS = { type: 'anonymous' }

const problems = (access: unknown) => linesOf(() => parseConfig({ access }))
const authenticatorProblems = (...authenticators: unknown[]) => problems({ authenticators })
const ruleProblems = (...rules: unknown[]) => problems({ authenticators: [ANONYMOUS], rules })
const keyProblems = (...apiKeys: unknown[]) => problems({ apiKeys })

describe('access', () => {
  it('is not there by default, and closed when nothing is in it', () => {
    expect(parseConfig().access).toBeUndefined()
    expect(parseConfig({ access: {} }).access).toEqual({
      authenticators: [],
      credentials: { query: ['access_token', 'ticket'], cookies: [] },
      expiryGraceSeconds: 25,
      errors: 'close',
      rules: [],
      apiKeys: [],
    })
  })

  it('that has nothing after it in the file is closed, not open', () => {
    expect(load('access:\n#  authenticators: []').access).toEqual(parseConfig({ access: {} }).access)
    expect(parseConfig({ access: null }).access).toEqual(parseConfig({ access: {} }).access)
    expect(parseConfig({ access: undefined }).access).toBeUndefined()
    expect(load('access:\n  rules:\n  credentials:\n').access).toEqual(parseConfig({ access: {} }).access)
  })

  it('has every kind of authenticator, with defaults', () => {
    const { authenticators } = parseConfig({
      access: {
        authenticators: [
          RS,
          HS,
          { type: 'ticket' },
          CALLBACK,
          { type: 'users', users: [{ name: 'alice', passwordHash: HASH }] },
          PROXY,
          ANONYMOUS,
        ],
      },
    }).access!
    expect(authenticators).toEqual([
      { ...RS, userClaim: 'sub', groupsClaim: 'groups', clockToleranceSeconds: 0 },
      { ...HS, userClaim: 'sub', groupsClaim: 'groups', clockToleranceSeconds: 0 },
      { type: 'ticket', ttlSeconds: 60 },
      { ...CALLBACK, method: 'GET', timeoutMs: 1000, cacheSeconds: 0 },
      { type: 'users', users: [{ name: 'alice', passwordHash: HASH, groups: [] }] },
      PROXY,
      ANONYMOUS,
    ])
  })

  it('is made by a variable of the environment, whose lists are JSON', () => {
    const env = {
      STOMP_BRIDGE_ACCESS_AUTHENTICATORS: JSON.stringify([HS]),
      STOMP_BRIDGE_ACCESS_CREDENTIALS_COOKIES: 'session, token',
      STOMP_BRIDGE_ACCESS_EXPIRY_GRACE_SECONDS: '0',
    }
    expect(loadConfig({ env }).access).toMatchObject({
      authenticators: [{ type: 'jwt' }],
      credentials: { query: ['access_token', 'ticket'], cookies: ['session', 'token'] },
      expiryGraceSeconds: 0,
    })
    expect(load('access: {}', { STOMP_BRIDGE_ACCESS_ERRORS: 'soft' }).access?.errors).toBe('soft')
  })

  it('is accepted as it was given back', () => {
    const config = parseConfig({
      access: { authenticators: [HS, ANONYMOUS], rules: [{ allow: 'send', destination: '/app/x' }] },
    })
    expect(parseConfig(config)).toEqual(config)
  })
})

describe('authenticators', () => {
  it.each([
    [{ type: 'jwd' }, 'type: must be one of jwt, ticket, callback, users, proxy, anonymous, not "jwd"'],
    [{ algorithms: ['HS256'] }, 'type: is missing and must be one of jwt, ticket, callback, users, proxy, anonymous'],
    [{ type: 'ticket', ttlSecond: 3 }, 'ttlSecond: is not a setting; did you mean ttlSeconds?'],
    [{ type: 'ticket', ttlSeconds: 0 }, 'ttlSeconds: must be a whole number from 1 to 86400, not 0'],
    [{ type: 'ticket', secret: SECRET }, 'secret: is not a setting'],
    [
      { type: 'jwt' },
      'algorithms: is missing and must be a list of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, at least 1',
    ],
    [
      { ...HS, algorithms: ['none'] },
      'algorithms[0]: must be one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, not "none"',
    ],
    [{ ...HS, secret: undefined }, 'secret: is missing, and HS256 needs it'],
    [{ ...HS, secret: 'x'.repeat(31) }, 'secret: must be at least 32 bytes'],
    [{ ...HS, secret: '***' }, 'secret: must be filled in: *** is what print-config shows in place of a secret'],
    [{ ...HS, secret: 31337 }, 'secret: must be text: put it in quotes'],
    [{ ...HS, jwksUrl: RS.jwksUrl }, 'jwksUrl: must be left out: HS256 has a secret, and no public key'],
    [{ ...HS, publicKeyFile: 'a.pem' }, 'publicKeyFile: must be left out: HS256 has a secret, and no public key'],
    [
      { ...HS, algorithms: ['ES256', 'HS384'], publicKeyFile: 'a.pem' },
      'algorithms: must not have both HS384 and ES256: a public key could pass for the secret. Make two authenticators',
    ],
    [{ ...RS, jwksUrl: undefined }, 'must have publicKeyFile or jwksUrl: RS256 needs a public key'],
    [
      { ...RS, algorithms: ['EdDSA'], jwksUrl: undefined },
      'must have publicKeyFile or jwksUrl: EdDSA needs a public key',
    ],
    [{ ...RS, publicKeyFile: 'a.pem' }, 'jwksUrl: must be left out: publicKeyFile says already what the key is'],
    [{ ...RS, secret: SECRET }, 'secret: must be left out: RS256 has a public key, and no secret'],
    [{ ...RS, jwksUrl: 'file:///jwks.json' }, 'jwksUrl: must be an http:// or https:// URL'],
    [{ ...RS, jwksUrl: 'https://a:b@id.example/' }, 'jwksUrl: must have no user name and no password'],
    [{ ...RS, audience: null }, 'audience: has nothing after it and must be text that is not empty'],
    [
      { ...CALLBACK, url: 'http://h/auth' },
      'url: must have {token} in its path or query, or else the service would never see the token',
    ],
    [
      { ...CALLBACK, url: 'http://{token}.h/' },
      'url: must have {token} in its path or query, or else the service would never see the token',
    ],
    [{ ...CALLBACK, url: '127.0.0.1:5000/{token}' }, 'url: must be an http:// or https:// URL'],
    [{ ...CALLBACK, method: 'POST' }, 'url: must not have {token}: with method: POST the token is sent as JSON'],
    [{ ...CALLBACK, method: 'PUT' }, 'method: must be one of GET, POST, not "PUT"'],
    [{ ...CALLBACK, userFrom: 'login' }, 'userFrom: must be one of token, not "login"'],
    [{ type: 'users', users: [{ name: 'a' }] }, 'users[0].passwordHash: is missing and must be text'],
    [
      { type: 'users', users: [{ name: 'a', passwordHash: 'secret' }] },
      'users[0].passwordHash: must be what stomp-bridge hash-password prints',
    ],
    [
      { type: 'users', users: [{ name: 'a\n', passwordHash: HASH }] },
      'users[0].name: must be text of 1 to 255 characters without control characters',
    ],
    [
      { type: 'users', users: ['a', 'b'].concat('a').map((name) => ({ name, passwordHash: HASH })) },
      'users[2].name: must not be that of access.authenticators[0].users[0] too',
    ],
    [{ ...PROXY, trustedAddresses: undefined }, 'trustedAddresses: is missing and must be a list of text, at least 1'],
    [{ ...PROXY, trustedAddresses: [] }, 'trustedAddresses: must be a list of text, at least 1'],
    ...['10.0.0.0/33', '10.1', '012.0.0.1/8', 'localhost', 'fe80::1%eth0', '10.0.0.0/', '1.2.3.4/8/8'].map(
      (address): [object, string] => [
        { ...PROXY, trustedAddresses: [address] },
        'trustedAddresses[0]: must be an IP address, or a range such as "10.0.0.0/8" or "fd00::/8"',
      ],
    ),
    [{ ...PROXY, userHeader: 'X User' }, 'userHeader: must be the name of a header'],
    [{ ...ANONYMOUS, groups: ['a'] }, 'groups: is not a setting'],
  ])('%j is refused: %s', (authenticator, line) => {
    const place = /^must have|^must be the/.test(line) ? ': ' : '.'
    expect(authenticatorProblems(authenticator)).toEqual([`access.authenticators[0]${place}${line}`])
  })

  it('that are no groups are refused without showing them', () => {
    expect(authenticatorProblems('hunter2')).toEqual(['access.authenticators[0]: must be a group of settings'])
    expect(problems({ authenticators: { ...HS } })).toEqual([
      'access.authenticators: must be a list of { type: jwt | ticket | callback | users | proxy | anonymous, … }',
    ])
  })

  it('have anonymous at the end, and one of a kind that is the same twice', () => {
    expect(authenticatorProblems(ANONYMOUS, HS)).toEqual([
      'access.authenticators[0]: must be the last: anonymous lets in whoever brings nothing, and those after it are not asked',
    ])
    expect(authenticatorProblems({ type: 'ticket' }, { type: 'ticket' }, ANONYMOUS)).toEqual([
      'access.authenticators[1].type: must not be ticket a second time: access.authenticators[0] is',
    ])
  })

  it.each([
    { ...HS, secret: 'ü'.repeat(16) },
    { ...RS, jwksUrl: 'http://localhost:8000/jwks' },
    { ...RS, algorithms: ['RS256', 'PS512', 'ES256', 'EdDSA'], jwksUrl: undefined, publicKeyFile: 'key.pem' },
    { ...CALLBACK, url: 'http://h/?t={token}' },
    { ...CALLBACK, url: 'http://h?t={token}' },
    { ...CALLBACK, url: 'http://h/auth', method: 'POST' },
    { ...PROXY, trustedAddresses: ['10.1.2.3', '::/0', 'fd00::/8'] },
  ])('%j is accepted', (authenticator) => {
    expect(parseConfig({ access: { authenticators: [authenticator] } }).access?.authenticators).toHaveLength(1)
  })
})

describe('rules', () => {
  it('take all that they can have', () => {
    const rules = [
      { allow: 'subscribe', destination: '/topic/public/**', anonymous: true },
      { deny: ['subscribe', 'send'], destination: '/topic/rooms/secret/*' },
      { allow: ['subscribe'], destination: '/topic/rooms/{room}', groups: ['room-{room}', 'staff'] },
      { allow: 'send', destination: '/app/orders/{user}/{claims.tenant-id}', users: ['alice'] },
      { allow: 'send', destination: '/app/**', claims: { role: 'admin', level: 3, active: true } },
    ]
    expect(parseConfig({ access: { authenticators: [ANONYMOUS], rules } }).access?.rules).toEqual(rules)
  })

  it.each([
    [{ destination: '/x' }, ': must have either allow or deny'],
    [{ allow: 'send', deny: 'send', destination: '/x' }, ': must have either allow or deny'],
    [
      { allow: 'read', destination: '/x' },
      '.allow: must be one of subscribe, send, or a list of subscribe, send, at least 1',
    ],
    [
      { allow: [], destination: '/x' },
      '.allow: must be one of subscribe, send, or a list of subscribe, send, at least 1',
    ],
    [{ allow: ['read'], destination: '/x' }, '.allow[0]: must be one of subscribe, send, not "read"'],
    [{ allow: 'send' }, '.destination: is missing and must be text'],
    [{ allow: 'send', destination: 'x' }, '.destination: must start with "/"'],
    [
      { allow: 'send', destination: '/{claims.}' },
      '.destination: has "{claims.}": a variable is written {user}, {claims.name} or {name}',
    ],
    [{ allow: 'send', destination: '/{*all}' }, '.destination: has "{*all}": write ** for the rest'],
    [{ allow: 'send', destination: '/{user' }, '.destination: has "{" without "}"'],
    [
      { allow: 'send', destination: '/{room}', groups: ['{rooms}'] },
      '.groups[0]: has {rooms}, which its destination does not have',
    ],
    [{ allow: 'send', destination: '/x', groups: [] }, '.groups: must be a list of text, at least 1'],
    [
      { allow: 'send', destination: '/x', groups: null },
      '.groups: has nothing after it and must be a list of text, at least 1',
    ],
    [{ allow: 'send', destination: '/x', group: ['a'] }, '.group: is not a setting; did you mean groups?'],
    [
      { allow: 'send', destination: '/x', claims: { a: { b: 1 } } },
      '.claims.a: must be text, a number, true or false, not a group',
    ],
    [{ allow: 'send', destination: '/x', claims: {} }, '.claims: must not be empty'],
    [{ allow: 'send', destination: '/x', anonymous: 'yes' }, '.anonymous: must be true or false, not "yes"'],
  ])('%j is refused', (rule, line) => {
    expect(ruleProblems(rule)).toEqual([`access.rules[0]${line}`])
  })

  it('need authenticators', () => {
    expect(problems({ rules: [{ allow: 'send', destination: '/x' }] })).toEqual([
      'access.authenticators: is missing, and access.rules needs it: nobody could come in',
    ])
  })

  it('do not lose a condition that has nothing after it in the file', () => {
    const text =
      'access:\n  authenticators: [{ type: anonymous }]\n  rules:\n    - allow: send\n      destination: /x\n      groups:\n'
    expect(linesOf(() => load(text))).toEqual([
      'bridge.yaml: access.rules[0].groups: has nothing after it and must be a list of text, at least 1',
    ])
  })
})

describe('API keys', () => {
  const keyHash = createHash('sha256').update('the-key-itself-1').digest('hex')

  it('have a key or its digest, which may be in capitals', () => {
    const { apiKeys } = parseConfig({
      access: {
        apiKeys: [
          { name: 'a', key: 'key-a', scopes: ['publish'] },
          { name: 'b', keyHash: keyHash.toUpperCase(), scopes: ['read', 'tickets', 'admin'] },
        ],
      },
    }).access!
    expect(apiKeys).toEqual([
      { name: 'a', key: 'key-a', scopes: ['publish'] },
      { name: 'b', keyHash, scopes: ['read', 'tickets', 'admin'] },
    ])
  })

  it.each([
    [[{ name: 'a', scopes: ['read'] }], '[0]: must have key or keyHash'],
    [[{ name: 'a', key: 'k', keyHash, scopes: ['read'] }], '[0].keyHash: must be left out: there is the key already'],
    [
      [{ name: 'a', key: 'k' }],
      '[0].scopes: is missing and must be a list of publish, read, tickets, admin, at least 1',
    ],
    [
      [{ name: 'a', key: 'k', scopes: ['write'] }],
      '[0].scopes[0]: must be one of publish, read, tickets, admin, not "write"',
    ],
    [[{ name: 'a', key: 'a b', scopes: ['read'] }], '[0].key: must be printable ASCII characters, without spaces'],
    [
      [{ name: 'a', key: '***', scopes: ['read'] }],
      '[0].key: must be filled in: *** is what print-config shows in place of a secret',
    ],
    [
      [{ name: 'a', keyHash: '123', scopes: ['read'] }],
      '[0].keyHash: must be the SHA-256 digest of a key: 64 hexadecimal digits',
    ],
    [
      ['k', 'l'].map((key) => ({ name: 'a', key, scopes: ['read'] })),
      '[1].name: must not be that of access.apiKeys[0] too',
    ],
    [
      [
        { name: 'a', key: 'the-key-itself-1' },
        { name: 'b', keyHash },
      ].map((key) => ({ ...key, scopes: ['read'] })),
      '[1].keyHash: must not be the key of access.apiKeys[0] too',
    ],
  ])('%j is refused', (keys, line) => {
    expect(keyProblems(...keys)).toEqual([`access.apiKeys${line}`])
  })
})

describe('secrets of access', () => {
  const access = {
    authenticators: [HS, { type: 'users', users: [{ name: 'alice', passwordHash: HASH }] }],
    apiKeys: [
      { name: 'a', key: 'hunter2-hunter2-hunter2', scopes: ['read'] },
      { name: 'b', keyHash: 'a'.repeat(64), scopes: ['read'] },
    ],
  }

  it('are hidden wherever they are, and nothing else is', () => {
    const config = parseConfig({ access })
    const shown = redactConfig(config)
    expect(shown.access).toEqual({
      ...config.access,
      authenticators: [
        { ...config.access!.authenticators[0], secret: '***' },
        { type: 'users', users: [{ name: 'alice', passwordHash: '***', groups: [] }] },
      ],
      apiKeys: [
        { ...access.apiKeys[0], key: '***' },
        { ...access.apiKeys[1], keyHash: '***' },
      ],
    })
    expect({ ...shown, access: 0 }).toEqual({ ...config, access: 0 })
    expect(secretSettings(config)).toEqual([
      'access.authenticators[0].secret',
      'access.authenticators[1].users[0].passwordHash',
      'access.apiKeys[0].key',
      'access.apiKeys[1].keyHash',
    ])
  })

  it.each([
    { authenticators: [{ ...HS, secret: 'hunter2' }] },
    { authenticators: [{ ...HS, secret: ['hunter2'] }] },
    { authenticators: [{ ...HS, secrets: 'hunter2' }] },
    { authenticators: [{ type: 'jwd', secret: 'hunter2' }] },
    { authenticators: [{ type: 'users', users: [{ name: 'a', passwordHash: 'hunter2' }] }] },
    { authenticators: [{ type: 'users', users: { a: 'hunter2' } }] },
    { authenticators: [{ type: 'users', users: ['hunter2'] }] },
    { authenticators: [{ ...RS, jwksUrl: 'ftp://a:hunter2@h' }] },
    { authenticators: 'hunter2' },
    { apiKeys: [{ name: 'a', key: 'hunter2 ', scopes: ['read'] }] },
    { apiKeys: [{ name: 'a', keyHash: 'hunter2', scopes: ['read'] }] },
    { apiKeys: ['hunter2'] },
    'hunter2',
  ])('are not in the words of a problem: %j', (given) => {
    const lines = problems(given)
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain('hunter2')
  })

  it('are not in the words about a variable that is no JSON', () => {
    for (const name of ['AUTHENTICATORS', 'API_KEYS']) {
      expect(linesOf(() => loadConfig({ env: { [`STOMP_BRIDGE_ACCESS_${name}`]: '[hunter2' } }))).toEqual([
        `STOMP_BRIDGE_ACCESS_${name}: must be a list in JSON`,
      ])
    }
  })
})
