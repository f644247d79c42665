import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { CertificateWatch, checkCertificates, readCertificate, validityProblem } from '../src/certificates.ts'
import type { Certificate } from '../src/socket.ts'
import { makeCertificates, type Certificates, type Pair } from './redis/tls.ts'
import { FakeClock } from './support/fake-clock.ts'
import { FakeLog } from './support/fake-log.ts'

const AT = 'server.tls'
const DAY_MS = 86_400_000

let made: Certificates
let directory: string
let certFile: string
let keyFile: string

beforeAll(() => {
  made = makeCertificates()
  directory = mkdtempSync(join(tmpdir(), 'stomp-bridge-certificates-'))
  certFile = join(directory, 'tls.crt')
  keyFile = join(directory, 'tls.key')
})
afterAll(() => {
  made.remove()
  rmSync(directory, { recursive: true, force: true })
})
beforeEach(() => put(made.server))

function put({ cert, key }: Pair): void {
  copyFileSync(cert, certFile)
  copyFileSync(key, keyFile)
}

const read = () => readCertificate({ certFile, keyFile }, AT)

describe('readCertificate', () => {
  it('returns certificate and key as they are, and what the certificate says', () => {
    writeFileSync(certFile, `${readFileSync(certFile, 'utf8')}${readFileSync(made.ca, 'utf8')}`)
    const { pem, subject, validFrom, validTo } = read()
    expect(pem).toEqual({ cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') })
    expect(subject).toBe('CN=server')
    expect(validTo.getTime() - validFrom.getTime()).toBe(2 * DAY_MS)
  })

  it.each<[string, () => void, RegExp]>([
    [
      'a missing certificate',
      () => rmSync(certFile),
      /^server\.tls\.certFile: cannot read ".*crt": it does not exist$/,
    ],
    ['a missing key', () => rmSync(keyFile), /^server\.tls\.keyFile: cannot read ".*key": it does not exist$/],
    [
      'a directory',
      () => (rmSync(keyFile), mkdirSync(keyFile)),
      /^server\.tls\.keyFile: cannot read ".*": it is a directory$/,
    ],
    ['no certificate', () => writeFileSync(certFile, 'x'), /^server\.tls\.certFile: ".*" holds no certificate in PEM$/],
    [
      'a broken one behind the first',
      () =>
        writeFileSync(
          certFile,
          `${readFileSync(certFile, 'utf8')}-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----`,
        ),
      /^server\.tls\.certFile: ".*" holds a certificate that cannot be read$/,
    ],
    ['no key', () => writeFileSync(keyFile, 'x'), /^server\.tls\.keyFile: ".*" holds no private key in PEM/],
    ['the key of another', () => copyFileSync(made.renewed.key, keyFile), /keyFile: ".*" is not the key of the first/],
  ])('says in one line what is wrong: %s', (_what, spoil, text) => {
    onTestFinished(() => rmSync(keyFile, { recursive: true, force: true }))
    spoil()
    expect(read).toThrow(text)
  })

  it('says of a certificate that it has expired, expires soon or is not valid yet', () => {
    const { validFrom, validTo } = read()
    const month = { ...read(), validTo: new Date(validFrom.getTime() + 30 * DAY_MS) }
    expect(validityProblem(month, validFrom.getTime() + DAY_MS)).toBeUndefined()
    expect(validityProblem(month, validFrom.getTime() - 1)).toMatch(/^the certificate is not valid before \d{4}-/)
    expect(validityProblem(month, month.validTo.getTime() - DAY_MS)).toMatch(/^the certificate expires on \d{4}-/)
    expect(validityProblem(read(), validTo.getTime() + 1)).toMatch(/^the certificate has expired on \d{4}-.*refuse it$/)
  })
})

describe('checkCertificates', () => {
  it('says what is wrong with all of them, and nothing of a section without files', () => {
    expect(checkCertificates({ 'server.tls': {}, 'tcp.tls': {} })).toEqual({ problems: [], warnings: [] })
    expect(checkCertificates({ 'server.tls': { certFile, keyFile } })).toEqual({
      problems: [],
      warnings: [expect.stringMatching(/^server\.tls: the certificate expires on/)],
    })
    const missing = { certFile: 'no.crt', keyFile }
    expect(checkCertificates({ 'server.tls': missing, 'tcp.tls': missing }).problems).toEqual([
      expect.stringMatching(/^server\.tls\.certFile: /),
      expect.stringMatching(/^tcp\.tls\.certFile: /),
    ])
  })
})

describe('CertificateWatch', () => {
  function watched() {
    const clock = new FakeClock()
    const log = new FakeLog()
    const used: Certificate[] = []
    const watch = new CertificateWatch({ certFile, keyFile }, { at: AT, current: read(), clock, log }, (each) =>
      used.push(each),
    )
    onTestFinished(() => watch.close())
    return { watch, clock, log, used }
  }

  it('tells of a new certificate once, and of nothing when a file was only touched', async () => {
    const { watch, log, used } = watched()
    await watch.look()
    put(made.renewed)
    await watch.look()
    await watch.look()
    expect(used).toEqual([read().pem])
    writeFileSync(certFile, readFileSync(certFile))
    await watch.look()
    expect(used).toHaveLength(1)
    expect(log.messages('info')).toEqual(['A new certificate is in use'])
    expect(log.messages('error')).toEqual([])
  })

  it('waits for the key when the certificate is written first', async () => {
    const { watch, log, used } = watched()
    copyFileSync(made.renewed.cert, certFile)
    await watch.look()
    expect(used).toEqual([])
    copyFileSync(made.renewed.key, keyFile)
    await watch.look()
    expect(used).toEqual([read().pem])
    expect(log.messages('error')).toEqual([])
  })

  it('says once that what stays cannot be used, and when it can again', async () => {
    const { watch, log, used } = watched()
    writeFileSync(certFile, 'half')
    for (let i = 0; i < 4; i++) await watch.look()
    expect(log.entries.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        fields: { setting: AT, problem: expect.stringContaining('holds no certificate in PEM') },
        message: 'The new certificate cannot be used: the one before stays',
      },
    ])
    put(made.server)
    await watch.look()
    expect(used).toEqual([])
    expect(log.messages('info')).toEqual(['The certificate files can be used again'])
  })

  it('warns once of a certificate that expires soon', async () => {
    const { watch, log } = watched() // valid for two days
    await watch.look()
    await watch.look()
    expect(log.messages('warn')).toEqual(['Look after the certificate'])
  })

  it('keeps the one before, and tries again, when the listener does not take the new one', async () => {
    const log = new FakeLog()
    const used: Certificate[] = []
    let isBroken = true
    const use = (certificate: Certificate): void => {
      if (isBroken) throw new Error('not taken')
      used.push(certificate)
    }
    const options = { at: AT, current: read(), clock: new FakeClock(), log }
    const watch = new CertificateWatch({ certFile, keyFile }, options, use)
    onTestFinished(() => watch.close())
    put(made.renewed)
    await watch.look()
    await watch.look()
    expect(log.messages('error')).toHaveLength(1)
    isBroken = false
    await watch.look()
    expect(used).toEqual([read().pem])
  })

  it('looks by itself, until it is closed', async () => {
    const { watch, clock, used } = watched()
    put(made.renewed)
    expect(clock.pending).toBe(1)
    clock.advance(2000)
    await expect.poll(() => used.length).toBe(1)
    await expect.poll(() => clock.pending).toBe(1)
    watch.close()
    expect(clock.pending).toBe(0)
    put(made.server)
    await watch.look()
    expect(used).toHaveLength(1)
  })
})
