/** Several workers that are replaced one after the other, while clients come all the time. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { spawnBridge } from '../support/process.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { connectPeer } from '../support/stomp-peer.ts'
import { eventually, waitFor } from '../support/wait.ts'
import { configFile } from './access/stage.ts'
import { DOORS } from './history/follower.ts'
import { postingTo, Publisher, sendingTo, Subscriber } from './history/ledger-clients.ts'
import { ask, isAlive, pidsOf, ready } from './workers-view.ts'

const WORKERS = 2
const COMING_AT_ONCE = 4
const KEPT = '/topic/kept/all'
const CONFIG = `
history: [{ destination: '/topic/kept/**', size: 10000, ttlSeconds: 300 }]
`
/** Three workers start, one after the other. */
const TIMEOUT_MS = 120_000

/**
 * Where each worker has a listening socket of its own, Linux resets what waits in one that is closed, unless told to hand
 * it on.
 */
const losesNothing = runtime === 'node' || migratesRequests()
/** Else of all that come, so many at most: they would have to come within the moment of a close. */
const MAX_RESET_SHARE = 0.01

function migratesRequests(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1'
  } catch {
    return false
  }
}

describe(`workers on ${runtime}`, () => {
  let redis: RedisServer

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.stop())

  it(
    'are replaced on SIGUSR2, refuse nobody, and lose nothing that has a history',
    { timeout: TIMEOUT_MS },
    async () => {
      const bridge = await spawnBridge({
        runtime,
        args: ['--workers', String(WORKERS), '--config', configFile(CONFIG)],
        env: { REDIS_URL: redis.url, STOMP_BRIDGE_SHUTDOWN_DEADLINE_MS: '5000' },
      })
      await ready(bridge)
      const before = [...pidsOf(bridge).values()]
      let isOver = false
      let served = 0
      const failures: string[] = []
      const comeAndGo = async (come: () => Promise<void>) => {
        while (!isOver) {
          await come().then(
            () => served++,
            (error: Error) => failures.push(String(error)),
          )
        }
      }
      const asHttp = async () => {
        const json = JSON.stringify({ topic: '/topic/all', message: 'x' })
        const { status, body } = await ask(`${bridge.url}/api/notification`, { json })
        if (status !== 200) throw new Error(`status ${status}: ${body}`)
      }
      const asStomp = async () => {
        const peer = await connectPeer({ url: bridge.wsUrl })
        await peer.stompConnect()
        peer.terminate()
      }
      const bridges = { url: () => bridge.url }
      const followers = DOORS.map((door, i) => new Subscriber(i, door, KEPT, bridges, true))
      for (const follower of followers) follower.start()
      onTestFinished(() => followers.forEach((follower) => follower.stop()))
      await waitFor(() => followers.every(({ isLive }) => isLive))
      const publishers = [postingTo(bridges), sendingTo(bridges, onTestFinished)].map(
        (way, i) => new Publisher(i, KEPT, way),
      )
      const publishing = publishers.map((publisher) => publisher.run())
      const coming = Array.from({ length: COMING_AT_ONCE }, (_, i) => comeAndGo(i % 2 === 0 ? asHttp : asStomp))

      process.kill(bridge.pid, 'SIGUSR2')
      await bridge.waitForLog(({ msg }) => msg === 'The workers were replaced', 60_000)
      expect(before.filter(isAlive)).toEqual([])
      const [one] = [...pidsOf(bridge).values()].filter(isAlive)
      process.kill(one!, 'SIGUSR2')
      await bridge.waitForLog(({ msg, pid }) => msg === 'Stopped' && pid === one, 60_000)
      isOver = true
      for (const publisher of publishers) publisher.stop()
      await Promise.all([...coming, ...publishing])
      const published = publishers.flatMap(({ done }) => done)
      const lost = () =>
        followers.flatMap((follower) => follower.lost(published).map((body) => `${follower.name}: ${body}`))
      await eventually(() => expect(lost()).toEqual([]), { timeoutMs: 10_000 })
      expect(followers.flatMap((follower) => follower.problems(published))).toEqual([])
      expect(Math.min(...publishers.map(({ done }) => done.length))).toBeGreaterThan(10)
      expect(Math.max(...followers.map(({ returns }) => returns))).toBeGreaterThan(0)

      expect(served).toBeGreaterThan(COMING_AT_ONCE)
      const resets = failures.filter((text) => text.includes('ECONNRESET'))
      expect(failures.filter((text) => !text.includes('ECONNRESET'))).toEqual([])
      expect(resets.length).toBeLessThanOrEqual(losesNothing ? 0 : Math.max(1, served * MAX_RESET_SHARE))
      expect(bridge.logs().filter(({ level }) => level !== 'info')).toEqual([])
      expect(await bridge.stop()).toBe(0)
    },
  )
})
