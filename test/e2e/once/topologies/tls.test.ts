/** TLS to each of several servers, by an authority of one's own: nodes that announce numbers, and certificates that name hosts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificates, type Certificates } from '../../../redis/tls.ts'
import { spawnBridge, type BridgeProcess } from '../../../support/process.ts'
import { startRedisCluster, type RedisCluster } from '../../../support/redis-cluster.ts'
import { MASTER_NAME, startWatchedRedis, type WatchedRedis } from '../../../support/redis-sentinel.ts'
import { bodyText } from '../../../support/stomp-peer.ts'
import { untilReady } from '../../../support/world.ts'
import { configFile, subscribe } from '../../access/stage.ts'
import { enter, post } from '../../history/stage.ts'

let certificates: Certificates
/** Lines of the section `redis`. */
let files: string
beforeAll(() => {
  certificates = makeCertificates()
  const { cert, key } = certificates.client
  files = `caFile: ${certificates.ca}, certFile: ${cert}, keyFile: ${key}`
})
afterAll(() => certificates.remove())

/** With TLS, and this in the section `redis.tls` too. */
function start(place: string, tls = ''): Promise<BridgeProcess> {
  const config = `redis: { ${place}, tls: { enabled: true, ${files}${tls} }, reconnectMaxDelayMs: 100 }`
  return spawnBridge({ runtime: 'bun', args: ['--config', configFile(config)] })
}

/** Sends through it, over all masters where there are several. */
async function expectToWork(bridge: BridgeProcess): Promise<void> {
  await untilReady(bridge)
  const peer = await enter(bridge)
  for (let i = 0; i < 9; i++) {
    await subscribe(peer, `/topic/t${i}`)
    await post(bridge, `/topic/t${i}`, [String(i)])
    expect(bodyText(await peer.expect('MESSAGE', { destination: `/topic/t${i}` }))).toBe(String(i))
  }
}

async function expectRefused(bridge: BridgeProcess): Promise<void> {
  const { reason } = await bridge.waitForLog(({ msg }) => msg === 'Redis is away')
  expect(String(reason)).toMatch(/altnames/)
  expect((await fetch(`${bridge.url}/ready`)).status).toBe(503)
}

describe('a Redis Cluster with TLS', () => {
  let cluster: RedisCluster
  let port: string
  beforeAll(async () => {
    // Each has a name of its own, which it announces beside its number, and one that all have.
    const hostOf = (index: number): string => `node-${index}.redis.test`
    cluster = await startRedisCluster({
      tlsOf: (index) => ({
        ca: certificates.ca,
        ...certificates.named(`node-${index}`, hostOf(index), 'localhost', 'redis.test'),
      }),
      argsOf: (index) => ['--cluster-announce-hostname', hostOf(index)],
    })
    port = cluster.nodes[0]!.split(':')[1]!
  }, 60_000)
  afterAll(() => cluster.stop())

  it('is used where its nodes have the names that they announce', async () => {
    await expectToWork(await start(`cluster: [localhost:${port}]`))
  })

  it('is used where all have the one of redis.tls.serverName', async () => {
    await expectToWork(await start(`cluster: [127.0.0.1:${port}]`, ', serverName: redis.test'))
  })

  it('is not where a certificate has neither', async () => {
    await expectRefused(await start(`cluster: [127.0.0.1:${port}]`, ', serverName: other.test'))
  })
})

describe('Sentinels with TLS', () => {
  let redis: WatchedRedis
  let sentinels: string
  beforeAll(async () => {
    redis = await startWatchedRedis({
      tls: {
        servers: { ca: certificates.ca, ...certificates.named('redis', 'redis.test') },
        sentinels: { ca: certificates.ca, ...certificates.named('sentinel', 'localhost') },
      },
    })
    sentinels = redis.sentinels.map((each) => each.replace('127.0.0.1', 'localhost')).join(', ')
  }, 60_000)
  afterAll(() => redis.stop())

  const place = (): string => `sentinels: [${sentinels}], masterName: ${MASTER_NAME}, sentinelTls: true`

  it('have certificates of their hosts, and the master, of which they say a number, that of redis.tls.serverName', async () => {
    const bridge = await start(place(), ', serverName: redis.test')
    await expectToWork(bridge)
    await redis.servers[0].crash()
    await bridge.waitForLog(({ msg }) => msg === 'Redis has another master', 30_000)
    await expectToWork(bridge)
  }, 60_000)

  it('are not believed without that name', async () => {
    await expectRefused(await start(place()))
  })
})
