import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { RedisOptions } from '../../src/redis/options.ts'
import { busForTest, IMPATIENT, redisForTest } from './support.ts'
import { makeCertificates, startTlsFront, type Certificates } from './tls.ts'

let certificates: Certificates
beforeAll(() => {
  certificates = makeCertificates()
})
afterAll(() => certificates.remove())

type Tls = Partial<RedisOptions['tls']>

/** Both ways of saying TLS: they are one. */
const WAYS = [
  ['rediss://', (port: number) => `rediss://127.0.0.1:${port}`, false],
  ['redis.tls.enabled', (port: number) => `redis://127.0.0.1:${port}`, true],
  ['both', (port: number) => `rediss://127.0.0.1:${port}`, true],
] as const

async function front(asksClients = false) {
  const redis = await redisForTest()
  const started = await startTlsFront(redis.port, certificates, asksClients)
  onTestFinished(() => started.close())
  return started
}

describe.each(WAYS)('the bus on Redis by %s', (_name, urlFor, enabled) => {
  const busOn = (port: number, tls: Tls) =>
    busForTest(urlFor(port), { ...IMPATIENT, tls: { rejectUnauthorized: true, ...tls, enabled } })

  it('trusts who redis.tls.caFile names', async () => {
    const { port } = await front()
    const { bus, recorder } = busOn(port, { caFile: certificates.ca })
    await recorder.untilAvailable()
    await bus.subscribe('a')
    await bus.publish('a', '1')
    await recorder.untilReceived(1)
  })

  it('trusts nobody else', async () => {
    const { port } = await front()
    const { recorder } = busOn(port, {})
    await recorder.until(() => /self.signed|unable to (get|verify)/i.test(recorder.reasons.at(-1) ?? ''))
  })

  it('trusts anybody with redis.tls.rejectUnauthorized: false', async () => {
    const { port } = await front()
    const { recorder } = busOn(port, { rejectUnauthorized: false })
    await recorder.untilAvailable()
  })

  it('expects redis.tls.serverName in the certificate, and asks for it', async () => {
    const { port, names } = await front()
    const right = busOn(port, { caFile: certificates.ca, serverName: 'redis.example' })
    await right.recorder.untilAvailable()
    expect(names).toContain('redis.example')
    const wrong = busOn(port, { caFile: certificates.ca, serverName: 'other.example' })
    await wrong.recorder.until(() => /altnames|certificate/i.test(wrong.recorder.reasons.at(-1) ?? ''))
  })

  it('shows the certificate of redis.tls.certFile and keyFile', async () => {
    const { port } = await front(true)
    const { cert, key } = certificates.client
    const { recorder } = busOn(port, { caFile: certificates.ca, certFile: cert, keyFile: key })
    await recorder.untilAvailable()
  })

  it('stays up, and says why, where its certificate is missing or not taken', async () => {
    const { port } = await front(true)
    const { cert, key } = certificates.stranger
    for (const tls of [{ caFile: certificates.ca }, { caFile: certificates.ca, certFile: cert, keyFile: key }]) {
      const { recorder, log } = busOn(port, tls)
      await recorder.untilAway()
      await recorder.until(() => /no connection to .*: ./.test(recorder.reasons.at(-1) ?? ''))
      expect(log.messages('error')).toEqual(['Redis is away'])
    }
  })
})
