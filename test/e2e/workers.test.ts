/**
 * Several worker processes on one port, seen from outside: clients are spread over them, what is sent reaches all once,
 * one answers for all, one that dies is replaced, and none outlives its supervisor.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { spawnBridge, type BridgeProcess } from '../support/process.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { runtime } from '../support/runtime.ts'
import { bodyText, frameText } from '../support/stomp-peer.ts'
import { eventually, waitFor } from '../support/wait.ts'
import { runBridge } from '../support/command.ts'
import {
  ask,
  childrenOf,
  isAlive,
  kill,
  metricsOf,
  notReady,
  pidsOf,
  post,
  ready,
  subscribe,
  subscribeOnAll,
  takePort,
  type Client,
} from './workers-view.ts'

const WORKERS = 3
/** What a machine under load may need beyond a deadline of the bridge. */
const SLACK_MS = 1500

describe(`${WORKERS} workers on ${runtime}`, () => {
  let redis: RedisServer

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.stop())

  const start = async (env: Record<string, string> = {}, tcp = false): Promise<BridgeProcess> => {
    const bridge = await spawnBridge({
      runtime,
      args: ['--workers', String(WORKERS)],
      env: { REDIS_URL: redis.url, ...env },
      tcp,
    })
    await ready(bridge)
    return bridge
  }

  it('are one bridge: clients on all of them, each message once to each client, one port, one answer', async () => {
    const bridge = await start({ STOMP_BRIDGE_TCP_ENABLED: 'true', STOMP_BRIDGE_TCP_PORT: '0' }, true)
    expect(bridge.stdout()).toMatch(/^ +Workers +3$/m)
    expect(bridge.stdout().match(/^ +WebSocket +ws:\S+$/gm)).toHaveLength(1)
    expect(new Set(pidsOf(bridge).values()).size).toBe(WORKERS)

    const overWebSocket = await subscribeOnAll(bridge.wsUrl, WORKERS)
    const overTcp = await subscribeOnAll(`tcp://127.0.0.1:${bridge.tcpPort}`, WORKERS)
    const clients = [...overWebSocket, ...overTcp]
    for (const message of ['first', 'second']) {
      await post(bridge, message)
      for (const { peer } of clients) expect(bodyText(await peer.expect('MESSAGE'))).toBe(message)
    }
    clients[0]!.peer.send(frameText('SEND', { destination: '/topic/all' }, 'third'))
    for (const { peer } of clients) expect(bodyText(await peer.expect('MESSAGE'))).toBe('third')

    // Whoever is asked: each request is a connection of its own.
    for (let i = 0; i < 12; i++) {
      expect(await ask(`${bridge.url}/ready`)).toMatchObject({ status: 200, body: '{"status":"ready"}' })
      expect(await metricsOf(bridge)).toMatchObject({
        stomp_bridge_workers: WORKERS,
        stomp_bridge_bus_available: 1,
        stomp_bridge_sessions: clients.length,
        stomp_bridge_subscriptions: clients.length,
        stomp_bridge_sessions_opened_total: clients.length,
        stomp_bridge_messages_published_total: 3,
        stomp_bridge_messages_delivered_total: clients.length * 3,
        'process_cpu_seconds_total{worker="1"}': expect.any(Number),
        'process_cpu_seconds_total{worker="3"}': expect.any(Number),
      })
    }
  })

  it('are one bridge to who debugs it: whoever is asked lists and closes the sessions of all', async () => {
    const bridge = await start()
    const clients = await subscribeOnAll(bridge.wsUrl, WORKERS)
    clients[0]!.peer.send(frameText('SEND', { destination: '/app/greet', receipt: 'sent' }, 'x'))
    await clients[0]!.peer.receipt('sent')
    const answers: { node: string }[] = []
    while (new Set(answers.map(({ node }) => node)).size < WORKERS) {
      const { status, body } = await ask(`${bridge.url}/api/bridge`)
      expect(status).toBe(200)
      const view = JSON.parse(body)
      answers.push(view)
      expect(answers.length).toBeLessThan(300)
      expect(view).toMatchObject({
        workers: WORKERS,
        totals: { sessions: clients.length, subscriptions: clients.length, sessionsOpened: clients.length },
        destinations: [{ destination: '/topic/all', subscriptions: clients.length }],
      })
      expect(view.routes).toContainEqual(expect.objectContaining({ destination: '/app/greet', messages: 1 }))
      expect(view.nodes.map(({ id }: { id: string }) => id)).toEqual(
        expect.arrayContaining([...new Set(clients.map(({ node }) => node))]),
      )
      expect(view.nodes.filter(({ isThis }: { isThis: boolean }) => isThis)).toMatchObject([{ id: view.node }])
    }

    const idsOf = async () => {
      const { body } = await ask(`${bridge.url}/api/sessions`)
      const { total, sessions } = JSON.parse(body)
      expect(sessions).toHaveLength(total)
      return sessions.map(({ id }: { id: string }) => id) as string[]
    }
    const ids = await idsOf()
    expect(ids).toHaveLength(clients.length)
    // One of each worker, wherever the request goes.
    const chosen = [...new Map(ids.map((id) => [id.split('-')[0], id])).values()]
    expect(chosen).toHaveLength(WORKERS)
    for (const id of chosen) {
      expect(await ask(`${bridge.url}/api/sessions/${id}`, { method: 'DELETE' })).toEqual({ status: 204, body: '' })
    }
    const closed = await waitFor(() => {
      const all = clients.filter(({ peer }) => peer.isClosed)
      return all.length === chosen.length && all
    })
    for (const { peer } of closed) {
      await peer.expect('ERROR', { code: 'closed-by-operator' })
      expect((await peer.closed).code).toBe(1008)
    }
    await eventually(async () => expect(await idsOf()).toEqual(ids.filter((id) => !chosen.includes(id))))
    expect((await ask(`${bridge.url}/api/sessions/${chosen[0]}`, { method: 'DELETE' })).status).toBe(404)
  })

  it('are not ready while Redis is away, each for itself', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const bridge = await start({ REDIS_URL: own.url, STOMP_BRIDGE_REDIS_RECONNECT_MAX_DELAY_MS: '100' })
    await own.crash()
    const reasons = await notReady(bridge, /worker 1.*worker 2.*worker 3/)
    expect(reasons).toHaveLength(WORKERS)
    for (const reason of reasons) expect(reason).toMatch(/^worker [123]: .*Redis/)
    await own.restart()
    await ready(bridge)
  })

  it('of which one is killed: it is replaced, the others go on, and its clients come back to the same port', async () => {
    const bridge = await start()
    const clients = await subscribeOnAll(bridge.wsUrl, WORKERS)
    const before = await metricsOf(bridge)
    const [[number, pid]] = [...pidsOf(bridge)] as [[number, number]]
    process.kill(pid, 'SIGKILL')
    const lost = await waitFor(() => {
      const closed = clients.filter(({ peer }) => peer.isClosed)
      return closed.length > 0 && closed
    })
    const reasons = await notReady(bridge, /./)
    expect(reasons.join()).toMatch(new RegExp(`^worker ${number}: (ended|starting|.*Redis.*)$`))
    expect(await bridge.waitForLog(({ msg }) => msg === 'Worker ended: starting another')).toMatchObject({
      level: 'error',
      worker: number,
      workerPid: pid,
      reason: 'SIGKILL',
    })

    // The clients of one worker, all of them and no others.
    const [{ node }] = lost as [Client]
    const stayed = clients.filter((client) => client.node !== node)
    await Promise.all(clients.filter((client) => client.node === node).map(({ peer }) => peer.closed))
    await post(bridge, 'meanwhile')
    for (const { peer } of stayed) expect(bodyText(await peer.expect('MESSAGE'))).toBe('meanwhile')

    const back = await Promise.all(lost.map(() => subscribe(bridge.wsUrl)))
    await ready(bridge)
    expect(pidsOf(bridge).get(number)).not.toBe(pid)
    const again = await subscribeOnAll(bridge.wsUrl, WORKERS)
    expect(again.map((client) => client.node)).not.toContain(node)
    await post(bridge, 'again')
    const now = [...stayed, ...back, ...again]
    for (const { peer } of now) expect(bodyText(await peer.expect('MESSAGE'))).toBe('again')
    expect(stayed.filter(({ peer }) => peer.isClosed)).toEqual([])
    // What the dead one had counted stays counted.
    const opened = 'stomp_bridge_sessions_opened_total'
    expect(await metricsOf(bridge)).toMatchObject({
      stomp_bridge_workers: WORKERS,
      stomp_bridge_sessions: now.length,
      [opened]: before[opened]! + back.length + again.length,
    })
  })

  it.each([
    ['SIGTERM to their supervisor', 'SIGTERM', false],
    ['SIGINT to their supervisor', 'SIGINT', false],
    ['SIGINT of a terminal, which they get too', 'SIGINT', true],
  ] as const)('stop in order on %s', async (_name, signal, isOfTerminal) => {
    const bridge = await start()
    const clients = await subscribeOnAll(bridge.wsUrl, WORKERS)
    const pids = [...pidsOf(bridge).values()]
    if (isOfTerminal) for (const pid of pids) process.kill(pid, signal)
    expect(await bridge.stop(signal)).toBe(0)
    for (const { peer } of clients) expect((await peer.closed).code).toBe(1001)
    expect(pids.filter(isAlive)).toEqual([])
    const stopped = bridge.logs().filter(({ msg }) => msg === 'Stopped')
    expect(stopped.map(({ worker }) => worker).sort()).toEqual([1, 2, 3, undefined])
    expect(bridge.logs().filter(({ level }) => level !== 'info')).toEqual([])
    await takePort(bridge.port)
  })

  it('stop in order when their supervisor is killed, and leave nobody', async () => {
    const bridge = await start()
    const clients = await subscribeOnAll(bridge.wsUrl, WORKERS)
    const pids = [...pidsOf(bridge).values()]
    expect(await bridge.stop('SIGKILL')).toBe(137)
    for (const { peer } of clients) expect((await peer.closed).code).toBe(1001)
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]))
    await takePort(bridge.port)
  })

  describe('of which one hangs', () => {
    const deadlineMs = 1500

    /** A bridge whose last worker does nothing, not even end. */
    const startHanging = async () => {
      const bridge = await start({ STOMP_BRIDGE_SHUTDOWN_DEADLINE_MS: String(deadlineMs) })
      const pids = pidsOf(bridge)
      const hanging = pids.get(WORKERS)!
      process.kill(hanging, 'SIGSTOP')
      onTestFinished(() => kill(hanging))
      return { bridge, pids: [...pids.values()] }
    }

    it('are not ready, and their supervisor exits with 0 a second past the deadline at the latest', async () => {
      const { bridge, pids } = await startHanging()
      // The kernel gives some connections to the one that hangs.
      const answer = await eventually(() => ask(`${bridge.url}/ready`, { timeoutMs: 1500 }), { timeoutMs: 20_000 })
      expect(answer).toEqual({
        status: 503,
        body: `{"status":"not-ready","reasons":["worker ${WORKERS}: does not answer"]}`,
      })
      const startedMs = performance.now()
      expect(await bridge.stop()).toBe(0)
      expect(performance.now() - startedMs).toBeLessThan(deadlineMs + 1000 + SLACK_MS)
      expect(pids.filter(isAlive)).toEqual([])
    })

    it('end at once, with 1, on a second signal', async () => {
      const { bridge, pids } = await startHanging()
      const startedMs = performance.now()
      const stopped = bridge.stop()
      // The same signal from a terminal and from npm is one, so a second one counts a moment later.
      const again = setInterval(() => void bridge.stop(), 50)
      onTestFinished(() => clearInterval(again))
      expect(await stopped).toBe(1)
      expect(performance.now() - startedMs).toBeLessThan(deadlineMs)
      await eventually(() => expect(pids.filter(isAlive)).toEqual([]))
    })
  })

  it.each(['serve', 'check-config'])('are refused without Redis, with what to do (%s)', async (command) => {
    const outcome = await runBridge(runtime, {
      args: [command],
      env: { PORT: '0', STOMP_BRIDGE_SERVER_WORKERS: '2' },
    })
    expect(outcome).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'The configuration has a problem:\n' +
        '  redis.url: is missing, and 2 workers need it: the embedded bus is in one process only; set REDIS_URL\n',
    })
  })

  it('are refused on a port that is in use, even by others like them', async () => {
    const bridge = await start()
    const args = ['--workers', '2', '--port', String(bridge.port)]
    expect(await runBridge(runtime, { args, env: { REDIS_URL: redis.url } })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Port ${bridge.port} on 127.0.0.1 is in use: stop the other program or set PORT\n`,
    })
  })

  it('of which one cannot start again are given up: the others stop in order, the last line says why', async () => {
    const bridge = await start()
    const clients = await subscribeOnAll(bridge.wsUrl, WORKERS)
    const [[number, first], ...more] = [...pidsOf(bridge)] as [[number, number], ...[number, number][]]
    const others = more.map(([, pid]) => pid)
    const killing = setInterval(() => {
      void childrenOf(bridge.pid).then((pids) => {
        for (const pid of pids) if (!others.includes(pid)) kill(pid)
      })
    }, 20)
    onTestFinished(() => clearInterval(killing))
    kill(first)
    expect(await bridge.exited).toBe(1)
    const codes = await Promise.all(clients.map(async ({ peer }) => (await peer.closed).code))
    expect(new Set(codes)).toEqual(new Set([1001, 1006]))
    const lines = bridge.stderr().trimEnd().split('\n')
    expect(lines.at(-1)).toBe(`Worker ${number} could not start 5 times in a row: SIGKILL`)
    // one that got as far as to start before it was killed begins the row anew
    const retries = bridge.logs().filter(({ msg }) => msg === 'Worker did not start: trying again')
    expect(retries.length).toBeGreaterThanOrEqual(4)
    await eventually(() => expect(others.filter(isAlive)).toEqual([]))
  })
})
