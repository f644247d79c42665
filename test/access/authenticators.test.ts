import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { exportSPKI } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Attempts } from '../../src/access/attempts.ts'
import { createAuthenticators, type AuthenticatorSetting } from '../../src/access/authenticators.ts'
import { Gate } from '../../src/access/gate.ts'
import { hashPassword } from '../../src/access/passwords.ts'
import { MemoryTicketStore } from '../../src/access/ticket-store.ts'
import { ProtocolError } from '../../src/errors.ts'
import { Metrics } from '../../src/metrics.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { credentials, json, makeKey, NOW, sign, startServer } from './support.ts'

const SECRET = 'a secret of at least thirty-two bytes'

/** Self-signed, of an elliptic curve. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIUaWyjInbnuX7ZC0q21wySsH1IiJowCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMjkwMTQ2MTBaGA8yMTI2MTEwNTAxNDYxMFow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABO7+BaODTxPq
07YXGUt8aBHY+Nka/QxaEcr9taRqYIMASgDn3tF8mtYS8JGgbqDFdvlERT9amFhB
XJAt8WNmVNijUzBRMB0GA1UdDgQWBBSWnmSmtCummSK7wilf66drYa20MDAfBgNV
HSMEGDAWgBSWnmSmtCummSK7wilf66drYa20MDAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIBgUwZ5SWtkzPyOfOnzsevUm0VWU+UdsfsfcNQVaq/7p
AiEAubBgVQSBRPfXrPiQ+vY7eLSUE9gNxqfU3yU17RLejIQ=
-----END CERTIFICATE-----`

function file(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'access-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'key.pem')
  writeFileSync(path, content)
  return path
}

function setUp(settings: readonly AuthenticatorSetting[]) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const metrics = new Metrics()
  onTestFinished(() => metrics.close())
  const now = () => NOW * 1000
  const made = createAuthenticators(settings, { clock, ticketStore: new MemoryTicketStore(clock), metrics, log, now })
  const parts = { attempts: new Attempts(clock), isRevoked: () => false, metrics, log, now }
  return { ...made, log, metrics, gate: new Gate({ ...parts, authenticators: made.authenticators }) }
}

describe('the authenticators of a configuration', () => {
  it('are made in its order, and each knows its own', async () => {
    const key = await makeKey()
    const server = await startServer((asked, response) => {
      json(asked.url === '/auth/other' ? 200 : 403, { auth: true })(asked, response)
    })
    const { authenticators, tickets, gate } = setUp([
      { type: 'jwt', algorithms: ['RS256'], publicKeyFile: file(await exportSPKI(key.publicKey)) },
      { type: 'jwt', algorithms: ['HS256'], secret: SECRET },
      { type: 'users', users: [{ name: 'bob', passwordHash: await hashPassword('builder') }] },
      { type: 'callback', url: `${server.url}/auth/{token}`, method: 'GET', timeoutMs: 1000, cacheSeconds: 0 },
      { type: 'ticket', ttlSeconds: 60 },
      { type: 'proxy', userHeader: 'x-user', trustedAddresses: ['127.0.0.1/32'] },
      { type: 'anonymous' },
    ])
    const types = ['jwt', 'jwt', 'users', 'callback', 'ticket', 'proxy', 'anonymous']
    expect(authenticators.map(({ type }) => type)).toEqual(types)
    const { ticket } = await tickets!.issue({ user: 'dora' })
    const userOf = async (parts: Parameters<typeof credentials>[0]) =>
      (await gate.authenticate(credentials(parts)))?.user
    expect(await userOf({ token: await sign({ sub: 'alice' }, key.privateKey) })).toBe('alice')
    const hs = await sign({ sub: 'anna' }, new TextEncoder().encode(SECRET), { alg: 'HS256' })
    expect(await userOf({ passcode: hs })).toBe('anna')
    expect(await userOf({ login: 'bob', passcode: 'builder' })).toBe('bob')
    expect(await userOf({ token: 'other' })).toMatch(/^token-/)
    // neither a password, whatever login stands beside it, nor for the auth service
    expect(await userOf({ login: 'x', passcode: ticket })).toBe('dora')
    expect(await userOf({ token: ticket })).toBeUndefined()
    expect(server.asked.map(({ url }) => url)).toEqual(['/auth/other'])
    expect(await gate.authenticate(credentials())).toEqual({ user: undefined })
  })

  it('issue no tickets if none takes them', () => {
    expect(setUp([{ type: 'anonymous' }]).tickets).toBeUndefined()
  })

  it('name a key file that cannot be used, without what is in it', () => {
    const path = file('TOP SECRET')
    const make = (publicKeyFile: string) => () => setUp([{ type: 'jwt', algorithms: ['RS256'], publicKeyFile }])
    expect(make(path)).toThrow(`Cannot use the public key file "${path}": This is no public key`)
    expect(make(path)).not.toThrow(/TOP SECRET/)
    expect(make(`${path}.no`)).toThrow(/Cannot use the public key file .*ENOENT/)
  })

  it('take a certificate as a public key file, too, but none that is broken', () => {
    const make = (content: string) => () =>
      setUp([{ type: 'jwt', algorithms: ['ES256'], publicKeyFile: file(content) }])
    expect(make(CERTIFICATE)).not.toThrow()
    expect(make(CERTIFICATE.replace('MII', 'AAA'))).toThrow(/no public key or certificate/)
  })

  it('let nobody in and throw nothing but a ProtocolError, whatever a client says', async () => {
    const server = await startServer(json(403, {}))
    const { gate, log } = setUp([
      { type: 'jwt', algorithms: ['HS256'], secret: SECRET },
      { type: 'jwt', algorithms: ['RS256'], jwksUrl: `${server.url}/jwks` },
      { type: 'ticket', ttlSeconds: 60 },
      { type: 'proxy', userHeader: 'x-user', trustedAddresses: ['127.0.0.1/32'] },
      { type: 'callback', url: `${server.url}/{token}`, method: 'GET', timeoutMs: 1000, cacheSeconds: 0 },
      { type: 'anonymous' },
    ])
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String(), fc.constantFrom('', '.', 'a.b.c', 'tkt_x'))
    const headers = fc.dictionary(
      fc.constantFrom('x-user', 'origin', 'authorization'),
      fc.stringMatching(/^[\x20-\x7e]*$/),
    )
    const parts = fc.record({
      token: text,
      login: fc.option(text, { nil: undefined }),
      passcode: fc.option(text, { nil: undefined }),
      headers,
      remoteAddress: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()).filter((address) => !/^(::ffff:)?127/.test(address)),
    })
    await fc.assert(
      fc.asyncProperty(parts, async (each) => {
        for (const way of ['authenticate', 'authenticateHandshake'] as const) {
          try {
            expect([undefined, 'refused']).toContain(await gate[way](credentials(each)))
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error
          }
        }
      }),
      { numRuns: 200 },
    )
    expect(log.messages('error')).toEqual([])
  })
})
