import { createHash } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  checkTokenCommand,
  explainCommand,
  genApiKeyCommand,
  genTokenCommand,
  hashPasswordCommand,
  type RuleDecision,
  type TokenVerdict,
} from '../../src/access-commands.ts'
import { parseConfig } from '../../src/config.ts'

const SECRET = 'a secret of at least 32 bytes, really'
const NOW = 1_700_000_000
const open = parseConfig()
const configOf = (jwt: object = {}) =>
  parseConfig({
    access: { authenticators: [{ type: 'jwt', algorithms: ['HS384'], secret: SECRET, ...jwt }, { type: 'anonymous' }] },
  })

describe('hash-password', () => {
  it('prints the hash, and refuses nothing as a password', async () => {
    const hash = (password: string) => Promise.resolve(`scrypt$${password.length}`)
    expect(await hashPasswordCommand('four', hash)).toEqual({ output: 'scrypt$4\n', exitCode: 0 })
    expect(await hashPasswordCommand('', hash)).toEqual({ output: 'The password must not be empty.\n', exitCode: 2 })
  })
})

describe('gen-api-key', () => {
  it('prints a key, its digest, and an entry that the configuration takes', () => {
    const { output, exitCode } = genApiKeyCommand('the "shop"')
    const { key, hash } = /^key: {5}(?<key>\S+)\nkeyHash: (?<hash>\S+)\n/.exec(output)!.groups!
    expect(createHash('sha256').update(key!).digest('hex')).toBe(hash)
    expect(key).toHaveLength(43)
    const apiKeys: unknown = parse(output.slice(output.indexOf('  - ')))
    expect(parseConfig({ access: { apiKeys } }).access?.apiKeys).toEqual([
      { name: 'the "shop"', keyHash: hash, scopes: ['publish', 'read'] },
    ])
    expect(output.slice(output.indexOf('  - '))).not.toContain(key)
    expect(exitCode).toBe(0)
    expect(genApiKeyCommand().output).not.toContain(key)
  })
})

describe('gen-token', () => {
  const verify = async (token: string) =>
    jwtVerify(token.trim(), new TextEncoder().encode(SECRET), { currentDate: new Date(NOW * 1000) })

  it('signs what the first authenticator with a secret takes', async () => {
    const config = configOf({ issuer: 'me', audience: 'bridge', userClaim: 'username', groupsClaim: 'roles' })
    const someone = { user: 'alice', groups: ['a', 'b'], claims: { tenant: 7, username: 'mallory' } }
    const { output, exitCode } = await genTokenCommand(config, someone, 60, NOW)
    expect(exitCode).toBe(0)
    expect(decodeProtectedHeader(output.trim()).alg).toBe('HS384')
    const { jti, ...claims } = (await verify(output)).payload
    expect(jti).toMatch(/./)
    expect(claims).toEqual({
      iss: 'me',
      aud: 'bridge',
      username: 'alice',
      roles: ['a', 'b'],
      tenant: 7,
      iat: NOW,
      exp: NOW + 60,
    })
  })

  it('is good for an hour, and has no groups, unless told', async () => {
    const { payload } = await verify((await genTokenCommand(configOf(), { user: 'a' }, undefined, NOW)).output)
    expect(payload).toMatchObject({ sub: 'a', exp: NOW + 3600 })
    expect(payload).not.toHaveProperty('groups')
  })

  it('needs a secret', async () => {
    const signed = { algorithms: ['RS256'], secret: undefined, publicKeyFile: 'a.pem' }
    for (const config of [open, configOf(signed)]) {
      expect(await genTokenCommand(config, { user: 'a' })).toEqual({
        output:
          'There is no secret to sign with: access.authenticators needs one with type: jwt, an HS algorithm and a secret.\n',
        exitCode: 2,
      })
    }
  })
})

describe('check-token', () => {
  const check = (verdict: TokenVerdict) => checkTokenCommand(configOf(), 't', () => Promise.resolve(verdict), NOW)

  it('says who accepts it, as whom, and until when', async () => {
    const identity = { user: 'alice', groups: ['a', 'b'], expiresAt: NOW + 90 }
    expect(await check({ authenticator: 0, identity })).toEqual({
      output:
        'Accepted by access.authenticators[0] (jwt)\n' +
        '  user     alice\n' +
        '  groups   a, b\n' +
        '  expires  2023-11-14T22:14:50Z, in 90 s\n',
      exitCode: 0,
    })
    const { output } = await check({ authenticator: 1, identity: { user: undefined } })
    expect(output).toContain('(anonymous)\n  user     nobody: anonymous\n  groups   none\n  expires  never\n')
  })

  it('says who refuses it', async () => {
    expect(await check({ authenticator: 0, identity: undefined })).toEqual({
      output: 'Refused by access.authenticators[0] (jwt)\n',
      exitCode: 1,
    })
    expect(await check({ authenticator: undefined, identity: undefined })).toEqual({
      output: 'Refused: no authenticator knows such a token\n',
      exitCode: 1,
    })
  })

  it('says why, if that is known', async () => {
    expect((await check({ authenticator: 0, identity: undefined, reason: 'it has expired' })).output).toBe(
      'Refused by access.authenticators[0] (jwt): it has expired\n',
    )
    expect((await check({ authenticator: undefined, identity: undefined, reason: 'it is no JWT' })).output).toBe(
      'Refused: no authenticator knows such a token: it is no JWT\n',
    )
    expect(await check({ cannotTell: 'this is a ticket' })).toEqual({
      output: 'It cannot be told: this is a ticket.\n',
      exitCode: 2,
    })
  })

  it('gives no answer where no token is looked at', async () => {
    const never = () => Promise.reject(new Error('Asked'))
    expect((await checkTokenCommand(open, 't', never)).exitCode).toBe(2)
    expect((await checkTokenCommand(configOf(), '', never)).exitCode).toBe(2)
  })
})

describe('explain', () => {
  const explain = (words: readonly string[], decision: Partial<RuleDecision> = {}, config = configOf()) => {
    const asked: unknown[] = []
    const result = explainCommand(config, { user: 'alice', groups: ['a'] }, words, (_access, ...more) => {
      asked.push(...more)
      return { allowed: true, rule: undefined, reason: 'so', ...decision }
    })
    return { ...result, asked }
  }

  it('prints the deciding rule, and answers by its exit code', () => {
    expect(explain(['send', '/app/x'], { rule: 3, reason: '{ allow: send }' })).toEqual({
      output: 'Allowed: access.rules[3] { allow: send }\n',
      exitCode: 0,
      asked: [{ user: 'alice', groups: ['a'] }, 'send', '/app/x'],
    })
    expect(explain(['subscribe', '/topic/**'], { allowed: false, reason: 'no rule matches' })).toMatchObject({
      output: 'Denied: no rule matches\n',
      exitCode: 1,
    })
  })

  it('says so where there are no rules because all is open', () => {
    expect(explain(['send', '/app/x'], {}, open)).toMatchObject({
      output: 'Allowed: there is no access in the configuration, so anyone may do anything\n',
      exitCode: 0,
      asked: [],
    })
  })

  it.each([
    [['read', '/x'], 'The action must be subscribe or send, not "read".\n'],
    [['send', 'x'], 'The destination must start with "/", and is "x".\n'],
  ])('does not understand %j', (words, output) => {
    expect(explain(words)).toEqual({ output, exitCode: 2, asked: [] })
  })
})
