import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkConfigFiles } from '../src/config-files.ts'
import { parseConfig } from '../src/config.ts'
import { clientOptions } from '../src/redis/options.ts'
import { makeCertificates, type Certificates } from './redis/tls.ts'

let made: Certificates
let directory: string
beforeAll(() => {
  made = makeCertificates()
  directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-files-'))
})
afterAll(() => {
  made.remove()
  rmSync(directory, { recursive: true, force: true })
})

const redisWith = (redis: object) => parseConfig({ redis })
const jwtWith = (publicKeyFile: string, algorithm: string) =>
  parseConfig({ access: { authenticators: [{ type: 'jwt', algorithms: [algorithm], publicKeyFile }] } })

describe('checkConfigFiles', () => {
  it('names each file of redis.tls that cannot be read, where TLS is used', () => {
    const tls = { caFile: 'no.pem', certFile: made.client.cert, keyFile: directory }
    const named = `redis.tls.caFile: cannot read "no.pem": it does not exist\nredis.tls.keyFile: cannot read "${directory}": it is a directory`
    for (const redis of [
      { url: 'rediss://h', tls },
      { url: 'redis://h', tls: { ...tls, enabled: true } },
      { sentinels: ['h:1'], masterName: 'm', sentinelTls: true, tls },
    ]) {
      expect(() => checkConfigFiles(redisWith(redis))).toThrow(new Error(named))
    }
    expect(checkConfigFiles(redisWith({ url: 'redis://h', tls }))).toEqual([])
    const good = { caFile: made.ca, certFile: made.client.cert, keyFile: made.client.key }
    expect(checkConfigFiles(redisWith({ url: 'rediss://h', tls: good }))).toEqual([])
  })

  it('says what the start says of such a file', () => {
    const { redis } = redisWith({ url: 'rediss://h', tls: { caFile: 'no.pem' } })
    expect(() => clientOptions(redis)).toThrow(/^redis\.tls\.caFile: cannot read "no\.pem": it does not exist$/)
  })

  it('refuses a public key file that is missing, holds a private key, or does not fit its algorithms', () => {
    const rsa = join(directory, 'rsa.pem')
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=x', '-keyout',
      join(directory, 'rsa.key'), '-out', rsa], { stdio: 'pipe' }) // prettier-ignore
    const at = 'access.authenticators[0].publicKeyFile: Cannot use the public key file'
    const said = (path: string, algorithm: string): string => {
      try {
        checkConfigFiles(jwtWith(path, algorithm))
        return 'nothing'
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(said('no.pem', 'RS256')).toMatch(`${at} "no.pem": ENOENT`)
    expect(said(made.server.key, 'ES256')).toMatch(`${at} "${made.server.key}": This is a private key`)
    expect(said(rsa, 'ES256')).toBe(`${at} "${rsa}": Cannot use ES256 for tokens: it needs a key of type ec`)
    expect(said(rsa, 'RS256')).toBe('nothing')
  })

  it('tells all problems of all files at once', () => {
    const nowhere = { certFile: 'no.crt', keyFile: 'no.key' }
    const config = parseConfig({
      server: { tls: nowhere },
      tcp: { enabled: true, tls: nowhere },
      redis: { url: 'rediss://h', tls: { caFile: 'no.pem' } },
      access: { authenticators: [{ type: 'jwt', algorithms: ['RS256'], publicKeyFile: 'no.pub' }] },
    })
    expect(() => checkConfigFiles(config)).toThrow(
      /^server\.tls\.certFile: .*\ntcp\.tls\.certFile: .*\nredis\.tls\.caFile: .*\naccess\.authenticators\[0\]\.publicKeyFile: .*$/,
    )
  })
})
